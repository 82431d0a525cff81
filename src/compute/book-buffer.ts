/**
 * Changes of a book that wait for its snapshot, in the order of their ids, as far as there is room: the oldest make way.
 * What is lost so costs nothing but time: a snapshot older than what is left fits no more, and a newer one is asked for.
 *
 *   | words | u | U | time µs | applied | bids | asks | reserved | price, size … |   one entry; bids first
 *
 * `applied` is 1 for a change that a live book has taken already, kept for the replay on a deeper snapshot.
 */
import { bufferWords, ownWord, ownWords, type ShardBooks } from './book-memory.ts';
import { counter } from './shard-memory.ts';

export const entryWord = { words: 0, lastId: 1, firstId: 2, time: 3, applied: 4, bids: 5, asks: 6 } as const;
export const entryHead = 8;

export class BookBuffer {
  readonly #books: ShardBooks;
  readonly #counters: Float64Array;

  constructor(books: ShardBooks, counters: Float64Array) {
    this.#books = books;
    this.#counters = counters;
  }

  /** Where a book's entries begin and end in `books.buffers`. */
  from(row: number): number {
    return row * bufferWords;
  }

  end(row: number): number {
    return row * bufferWords + this.#books.own[row * ownWords + ownWord.buffered]!;
  }

  /** Keeps a change, whose levels are at `source[at…]`. False when it is there already. */
  add(
    row: number,
    lastId: number,
    firstId: number,
    time: number,
    applied: boolean,
    bids: number,
    asks: number,
    source: Float64Array,
    at: number,
  ): boolean {
    const words = this.#books.buffers;
    const length = entryHead + (bids + asks) * 2;
    let place = this.from(row);
    const end = this.end(row);
    while (place < end && words[place + entryWord.lastId]! < lastId) place += words[place]!;
    if (place < end && words[place + entryWord.lastId] === lastId) return false;
    if (!applied) this.#counters[counter.bookBuffered]!++;
    place = this.#makeRoom(row, place, length);
    if (place < 0) {
      // Longer than the whole buffer, or older than all that fits.
      if (!applied) this.#countDropped();
      return true;
    }
    const used = this.end(row);
    words.copyWithin(place + length, place, used);
    words[place] = length;
    words[place + entryWord.lastId] = lastId;
    words[place + entryWord.firstId] = firstId;
    words[place + entryWord.time] = time;
    words[place + entryWord.applied] = applied ? 1 : 0;
    words[place + entryWord.bids] = bids;
    words[place + entryWord.asks] = asks;
    words[place + entryWord.asks + 1] = 0;
    words.set(source.subarray(at, at + length - entryHead), place + entryHead);
    this.#setUsed(row, used - this.from(row) + length);
    return true;
  }

  /** Drops the oldest until `length` words are free; returns where `place` is now, −1 when there is no room for it. */
  #makeRoom(row: number, place: number, length: number): number {
    if (length > bufferWords) return -1;
    const words = this.#books.buffers;
    const start = this.from(row);
    let short = length - (bufferWords - (this.end(row) - start));
    let from = start;
    for (; short > 0 && from < place; from += words[from]!) {
      short -= words[from]!;
      if (words[from + entryWord.applied] === 0) this.#countDropped();
    }
    if (from > start) this.drop(row, from);
    return short > 0 ? -1 : place - (from - start);
  }

  #countDropped(): void {
    this.#counters[counter.bookBuffered]!--;
    this.#counters[counter.bookBufferDropped]!++;
  }

  /** Takes the entries before `to` away; who calls has counted them. */
  drop(row: number, to: number): void {
    const from = this.from(row);
    const end = this.end(row);
    this.#books.buffers.copyWithin(from, to, end);
    this.#setUsed(row, end - to);
  }

  /** Drops everything, counted as dropped. */
  clear(row: number): void {
    const words = this.#books.buffers;
    const end = this.end(row);
    for (let at = this.from(row); at < end; at += words[at]!)
      if (words[at + entryWord.applied] === 0) this.#countDropped();
    this.#setUsed(row, 0);
  }

  /**
   * The last id that a book at `id` would have after the replay; −1 when a change is missing on the way, so that a
   * snapshot with this id is of no use.
   */
  reach(row: number, id: number): number {
    const words = this.#books.buffers;
    const end = this.end(row);
    for (let at = this.from(row); at < end; at += words[at]!) {
      const lastId = words[at + entryWord.lastId]!;
      if (lastId <= id) continue;
      if (words[at + entryWord.firstId]! > id + 1) return -1;
      id = lastId;
    }
    return id;
  }

  #setUsed(row: number, words: number): void {
    this.#books.own[row * ownWords + ownWord.buffered] = words;
    this.#books.touched[row] = 1;
  }
}
