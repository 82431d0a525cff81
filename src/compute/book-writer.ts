/**
 * Writes books: changes into their sides, what waits behind a snapshot, under the sequence lock (market/book.ts). When and
 * why is decided in books.ts.
 */
import { type BookChange, bookChange, bookState, bookStride, bookWord, bookWords } from '../market/book.ts';
import { type BookBuffer, entryHead, entryWord } from './book-buffer.ts';
import { BookLoader } from './book-loader.ts';
import { ownWord, ownWords, pendingHead, pendingWord, type ShardBooks } from './book-memory.ts';
import { LevelWriter, levelEffect } from './book-side.ts';
import { counter } from './shard-memory.ts';

export class BookWriter {
  /** The last change that was applied, as far as it did something; its counts pass the room when it was too long. */
  readonly change: BookChange;
  /** Set when one of the best levels has changed. */
  topTouched = false;
  readonly #books: ShardBooks;
  readonly #counters: Float64Array;
  readonly #buffer: BookBuffer;
  readonly #levels: LevelWriter;
  readonly #loader: BookLoader;
  readonly #topLevels: number;
  /** Words of one book, and of one side. */
  readonly #stride: number;
  readonly #sideWords: number;

  constructor(
    books: ShardBooks,
    counters: Float64Array,
    buffer: BookBuffer,
    topLevels: number,
    changeLevels: number,
  ) {
    this.#books = books;
    this.#counters = counters;
    this.#buffer = buffer;
    this.#levels = new LevelWriter(books.table.levels);
    this.#loader = new BookLoader(books, this.#levels, counters);
    this.#topLevels = topLevels;
    this.change = bookChange(changeLevels);
    this.#stride = bookStride(books.table.levels);
    this.#sideWords = books.table.levels * 2;
  }

  /** The pending snapshot, with `id`, becomes the book. Under the lock. */
  load(row: number, id: number): void {
    this.#loader.load(row, id);
    this.topTouched = true;
  }

  /** Applies the pending change under the ids given. Under the lock. */
  applyPending(row: number, lastId: number, firstId: number): void {
    const { pending } = this.#books;
    const bids = pending[pendingWord.bids]!;
    const asks = pending[pendingWord.come]! - bids;
    this.#apply(row, pending, pendingHead, bids, asks, lastId, firstId, pending[pendingWord.time]!);
  }

  /** Applies what waits and follows, and drops it, with what was older. Under the lock. */
  replay(row: number): void {
    const words = this.#books.buffers;
    const end = this.#buffer.end(row);
    let at = this.#buffer.from(row);
    for (; at < end; at += words[at]!) {
      const lastId = words[at + entryWord.lastId]!;
      const waited = words[at + entryWord.applied] === 0;
      const known = this.head(row, bookWord.lastId);
      const firstId = words[at + entryWord.firstId]!;
      if (lastId > known) {
        if (firstId > known + 1) break;
        const time = words[at + entryWord.time]!;
        const [bids, asks] = [words[at + entryWord.bids]!, words[at + entryWord.asks]!];
        this.#apply(row, words, at + entryHead, bids, asks, lastId, firstId, time);
        // It was counted when the live book took it.
        if (!waited) this.#counters[counter.bookApplied]!--;
      } else if (waited) this.#count(counter.bookDuplicates);
      if (waited) this.#counters[counter.bookBuffered]!--;
    }
    this.#buffer.drop(row, at);
  }

  /** Applies levels under the lock; they are also gathered in `change`, as far as they did something. */
  #apply(
    row: number,
    source: Float64Array,
    at: number,
    bids: number,
    asks: number,
    lastId: number,
    firstId: number,
    time: number,
  ): void {
    const { table } = this.#books;
    const head = row * this.#stride;
    const change = this.change;
    change.previousId = table.words[head + bookWord.lastId]!;
    change.lastId = lastId;
    change.firstId = firstId;
    change.time = time;
    change.bidCount = this.#applySide(row, 1, source, at, bids, change.bids);
    change.askCount = this.#applySide(row, -1, source, at + bids * 2, asks, change.asks);
    table.words[head + bookWord.lastId] = lastId;
    table.words[head + bookWord.time] = time;
    this.#count(counter.bookApplied);
    this.#counters[counter.bookLevels]! += bids + asks;
  }

  /** Returns how many levels of `told` are to be told; more than it holds when they were too many. */
  #applySide(
    row: number,
    sign: 1 | -1,
    source: Float64Array,
    at: number,
    count: number,
    told: Float64Array,
  ): number {
    const { words } = this.#books.table;
    const writer = this.#levels;
    const head = row * this.#stride;
    const countAt = head + (sign === 1 ? bookWord.bids : bookWord.asks);
    const horizonAt = head + (sign === 1 ? bookWord.bidHorizon : bookWord.askHorizon);
    const from = head + bookWords + (sign === 1 ? 0 : this.#sideWords);
    const counters = this.#counters;
    const topLevels = this.#topLevels;
    let used = 0;
    for (let level = 0; level < count; level++) {
      const price = source[at + level * 2]!;
      const size = source[at + level * 2 + 1]!;
      const effect = writer.put(words, countAt, horizonAt, from, sign, price, size);
      if (effect < levelEffect.set) {
        counters[effect === levelEffect.beyond ? counter.bookLevelsBeyond : counter.bookLevelsUnknown]!++;
        continue;
      }
      if (writer.depth < topLevels) this.topTouched = true;
      // Beyond its end a typed array ignores what is written.
      told[used * 2] = price;
      told[used * 2 + 1] = size;
      used++;
      for (let lost = 0; lost < writer.evictedCount; lost++, used++) {
        told[used * 2] = writer.evicted[lost]!;
        told[used * 2 + 1] = 0;
      }
      counters[counter.bookLevelsEvicted]! += writer.evictedCount;
    }
    return used;
  }

  isCrossed(row: number): boolean {
    const { words } = this.#books.table;
    const head = row * this.#stride;
    const bids = words[head + bookWord.bids]!;
    const asks = words[head + bookWord.asks]!;
    if (bids === 0 || asks === 0) return false;
    const from = head + bookWords;
    return words[from + (bids - 1) * 2]! >= words[from + this.#sideWords + (asks - 1) * 2]!;
  }

  /** Whether a side that is not known as a whole has no level left. */
  isSpent(row: number): boolean {
    const { words } = this.#books.table;
    const head = row * this.#stride;
    return (
      (words[head + bookWord.bids] === 0 && words[head + bookWord.bidHorizon]! > 0) ||
      (words[head + bookWord.asks] === 0 && words[head + bookWord.askHorizon]! < Number.POSITIVE_INFINITY)
    );
  }

  isLow(row: number): boolean {
    const { own, table } = this.#books;
    const { words } = table;
    const at = row * ownWords;
    const head = row * this.#stride;
    return (
      (words[head + bookWord.bids]! < own[at + ownWord.lowBids]! && words[head + bookWord.bidHorizon]! > 0) ||
      (words[head + bookWord.asks]! < own[at + ownWord.lowAsks]! &&
        words[head + bookWord.askHorizon]! < Number.POSITIVE_INFINITY)
    );
  }

  /** A venue may give fewer levels than the low-water mark: half of what it gives is then low. */
  markLow(row: number, lowWater: number): void {
    const { own } = this.#books;
    const at = row * ownWords;
    own[at + ownWord.lowBids] = Math.min(lowWater, this.head(row, bookWord.bids) >> 1);
    own[at + ownWord.lowAsks] = Math.min(lowWater, this.head(row, bookWord.asks) >> 1);
  }

  head(row: number, word: number): number {
    return this.#books.table.words[row * this.#stride + word]!;
  }

  lock(row: number): void {
    this.#books.touched[row] = 1;
    Atomics.add(this.#books.table.locks, row, 1);
  }

  unlock(row: number): void {
    Atomics.add(this.#books.table.locks, row, 1);
  }

  /** For readers; under the lock. */
  setState(row: number, state: number): void {
    this.#books.table.words[row * this.#stride + bookWord.state] = state;
  }

  /** Not live any more for readers; the levels stay. */
  suspend(row: number): void {
    this.lock(row);
    this.setState(row, bookState.syncing);
    this.unlock(row);
  }

  /** Takes all levels away. */
  empty(row: number, state: number): void {
    const { words } = this.#books.table;
    this.lock(row);
    this.setState(row, state);
    words[row * this.#stride + bookWord.bids] = 0;
    words[row * this.#stride + bookWord.asks] = 0;
    this.unlock(row);
  }

  /** Completes `change` for telling; false when it was longer than there is room. */
  completeChange(row: number): boolean {
    const { words } = this.#books.table;
    const head = row * this.#stride;
    const change = this.change;
    change.bidsWhole = words[head + bookWord.bidHorizon] === 0;
    change.asksWhole = words[head + bookWord.askHorizon] === Number.POSITIVE_INFINITY;
    return change.bidCount * 2 <= change.bids.length && change.askCount * 2 <= change.asks.length;
  }

  #count(which: number): void {
    this.#counters[which]!++;
  }
}
