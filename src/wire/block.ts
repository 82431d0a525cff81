/** Blocks of frame v2: kinds, flags and bounds. The layout is drawn and explained in `proto/frames.md`. */

export const blockKind = {
  trade: 1,
  quote: 2,
  ticker: 3,
  bar: 4,
  enigma: 5,
  bookSnapshot: 6,
  bookDelta: 7,
  heartbeat: 8,
  gap: 9,
  repaired: 10,
  lost: 11,
  dictionary: 12,
  session: 13,
  watchList: 14,
  orderEvent: 15,
  error: 16,
  /** The best levels of the order book, conflated. */
  bookTop: 17,
  /** A stream is live, stale, or (a book) waits for its snapshot. */
  status: 18,
} as const;

/** Bits of the kind byte. */
export const kindBits = { kind: 0x1f, receive: 0x20, micros: 0x40, snapshot: 0x80 } as const;

export const tradeFlag = {
  takerSold: 1,
  sameTime: 2,
  nextId: 4,
  samePrice: 8,
  late: 16,
  aggregate: 32,
  /** Its price is beyond belief: it counts in no bar. */
  quarantined: 64,
} as const;
export const tradeFlagsKnown = 127;
export const quoteFlag = { sameBid: 1, sameTime: 2, sameBidSize: 4, sameAsk: 8, sameAskSize: 16 } as const;
export const quoteFlagsKnown = 31;
/** Of book snapshots, tops and deltas: the side has levels, beyond the worst one here, that the server does not tell. */
export const bookFlag = { bidsCut: 1, asksCut: 2 } as const;
export const bookFlagsKnown = 3;
export const barFlag = { closed: 1, corrected: 2, incomplete: 4 } as const;

export const blockRecordsMax = 512;
/** Levels a side of a book block: at 16 bytes a level both sides then fit in a frame. */
export const bookLevelsMax = 2_000;
export const frameBytesMax = 65_536;

/** Bytes of the v2 header: crc32 u32, 'T', 'W', version, flags, dictionary u32, time base u32. */
export const frameHeader = {
  crc: 0,
  magic: 4,
  version: 6,
  flags: 7,
  dictionary: 8,
  timeBase: 12,
  blocks: 16,
} as const;

/** A frame's time base counts in these (ms). */
export const timeBaseMillis = 2 ** 20;
/** The time base of a time in µs. */
export function timeBaseOf(micros: number): number {
  return Math.floor(micros / (timeBaseMillis * 1_000));
}
