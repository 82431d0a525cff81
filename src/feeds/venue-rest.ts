/** Contract: what a venue answers over HTTP. Every request passes the venue's one limiter (request-budget.ts). */
import type { Instrument } from '../market/instrument.ts';
import type { TradesKind } from './normaliser.ts';
import type { Timers } from './timers.ts';

/** Who may ask first when the limit is short: the least number. */
export const restPriority = { repair: 0, watchedBook: 1, book: 2, listing: 3, backfill: 4 } as const;
export type RestPriority = (typeof restPriority)[keyof typeof restPriority];

export interface RestOptions {
  readonly baseUrl: string;
  readonly timers: Timers;
  readonly timeoutMs: number;
  readonly bytesMax: number;
  /** Weight (Binance) or requests (others) in `budgetMs` that we use at most: below the venue's own limit. */
  readonly budget: number;
  readonly budgetMs: number;
  /** For tests; else the global one. */
  readonly fetch?: typeof fetch;
  /** Once aborted, nothing is asked any more, and what is under way is broken off. */
  readonly signal?: AbortSignal;
}

export const restDefaults = { timeoutMs: 15_000, bytesMax: 64 * 2 ** 20 } as const;

/** A candle as the venue made it; sums as in `Bar`. What the venue does not tell is 0. */
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
  /** Index in `resolutions`; see `candleResolutions`. */
  readonly resolution: number;
  /** µs; open time from ≤ t ≤ to. */
  readonly from?: number;
  readonly to?: number;
  readonly limit: number;
  readonly priority: RestPriority;
}

/** A trade as the venue tells it afterwards: mantissas, µs. */
export interface VenueTrade {
  /** Of the kind that was asked for: a trade's or an aggregate's id. */
  readonly id: number;
  readonly time: number;
  readonly price: number;
  readonly size: number;
  readonly firstId: number;
  readonly lastId: number;
  readonly takerSold: boolean;
}

/** A whole book, or its best levels: price and size in turn, best first. */
export interface VenueBook {
  readonly lastId: number;
  /** µs; 0 where the venue does not tell. */
  readonly time: number;
  readonly bids: Float64Array;
  readonly asks: Float64Array;
  /** False when the venue may know of more levels than these. */
  readonly whole: boolean;
}

export interface VenueRest {
  /** The most candles in one answer. */
  readonly candlesMax: number;
  /** The most trades in one answer. */
  readonly tradesMax: number;
  /** Resolutions (indices) whose candles the venue has. */
  readonly candleResolutions: readonly number[];
  instruments(): Promise<Omit<Instrument, 'id'>[]>;
  /** Rising in time, at most `limit` and `candlesMax`. */
  candles(instrument: Instrument, query: CandlesQuery): Promise<VenueCandle[]>;
  /**
   * Trades with ids from ≤ id ≤ to, rising, at most `tradesMax`, the oldest of them first where there are more. Ids that
   * the venue does not have (any more) are left out.
   */
  trades(instrument: Instrument, kind: TradesKind, from: number, to: number): Promise<VenueTrade[]>;
  /** At least `levels` a side where there are so many, and the venue gives so many. */
  book(instrument: Instrument, levels: number, priority: RestPriority): Promise<VenueBook>;
  /** The venue's time in µs. */
  time(): Promise<number>;
  /** For health: how much of the budget is used, who waits, and whether the venue has told us to stop. */
  budget(): RestBudget;
}

export interface RestBudget {
  readonly used: number;
  readonly most: number;
  readonly waiting: number;
  readonly asked: number;
  /** Refused by the venue: 429, 418, 451. */
  readonly limited: number;
  readonly banned: number;
  /** ms until the next request may leave; 0 at once. */
  readonly pausedMs: number;
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
