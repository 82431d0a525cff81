/**
 * All that a shard knows of its order books. The books themselves are shared memory that other threads read
 * (market/book.ts); what only the shard needs is beside them, so that a snapshot is a copy of what was touched.
 *
 *   table    the books                                                     read by others while it is written
 *   own      `ownWords` a book: in which state it is and what it waits for  copied whole
 *   buffers  `bufferWords` a book: changes that wait for a snapshot         copied when touched, as far as used
 *   pending  one: the change whose levels are still coming                 copied as far as used
 *
 * Memory of a book that nothing ever came for is never written, and so takes no room.
 */
import { type BookMemory, bookStride, bookTable, bookWord, bookWords, openBooks } from '../market/book.ts';

/** Words of a book's own state. */
export const ownWord = {
  /** `bookState`; live also while it is crossed for a moment (and then syncing for readers). */
  phase: 0,
  /** 1 when the book is right as of its last id, so that the changes that follow can still be applied. */
  based: 1,
  /** Highest update id of the venue that was seen. */
  seen: 2,
  /** Market time (µs) and reason of the last request that is not answered yet; 0 for none. */
  requestedAt: 3,
  reason: 4,
  /** Changes since it is crossed, 0 when it is not, and the market time (µs) at which that began. */
  crossedFor: 5,
  crossedAt: 6,
  /** 1 while a deeper snapshot is awaited for a live book: its changes are kept for the replay. */
  thin: 7,
  /** Words of the buffer that are in use. */
  buffered: 8,
  /** What others were told last: `bookState` syncing or live, 0 nothing; and since when (µs). */
  told: 9,
  since: 10,
  /** Low-water marks: below so many levels on a side that is not whole, more are asked for. */
  lowBids: 11,
  lowAsks: 12,
} as const;
export const ownWords = 16;

/** A busy book changes 10 times a second by 50 levels (recorded: 46 on average, 1,076 at most): about 8 s of that. */
export const bufferWords = 8_192;

/** Words of the pending change: a head, then price and size of each level, bids first. */
export const pendingWord = {
  /** Row + 1; 0 when there is none. */
  book: 0,
  /** Bits of `pendingBit`. */
  flags: 1,
  lastId: 2,
  firstId: 3,
  /** µs. */
  time: 4,
  bidHorizon: 5,
  askHorizon: 6,
  /** Levels that it has, that have come so far, and how many of these are bids. */
  levels: 7,
  come: 8,
  bids: 9,
  /** Clock records since its first record. */
  clocks: 10,
} as const;
export const pendingHead = 16;
export const pendingBit = { snapshot: 1, noIds: 2, lineB: 4 } as const;
/** As many levels as one message of a venue can give (feeds/normaliser.ts: 4,096 records of three). */
export const pendingLevelsMax = 12_288;

export interface ShardBooks {
  readonly table: BookMemory;
  readonly own: Float64Array;
  readonly buffers: Float64Array;
  readonly pending: Float64Array;
  /** 1 where a book or its buffer was touched since the last snapshot. */
  readonly touched: Uint8Array;
}

/** Memory for the books of a shard around a table of `bookTable`, empty. */
export function shardBooks(table: BookMemory): ShardBooks {
  return {
    table,
    own: new Float64Array(table.books * ownWords),
    buffers: new Float64Array(table.books * bufferWords),
    pending: new Float64Array(pendingHead + pendingLevelsMax * 2),
    touched: new Uint8Array(table.books),
  };
}

/** What a shard leaves to its next life of its books: the books themselves, and two copies for `copyBooks`. */
export interface BookEstate {
  readonly table: SharedArrayBuffer;
  readonly copies: SharedArrayBuffer;
}

export function bookEstate(books: number, levels: number): BookEstate {
  return {
    table: bookTable(books, levels),
    copies: new SharedArrayBuffer(2 * 8 * copyWords(books, levels)),
  };
}

function copyWords(books: number, levels: number): number {
  return pendingHead + pendingLevelsMax * 2 + books * (ownWords + bookStride(levels) + bufferWords);
}

/** Copy 0 or 1 of an estate. */
export function bookCopyOf(estate: BookEstate, which: 0 | 1): Float64Array {
  const { books, levels } = openBooks(estate.table);
  const length = copyWords(books, levels);
  return new Float64Array(estate.copies, which * length * 8, length);
}

/** Copies into `copy` what is not of one book alone. */
export function copyShared(books: ShardBooks, copy: Float64Array): void {
  copy.set(books.own, 0);
  copy.set(books.pending.subarray(0, pendingUsed(books.pending, 0)), books.own.length);
}

function pendingUsed(words: Float64Array, from: number): number {
  return words[from + pendingWord.book] === 0
    ? pendingHead
    : pendingHead + words[from + pendingWord.come]! * 2;
}

/** Where a book's copy starts: its head and sides, then its buffer. */
function copyAt({ table }: ShardBooks, row: number): number {
  const shared = table.books * ownWords + pendingHead + pendingLevelsMax * 2;
  return shared + row * (bookStride(table.levels) + bufferWords);
}

/** Copies one book and its buffer, as far as they are used. */
export function copyOne(books: ShardBooks, row: number, copy: Float64Array): void {
  const to = copyAt(books, row);
  const from = row * bookStride(books.table.levels);
  copyUsed(books.table.words, from, copy, to, books.table.levels);
  const used = books.own[row * ownWords + ownWord.buffered]!;
  const buffer = row * bufferWords;
  copy.set(books.buffers.subarray(buffer, buffer + used), to + bookStride(books.table.levels));
}

/** Copies a book: its head, and of its sides what is there. */
function copyUsed(
  source: Float64Array,
  from: number,
  target: Float64Array,
  to: number,
  levels: number,
): void {
  const bids = bookWords + source[from + bookWord.bids]! * 2;
  target.set(source.subarray(from, from + bids), to);
  const asks = bookWords + levels * 2;
  const askWords = source[from + bookWord.asks]! * 2;
  target.set(source.subarray(from + asks, from + asks + askWords), to + asks);
}

/** Puts everything back as it was copied. The books may be in any state: a shard may have died while it wrote one. */
export function restoreBooks(books: ShardBooks, copy: Float64Array): void {
  const { table, own, buffers, pending } = books;
  const stride = bookStride(table.levels);
  own.set(copy.subarray(0, own.length));
  const pendingAt = own.length;
  pending.set(copy.subarray(pendingAt, pendingAt + pendingUsed(copy, pendingAt)));
  for (let row = 0; row < table.books; row++) {
    const from = copyAt(books, row);
    const to = row * stride;
    // Nothing was ever copied, and nothing written since: its memory stays untouched.
    if (copy[from + bookWord.state] === 0 && table.words[to + bookWord.state] === 0) {
      if ((Atomics.load(table.locks, row) & 1) === 1) Atomics.add(table.locks, row, 1);
      continue;
    }
    if ((Atomics.load(table.locks, row) & 1) === 0) Atomics.add(table.locks, row, 1);
    copyUsed(copy, from, table.words, to, table.levels);
    Atomics.add(table.locks, row, 1);
    const used = own[row * ownWords + ownWord.buffered]!;
    buffers.set(copy.subarray(from + stride, from + stride + used), row * bufferWords);
  }
}
