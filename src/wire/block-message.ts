/**
 * How blocks lie in a segment on their way from a shard to a gateway: one after the other, 8-byte aligned.
 *
 *   0           4          8            12    13       14     15       16            24
 *   +-----------+----------+------------+-----+--------+------+--------+-------------+-----------+-----
 *   | time base | length   | instrument |kind |channel |class | count  | last cursor | block …   | pad 8
 *   |  u32      |  u32     |  u32       | u8  | u8     | u8   | u8 †   |  f64        | length B  |
 *   +-----------+----------+------------+-----+--------+------+--------+-------------+-----------+-----
 *                                                          † records in the block, 255 for "255 or more"
 *
 * The head repeats what a gateway needs to route the block without reading it.
 */
import { resolutions } from '../market/resolution.ts';

export const blockMessageHead = 24;

/** What one can subscribe to, per instrument. Bars of resolution `r` are channel `channel.bars + r`. */
export const channel = {
  trades: 0,
  quotes: 1,
  ticker: 2,
  enigma: 3,
  bars: 4,
  /** Snapshot, then every change. */
  book: 4 + resolutions.length,
  /** The best levels, conflated. */
  bookTop: 5 + resolutions.length,
} as const;
export const channelCount = channel.bookTop + 1;

/** Names on the control channel: `trades`, `quotes`, `ticker`, `enigma`, `bars:1s` … `bars:1M`, `book`, `bookTop`. */
export const channelNames: readonly string[] = [
  'trades',
  'quotes',
  'ticker',
  'enigma',
  ...resolutions.map((name) => `bars:${name}`),
  'book',
  'bookTop',
];

/**
 * A block that never leaves the server: prices and sizes of its instrument have more digits from the next block on. Its
 * two bytes say how many more; its cursor is the version of the dictionary that has them.
 */
export const rescaleBlock = { kind: 31, bytes: 2 } as const;

/** State: the last value wins, conflated for a slow client. Log: complete, in order, or the client is closed. */
export const blockClass = { state: 0, log: 1 } as const;

/** A reader over the messages of one segment; fields are of the message that `next` found. Reused, never kept. */
export class BlockMessages {
  timeBase = 0;
  instrument = 0;
  kind = 0;
  channel = 0;
  class = 0;
  count = 0;
  lastCursor = 0;
  /** The block's bytes: from ≤ index < to. */
  from = 0;
  to = 0;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #end = 0;

  /** Starts at a segment of a ring. */
  open(bytes: Uint8Array, from: number, to: number): void {
    if (this.#view.buffer !== bytes.buffer || this.#view.byteOffset !== bytes.byteOffset) {
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.#at = from;
    this.#end = to;
  }

  /** Goes to the next message; false when there is none. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const view = this.#view;
    const at = this.#at;
    const length = view.getUint32(at + 4, true);
    this.timeBase = view.getUint32(at, true);
    this.instrument = view.getUint32(at + 8, true);
    this.kind = view.getUint8(at + 12);
    this.channel = view.getUint8(at + 13);
    this.class = view.getUint8(at + 14);
    this.count = view.getUint8(at + 15);
    this.lastCursor = view.getFloat64(at + 16, true);
    this.from = at + blockMessageHead;
    this.to = this.from + length;
    this.#at = (this.to + 7) & ~7;
    return true;
  }
}
