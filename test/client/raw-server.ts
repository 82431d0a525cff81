/** A WebSocket server on a bare TCP socket: what goes out, and in which pieces, is up to the test. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export const opcode = { continuation: 0, text: 1, binary: 2 } as const;

/** One WebSocket frame, as a server sends it (RFC 6455, section 5.2). */
export function webSocketFrame(payload: Uint8Array, code: number = opcode.binary, final = true): Buffer {
  const { length } = payload;
  const size = length < 126 ? [length] : length < 65_536 ? [126, length >> 8, length & 255] : undefined;
  if (size === undefined) throw new RangeError(`${length} bytes`);
  return Buffer.concat([Uint8Array.from([(final ? 0x80 : 0) | code, ...size]), payload]);
}

export interface RawServer {
  readonly url: string;
  /** The socket of the client, once it has shaken hands. */
  readonly client: Promise<Socket>;
  close(): Promise<void>;
}

export async function rawServer(): Promise<RawServer> {
  const { promise: client, resolve } = Promise.withResolvers<Socket>();
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    let request = '';
    socket.on('error', () => {});
    socket.on('data', (data) => {
      if (request.endsWith('\r\n\r\n')) return;
      request += data.toString('latin1');
      if (!request.endsWith('\r\n\r\n')) return;
      socket.write(handshake(request));
      resolve(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/ws`,
    client,
    async close() {
      (await client).destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

function handshake(request: string): string {
  const field = (name: string): string => new RegExp(`^${name}: (.*)\r$`, 'im').exec(request)?.[1] ?? '';
  const accept = createHash('sha1')
    .update(`${field('Sec-WebSocket-Key')}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    `Sec-WebSocket-Protocol: ${field('Sec-WebSocket-Protocol')}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Writes each piece as a segment of its own: the next one goes only when the event loop has turned. */
export async function writeInPieces(socket: Socket, pieces: readonly Uint8Array[]): Promise<void> {
  for (const piece of pieces) {
    await new Promise<void>((done) => socket.write(piece, () => setImmediate(done)));
  }
}
