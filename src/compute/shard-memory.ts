/**
 * All that a shard knows of its instruments, as two plain arrays, so that a snapshot is a copy.
 *
 *   hot    one row per instrument: touched by every tick; copied whole into each snapshot
 *   cold   one row per instrument: trades held back for order, and closed bars; copied when touched
 *
 * The ring of minutes for 24-hour statistics is neither: it is shared memory in which an entry is a pure function
 * of a closed bar, so that writing it again after a restart changes nothing (see `day-statistics.ts`).
 */
import { barWords } from '../market/bar-words.ts';
import { resolutions } from '../market/resolution.ts';

/** Open ranges of missing ids that are remembered per instrument; the oldest is given up as lost beyond that. */
export const gapRangesMax = 10;
/** Trades held back per instrument until missing ones come. */
export const heldMax = 32;
/** Words of a held trade: time, received, id, price, size, firstId, lastId, taker sold. */
export const heldWords = 8;

/** Words of a hot row. */
export const hot = {
  /** Next trade id expected; 0 before the first trade. */
  nextId: 0,
  heldCount: 1,
  heldSince: 2,
  gapCount: 3,
  /** Set when the next trade's bars miss ids from before it. */
  gapBefore: 4,
  quoteVersion: 5,
  tradeId: 6,
  tradeTime: 7,
  price: 8,
  size: 9,
  bid: 10,
  bidSize: 11,
  ask: 12,
  askSize: 13,
  quoteTime: 14,
  /** Bits: forming bars 0–9, then `changed.statistics`. */
  changed: 15,
  /** Market time (µs) at which state was last sent out. */
  sentAt: 16,
  /** Bits 0–9: resolutions with a closed bar still in its grace. */
  graceMask: 17,
  ath: 18,
  athTime: 19,
  atl: 20,
  atlTime: 21,
  /** Second in which a quote was last sampled for the sinks. */
  quoteSecond: 22,
  /** Earliest market time (µs) at which a clock must look at this instrument's bars; 0 for never. */
  dueAt: 23,
  /** 24 hours before the current minute: minute, open, high, low, volume (2), quote volume (2), count. */
  day: 24,
  graceOpen: 34,
  gaps: 44,
  bars: 64,
} as const;

export const changedStatistics = 1 << 10;
export const changedAll = (1 << 11) - 1;

export const hotWords = hot.bars + resolutions.length * barWords;

/** Closed bars that are remembered per resolution, so that late trades can amend them. */
export const closedBars = [64, 16, 16, 6, 4, 4, 4, 4, 4, 4] as const;
/** Where each resolution's closed bars start in a cold row. */
export const closedFrom: readonly number[] = closedBars.map(
  (_, index) =>
    heldMax * heldWords + closedBars.slice(0, index).reduce((sum, count) => sum + count * barWords, 0),
);
/**
 * Where the seeds start: one bar per resolution with what an earlier run put into the bar that was open at its end.
 * It belongs to that bar alone and is not merged into longer ones, whose own seeds hold it already.
 */
export const seedsFrom = heldMax * heldWords + closedBars.reduce((sum, count) => sum + count, 0) * barWords;
export const coldWords = seedsFrom + resolutions.length * barWords;

/** Entries of the minute ring: a day, and room for the replay after a restart. */
export const minuteSlots = 1_536;
/** Words of an entry: minute, open, high, low, volume, quote volume (2), count. A minute's volume fits 2^53. */
export const minuteWords = 8;

/** What a shard counts, in this order; part of the snapshot, so that a restart counts nothing twice. */
export const counterNames = [
  'trades',
  'quotes',
  'clocks',
  'extremes',
  'tradesPassed',
  'tradesDuplicate',
  'tradesLate',
  'tradesHeld',
  'tradesReleased',
  'quotesPassed',
  'quotesStale',
  'gaps',
  'gapIds',
  'barsClosed',
  'barsCorrected',
  'barsBeyondMemory',
  'idsLost',
  'barRows',
  'quoteRows',
  'enigmaRows',
] as const;
export type CounterName = (typeof counterNames)[number];
export const counter = Object.fromEntries(counterNames.map((name, index) => [name, index])) as Record<
  CounterName,
  number
>;

/** Words after the counters: highest market time seen (µs), and what it was at the clock record before the last. */
export const shardWord = { now: counterNames.length, clockBefore: counterNames.length + 1 } as const;
const shardWords = counterNames.length + 2;

export interface ShardMemory {
  readonly instruments: number;
  /** `hotWords` per instrument, then `counters`. */
  readonly hot: Float64Array;
  /** By `counter`, then by `shardWord`: of the shard as a whole. */
  readonly counters: Float64Array;
  readonly cold: Float64Array;
  /** 1 where a cold row was touched since the last snapshot. */
  readonly coldTouched: Uint8Array;
  readonly minutes: Float64Array;
}

export function hotLength(instruments: number): number {
  return instruments * hotWords + shardWords;
}

/** Memory for `instruments`, empty; `minutes` is shared with the shard's next life. */
export function shardMemory(instruments: number, minutes: Float64Array): ShardMemory {
  const words = new Float64Array(hotLength(instruments));
  return {
    instruments,
    hot: words,
    counters: words.subarray(instruments * hotWords),
    cold: new Float64Array(instruments * coldWords),
    coldTouched: new Uint8Array(instruments),
    minutes,
  };
}

export function minutesLength(instruments: number): number {
  return instruments * minuteSlots * minuteWords;
}
