/**
 * All that a shard knows of its instruments, as two plain arrays, so that a snapshot is a copy.
 *
 *   hot    one row per instrument: touched by every tick; copied whole into each snapshot
 *   cold   one row per instrument: trades held back for order, closed bars, open gaps; copied when touched
 *
 * The ring of minutes for 24-hour statistics is neither: it is shared memory in which writing an entry again after a
 * restart changes nothing (see `minute-ring.ts`).
 */
import { barWords } from '../market/bar-words.ts';
import { resolutions } from '../market/resolution.ts';

/** Open ranges of missing ids that are remembered per instrument; the oldest is given up as lost beyond that. */
export const gapRangesMax = 64;
/** Words of an open range (`gapWord` in gaps.ts). */
export const gapWords = 6;
/** Spans of time that lack trades for good and are remembered; beyond that the two oldest become one. */
export const lostSpansMax = 16;
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
  /** Market time since which the instrument's streams are taken; 0 when they are not. */
  subscribedAt: 24,
  /** Arrivals of anything, of quotes, of book changes: `watchWord` (watch.ts) each. */
  watch: 25,
  /** Quotes in a row below the last version: how many, market time of the first. */
  quotesBelow: 34,
  quotesBelowSince: 35,
  /** 24 hours before the current minute: minute, open, high, low, volume (2), quote volume (2), count. */
  day: 36,
  graceOpen: 46,
  /** A trade id that a heartbeat told of before the trade came: the id, market time of the telling, its own time. */
  tailId: 56,
  tailSince: 57,
  tailTime: 58,
  /** Market time at which open gaps and stale streams were last told to the hub. */
  toldAt: 59,
  /** Trades beyond belief in a row: price of the last, how many. */
  outlierPrice: 60,
  outlierCount: 61,
  /** By how many digits prices and sizes have grown: price digits + 64 × size digits. */
  scale: 62,
  /** Whether the trades are stale: `watchState` (watch.ts). */
  tradesState: 63,
  /** Trades with ids beyond belief that agree with each other: newest id, how many, first id, and its time. */
  suspectId: 64,
  suspectCount: 65,
  suspectFirst: 66,
  suspectTime: 67,
  /** Spans of time that lack trades for good. */
  lostCount: 68,
  /** Late trades that went into minutes beyond memory, so far. */
  amended: 69,
  /** Quotes beyond belief in a row. */
  quotesFar: 70,
  bars: 72,
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
/** Where the open ranges of missing ids start, and the spans (from, to in µs) that lack trades for good. */
export const gapsFrom = seedsFrom + resolutions.length * barWords;
export const lostFrom = gapsFrom + gapRangesMax * gapWords;
export const coldWords = lostFrom + lostSpansMax * 2;

/** Entries of the minute ring: a day, and room for the replay after a restart. */
export const minuteSlots = 1_536;
/** Words of an entry (`minuteWord` in minute-ring.ts). */
export const minuteWords = 10;
/** Words after all entries: where the entry goes whose change is under way, whether it is whole, and the entry. */
export const minuteJournalWords = 2 + minuteWords;

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
  'heartbeats',
  'lostRecords',
  'subscriptions',
  'rescales',
  'tradesUnbelieved',
  'tradesQuarantined',
  'renumbered',
  'quotesRenumbered',
  'quotesQuarantined',
  'extremesQuarantined',
  'tailGaps',
  'gapsRepaired',
  'gapRows',
  'amendRows',
  'completeRows',
  'quarantineRows',
  'barsCompleted',
  'streamsStale',
  'streamsLive',
  'streamsLeft',
  'gapRequests',
  // Order books: changes and snapshots that came, and what became of them (equation in books.ts).
  'bookUpdates',
  'bookSnapshots',
  'bookApplied',
  'bookSnapshotsTaken',
  'bookSnapshotsOld',
  'bookDuplicates',
  'bookTorn',
  'bookVoid',
  'bookBufferDropped',
  'bookBuffered',
  'bookLevels',
  'bookLevelsBeyond',
  'bookLevelsUnknown',
  'bookLevelsEvicted',
  'bookLevelsStray',
  'bookGaps',
  'bookCrossed',
  'bookCuts',
  'bookResyncs',
  // Indexes: quotes of parts that came, those that were no news, and what was made of them.
  'parts',
  'partsStale',
  'indexTicks',
  'indexTrades',
  // Records of order books: changes, levels, cuts.
  'bookRecords',
  'bookRequests',
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
  return instruments * minuteSlots * minuteWords + minuteJournalWords;
}
