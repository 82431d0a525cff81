/** Contracts: what was traded, kept and asked for again. */
import type { Instrument } from './instrument.ts';
import type { Bar, Enigma, Quote, TradeRow } from './tick.ts';

/** One batch for a sink, in the order in which the shard made it. Instruments are ids of the sink's dictionary. */
export interface MarketBatch {
  readonly trades: readonly TradeRow[];
  /** Closed, corrected and forming bars; for the same (instrument, resolution, openTime) the last one counts. */
  readonly bars: readonly Bar[];
  readonly quotes: readonly Quote[];
  readonly enigma: readonly Enigma[];
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
  close(): Promise<void>;
}

/** What a shard must know of an instrument's past to go on where the last run ended. */
export interface InstrumentSeed {
  /** Dictionary id of this run. */
  readonly instrument: number;
  /** The newest bar of each resolution, as far as there is one. */
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
  readonly enigma?: Enigma;
}

/** The instruments known so far, with ids that are never reused. */
export interface InstrumentStore {
  /** Adds new ones and new metadata; gives back the whole list, each with its lasting id (1, 2, 3 …). */
  enrol(listed: readonly Omit<Instrument, 'id'>[]): Instrument[];
}
