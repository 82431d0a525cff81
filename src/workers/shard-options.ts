/** What a shard is given: shared memory and numbers only, so that it can cross to its thread and be given again. */
import type { ShardIndex } from './index-stage.ts';
import type { ShardEstate } from './shard-snapshots.ts';

export interface ShardOptions {
  /** This shard's place among `shards`: it owns instruments with (id − 1) mod shards = index. */
  readonly index: number;
  readonly shards: number;
  readonly estate: ShardEstate;
  /** Tick ring (wire/tick-ring.ts) and the bell that its writer rings. */
  readonly input: SharedArrayBuffer;
  readonly bell: SharedArrayBuffer;
  /** Block rings (wire/segment-ring.ts) to gateways, with the bells of their readers. */
  readonly gateways: readonly Outlet[];
  /** Row rings to sinks. */
  readonly sinks: readonly Outlet[];
  /**
   * Row ring to the hub's thread (gap, book request and status rows). What finds no room in it is left out and counted:
   * requests say how things stand, and are made again while they stand so.
   */
  readonly requests: Outlet;
  /** Latest-price table, as the stores lay it out; handed on to `openLatest`. */
  readonly latest: SharedArrayBuffer;
  /** i32 control: see `shardControl`. */
  readonly control: SharedArrayBuffer;
  /** f64 counters for health: `counterNames`, then `reportNames`. */
  readonly report: SharedArrayBuffer;
  readonly rules: ShardRules;
}

export interface Outlet {
  readonly memory: SharedArrayBuffer;
  readonly bell: SharedArrayBuffer;
}

/** Numbers from the configuration. Times in µs of market time. */
export interface ShardRules {
  /** A closed bar is amended silently for so long. */
  readonly graceMicros: number;
  /** State (ticker, Enigma, forming bars) goes out at most so often per instrument. */
  readonly formingMicros: number;
  /** How long a trade waits for missing ids before it. */
  readonly reorderMicros: number;
  /** How many trades wait for missing ids at most; not above `heldMax`. */
  readonly reorderRecords: number;
  /** Quotes to the sinks: none, one a second, all. */
  readonly quotes: 'none' | '1s' | 'all';
  /** False: no bars go out (24-hour statistics go on). */
  readonly bars: boolean;
  readonly enigma: boolean;
  /** Records between snapshots. */
  readonly snapshotRecords: number;
  /**
   * When a gateway's ring is full: true waits (a replay: the source slows down), false collapses a turn's quotes to
   * the last one per instrument before waiting (live: the exchange does not slow down).
   */
  readonly waitWhenFull: boolean;
  readonly books?: {
    /** Kept a side; at most 2,000. Memory is laid out for it by `shardEstate`. */
    readonly levels: number;
    /** Best levels of a `bookTop`; at most 50. */
    readonly topLevels: number;
    /** A side that is not known as a whole and has fewer levels than this asks for more. */
    readonly lowWater: number;
    /** A snapshot that does not come is asked for again after so long. */
    readonly requestMicros: number;
  };
  /** Indexes of all shards; each makes those that it owns. */
  readonly indexes?: readonly ShardIndex[];
  /** A trade id that a heartbeat tells of may be so late before it is missing. */
  readonly tailMicros?: number;
  /** Open gaps and stale streams are told to the hub again after so long. */
  readonly repeatMicros?: number;
  /** Least and most quiet time of a stream that is expected; it is stale when silent for twice the learned one. */
  readonly quietMicrosMin?: number;
  readonly quietMicrosMax?: number;
}

/** What holds where the configuration says nothing. */
export const ruleDefaults = {
  indexes: [],
  books: { levels: 1_000, topLevels: 20, lowWater: 200, requestMicros: 5_000_000 },
  tailMicros: 2_000_000,
  repeatMicros: 5_000_000,
  quietMicrosMin: 1_000_000,
  quietMicrosMax: 300_000_000,
} as const;

/** Words of the control i32 array. */
export const shardControl = { stop: 0, pulse: 1, running: 2 } as const;

export const reportNames = [
  'position',
  'flushes',
  'snapshots',
  'quotesConflated',
  'waits',
  'requestsDropped',
] as const;
export const report = {
  position: 0,
  flushes: 1,
  snapshots: 2,
  quotesConflated: 3,
  waits: 4,
  requestsDropped: 5,
} as const;
