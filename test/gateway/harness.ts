/** The real gateway thread with rings that the test feeds, and clients on real sockets. */
import { connect, type Socket } from 'node:net';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { type ClientOptions, WebSocket } from 'ws';
import type { ClassAccount } from '../../src/gateway/delivery.ts';
import type { GatewayAccount } from '../../src/gateway/gateway.ts';
import { bookTable } from '../../src/market/book.ts';
import type { GatewayCommand, GatewayReport, GatewayThreadData } from '../../src/threads/gateway.ts';
import { type Block, decodeFrame, type Frame } from '../../src/wire/decode-frame.ts';
import { doorbell } from '../../src/wire/doorbell.ts';
import { segmentRingMemory } from '../../src/wire/segment-ring.ts';
import { dictionaryOf, MarketFeed } from './market-feed.ts';

export interface TestGateway {
  readonly port: number;
  readonly feed: MarketFeed;
  readonly feeds: readonly MarketFeed[];
  /** The query thread's end. */
  readonly query: MessagePort;
  readonly reports: GatewayReport[];
  tell(command: GatewayCommand): void;
  account(): Promise<GatewayAccount>;
  /** Closes it; resolves with the exit code and the last accounting. */
  close(): Promise<{ code: number; accounting: GatewayAccount }>;
}

export type Options = Partial<GatewayThreadData> & {
  readonly instruments?: number;
  readonly ringCount?: number;
};

export function startThread(
  options: Options,
  query: MessagePort,
  rings: SharedArrayBuffer[],
  bell: Int32Array,
): Worker {
  const { instruments = 8, ringCount: _, ...data } = options;
  const workerData: GatewayThreadData = {
    rings,
    bell,
    books: rings.map(() => bookTable(Math.ceil(instruments / rings.length), 20)),
    dictionary: dictionaryOf(instruments),
    host: '127.0.0.1',
    port: 0,
    query,
    version: '0.0.0-test',
    cors: {
      origins: ['https://page.example'],
      methods: ['GET', 'PUT'],
      headers: ['X-Asked'],
      exposed: ['X-Total-Count'],
      credentials: true,
    },
    ...data,
  };
  const entry = new URL('../../src/threads/gateway.ts', import.meta.url);
  return new Worker(entry, { workerData, transferList: [query], execArgv: [] });
}

export async function startGateway(options: Options = {}): Promise<TestGateway> {
  const bell = doorbell();
  const rings = Array.from({ length: options.ringCount ?? 1 }, () => segmentRingMemory(1 << 20));
  const { port1, port2 } = new MessageChannel();
  const worker = startThread(options, port2, rings, bell);
  const reports: GatewayReport[] = [];
  const exit = new Promise<number>((resolve) => worker.once('exit', resolve));
  worker.on('message', (message: GatewayReport) => reports.push(message));
  worker.on('error', (error) => reports.push({ kind: 'fault', message: error.stack ?? error.message }));
  const report = async <Kind extends GatewayReport['kind']>(
    kind: Kind,
  ): Promise<Extract<GatewayReport, { kind: Kind }>> => {
    const found = await until(() => {
      const fault = reports.find((one) => one.kind === 'fault');
      if (fault?.kind === 'fault' && kind !== 'fault') throw new Error(fault.message);
      return reports.find((one): one is Extract<GatewayReport, { kind: Kind }> => one.kind === kind);
    }, `the gateway's ${kind}`);
    return found;
  };
  const { port } = await report('listening');
  const feeds = rings.map((memory) => new MarketFeed(memory, bell));
  return {
    port,
    feed: feeds[0]!,
    feeds,
    query: port1,
    reports,
    tell: (command) => worker.postMessage(command),
    account: async () => {
      const before = reports.findIndex((one) => one.kind === 'accounting');
      if (before >= 0) reports.splice(before, 1);
      worker.postMessage({ kind: 'accounting' });
      return (await report('accounting')).accounting;
    },
    close: async () => {
      worker.postMessage({ kind: 'close' });
      const { accounting } = await report('closed');
      port1.close();
      return { code: await exit, accounting };
    },
  };
}

/** Asks again and again until the answer is neither undefined nor false; fails, with `what`, after ten seconds. */
export async function until<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
): Promise<T> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await sleep(5);
  }
  throw new Error(`waited in vain for ${what}`);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export type Text = Record<string, unknown>;

/** A client that keeps everything in the order in which it came. */
export class TestClient {
  readonly socket: WebSocket;
  /** Text messages parsed, binary ones as bytes. */
  readonly received: (Text | Uint8Array)[] = [];
  closed: { code: number; reason: string } | undefined;

  constructor(port: number, protocol: 'v1' | 'v2' | '' = 'v2', options: ClientOptions = {}) {
    const subprotocols = protocol === '' ? [] : [`tickwire.${protocol}`];
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/ws`, subprotocols, options);
    this.socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.received.push(isBinary ? new Uint8Array(data) : (JSON.parse(data.toString()) as Text));
    });
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    this.socket.on('error', () => undefined);
  }

  static async open(
    port: number,
    protocol: 'v1' | 'v2' | '' = 'v2',
    options: ClientOptions = {},
  ): Promise<TestClient> {
    const client = new TestClient(port, protocol, options);
    await client.text((text) => text['type'] === 'welcome');
    return client;
  }

  send(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Sends a request and waits for the answer with its id. */
  async ask(message: Text): Promise<Text> {
    const id = message['id'] ?? `ask-${this.received.length}-${Math.random()}`;
    this.send({ ...message, id });
    return this.text((text) => text['id'] === id);
  }

  subscribe(symbols: string[], channels?: string[]): Promise<Text> {
    return this.ask({ type: 'subscribe', symbols, ...(channels && { channels }) });
  }

  text(wanted: (text: Text) => boolean): Promise<Text> {
    return until(() => this.texts.find(wanted), 'a text message');
  }

  get texts(): Text[] {
    return this.received.filter((one): one is Text => !(one instanceof Uint8Array));
  }

  get binaries(): Uint8Array[] {
    return this.received.filter((one) => one instanceof Uint8Array);
  }

  get frames(): Frame[] {
    return this.binaries.map((bytes) => decodeFrame(bytes));
  }

  get blocks(): Block[] {
    return this.frames.flatMap((frame) => frame.blocks);
  }

  /** Ids of live trades of an instrument, in the order in which they came. */
  tradeIds(instrument: number): number[] {
    return this.blocks.flatMap((block) =>
      block.kind === 'trade' && block.instrument === instrument && !block.snapshot
        ? block.records.map(({ id }) => id)
        : [],
    );
  }

  async close(): Promise<void> {
    this.socket.close();
    await until(() => this.closed, 'the close');
  }
}

/** due = delivered + conflated + dropped + waiting. */
export function balance({ due, delivered, conflated, dropped, waiting }: ClassAccount): number {
  return (
    due - delivered - conflated - waiting - Object.values(dropped).reduce((sum, count) => sum + count, 0)
  );
}

/** A bare TCP socket that has done the handshake; what comes after it is in `bytes`, unless it is paused. */
export async function rawSocket(
  port: number,
  query = '?protocol=v2',
): Promise<{ socket: Socket; bytes: Buffer[] }> {
  const socket = connect(port, '127.0.0.1');
  const bytes: Buffer[] = [];
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => bytes.push(chunk));
  socket.write(
    `GET /api/v1/ws${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  await until(() => Buffer.concat(bytes).includes('welcome'), 'the welcome');
  return { socket, bytes };
}

/** A client's frame: opcode 1 text, 2 binary, 8 close, 9 ping. */
export function clientFrame(opcode: number, payload: Buffer, masked = true): Buffer {
  const { length } = payload;
  const bit = masked ? 0x80 : 0;
  const head =
    length < 126
      ? Buffer.from([0x80 | opcode, bit | length])
      : Buffer.from([0x80 | opcode, bit | 126, length >>> 8, length & 255]);
  if (!masked) return Buffer.concat([head, payload]);
  const mask = Buffer.from([1, 2, 3, 4]);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ mask[index % 4]!)]);
}

/** The frames a server sent, from raw bytes after the handshake: [opcode, payload]. The last may be cut. */
export function serverFrames(raw: Buffer): [opcode: number, payload: Buffer][] {
  const frames: [number, Buffer][] = [];
  let at = raw.indexOf('\r\n\r\n') + 4;
  while (at + 2 <= raw.length) {
    const opcode = raw[at]! & 15;
    let length = raw[at + 1]! & 127;
    let head = 2;
    if (length === 126) {
      length = raw.readUInt16BE(at + 2);
      head = 4;
    } else if (length === 127) {
      length = Number(raw.readBigUInt64BE(at + 2));
      head = 10;
    }
    if (at + head + length > raw.length) break;
    frames.push([opcode, raw.subarray(at + head, at + head + length)]);
    at += head + length;
  }
  return frames;
}
