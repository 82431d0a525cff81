/**
 * One stretch of bytes in which everything lies that blocks are copied between: the segment being read, the latest
 * block of each stream, the frames being made. Within one buffer a copy is `copyWithin`: 15 ns whatever its length
 * and no view object, where `set(subarray)` takes 50 and a loop 2 a byte (measured with blocks of 8 to 256 bytes).
 *
 * Room comes in powers of two from 64 bytes; what is given back is used again. Addresses stay good when it grows.
 */

const smallest = 6;
const classes = 26;

export class Arena {
  bytes: Uint8Array;
  #top = 0;
  readonly #free: number[][] = Array.from({ length: classes }, () => []);

  constructor(bytes = 1 << 20) {
    this.bytes = new Uint8Array(bytes);
  }

  /** The room that a request for `bytes` gets: the power of two above. */
  static room(bytes: number): number {
    return bytes <= 1 << smallest ? 1 << smallest : 2 ** (32 - Math.clz32(bytes - 1));
  }

  /** Takes `room` bytes (a value of `Arena.room`); returns their address. Their content is whatever was there. */
  take(room: number): number {
    const at = this.#free[31 - Math.clz32(room)]!.pop();
    if (at !== undefined) return at;
    const fresh = this.#top;
    this.#top += room;
    if (this.#top > this.bytes.length) this.#grow();
    return fresh;
  }

  give(at: number, room: number): void {
    this.#free[31 - Math.clz32(room)]!.push(at);
  }

  #grow(): void {
    let length = this.bytes.length * 2;
    while (length < this.#top) length *= 2;
    const larger = new Uint8Array(length);
    larger.set(this.bytes);
    this.bytes = larger;
  }
}
