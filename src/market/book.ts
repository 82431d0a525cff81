/**
 * The order books of one shard, in memory that other threads may read while the shard writes.
 *
 *   locks     i32 a book: odd while the shard writes it (a sequence lock: read, copy, read again)
 *   words     `bookWords` f64 a book, then its bids and its asks, worst first, so that the best is at the end and a
 *             change near it moves little:  | head … | bid price, bid size, … | ask price, ask size, … |
 *
 * Prices and sizes are mantissas. Beyond `horizon` of a side nothing is known: levels there are neither kept nor shown.
 */

/** State of a book. Only a live one is served. */
export const bookState = { empty: 0, syncing: 1, live: 2 } as const;

/** Words of a book's head. */
export const bookWord = {
  state: 0,
  /** Update id of the last change; the cursor of the stream. */
  lastId: 1,
  /** µs of the last change: the venue's, or of receipt where it sends none. */
  time: 2,
  bids: 3,
  asks: 4,
  /** Worst price that is known of each side; 0 (bids) and Infinity (asks) when all are. */
  bidHorizon: 5,
  askHorizon: 6,
  /** Which line gave the snapshot, where updates have no ids: 0 or 1. */
  line: 7,
} as const;
export const bookWords = 8;

export interface BookMemory {
  readonly books: number;
  /** Levels a side. */
  readonly levels: number;
  readonly locks: Int32Array;
  readonly words: Float64Array;
}

/** Words of one book, head and both sides. */
export function bookStride(levels: number): number {
  return bookWords + levels * 4;
}

const headBytes = 16;

/** Shared memory for `books` order books of `levels` levels a side; open it with `openBooks`. */
export function bookTable(books: number, levels: number): SharedArrayBuffer {
  const lockBytes = (books * 4 + 7) & ~7;
  const memory = new SharedArrayBuffer(headBytes + lockBytes + books * bookStride(levels) * 8);
  new Int32Array(memory, 0, 2).set([books, levels]);
  return memory;
}

export function openBooks(memory: SharedArrayBuffer): BookMemory {
  const [books, levels] = new Int32Array(memory, 0, 2) as unknown as [number, number];
  const lockBytes = (books * 4 + 7) & ~7;
  return {
    books,
    levels,
    locks: new Int32Array(memory, headBytes, books),
    words: new Float64Array(memory, headBytes + lockBytes, books * bookStride(levels)),
  };
}

/** A book as it was at one moment: price and size in turn, best first. Reused, never kept. */
export interface BookCopy {
  state: number;
  lastId: number;
  time: number;
  bidCount: number;
  askCount: number;
  /** False when there are levels beyond the worst one copied, or may be. */
  bidsWhole: boolean;
  asksWhole: boolean;
  readonly bids: Float64Array;
  readonly asks: Float64Array;
}

/** One change of a book, as it was applied: price and size in turn, size 0 takes the level away. Reused, never kept. */
export interface BookChange {
  /** The venue's first and last update id of it, and the last one before it that was applied. */
  firstId: number;
  lastId: number;
  previousId: number;
  /** µs. */
  time: number;
  bidCount: number;
  askCount: number;
  /** Whether the sides are known as a whole, now that it is applied. */
  bidsWhole: boolean;
  asksWhole: boolean;
  readonly bids: Float64Array;
  readonly asks: Float64Array;
}

/** Room for a change of `levels` levels a side. */
export function bookChange(levels: number): BookChange {
  return {
    firstId: 0,
    lastId: 0,
    previousId: 0,
    time: 0,
    bidCount: 0,
    askCount: 0,
    bidsWhole: true,
    asksWhole: true,
    bids: new Float64Array(levels * 2),
    asks: new Float64Array(levels * 2),
  };
}

export function bookCopy(levels: number): BookCopy {
  return {
    state: bookState.empty,
    lastId: 0,
    time: 0,
    bidCount: 0,
    askCount: 0,
    bidsWhole: true,
    asksWhole: true,
    bids: new Float64Array(levels * 2),
    asks: new Float64Array(levels * 2),
  };
}

const triesMax = 1_000;

/**
 * Copies the best `depth` levels of book `row` as they stood at one moment. False when the shard kept on writing for so
 * long that no such moment was seen (it may have died in the middle: ask again later).
 */
export function readBook(memory: BookMemory, row: number, depth: number, into: BookCopy): boolean {
  for (let tries = 0; tries < triesMax; tries++) {
    const before = Atomics.load(memory.locks, row);
    if ((before & 1) === 1) continue;
    copyBook(memory, row, depth, into);
    if (Atomics.load(memory.locks, row) === before) return true;
  }
  return false;
}

/** As `readBook`, for the thread that writes the book. */
export function copyBook({ words, levels }: BookMemory, row: number, depth: number, into: BookCopy): void {
  const at = row * bookStride(levels);
  into.state = words[at + bookWord.state]!;
  into.lastId = words[at + bookWord.lastId]!;
  into.time = words[at + bookWord.time]!;
  const most = Math.min(depth, into.bids.length / 2);
  const bids = words[at + bookWord.bids]!;
  const asks = words[at + bookWord.asks]!;
  into.bidCount = copySide(words, at + bookWords, bids, most, into.bids);
  into.askCount = copySide(words, at + bookWords + levels * 2, asks, most, into.asks);
  into.bidsWhole = bids <= most && words[at + bookWord.bidHorizon] === 0;
  into.asksWhole = asks <= most && words[at + bookWord.askHorizon] === Number.POSITIVE_INFINITY;
}

/** Best first: from the end of the side backwards. */
function copySide(words: Float64Array, at: number, held: number, most: number, into: Float64Array): number {
  const count = Math.min(held, most);
  for (let level = 0; level < count; level++) {
    const from = at + (held - 1 - level) * 2;
    into[level * 2] = words[from]!;
    into[level * 2 + 1] = words[from + 1]!;
  }
  return count;
}
