/** A Tickwire server that does what a test tells it: acknowledges, sends the frames it is given, breaks off. */
import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

export interface Asked {
  readonly type: string;
  readonly id?: number;
  readonly symbols?: readonly string[];
  readonly channels?: readonly string[];
}

export interface ScriptedServer {
  readonly url: string;
  /** All requests so far, over all connections. */
  readonly asked: Asked[];
  /** Connections so far. */
  readonly connections: number;
  /** Waits until `count` requests have come. */
  until(count: number): Promise<void>;
  send(data: Uint8Array | object): void;
  /** Ends the current connection with a close code; without one, without a word. */
  breakOff(code?: number, reason?: string): void;
  close(): Promise<void>;
}

export type Answer = (asked: Asked) => object | undefined;

const canonical = (symbols: readonly string[] | undefined): string[] =>
  (symbols ?? []).map((symbol) => (symbol.includes(':') ? symbol : `BINANCE:${symbol}`));

/** Acknowledges everything but the symbol `BTCUST`. */
export const acknowledge: Answer = ({ type, id, symbols, channels }) => {
  if (type === 'ping') return { type: 'pong', id, time: 1_700_000_000_000_000 };
  if (symbols?.includes('BTCUST')) {
    return {
      type: 'error',
      id,
      code: 111,
      error: 'unknown symbol "BTCUST"',
      didYouMean: ['BINANCE:BTCUSDT'],
    };
  }
  return { type: `${type}d`, id, symbols: canonical(symbols), channels: channels ?? ['trades', 'quotes'] };
};

export async function scriptedServer(answer: Answer = acknowledge, welcomes = true): Promise<ScriptedServer> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  await once(server, 'listening');
  const asked: Asked[] = [];
  let socket: WebSocket | undefined;
  let connections = 0;
  const heard = new EventEmitter();
  server.on('connection', (opened) => {
    socket = opened;
    connections++;
    const protocol = opened.protocol.replace('tickwire.', '');
    const welcome = {
      type: 'welcome',
      protocol,
      server: 'tickwire',
      version: '0.1.0',
      time: 1_700_000_000_000_000,
    };
    if (welcomes) opened.send(JSON.stringify(welcome));
    opened.on('message', (data: Buffer) => {
      const request = JSON.parse(data.toString()) as Asked;
      asked.push(request);
      const reply = answer(request);
      if (reply !== undefined) opened.send(JSON.stringify(reply));
      heard.emit('asked');
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/ws`,
    asked,
    get connections() {
      return connections;
    },
    async until(count) {
      while (asked.length < count) await once(heard, 'asked');
    },
    send: (data) => socket?.send(data instanceof Uint8Array ? data : JSON.stringify(data)),
    breakOff: (code, reason) => (code === undefined ? socket?.terminate() : socket?.close(code, reason)),
    close: () => {
      for (const client of server.clients) client.terminate();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
