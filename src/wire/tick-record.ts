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
 * `extreme` records (of one daily candle of the venue, or of stored history) carry price = high, size = its time,
 * first id = low, last id = its time; receive = the candle's open and id = its close, 0 when unknown: a high or low far
 * from both is a bad print.
 *
 * A change of an order book is one `book` record and, right after it, as many `levels` records as its levels need:
 *
 *   | book,flags| instrument| time µs | receive | u   | U       | levels  | bid hor. | ask hor. |  book
 *   |levels,n,sd| instrument| price   | size    |price| size    | price   | size     | u        |  levels
 *
 * `u` is the venue's last update id of the change, `U` its first (a snapshot: both the snapshot's own id; where the
 * venue has none, `tickFlag.noIds`: both 0, and the shard counts by itself). `levels` is the sum of bids and asks that
 * follow (bids first), three a record at most: `levelBits` says how many and which are asks. Size 0 takes the level away.
 * The horizons of a snapshot are the worst prices known of each side, 0 and Infinity when it is whole.
 *
 * Others, by their fields: `heartbeat`: id = last trade id that the venue knows of, 0 when it only says "alive".
 * `lost`: trade ids firstId to lastId will not come. `cut`: the line (`lineB` or not) that carries the instrument's
 * streams has ended. `subscribed`: id 1 when its streams are taken, 0 when not any more. `part`: a quote of a part of
 * an index, laid out as a quote; `instrument` is the index, and the head from bit 16 up the part's number.
 * `rescale`: price and size decimals grow by `price` and `size` digits in version `id` of the dictionary.
 */

export const tickBytes = 64;
export const tickWords = 8;

export const tickKind = {
  trade: 1,
  quote: 2,
  clock: 3,
  extreme: 4,
  book: 5,
  levels: 6,
  heartbeat: 7,
  lost: 8,
  cut: 9,
  subscribed: 10,
  part: 11,
  rescale: 12,
} as const;

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
  /** A trade fetched over REST to fill a gap. */
  repair: 0x1000,
  /** A `book` record that is the whole book, or its best levels, and no change. */
  snapshot: 0x2000,
  /** A `book` record of a venue that numbers no updates. */
  noIds: 0x4000,
} as const;

/** Bits of a `levels` record's head: how many levels it has (1 to 3), and for each whether it is an ask. */
export const levelBits = { countShift: 16, countMask: 3, askShift: 18 } as const;
export const levelsPerRecord = 3;

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
  /** Of a `book` record. */
  firstUpdate: 4,
  levels: 5,
  bidHorizon: 6,
  askHorizon: 7,
  /** Of a `levels` record: price and size of the first of three, and `u` of its `book` record. */
  level: 1,
  levelsOf: 7,
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
