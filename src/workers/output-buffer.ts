/** What one turn makes for one consumer, gathered before it is committed to that consumer's ring as one segment. */
import type { BarTrade } from '../compute/bar-sums.ts';
import { hot } from '../compute/shard-memory.ts';
import { barBit, barWord, barWords } from '../market/bar-words.ts';
import { blockMessageHead } from '../wire/block-message.ts';
import { rowHead, rowKind, rowWords } from '../wire/row.ts';

/** Of a bar's flags, what a store is told. */
const barBitsOut = barBit.closed | barBit.corrected | barBit.incomplete | barBit.unpublished;

/** Block messages for a gateway (wire/block-message.ts). */
export class BlockBuffer {
  readonly bytes: Uint8Array;
  length = 0;
  readonly #view: DataView;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Where the next block's bytes go. */
  get blockAt(): number {
    return this.length + blockMessageHead;
  }

  /** Completes the message whose block was written from `blockAt` to `end`. */
  add(
    end: number,
    timeBase: number,
    instrument: number,
    kind: number,
    channel: number,
    blockClass: number,
    count: number,
    lastCursor: number,
  ): void {
    if (end > this.bytes.length)
      throw new Error('broken invariant: a turn has room for what one record makes');
    const at = this.length;
    const view = this.#view;
    view.setUint32(at, timeBase, true);
    view.setUint32(at + 4, end - at - blockMessageHead, true);
    view.setUint32(at + 8, instrument, true);
    view.setUint32(at + 12, kind | (channel << 8) | (blockClass << 16) | (Math.min(count, 255) << 24), true);
    view.setFloat64(at + 16, lastCursor, true);
    // Padding is part of what a restart must make again.
    const padded = (end + 7) & ~7;
    while (end < padded) this.bytes[end++] = 0;
    this.length = padded;
  }
}

/** Rows for a sink (wire/row.ts). */
export class RowBuffer {
  readonly words: Float64Array;
  readonly bytes: Uint8Array;
  length = 0;
  /** Rows in it. */
  count = 0;

  constructor(capacityBytes: number) {
    this.words = new Float64Array(Math.floor(capacityBytes / 8));
    this.bytes = new Uint8Array(this.words.buffer);
  }

  get byteLength(): number {
    return this.length * 8;
  }

  bar(instrument: number, resolution: number, words: Float64Array, from: number): void {
    const to = this.row(rowKind.bar, instrument, rowWords.bar);
    const target = this.words;
    target[to] = resolution;
    for (let word = 0; word < barWords; word++) target[to + 1 + word] = words[from + word]!;
    const flags = to + 1 + barWord.flags;
    target[flags] = target[flags]! & barBitsOut;
  }

  /** A trade with the quote of its moment. */
  trade(instrument: number, id: number, received: number, trade: BarTrade, bid: number, ask: number): void {
    const to = this.row(rowKind.trade, instrument, rowWords.trade);
    const words = this.words;
    words[to] = id;
    words[to + 1] = trade.time;
    words[to + 2] = received;
    words[to + 3] = trade.price;
    words[to + 4] = trade.size;
    words[to + 5] = bid;
    words[to + 6] = ask;
    words[to + 7] = trade.firstId;
    words[to + 8] = trade.lastId;
    words[to + 9] = trade.lastId - trade.firstId + 1;
    words[to + 10] = trade.takerSold ? 1 : 0;
  }

  /** The quote in the hot row at `state[at…]`. */
  quote(instrument: number, state: Float64Array, at: number): void {
    const to = this.row(rowKind.quote, instrument, rowWords.quote);
    const words = this.words;
    words[to] = state[at + hot.quoteVersion]!;
    words[to + 1] = state[at + hot.quoteTime]!;
    words[to + 2] = state[at + hot.bid]!;
    words[to + 3] = state[at + hot.bidSize]!;
    words[to + 4] = state[at + hot.ask]!;
    words[to + 5] = state[at + hot.askSize]!;
    words[to + 6] = 0;
  }

  /** Starts a row of `length` words; returns where its first word after the head goes. */
  row(kind: number, instrument: number, length: number): number {
    const to = this.length;
    if (to + length > this.words.length)
      throw new Error('broken invariant: a turn has room for what one record makes');
    this.words[to] = rowHead(kind, instrument);
    this.length = to + length;
    this.count++;
    return to + 1;
  }

  clear(): void {
    this.length = 0;
    this.count = 0;
  }
}
