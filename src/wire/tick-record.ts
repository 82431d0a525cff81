/**
 * The tick record: 64 bytes in which a tick crosses from the hub to a shard. Layout, in 8-byte words:
 *
 *   0                       1         2         3     4         5         6          7
 *   +-----------+-----------+---------+---------+-----+---------+---------+----------+----------+
 *   | kind,flags| instrument| time µs | receive | id  | price   | size    | first id | last id  |  trade
 *   |  u32      |  u32      |  f64    |  µs f64 | f64 | bid     | bidSize | ask      | askSize  |  quote
 *   +-----------+-----------+---------+---------+-----+---------+---------+----------+----------+
 *
 * `clock` records carry only a time: market time has come so far; bars close and forming bars go out by it.
 * `extreme` records (from the venue's daily candles) carry price = all-time high, size = its time,
 * first id = all-time low, last id = its time.
 */

export const tickBytes = 64;
export const tickWords = 8;

export const tickKind = { trade: 1, quote: 2, clock: 3, extreme: 4 } as const;

/** Bits above the kind byte in the first u32. */
export const tickFlag = {
  /** The taker sold. */
  takerSold: 0x100,
  /** The last record of a turn: what was made so far goes out now. */
  flush: 0x200,
  /** The time is the receive time, since the venue sends none (Binance bookTicker). */
  noVenueTime: 0x400,
  /** The second line of an A/B pair. */
  lineB: 0x800,
} as const;

/** Index of each field: `head` and `instrument` in the u32 view (2 a word), the others in the f64 view. */
export const tickField = {
  head: 0,
  instrument: 1,
  time: 1,
  received: 2,
  id: 3,
  price: 4,
  size: 5,
  firstId: 6,
  lastId: 7,
  bid: 4,
  bidSize: 5,
  ask: 6,
  askSize: 7,
} as const;

/** Records side by side in one buffer: a f64 and a u32 view of the same bytes. */
export interface TickRecords {
  readonly words: Float64Array;
  readonly halves: Uint32Array;
}

/** Room for `count` records, shared between threads when asked for. */
export function tickRecords(count: number, shared = false): TickRecords {
  const bytes = count * tickBytes;
  const buffer = shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  return tickRecordsIn(buffer, 0, count);
}

export function tickRecordsIn(buffer: ArrayBufferLike, byteOffset: number, count: number): TickRecords {
  return {
    words: new Float64Array(buffer, byteOffset, count * tickWords),
    halves: new Uint32Array(buffer, byteOffset, count * tickWords * 2),
  };
}

/** Copies record `from` of `source` to slot `to` of `target`. */
export function copyTick(source: TickRecords, from: number, target: TickRecords, to: number): void {
  const a = source.words;
  const b = target.words;
  let i = from * tickWords;
  let j = to * tickWords;
  // Word 0 holds two u32s: copied as such, since a NaN pattern need not survive as f64.
  target.halves[j * 2] = source.halves[i * 2]!;
  target.halves[j * 2 + 1] = source.halves[i * 2 + 1]!;
  for (const end = i + tickWords - 1; i < end; ) b[++j] = a[++i]!;
}
