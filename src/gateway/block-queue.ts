/**
 * What waits for a slow client, in order and bounded: pieces of bytes with their time base and class. It owns no
 * memory until something waits, and lets go of it when empty.
 */

const head = 12;
const firstBytes = 16_384;

export class BlockQueue {
  readonly #bytesMax: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  #from = 0;
  #to = 0;
  #count = 0;
  readonly #counts = new Float64Array(4);

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#count;
  }

  /** False when it is full. */
  push(bytes: Uint8Array, from: number, length: number, timeBase: number, blockClass: number): boolean {
    const need = head + length;
    if (this.#to - this.#from + need > this.#bytesMax) return false;
    if (this.#to + need > this.#bytes.length) this.#makeRoom(need);
    this.#view.setUint32(this.#to, length, true);
    this.#view.setUint32(this.#to + 4, timeBase, true);
    this.#view.setUint32(this.#to + 8, blockClass, true);
    this.#bytes.set(bytes.subarray(from, from + length), this.#to + head);
    this.#to += need;
    this.#count++;
    this.#counts[blockClass]!++;
    return true;
  }

  /** Pieces of one class. */
  countOf(blockClass: number): number {
    return this.#counts[blockClass]!;
  }

  /** Bytes of all pieces, without what the queue itself adds. */
  get contentBytes(): number {
    return this.#to - this.#from - this.#count * head;
  }

  /** Of the first piece; there must be one. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get at(): number {
    return this.#from + head;
  }

  get length(): number {
    return this.#view.getUint32(this.#from, true);
  }

  get timeBase(): number {
    return this.#view.getUint32(this.#from + 4, true);
  }

  get class(): number {
    return this.#view.getUint32(this.#from + 8, true);
  }

  /** Drops the first piece. */
  shift(): void {
    this.#counts[this.class]!--;
    this.#from += head + this.length;
    this.#count--;
    if (this.#count > 0) return;
    this.#from = this.#to = 0;
    this.#bytes = new Uint8Array(0);
    this.#view = new DataView(this.#bytes.buffer);
  }

  #makeRoom(need: number): void {
    const used = this.#to - this.#from;
    let length = Math.max(this.#bytes.length, firstBytes);
    // Moving to the front is enough while that leaves half of it free; else it would be moved again and again.
    while (used + need > length / 2 && length < this.#bytesMax) length *= 2;
    while (used + need > length) length *= 2;
    const target = length === this.#bytes.length ? this.#bytes : new Uint8Array(length);
    target.set(this.#bytes.subarray(this.#from, this.#to));
    if (target !== this.#bytes) {
      this.#bytes = target;
      this.#view = new DataView(target.buffer);
    }
    this.#from = 0;
    this.#to = used;
  }
}
