/**
 * A venue of the tests, over real sockets: small texts instead of JSON ticks, any way of acknowledging, and faults on
 * demand. Streams are named `trade.N`, `quote.N` and `book.N` after the instrument's id.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Normaliser } from '../../src/feeds/normaliser.ts';
import { control, refusal } from '../../src/feeds/refusal.ts';
import type { Answer, Venue, VenueLimits, VenueStream } from '../../src/feeds/venue.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { type TickRecords, tickField, tickFlag, tickKind } from '../../src/wire/tick-record.ts';
import { instrument } from './market.ts';

export type Mode = Venue['acknowledges'];

export const fakeLimits: VenueLimits = {
  streamsPerConnection: 50,
  streamsPerRequest: 10,
  requestGapMs: 250,
  connects: { most: 300, withinMs: 300_000 },
  connectsPerSecond: 0,
  subscribeWithinMs: 0,
  lifetimeMs: 0,
};

/** `T <instrument> <id>` trade, `S <instrument>` book snapshot, `C <instrument>` book change, `A …` answer, `X` shutdown. */
export function readFake(text: string, received: number, { halves, words }: TickRecords): number {
  const [kind, id, number] = text.split(' ');
  if (kind === 'A') return control.answer;
  if (kind === 'X') return control.shutdown;
  const heads: Record<string, number> = {
    T: tickKind.trade,
    S: tickKind.book | tickFlag.noIds | tickFlag.snapshot,
    C: tickKind.book | tickFlag.noIds,
  };
  if (heads[kind!] === undefined) return refusal.notJson;
  halves[tickField.head] = heads[kind!]!;
  halves[tickField.instrument] = Number(id);
  words[tickField.time] = received;
  words[tickField.received] = received;
  words[tickField.id] = Number(number ?? 0);
  return 1;
}

export function fakeVenue(
  acknowledges: Mode = 'by-id',
  limits: Partial<VenueLimits> = {},
  kinds: readonly string[] = ['trade'],
): Venue {
  const normaliser: Normaliser = {
    normalise: (bytes, from, to, received, out) =>
      readFake(Buffer.from(bytes.subarray(from, to)).toString(), received, out),
  };
  return {
    name: 'FAKE',
    wsUrl: '',
    restUrl: '',
    limits: { ...fakeLimits, ...limits },
    socketUrl: (wsUrl) => wsUrl,
    streams: (one) =>
      kinds.map(
        (kind): VenueStream => ({
          name: `${kind}.${one.id}`,
          instrument: one,
          group: kind,
          book: kind === 'book',
        }),
      ),
    subscribe: (params, id, keys, seconds) =>
      JSON.stringify({ method: 'SUBSCRIBE', params, id, ...(keys === undefined ? {} : { keys, seconds }) }),
    unsubscribe: (params, id) => JSON.stringify({ method: 'UNSUBSCRIBE', params, id }),
    acknowledges,
    answerOf: (bytes) => JSON.parse(Buffer.from(bytes).toString().slice(2)) as Answer,
    bookFrom: 'stream',
    normaliser: () => normaliser,
    rest: () => {
      throw new Error('this venue has no REST');
    },
  };
}

export function fakeInstruments(count: number): Instrument[] {
  return Array.from({ length: count }, (_, i) => instrument(i + 1, `S${i + 1}USDT`));
}

export interface Asked {
  readonly method: 'SUBSCRIBE' | 'UNSUBSCRIBE';
  readonly params: string[];
  readonly id: number;
  readonly keys?: unknown;
  readonly seconds?: number;
}

export interface FakeSocket {
  readonly socket: WebSocket;
  readonly raw: Socket;
  readonly streams: Set<string>;
  readonly asked: Asked[];
  /** ms, of the real clock. */
  readonly connectedAt: number;
  readonly askedAt: number[];
  closed: boolean;
}

export class FakeServer {
  readonly sockets: FakeSocket[] = [];
  /** Connection attempts, upgraded or not. */
  attempts = 0;
  /** Streams that are refused; a request with one of them is refused as a whole, unless `partly`. */
  readonly refused = new Set<string>();
  /** By-list: what is refused is left out of the list without a word. */
  partly = false;
  /** Does what it is asked and says nothing. */
  mute = false;
  /** Forgets requests. */
  deaf = false;
  /** Status of the next upgrades; 101 takes them. */
  status = 101;
  retryAfter = '';
  readonly #mode: Mode;
  readonly #http = createServer();
  readonly #server = new WebSocketServer({ noServer: true });

  private constructor(mode: Mode) {
    this.#mode = mode;
    this.#http.on('upgrade', (request: IncomingMessage, raw: Socket, head: Buffer) => {
      this.attempts++;
      raw.on('error', () => undefined);
      if (this.status !== 101) {
        const retry = this.retryAfter === '' ? '' : `Retry-After: ${this.retryAfter}\r\n`;
        raw.end(`HTTP/1.1 ${this.status} No\r\n${retry}Content-Length: 0\r\nConnection: close\r\n\r\n`);
        return;
      }
      this.#server.handleUpgrade(request, raw, head, (socket) => this.#take(socket, raw));
    });
  }

  static async start(mode: Mode = 'by-id'): Promise<FakeServer> {
    const server = new FakeServer(mode);
    server.#http.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.#http.once('listening', resolve));
    return server;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  get open(): FakeSocket[] {
    return this.sockets.filter(({ closed }) => !closed);
  }

  /** All requests, in the order of the sockets. */
  get asked(): Asked[] {
    return this.sockets.flatMap(({ asked }) => asked);
  }

  /** Streams that are delivered, over all open sockets. */
  get streams(): string[] {
    return this.open.flatMap(({ streams }) => [...streams]).toSorted();
  }

  /** Sends to every socket that has the stream. */
  tell(stream: string, text: string): void {
    for (const { socket, streams, closed } of this.sockets) {
      if (!closed && streams.has(stream)) socket.send(text);
    }
  }

  close(): void {
    for (const { socket } of this.sockets) socket.terminate();
    this.#http.close();
  }

  #take(socket: WebSocket, raw: Socket): void {
    const one: FakeSocket = {
      socket,
      raw,
      streams: new Set(),
      asked: [],
      connectedAt: performance.now(),
      askedAt: [],
      closed: false,
    };
    this.sockets.push(one);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      one.closed = true;
    });
    socket.on('message', (data) => {
      const asked = JSON.parse((data as Buffer).toString()) as Asked;
      one.asked.push(asked);
      one.askedAt.push(performance.now());
      this.#serve(one, asked);
    });
  }

  #serve(one: FakeSocket, { method, params, id }: Asked): void {
    if (this.deaf) return;
    const isBad = method === 'SUBSCRIBE' && params.some((name) => this.refused.has(name));
    const taken = params.filter((name) => !(method === 'SUBSCRIBE' && this.refused.has(name)));
    const error = isBad && !this.partly ? `no such stream in ${params.length}` : undefined;
    if (error === undefined) {
      for (const name of taken) {
        if (method === 'SUBSCRIBE') one.streams.add(name);
        else one.streams.delete(name);
      }
    }
    if (this.mute) return;
    const said: Record<Mode, object | undefined> = {
      'by-id': error === undefined ? { id } : { id, error },
      'by-list': error === undefined ? { granted: [...one.streams] } : { error },
      'by-error': error === undefined ? undefined : { error },
    };
    const answer = said[this.#mode];
    if (answer !== undefined) one.socket.send(`A ${JSON.stringify(answer)}`);
  }
}
