/**
 * A shard's state in shared memory, twice: one copy is always whole. The active copy and the input position that it
 * stands for are switched in one store, so a shard may die at any instruction.
 */
import {
  type BookEstate,
  bookCopyOf,
  bookEstate,
  copyOne,
  copyShared,
  restoreBooks,
  type ShardBooks,
  shardBooks,
} from '../compute/book-memory.ts';
import {
  coldWords,
  hotLength,
  minutesLength,
  type ShardMemory,
  shardMemory,
} from '../compute/shard-memory.ts';
import { openBooks } from '../market/book.ts';
import { ruleDefaults } from './shard-options.ts';

/** What a shard leaves to its next life. */
export interface ShardEstate {
  readonly instruments: number;
  /** i32: active copy (0, 1), input position of copy 0 and of copy 1. */
  readonly control: SharedArrayBuffer;
  readonly copies: SharedArrayBuffer;
  readonly minutes: SharedArrayBuffer;
  readonly books: BookEstate;
}

/** An empty estate. Memory of books takes room only where a book comes. */
export function shardEstate(
  instruments: number,
  bookLevels: number = ruleDefaults.books.levels,
): ShardEstate {
  return {
    instruments,
    control: new SharedArrayBuffer(16),
    copies: new SharedArrayBuffer(2 * 8 * copyLength(instruments)),
    minutes: new SharedArrayBuffer(8 * minutesLength(instruments)),
    books: bookEstate(instruments, bookLevels),
  };
}

function copyLength(instruments: number): number {
  return hotLength(instruments) + instruments * coldWords;
}

const active = 0;
const position = 1;

export class ShardSnapshots {
  readonly #instruments: number;
  readonly #control: Int32Array;
  readonly #copies: Float64Array[];
  readonly #minutes: Float64Array;
  readonly #books: BookEstate;
  readonly #bookCopies: readonly Float64Array[];
  /** Per copy: rows of cold that it lacks, and books. */
  readonly #stale: [Uint8Array, Uint8Array];
  readonly #staleBooks: [Uint8Array, Uint8Array];

  constructor(estate: ShardEstate) {
    this.#instruments = estate.instruments;
    this.#control = new Int32Array(estate.control);
    this.#minutes = new Float64Array(estate.minutes);
    const length = copyLength(estate.instruments);
    this.#copies = [0, 1].map((which) => new Float64Array(estate.copies, which * length * 8, length));
    this.#books = estate.books;
    this.#bookCopies = [bookCopyOf(estate.books, 0), bookCopyOf(estate.books, 1)];
    // What the other copy holds is unknown to a new life: all of it is written at its next turn.
    const all = (): Uint8Array => new Uint8Array(estate.instruments).fill(1);
    this.#stale = [all(), all()];
    this.#staleBooks = [all(), all()];
  }

  /** The last snapshot as working memory, and the input position from which to go on. */
  restore(): { memory: ShardMemory; books: ShardBooks; position: number } {
    const which = Atomics.load(this.#control, active);
    const copy = this.#copies[which]!;
    const memory = shardMemory(this.#instruments, this.#minutes);
    memory.hot.set(copy.subarray(0, memory.hot.length));
    memory.cold.set(copy.subarray(memory.hot.length));
    this.#stale[which]!.fill(0);
    const books = shardBooks(openBooks(this.#books.table));
    restoreBooks(books, this.#bookCopies[which]!);
    this.#staleBooks[which]!.fill(0);
    return { memory, books, position: Atomics.load(this.#control, position + which) };
  }

  /** Copies the state that stands at input position `at`; rows of cold and books only where they were touched. */
  take(memory: ShardMemory, at: number, books?: ShardBooks): void {
    const which = Atomics.load(this.#control, active) === 0 ? 1 : 0;
    const copy = this.#copies[which]!;
    const stale = this.#stale[which];
    const otherStale = this.#stale[1 - which]!;
    copy.set(memory.hot, 0);
    for (let row = 0; row < this.#instruments; row++) {
      if (memory.coldTouched[row] === 1) {
        memory.coldTouched[row] = 0;
        otherStale[row] = 1;
      } else if (stale[row] === 0) continue;
      stale[row] = 0;
      copy.set(
        memory.cold.subarray(row * coldWords, (row + 1) * coldWords),
        memory.hot.length + row * coldWords,
      );
    }
    if (books !== undefined) this.#takeBooks(books, which);
    Atomics.store(this.#control, position + which, at);
    Atomics.store(this.#control, active, which);
  }

  #takeBooks(books: ShardBooks, which: 0 | 1): void {
    const copy = this.#bookCopies[which]!;
    const stale = this.#staleBooks[which];
    const otherStale = this.#staleBooks[1 - which]!;
    copyShared(books, copy);
    for (let row = 0; row < this.#instruments; row++) {
      if (books.touched[row] === 1) {
        books.touched[row] = 0;
        otherStale[row] = 1;
      } else if (stale[row] === 0) continue;
      stale[row] = 0;
      copyOne(books, row, copy);
    }
  }
}
