/**
 * The Tickwire SDK, for browsers and Node 22.
 *
 *   const client = connect('ws://localhost:8080/api/v1/ws');
 *   client.on('trades', (batch) => {
 *     for (let i = 0; i < batch.count; i++) console.log(client.dictionary.priceText(batch.instrument, batch.price[i]));
 *   });
 *   await client.subscribe(['BTCUSDT'], { channels: ['trades', 'bars:1m'] });
 */
import { type Crc32, tableCrc32 } from '../wire/crc32.ts';
import type { Backoff } from './backoff.ts';
import {
  type Acknowledgement,
  type Pong,
  parseServerMessage,
  type Refused,
  RequestFault,
  type Welcome,
} from './control.ts';
import type { InstrumentDictionary } from './dictionary.ts';
import { type FrameEvents, FrameIntake } from './frames.ts';
import { type ConnectionState, Link } from './link.ts';
import { Listeners } from './listeners.ts';
import type { OrderBook } from './order-books.ts';
import { Requests } from './requests.ts';
import { type OpenSocket, openWebSocket } from './socket.ts';
import { Subscriptions } from './subscriptions.ts';

export { channel, channelNames } from '../wire/block-message.ts';

export interface ClientEvents extends FrameEvents {
  state: (state: ConnectionState) => void;
  welcome: (welcome: Welcome) => void;
  /** The server refused something that no request of ours waits for: a subscription that was asked for again, say. */
  refused: (refused: Refused) => void;
  /** A ping came back. */
  latency: (milliseconds: number) => void;
}

export interface ClientOptions {
  /** Default `v2`. With `v1` there are only `updates`: price and size of each trade. */
  readonly protocol?: 'v1' | 'v2';
  readonly crc32?: Crc32;
  readonly openSocket?: OpenSocket;
  readonly backoff?: Backoff;
  readonly openTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** Between pings: they measure latency and find a dead connection. 0: none. */
  readonly pingEveryMs?: number;
  /** After a bad frame, fresh snapshots are asked for, but not more often than this. */
  readonly refreshEveryMs?: number;
  /** ms of a clock that never goes back. */
  readonly now?: () => number;
  readonly random?: () => number;
}

const defaults = {
  protocol: 'v2',
  crc32: tableCrc32,
  openSocket: openWebSocket,
  backoff: { firstMs: 250, mostMs: 15_000 },
  openTimeoutMs: 10_000,
  requestTimeoutMs: 10_000,
  pingEveryMs: 10_000,
  refreshEveryMs: 1_000,
  now: () => performance.now(),
  random: Math.random,
} as const satisfies Required<ClientOptions>;

const waitingMax = 1_000;

/** Opens a connection that comes back by itself. `url` is the WebSocket address, such as `ws://localhost:8080/api/v1/ws`. */
export function connect(url: string, options: ClientOptions = {}): TickwireClient {
  return new TickwireClient(url, { ...defaults, ...options });
}

export class TickwireClient {
  readonly #options: Required<ClientOptions>;
  readonly #events = new Listeners<ClientEvents>();
  readonly #intake: FrameIntake;
  readonly #requests: Requests;
  readonly #subscriptions = new Subscriptions();
  readonly #link: Link;
  #open = false;
  #state: ConnectionState = { state: 'connecting', attempt: 1 };
  #pingTimer: ReturnType<typeof setInterval> | undefined;
  #refreshTimer: ReturnType<typeof setTimeout> | undefined;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #latencyMs: number | undefined;

  constructor(url: string, options: Required<ClientOptions>) {
    this.#options = options;
    this.#intake = new FrameIntake(this.#events as unknown as Listeners<FrameEvents>, options.crc32);
    this.#requests = new Requests(options.requestTimeoutMs, waitingMax);
    const { openSocket, backoff, openTimeoutMs, random, protocol } = options;
    const v1 = protocol === 'v1';
    this.#link = new Link(
      { url, subprotocol: `tickwire.${protocol}`, openSocket, backoff, openTimeoutMs, random },
      {
        text: (text) => this.#text(text),
        binary: (bytes) => (v1 ? this.#intake.v1(bytes) : this.#intake.v2(bytes)),
        state: (state) => this.#changed(state),
      },
    );
    this.#events.on('fault', () => this.#refresh());
    this.#events.on('bookJump', () => this.#refresh());
    this.#link.open();
  }

  /** Calls `listener` for each event of the name; returns a function that ends it. */
  on<Name extends keyof ClientEvents>(name: Name, listener: ClientEvents[Name]): () => void {
    return this.#events.on(name, listener);
  }

  off<Name extends keyof ClientEvents>(name: Name, listener: ClientEvents[Name]): void {
    this.#events.off(name, listener);
  }

  /**
   * Symbols may be canonical (`BINANCE:BTCUSDT`) or short (`BTCUSDT`). Without channels: trades and quotes.
   * While there is no connection, the request waits for one. Rejects with `RequestFault`, `didYouMean` included.
   */
  async subscribe(
    symbols: readonly string[],
    { channels }: { channels?: readonly string[] } = {},
  ): Promise<Acknowledgement> {
    return (await this.#ask({
      type: 'subscribe',
      symbols,
      ...(channels && { channels }),
    })) as Acknowledgement;
  }

  /** Without channels: all of them. */
  async unsubscribe(
    symbols: readonly string[],
    { channels }: { channels?: readonly string[] } = {},
  ): Promise<Acknowledgement> {
    return (await this.#ask({
      type: 'unsubscribe',
      symbols,
      ...(channels && { channels }),
    })) as Acknowledgement;
  }

  /** Measures the way there and back. */
  async ping(): Promise<{ readonly roundTripMs: number; readonly serverTime: number }> {
    if (!this.#open) throw new RequestFault('not connected');
    const sentAt = this.#options.now();
    const pong = (await this.#ask({ type: 'ping' })) as Pong;
    const roundTripMs = this.#options.now() - sentAt;
    this.#latencyMs = roundTripMs;
    this.#events.emit('latency', roundTripMs);
    return { roundTripMs, serverTime: pong.time };
  }

  /** Resolves when the server has welcomed us; rejects when the client is closed before that. */
  opened(): Promise<void> {
    if (this.#open) return Promise.resolve();
    if (this.#state.state === 'closed') return Promise.reject(new RequestFault('the client was closed'));
    return new Promise((resolve, reject) => {
      const stop = this.on('state', ({ state }) => {
        if (state !== 'open' && state !== 'closed') return;
        stop();
        if (state === 'open') resolve();
        else reject(new RequestFault('the client was closed'));
      });
    });
  }

  close(): void {
    this.#link.close();
  }

  /** Instruments by number and by symbol, with their decimals. */
  get dictionary(): InstrumentDictionary {
    return this.#intake.dictionary;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** ms of the last ping, there and back; undefined before the first. */
  get latencyMs(): number | undefined {
    return this.#latencyMs;
  }

  /** Frames, bytes, faults by reason, jumps, skipped blocks, repeated trades so far. */
  get counts(): Readonly<Pick<FrameIntake, 'frames' | 'bytes' | 'faults' | 'jumps' | 'skipped'>> & {
    readonly repeated: number;
  } {
    const { frames, bytes, faults, jumps, skipped, cursors } = this.#intake;
    return { frames, bytes, faults, jumps, skipped, repeated: cursors.repeated };
  }

  /** Symbols that are subscribed to. */
  get symbols(): string[] {
    return this.#subscriptions.symbols();
  }

  /** Id of the last trade of an instrument; undefined before its first one. */
  lastTradeId(instrument: number): number | undefined {
    return this.#intake.cursors.last(instrument);
  }

  /** The book of an instrument, as far as `book` is subscribed to. */
  book(instrument: number): OrderBook | undefined {
    return this.#intake.books.get(instrument);
  }

  #ask(request: Parameters<Requests['ask']>[0]): Promise<Acknowledgement | Pong> {
    if (this.#state.state === 'closed') return Promise.reject(new RequestFault('the client was closed'));
    return this.#requests.ask(request, this.#open ? (text) => this.#link.send(text) : undefined);
  }

  #text(text: string): void {
    const message = parseServerMessage(text);
    if (message === undefined) return;
    if (message.type === 'welcome') return this.#welcome(message);
    if (message.type === 'symbols') {
      const entries = message.symbols.map((symbol) => ({ ...symbol, active: true, base: '', quote: '' }));
      return this.#intake.learn(message.epoch, entries);
    }
    if (message.type === 'subscribed') this.#subscriptions.add(message.symbols, message.channels);
    if (message.type === 'unsubscribed') this.#unsubscribed(message);
    if (!this.#requests.answer(message) && message.type === 'error') this.#events.emit('refused', message);
  }

  #welcome(welcome: Welcome): void {
    this.#open = true;
    this.#link.welcomed();
    this.#events.emit('welcome', welcome);
    for (const request of this.#subscriptions.requests()) this.#link.send(JSON.stringify(request));
    this.#requests.resend((text) => this.#link.send(text));
    const { pingEveryMs } = this.#options;
    if (pingEveryMs > 0) this.#pingTimer = setInterval(() => void this.#probe(), pingEveryMs);
  }

  async #probe(): Promise<void> {
    try {
      await this.ping();
    } catch (error) {
      if (this.#open && error instanceof RequestFault && error.code === 0)
        this.#link.breakOff('no answer to a ping');
    }
  }

  #unsubscribed({ symbols, channels }: Acknowledgement): void {
    this.#subscriptions.remove(symbols, channels);
    for (const symbol of symbols) {
      const entry = this.dictionary.find(symbol);
      if (entry === undefined) continue;
      if (!this.#subscriptions.has(symbol, 'trades')) this.#intake.cursors.forget(entry.id);
      if (!this.#subscriptions.has(symbol, 'book')) this.#intake.books.forget(entry.id);
    }
  }

  #changed(state: ConnectionState): void {
    this.#state = state;
    if (state.state === 'waiting' || state.state === 'closed') {
      this.#open = false;
      clearInterval(this.#pingTimer);
      clearTimeout(this.#refreshTimer);
      this.#refreshTimer = undefined;
      if (state.state === 'closed') this.#requests.close();
      else this.#requests.broke();
    }
    this.#events.emit('state', state);
  }

  /** Asks for fresh snapshots of all that is subscribed to, by subscribing again. */
  #refresh(): void {
    if (!this.#open || this.#refreshTimer !== undefined) return;
    const { now, refreshEveryMs } = this.#options;
    const waitMs = Math.max(0, this.#refreshedAt + refreshEveryMs - now());
    this.#refreshTimer = setTimeout(() => {
      this.#refreshTimer = undefined;
      this.#refreshedAt = now();
      for (const request of this.#subscriptions.requests()) this.#link.send(JSON.stringify(request));
    }, waitMs);
  }
}
