/** Stands between the server and a venue's streams, and remembers when the server asked for what. */
import { type AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

export interface Asked {
  /** Of performance.now(). */
  readonly atMs: number;
  readonly text: string;
}

export interface VenueProxy {
  readonly wsUrl: string;
  /** Messages of the server, in order. */
  readonly asked: readonly Asked[];
}

export async function watchedVenue(wsUrl: string): Promise<VenueProxy> {
  const asked: Asked[] = [];
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise<void>((resolve) => server.once('listening', resolve));
  server.on('connection', (client, request) => {
    const venue = new WebSocket(`${wsUrl}${request.url ?? ''}`);
    const waiting: string[] = [];
    client.on('message', (data: Buffer) => {
      const text = data.toString();
      asked.push({ atMs: performance.now(), text });
      if (venue.readyState === WebSocket.OPEN) venue.send(text);
      else waiting.push(text);
    });
    venue.on('open', () => {
      for (const text of waiting) venue.send(text);
    });
    venue.on('message', (data: Buffer, isBinary) => client.send(data, { binary: isBinary }));
    venue.on('close', () => client.terminate());
    venue.on('error', () => client.terminate());
    client.on('close', () => venue.terminate());
  });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { wsUrl: `ws://127.0.0.1:${port}`, asked };
}
