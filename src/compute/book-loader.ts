/** A snapshot becomes the book. */
import { bookStride, bookWord, bookWords } from '../market/book.ts';
import { pendingBit, pendingHead, pendingWord, type ShardBooks } from './book-memory.ts';
import { type LevelWriter, levelEffect } from './book-side.ts';
import { counter } from './shard-memory.ts';

export class BookLoader {
  readonly #books: ShardBooks;
  readonly #writer: LevelWriter;
  readonly #counters: Float64Array;

  constructor(books: ShardBooks, writer: LevelWriter, counters: Float64Array) {
    this.#books = books;
    this.#writer = writer;
    this.#counters = counters;
  }

  /** Makes the pending snapshot, with `id`, the book of `row`: all of it, or its best levels. Who calls holds the lock. */
  load(row: number, id: number): void {
    const { table, pending } = this.#books;
    const { words, levels } = table;
    const head = row * bookStride(levels);
    const bids = pending[pendingWord.bids]!;
    const asks = pending[pendingWord.come]! - bids;
    words[head + bookWord.lastId] = id;
    words[head + bookWord.time] = pending[pendingWord.time]!;
    words[head + bookWord.line] = (pending[pendingWord.flags]! & pendingBit.lineB) === 0 ? 0 : 1;
    words[head + bookWord.bidHorizon] = pending[pendingWord.bidHorizon]!;
    words[head + bookWord.askHorizon] = pending[pendingWord.askHorizon]!;
    words[head + bookWord.bids] = 0;
    words[head + bookWord.asks] = 0;
    this.#side(head, 1, pendingHead, bids);
    this.#side(head, -1, pendingHead + bids * 2, asks);
    this.#counters[counter.bookLevels]! += bids + asks;
  }

  /** One side: written worst first where it comes best first, as venues send it, so that each level goes to the end. */
  #side(head: number, sign: 1 | -1, at: number, count: number): void {
    const { table, pending } = this.#books;
    const { words, levels } = table;
    const countAt = head + (sign === 1 ? bookWord.bids : bookWord.asks);
    const horizonAt = head + (sign === 1 ? bookWord.bidHorizon : bookWord.askHorizon);
    const from = head + bookWords + (sign === 1 ? 0 : levels * 2);
    const sorted = isBestFirst(pending, at, count, sign);
    let most = count;
    if (sorted && count > levels) {
      most = levels;
      words[horizonAt] = pending[at + (levels - 1) * 2]!;
      this.#counters[counter.bookLevelsBeyond]! += count - levels;
    }
    for (let index = 0; index < most; index++) {
      const level = at + (sorted ? most - 1 - index : index) * 2;
      const effect = this.#writer.put(
        words,
        countAt,
        horizonAt,
        from,
        sign,
        pending[level]!,
        pending[level + 1]!,
      );
      if (effect === levelEffect.beyond) this.#counters[counter.bookLevelsBeyond]!++;
      else if (effect === levelEffect.unknown) this.#counters[counter.bookLevelsUnknown]!++;
      this.#counters[counter.bookLevelsEvicted]! += this.#writer.evictedCount;
    }
  }
}

function isBestFirst(words: Float64Array, at: number, count: number, sign: number): boolean {
  for (let level = 1; level < count; level++)
    if (words[at + level * 2]! * sign >= words[at + (level - 1) * 2]! * sign) return false;
  return true;
}
