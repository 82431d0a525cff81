/**
 * Order books as the shards keep them, read from shared memory at the moment somebody needs one: a new subscriber, or a
 * slow one that has drained. The copy may be ahead of the changes that still come out of the ring: a reader leaves out
 * those that it has already (`proto/frames.md`).
 */
import { type BookMemory, bookCopy, bookState, openBooks, readBook } from '../market/book.ts';
import { blockKind, kindBits, timeBaseOf } from '../wire/block.ts';
import { bookBlockBytesMax, encodeBook } from '../wire/encode-book.ts';

export class BookShelf {
  readonly #shards: readonly BookMemory[];
  readonly #copy: ReturnType<typeof bookCopy>;
  readonly #levels: number;
  /** The block that `snapshot` made. Reused. */
  readonly block: Uint8Array;
  length = 0;
  timeBase = 0;

  readonly #isCountedAsKnown: (instrument: number) => boolean;

  /**
   * @param tables one a shard, from `bookTable` (market/book.ts)
   * @param isCountedAsKnown false while the shard counts by other decimals than those that the stream has come to
   */
  constructor(
    tables: readonly SharedArrayBuffer[],
    isCountedAsKnown: (instrument: number) => boolean = () => true,
  ) {
    this.#isCountedAsKnown = isCountedAsKnown;
    this.#shards = tables.map(openBooks);
    this.#levels = Math.max(1, ...this.#shards.map(({ levels }) => levels));
    this.#copy = bookCopy(this.#levels);
    this.block = new Uint8Array(bookBlockBytesMax(this.#levels * 2));
  }

  /** Makes the block of an instrument's whole book as it is now. False when it is not live: it will announce itself. */
  snapshot(instrument: number): boolean {
    const shards = this.#shards.length;
    const memory = this.#shards[(instrument - 1) % shards];
    if (memory === undefined) return false;
    const row = Math.floor((instrument - 1) / shards);
    const copy = this.#copy;
    if (row >= memory.books || !this.#isCountedAsKnown(instrument)) return false;
    if (!readBook(memory, row, this.#levels, copy) || copy.state !== bookState.live) return false;
    // A shard forgets the book when its decimals change, and has the next one only when it has told of that.
    if (!this.#isCountedAsKnown(instrument)) return false;
    this.timeBase = timeBaseOf(copy.time);
    this.length = encodeBook(this.block, 0, blockKind.bookSnapshot, instrument, copy, kindBits.snapshot);
    return true;
  }
}
