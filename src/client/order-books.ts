/**
 * The order books that a client is subscribed to, kept from snapshots and changes. A change that does not follow the one
 * before it is a jump: the book is void, and a fresh snapshot is asked for. Changes that a snapshot holds already are
 * left out.
 */
import { blockKind } from '../wire/block.ts';
import type { BookBatch } from '../wire/decode-book.ts';

/** Price and size, mantissas. */
export type BookLevel = readonly [price: number, size: number];

/** One instrument's book as it stands; the lists are best first. */
export class OrderBook {
  readonly instrument: number;
  /** The venue's last update id that it holds. */
  cursor = 0;
  /** µs. */
  time = 0;
  /** False before its first snapshot, after a jump, and while the server says that it waits for a snapshot. */
  live = false;
  /** Whether a side has no levels beyond those that are here. */
  bidsWhole = true;
  asksWhole = true;
  bids: BookLevel[] = [];
  asks: BookLevel[] = [];

  constructor(instrument: number) {
    this.instrument = instrument;
  }

  get bestBid(): BookLevel | undefined {
    return this.bids[0];
  }

  get bestAsk(): BookLevel | undefined {
    return this.asks[0];
  }
}

export interface BookJump {
  readonly instrument: number;
  /** Where our book stood, and where the change that came begins. */
  readonly last: number;
  readonly previous: number;
}

export class OrderBooks {
  readonly #books = new Map<number, OrderBook>();
  jumps = 0;

  get(instrument: number): OrderBook | undefined {
    return this.#books.get(instrument);
  }

  /** Takes a snapshot or a change. The jump, if it does not follow; undefined also where it was known already. */
  take(batch: BookBatch): BookJump | undefined {
    let book = this.#books.get(batch.instrument);
    if (book === undefined) this.#books.set(batch.instrument, (book = new OrderBook(batch.instrument)));
    if (batch.kind === blockKind.bookSnapshot) replace(book, batch);
    else if (!book.live || batch.cursor <= book.cursor) return undefined;
    else if (batch.previous !== book.cursor) {
      this.jumps++;
      book.live = false;
      return { instrument: batch.instrument, last: book.cursor, previous: batch.previous };
    } else change(book, batch);
    return undefined;
  }

  /** The server says that the book is not to be trusted. A snapshot makes it live again. */
  suspend(instrument: number): void {
    const book = this.#books.get(instrument);
    if (book !== undefined) book.live = false;
  }

  forget(instrument: number): void {
    this.#books.delete(instrument);
  }

  clear(): void {
    this.#books.clear();
  }
}

function replace(book: OrderBook, batch: BookBatch): void {
  book.bids = levelsOf(batch.bidPrice, batch.bidSize, batch.bidCount);
  book.asks = levelsOf(batch.askPrice, batch.askSize, batch.askCount);
  book.live = true;
  settle(book, batch);
}

function levelsOf(prices: Float64Array, sizes: Float64Array, count: number): BookLevel[] {
  return Array.from({ length: count }, (_, level) => [prices[level]!, sizes[level]!] as const);
}

function change(book: OrderBook, batch: BookBatch): void {
  for (let level = 0; level < batch.bidCount; level++)
    put(book.bids, batch.bidPrice[level]!, batch.bidSize[level]!, -1);
  for (let level = 0; level < batch.askCount; level++)
    put(book.asks, batch.askPrice[level]!, batch.askSize[level]!, 1);
  settle(book, batch);
}

function settle(book: OrderBook, { cursor, time, bidsWhole, asksWhole }: BookBatch): void {
  book.cursor = cursor;
  book.time = time;
  book.bidsWhole = bidsWhole;
  book.asksWhole = asksWhole;
}

/** `direction` 1: prices rise from the best on; −1: they fall. */
function put(side: BookLevel[], price: number, size: number, direction: 1 | -1): void {
  let from = 0;
  let to = side.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((side[middle]![0] - price) * direction < 0) from = middle + 1;
    else to = middle;
  }
  const found = side[from]?.[0] === price;
  if (size === 0) {
    if (found) side.splice(from, 1);
  } else side.splice(from, found ? 1 : 0, [price, size]);
}
