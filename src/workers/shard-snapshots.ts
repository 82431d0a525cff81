/**
 * A shard's state in shared memory, twice: one copy is always whole. The active copy and the input position that it
 * stands for are switched in one store, so a shard may die at any instruction.
 */
import {
  coldWords,
  hotLength,
  minutesLength,
  type ShardMemory,
  shardMemory,
} from '../compute/shard-memory.ts';

/** What a shard leaves to its next life. */
export interface ShardEstate {
  readonly instruments: number;
  /** i32: active copy (0, 1), input position of copy 0 and of copy 1. */
  readonly control: SharedArrayBuffer;
  readonly copies: SharedArrayBuffer;
  readonly minutes: SharedArrayBuffer;
}

export function shardEstate(instruments: number): ShardEstate {
  return {
    instruments,
    control: new SharedArrayBuffer(16),
    copies: new SharedArrayBuffer(2 * 8 * copyLength(instruments)),
    minutes: new SharedArrayBuffer(8 * minutesLength(instruments)),
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
  /** Per copy: rows of cold that it lacks. */
  readonly #stale: [Uint8Array, Uint8Array];

  constructor(estate: ShardEstate) {
    this.#instruments = estate.instruments;
    this.#control = new Int32Array(estate.control);
    this.#minutes = new Float64Array(estate.minutes);
    const length = copyLength(estate.instruments);
    this.#copies = [0, 1].map((which) => new Float64Array(estate.copies, which * length * 8, length));
    // What the other copy holds is unknown to a new life: all of it is written at its next turn.
    this.#stale = [new Uint8Array(estate.instruments).fill(1), new Uint8Array(estate.instruments).fill(1)];
  }

  /** The last snapshot as working memory, and the input position from which to go on. */
  restore(): { memory: ShardMemory; position: number } {
    const which = Atomics.load(this.#control, active);
    const copy = this.#copies[which]!;
    const memory = shardMemory(this.#instruments, this.#minutes);
    memory.hot.set(copy.subarray(0, memory.hot.length));
    memory.cold.set(copy.subarray(memory.hot.length));
    this.#stale[which]!.fill(0);
    return { memory, position: Atomics.load(this.#control, position + which) };
  }

  /** Copies the state that stands at input position `at`; rows of cold only where they were touched. */
  take(memory: ShardMemory, at: number): void {
    const which = 1 - Atomics.load(this.#control, active);
    const copy = this.#copies[which]!;
    const stale = this.#stale[which]!;
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
    Atomics.store(this.#control, position + which, at);
    Atomics.store(this.#control, active, which);
  }
}
