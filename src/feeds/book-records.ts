/**
 * Order books as tick records (wire/tick-record.ts), level by level: one `book` record and its `levels`. Reused from
 * message to message: `clear`, then `addBid` and `addAsk` in any order of calls, then one of the two `write`s.
 */
import {
  levelBits,
  levelsPerRecord,
  type TickRecords,
  tickField,
  tickFlag,
  tickKind,
  tickWords,
} from '../wire/tick-record.ts';
import { refusal } from './refusal.ts';

export interface BookHead {
  /** Of `tickFlag`. */
  flags: number;
  instrumentId: number;
  /** µs, both. */
  time: number;
  received: number;
  /** 0 where the venue has no update ids. */
  firstUpdate: number;
  lastUpdate: number;
}

export function bookHead(): BookHead {
  return { flags: 0, instrumentId: 0, time: 0, received: 0, firstUpdate: 0, lastUpdate: 0 };
}

const levelsDefault = 1_000;

export class BookRecords {
  readonly #levelsMax: number;
  readonly #bids = new Side(true);
  readonly #asks = new Side(false);

  /** @param levelsMax levels a side that are kept of a longer snapshot */
  constructor(levelsMax = levelsDefault) {
    this.#levelsMax = levelsMax;
  }

  clear(): void {
    this.#bids.count = 0;
    this.#asks.count = 0;
  }

  addBid(price: number, size: number): void {
    this.#bids.add(price, size);
  }

  addAsk(price: number, size: number): void {
    this.#asks.add(price, size);
  }

  /** The levels as they were added. How many records, or `tooLarge`. */
  writeChange(head: BookHead, out: TickRecords): number {
    return this.#write(head, out, 0, 0);
  }

  /**
   * The best levels, best first. How many records, or a refusal: `crossed`, `locked`, `badRange` (a price twice) or
   * `tooLarge`.
   * @param wholeBelow a side of so many levels or more may go on beyond its worst one
   */
  writeSnapshot(head: BookHead, out: TickRecords, wholeBelow = Number.POSITIVE_INFINITY): number {
    const bids = this.#bids;
    const asks = this.#asks;
    if (!bids.arrange() || !asks.arrange()) return refusal.badRange;
    if (bids.count > 0 && asks.count > 0 && bids.best >= asks.best) {
      return bids.best === asks.best ? refusal.locked : refusal.crossed;
    }
    const bidHorizon = bids.cut(this.#levelsMax, wholeBelow);
    const askHorizon = asks.cut(this.#levelsMax, wholeBelow);
    return this.#write(head, out, bidHorizon, askHorizon, tickFlag.snapshot);
  }

  #write(head: BookHead, out: TickRecords, bidHorizon: number, askHorizon: number, flag = 0): number {
    const { words, halves } = out;
    const levels = this.#bids.count + this.#asks.count;
    const records = 1 + Math.ceil(levels / levelsPerRecord);
    if (records * tickWords > words.length) return refusal.tooLarge;
    words.fill(0, 0, records * tickWords);
    halves[tickField.head] = tickKind.book | head.flags | flag;
    halves[tickField.instrument] = head.instrumentId;
    words[tickField.time] = head.time;
    words[tickField.received] = head.received;
    words[tickField.id] = head.lastUpdate;
    words[tickField.firstUpdate] = head.firstUpdate;
    words[tickField.levels] = levels;
    words[tickField.bidHorizon] = bidHorizon;
    words[tickField.askHorizon] = askHorizon;
    for (let slot = 1; slot < records; slot++) this.#writeLevels(slot, levels, head, out);
    return records;
  }

  #writeLevels(slot: number, levels: number, head: BookHead, { words, halves }: TickRecords): void {
    const first = (slot - 1) * levelsPerRecord;
    const count = Math.min(levelsPerRecord, levels - first);
    const bids = this.#bids.count;
    let asks = 0;
    for (let k = 0; k < count; k++) {
      const isAsk = first + k >= bids;
      const side = isAsk ? this.#asks : this.#bids;
      const from = (isAsk ? first + k - bids : first + k) * 2;
      const to = slot * tickWords + tickField.level + k * 2;
      words[to] = side.words[from]!;
      words[to + 1] = side.words[from + 1]!;
      if (isAsk) asks |= 1 << k;
    }
    const at = slot * tickWords * 2;
    halves[at + tickField.head] =
      tickKind.levels | (count << levelBits.countShift) | (asks << levelBits.askShift);
    halves[at + tickField.instrument] = head.instrumentId;
    words[slot * tickWords + tickField.levelsOf] = head.lastUpdate;
  }
}

/** Levels of one side: price and size in turn. */
class Side {
  readonly #isBid: boolean;
  words = new Float64Array(256);
  count = 0;

  constructor(isBid: boolean) {
    this.#isBid = isBid;
  }

  get best(): number {
    return this.words[0]!;
  }

  add(price: number, size: number): void {
    const at = this.count * 2;
    if (at === this.words.length) {
      const grown = new Float64Array(at * 2);
      grown.set(this.words);
      this.words = grown;
    }
    this.words[at] = price;
    this.words[at + 1] = size;
    this.count++;
  }

  /** Best first; false when a price stands there twice. Venues send them so already: then nothing is moved. */
  arrange(): boolean {
    if (this.#isStrict()) return true;
    const levels = Array.from(
      { length: this.count },
      (_, i) => [this.words[i * 2]!, this.words[i * 2 + 1]!] as const,
    );
    const sorted = levels.toSorted(([a], [b]) => (this.#isBid ? b - a : a - b));
    this.count = 0;
    for (const [price, size] of sorted) this.add(price, size);
    return this.#isStrict();
  }

  #isStrict(): boolean {
    for (let i = 1; i < this.count; i++) {
      const step = this.words[i * 2]! - this.words[i * 2 - 2]!;
      if (this.#isBid ? step >= 0 : step <= 0) return false;
    }
    return true;
  }

  /** Keeps the best `most`; the horizon: the worst price known, or 0 or Infinity when the side is whole. */
  cut(most: number, wholeBelow: number): number {
    const isWhole = this.count <= most && this.count < wholeBelow;
    this.count = Math.min(this.count, most);
    if (isWhole || this.count === 0) return this.#isBid ? 0 : Number.POSITIVE_INFINITY;
    return this.words[this.count * 2 - 2]!;
  }
}
