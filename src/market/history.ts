/** Contracts: what was traded, kept and asked for again. */
import type { Instrument } from './instrument.ts';
import type { Bar, Enigma, GapNotice, Quote, TradeRow } from './tick.ts';

/** By which decimals the mantissas of an instrument are counted. */
export type Decimals = Pick<Instrument, 'priceDecimals' | 'sizeDecimals'>;

/** What was read, and the decimals by which it is stored; undefined when the store knows none. */
export interface Counted<T> {
  readonly decimals: Decimals | undefined;
  readonly found: T;
}

/** One batch for a sink, in the order in which the shard made it. Instruments are ids of the sink's dictionary. */
export interface MarketBatch {
  readonly trades: readonly TradeRow[];
  /** Closed, corrected and forming bars; for the same (instrument, resolution, openTime) the last one counts. */
  readonly bars: readonly Bar[];
  readonly quotes: readonly Quote[];
  readonly enigma: readonly Enigma[];
  /** Candles of the venue: kept where there is no own bar. */
  readonly backfill?: readonly Bar[];
  /** They also take the place of own bars that are incomplete and have a newer own one after them. */
  readonly replaceIncomplete?: boolean;
  readonly gaps?: readonly GapNotice[];
  readonly amendments?: readonly BarAmendment[];
  readonly completions?: readonly BarsCompletion[];
  readonly quarantined?: readonly QuarantinedTrade[];
}

/**
 * A late trade for a stored bar. It counts exactly once: when its own trade row is in the same batch and was not there
 * before. A bar that is not stored is made, incomplete; a backfilled one has the trade already.
 */
export interface BarAmendment {
  readonly instrument: number;
  readonly resolution: number;
  readonly openTime: number;
  readonly id: number;
  readonly time: number;
  readonly price: number;
  readonly size: number;
  readonly firstId: number;
  readonly lastId: number;
  readonly takerSold: boolean;
}

/** Between two trade times (µs, both included) nothing is missing any more, but for other gaps. */
export interface BarsCompletion {
  readonly instrument: number;
  readonly from: number;
  readonly to: number;
  /** Market time of the message. */
  readonly time: number;
}

/** A trade whose price is beyond belief; `reference` is the price that it was judged by. */
export interface QuarantinedTrade {
  readonly instrument: number;
  readonly id: number;
  readonly time: number;
  readonly received: number;
  readonly price: number;
  readonly size: number;
  readonly reference: number;
  readonly takerSold: boolean;
}

/** Trade ids that were missing: still (`gap`), not any more (`repaired`), or for ever (`lost`). */
export interface GapRange {
  readonly from: number;
  readonly to: number;
  readonly state: GapNotice['state'];
  /** Market time (µs) of the first notice, and of the one that closed it (0: open). */
  readonly opened: number;
  readonly closed: number;
  /** Times of the stored trades next to it; the notice's time where there is none. */
  readonly fromTime: number;
  readonly toTime: number;
}

/** What is written. Writing the same batch again changes nothing. */
export interface HistoryWriter {
  /** All of it is durable when the promise resolves, or none of it is there when it rejects. */
  write(batch: MarketBatch): Promise<void>;
  close(): Promise<void>;
}

export interface BarsQuery {
  /** Canonical symbol. */
  readonly symbol: string;
  /** Index in `resolutions`. */
  readonly resolution: number;
  /** Open time in µs: from ≤ open < to. */
  readonly from: number;
  readonly to: number;
  /** At most so many, the newest ones; rising in time. */
  readonly limit: number;
}

export interface TradesQuery {
  readonly symbol: string;
  /** Venue's trade ids: fromId ≤ id ≤ toId. */
  readonly fromId: number;
  readonly toId: number;
  /** At most so many: the oldest ones, or the newest when `newest` is set. Rising by id either way. */
  readonly limit: number;
  readonly newest?: boolean;
}

/** What is read. Symbols that were never written have no rows. */
export interface HistoryReader {
  bars(query: BarsQuery): Promise<Bar[]>;
  /** Rising by id. */
  trades(query: TradesQuery): Promise<TradeRow[]>;
  enigma(symbol: string): Promise<Enigma | undefined>;
  /** The newest ranges, at most `limit`, rising by id; they never overlap. */
  gaps(symbol: string, limit: number): Promise<GapRange[]>;
  /** The newest, at most `limit`, rising by id. */
  quarantined(symbol: string, limit: number): Promise<QuarantinedTrade[]>;
  close(): Promise<void>;
}

/** What a shard must know of an instrument's past to go on where the last run ended. */
export interface InstrumentSeed {
  /** Dictionary id of this run. */
  readonly instrument: number;
  /** The newest bar of each resolution that was made from trades, as far as there is one. */
  readonly bars: readonly Bar[];
  /**
   * Trades that at least one of `bars` does not know of (id above the smallest of their lastIds), rising by id: bars
   * of different lengths are written at different moments, and a crash may come between.
   */
  readonly trades: readonly TradeRow[];
  /** The newest stored trade: the stream goes on after its id (an aggregate's own id is none of its trades'). */
  readonly lastTrade?: TradeRow;
  /** `1m` bars of the last 24 hours before the newest one, rising in time. */
  readonly minutes: readonly Bar[];
  /** Its extremes hold for all that is stored: trades, own bars, and the venue's candles. */
  readonly enigma?: Enigma;
  /** Ids still missing from earlier runs, with the times of the trades next to them (µs), rising; absent when none is. */
  readonly openGaps?: readonly OpenGap[];
}

export type OpenGap = Pick<GapRange, 'from' | 'to' | 'fromTime' | 'toTime'>;

/** The instruments known so far, with ids that are never reused. */
export interface InstrumentStore {
  /** Adds new ones and new metadata; gives back the whole list, each with its lasting id (1, 2, 3 …). */
  enrol(listed: readonly Omit<Instrument, 'id'>[]): Instrument[];
}
