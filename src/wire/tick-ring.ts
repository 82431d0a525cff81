/**
 * A ring of tick records from one producer (the hub) to one consumer (a shard), in shared memory.
 *
 *        released            head                  tail            pushed
 *   ────────┼──────────────────┼─────────────────────┼────────────────┼────────
 *     free  │ taken, retained  │ published, not yet  │ not published  │  free
 *           │ for a restart    │ taken               │ yet            │
 *
 * Slots are free again only when `released`: when the shard's snapshot covers them. So a shard that dies finds
 * everything since its last snapshot still in the ring. Positions count records, modulo 2^32.
 *
 * Full: `push` says no, and the hub decides (quotes collapse, trades overflow, then the socket pauses).
 */
import { ring } from './doorbell.ts';
import { copyTick, type TickRecords, tickBytes, tickField, tickFlag, tickRecordsIn } from './tick-record.ts';

const headerBytes = 64;
const word = { tail: 0, head: 1, released: 2 } as const;

/** Memory for a ring of `capacity` records (a power of two). */
export function tickRingMemory(capacity: number): SharedArrayBuffer {
  if (capacity < 2 || (capacity & (capacity - 1)) !== 0)
    throw new RangeError(`${capacity} is no power of two`);
  return new SharedArrayBuffer(headerBytes + capacity * tickBytes);
}

/** The least power of two that is at least `count`. */
export function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, count)));
}

class TickRing {
  readonly records: TickRecords;
  readonly capacity: number;
  protected readonly control: Int32Array;
  protected readonly mask: number;

  constructor(memory: SharedArrayBuffer) {
    this.capacity = (memory.byteLength - headerBytes) / tickBytes;
    this.mask = this.capacity - 1;
    this.control = new Int32Array(memory, 0, headerBytes / 4);
    this.records = tickRecordsIn(memory, headerBytes, this.capacity);
  }

  /** Slot of a position. */
  slotOf(position: number): number {
    return position & this.mask;
  }

  /** Records published and not yet taken. */
  get waiting(): number {
    return (Atomics.load(this.control, word.tail) - Atomics.load(this.control, word.head)) >>> 0;
  }
}

/** The producer's end. */
export class TickWriter extends TickRing {
  readonly #bell: Int32Array;
  #pushed: number;
  #published: number;
  #releasedSeen: number;

  constructor(memory: SharedArrayBuffer, bell: Int32Array) {
    super(memory);
    this.#bell = bell;
    this.#pushed = this.#published = Atomics.load(this.control, word.tail);
    this.#releasedSeen = Atomics.load(this.control, word.released);
  }

  /** Slots that can still be pushed into. */
  get free(): number {
    this.#releasedSeen = Atomics.load(this.control, word.released);
    return this.capacity - ((this.#pushed - this.#releasedSeen) >>> 0);
  }

  /** Records pushed since the last publish. */
  get unpublished(): number {
    return (this.#pushed - this.#published) >>> 0;
  }

  /** Copies one record in; false when the ring is full. It is seen by the consumer only after `publish`. */
  push(source: TickRecords, from: number): boolean {
    if ((this.#pushed - this.#releasedSeen) >>> 0 >= this.capacity && this.free === 0) return false;
    copyTick(source, from, this.records, this.#pushed & this.mask);
    this.#pushed = (this.#pushed + 1) | 0;
    return true;
  }

  /** Marks the last pushed record as the end of a turn, makes all visible, and wakes the shard. */
  publish(): void {
    if (this.#pushed === this.#published) return;
    const last = (this.#pushed - 1) & this.mask;
    const head = last * 16 + tickField.head;
    this.records.halves[head] = this.records.halves[head]! | tickFlag.flush;
    this.#published = this.#pushed;
    Atomics.store(this.control, word.tail, this.#pushed);
    ring(this.#bell);
  }
}

/** The consumer's end. */
export class TickReader extends TickRing {
  /** Position of the next record to take, and the published end. */
  get head(): number {
    return Atomics.load(this.control, word.head);
  }

  get tail(): number {
    return Atomics.load(this.control, word.tail);
  }

  /** Says how far has been taken (for `waiting`, and so for health). */
  take(position: number): void {
    Atomics.store(this.control, word.head, position);
  }

  /** Where a restart begins: everything from here is retained. */
  get released(): number {
    return Atomics.load(this.control, word.released);
  }

  /** Gives the slots before `position` back to the producer. */
  release(position: number): void {
    Atomics.store(this.control, word.released, position);
  }
}
