/**
 * A ring of byte segments from one producer (a shard) to one consumer (a gateway, a sink), in shared memory.
 * A segment is all that one turn made for that consumer: it becomes visible whole or not at all.
 *
 *    segment
 *   +-----------+----------+---------------------------+
 *   | length u32| reserved | payload, padded to 8      |     length 0xFFFFFFFF: go on at the ring's start
 *   +-----------+----------+---------------------------+
 *
 * The commit survives the producer's death at any instruction: the turn's number is written beside the new tail
 * *before* the tail is stored, into one of two slots; whoever restarts finds the slot whose tail is the ring's.
 *
 * Full: `write` says no. A shard then collapses the turn's state records and waits for room (`waitForRoom`):
 * log records are never dropped here, so its own input fills, and the hub decides.
 */
import { ring } from './doorbell.ts';

const headerBytes = 64;
const segmentHead = 8;
const wrapMark = 0xffffffff;
/** Indices in the i32 header; two commit slots of {sequence, tail}. */
const word = { tail: 0, head: 1, slot: 2 } as const;

export function segmentRingMemory(bytes: number): SharedArrayBuffer {
  if (bytes < 64 || (bytes & (bytes - 1)) !== 0) throw new RangeError(`${bytes} is no power of two`);
  return new SharedArrayBuffer(headerBytes + bytes);
}

class SegmentRing {
  /** The ring's bytes; segments' payloads are 8-byte aligned in it. */
  readonly bytes: Uint8Array;
  protected readonly lengths: Uint32Array;
  protected readonly control: Int32Array;
  protected readonly size: number;
  protected readonly mask: number;

  constructor(memory: SharedArrayBuffer) {
    this.size = memory.byteLength - headerBytes;
    this.mask = this.size - 1;
    this.control = new Int32Array(memory, 0, headerBytes / 4);
    this.bytes = new Uint8Array(memory, headerBytes, this.size);
    this.lengths = new Uint32Array(memory, headerBytes, this.size / 4);
  }

  /** The longest payload that `write` can ever take. */
  get payloadMax(): number {
    return this.size / 2 - segmentHead;
  }

  /** Bytes in use. */
  get used(): number {
    return (Atomics.load(this.control, word.tail) - Atomics.load(this.control, word.head)) >>> 0;
  }
}

/** The producer's end. */
export class SegmentWriter extends SegmentRing {
  readonly #bell: Int32Array;
  /** The consumer's head when there was no room last. */
  #headSeen = 0;

  constructor(memory: SharedArrayBuffer, bell: Int32Array) {
    super(memory);
    this.#bell = bell;
  }

  /**
   * Copies `length` bytes of `payload` in as one segment and commits it under `sequence` (which rises from
   * segment to segment, modulo 2^32). False when there is no room now.
   */
  write(payload: Uint8Array, length: number, sequence: number): boolean {
    if (length > this.payloadMax)
      throw new RangeError(`segment of ${length} bytes, at most ${this.payloadMax}`);
    const tail = Atomics.load(this.control, word.tail);
    this.#headSeen = Atomics.load(this.control, word.head);
    const free = this.size - ((tail - this.#headSeen) >>> 0);
    const need = segmentHead + ((length + 7) & ~7);
    const at = tail & this.mask;
    const toEnd = this.size - at;
    const skip = need > toEnd ? toEnd : 0;
    if (skip + need > free) return false;
    if (skip > 0) this.lengths[at >>> 2] = wrapMark;
    const start = skip > 0 ? 0 : at;
    this.lengths[start >>> 2] = length;
    this.bytes.set(length === payload.length ? payload : payload.subarray(0, length), start + segmentHead);
    this.#commit((tail + skip + need) | 0, sequence);
    return true;
  }

  #commit(tail: number, sequence: number): void {
    const slot = word.slot + (this.#newer() === 0 ? 2 : 0);
    // The sequence first: a slot whose tail matches must never carry an older turn's number.
    Atomics.store(this.control, slot + 1, Atomics.load(this.control, word.tail) - 1);
    Atomics.store(this.control, slot, sequence);
    Atomics.store(this.control, slot + 1, tail);
    Atomics.store(this.control, word.tail, tail);
    ring(this.#bell);
  }

  /** Which slot (0 or 1) belongs to the current tail; the other one may be overwritten. */
  #newer(): 0 | 1 {
    return Atomics.load(this.control, word.slot + 1) === Atomics.load(this.control, word.tail) ? 0 : 1;
  }

  /** The sequence of the last committed segment; undefined when nothing was ever written. */
  get committed(): number | undefined {
    const tail = Atomics.load(this.control, word.tail);
    const slot = word.slot + this.#newer() * 2;
    if (tail === 0 && Atomics.load(this.control, slot + 1) === 0 && Atomics.load(this.control, slot) === 0)
      return undefined;
    return Atomics.load(this.control, slot);
  }

  /** Sleeps (blocking the thread) until the consumer has taken something since `write` said no, or `timeoutMs` pass. */
  waitForRoom(timeoutMs: number): void {
    Atomics.wait(this.control, word.head, this.#headSeen, timeoutMs);
  }
}

/** The consumer's end. */
export class SegmentReader extends SegmentRing {
  /** Where in `bytes` the payload of the next segment begins; -1 when there is none. */
  get next(): number {
    const head = Atomics.load(this.control, word.head);
    if (head === Atomics.load(this.control, word.tail)) return -1;
    const at = head & this.mask;
    return (this.lengths[at >>> 2] === wrapMark ? 0 : at) + segmentHead;
  }

  /**
   * Hands each waiting segment over as a range of `bytes`, valid only during the call, then frees it.
   * @returns how many segments there were; at most `most`.
   */
  read(take: (bytes: Uint8Array, from: number, to: number) => void, most = Number.MAX_SAFE_INTEGER): number {
    let count = 0;
    let head = Atomics.load(this.control, word.head);
    while (count < most && head !== Atomics.load(this.control, word.tail)) {
      let at = head & this.mask;
      if (this.lengths[at >>> 2] === wrapMark) {
        head = (head + this.size - at) | 0;
        at = 0;
      }
      const length = this.lengths[at >>> 2]!;
      take(this.bytes, at + segmentHead, at + segmentHead + length);
      head = (head + segmentHead + ((length + 7) & ~7)) | 0;
      Atomics.store(this.control, word.head, head);
      Atomics.notify(this.control, word.head);
      count++;
    }
    return count;
  }
}
