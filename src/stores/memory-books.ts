/** The order books that the shards keep, read by those who answer requests. */
import { type BookCopy, type BookMemory, bookCopy, bookState, openBooks, readBook } from '../market/book.ts';

/** `none`: nothing is known of it; `syncing`: it waits for its first state, or for a new one. */
export type BookReading =
  | { readonly state: 'live'; readonly book: BookCopy }
  | { readonly state: 'none' | 'syncing' };

export class SharedBooks {
  readonly #shards: readonly BookMemory[];
  readonly #copy: BookCopy;

  /** @param tables one a shard, from `bookTable` (market/book.ts) */
  constructor(tables: readonly SharedArrayBuffer[]) {
    this.#shards = tables.map(openBooks);
    this.#copy = bookCopy(Math.max(1, ...this.#shards.map(({ levels }) => levels)));
  }

  /** The best `depth` levels as they are now; the copy is valid until the next call. */
  read(instrument: number, depth: number): BookReading {
    const shards = this.#shards.length;
    const memory = this.#shards[(instrument - 1) % shards];
    const row = Math.floor((instrument - 1) / shards);
    if (memory === undefined || row >= memory.books) return { state: 'none' };
    const copy = this.#copy;
    if (!readBook(memory, row, depth, copy)) return { state: 'syncing' };
    if (copy.state === bookState.live) return { state: 'live', book: copy };
    return { state: copy.state === bookState.syncing ? 'syncing' : 'none' };
  }
}
