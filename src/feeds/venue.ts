/** Contract: what a venue is. A venue is a value; connections, back-off and counting are the same for all. */
import type { Instrument } from '../market/instrument.ts';
import type { Normaliser, NormaliserOptions, TradesKind } from './normaliser.ts';
import type { Timers } from './timers.ts';

/** Streams that belong on sockets of their own, such as all quotes. */
export interface StreamGroup {
  readonly name: string;
  readonly streams: readonly string[];
}

/** A venue's answer to a request for streams. */
export interface Answer {
  readonly id: number;
  /** Why the request was refused; absent when it was granted. */
  readonly error?: string;
}

export interface Venue {
  /** As in canonical symbols. */
  readonly name: string;
  readonly wsUrl: string;
  readonly restUrl: string;
  readonly streamsPerConnectionMax: number;
  /** Address of a socket that has no streams yet. */
  socketUrl(wsUrl: string): string;
  groups(instruments: readonly Instrument[], tradesOf: (instrument: Instrument) => TradesKind): StreamGroup[];
  /** The message that asks for streams; the answer carries `id`. */
  subscribe(streams: readonly string[], id: number): string;
  /** Reads a message that the normaliser called an answer; undefined when it names no request. */
  answerOf(bytes: Uint8Array): Answer | undefined;
  normaliser(options: NormaliserOptions): Normaliser;
  rest(options: RestOptions): VenueRest;
}

export interface RestOptions {
  readonly baseUrl: string;
  readonly timers: Timers;
  readonly timeoutMs: number;
  readonly bytesMax: number;
  /** Stop asking when this much of the venue's weight a minute is used. */
  readonly weightMax: number;
  /** For tests; else the global one. */
  readonly fetch?: typeof fetch;
}

export const restDefaults = { timeoutMs: 15_000, bytesMax: 64 * 2 ** 20, weightMax: 4_800 } as const;

/** A candle as the venue made it; sums as in `Bar`. */
export interface VenueCandle {
  /** µs. */
  readonly openTime: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: bigint;
  readonly quoteVolume: bigint;
  readonly count: number;
  readonly takerBuyVolume: bigint;
  readonly takerBuyQuoteVolume: bigint;
}

export interface CandlesQuery {
  /** The venue's name of the interval, such as `1d`. */
  readonly interval: string;
  /** µs; open time from ≤ t ≤ to. */
  readonly from?: number;
  readonly to?: number;
  readonly limit: number;
}

/** What a venue answers over HTTP. All reject with a `RestFault`. */
export interface VenueRest {
  instruments(): Promise<Omit<Instrument, 'id'>[]>;
  /** Rising in time. */
  candles(instrument: Instrument, query: CandlesQuery): Promise<VenueCandle[]>;
  /** The venue's time in µs. */
  time(): Promise<number>;
}

export type RestFaultKind = 'unreachable' | 'limited' | 'banned' | 'refused' | 'malformed';

export class RestFault extends Error {
  override readonly name = 'RestFault';
  readonly kind: RestFaultKind;
  /** Asking earlier is useless (or makes a ban longer); no request is sent before. 0: at once. */
  readonly retryAfterMs: number;

  constructor(kind: RestFaultKind, message: string, retryAfterMs = 0, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}
