/**
 * Finds a symbol by its bytes in a message, without making a string: open addressing over the first four and
 * last four bytes and the length; what is found is verified byte by byte. Names of less than four bytes are not
 * kept: the slow path knows them.
 */

const nameBytesMin = 4;
export const nameBytesMax = 32;

/** Bytes of one name, in 32-bit words; the last word ends with the name and may overlap the one before. */
interface Names {
  readonly length: Uint8Array;
  readonly words: Int32Array;
}

const wordsPerName = nameBytesMax / 4 + 1;
const lastWord = wordsPerName - 1;

export class SymbolTable {
  readonly #mask: number;
  /** Index of a name + 1; 0 is free. */
  readonly #slots: Int32Array;
  readonly #names: Names;

  /** Names are told apart to the byte. */
  constructor(names: readonly string[]) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(8, names.length * 4)));
    this.#mask = size - 1;
    this.#slots = new Int32Array(size);
    this.#names = {
      length: new Uint8Array(names.length),
      words: new Int32Array(names.length * wordsPerName),
    };
    const seen = new Set<string>();
    for (const [i, name] of names.entries()) {
      if (seen.has(name)) throw new Error(`the symbol ${name} is listed twice`);
      seen.add(name);
      this.#add(i, new TextEncoder().encode(name));
    }
  }

  #add(i: number, bytes: Uint8Array): void {
    const length = bytes.length;
    if (length < nameBytesMin || length > nameBytesMax) return;
    const view = new DataView(bytes.buffer);
    this.#names.length[i] = length;
    for (let k = 0; k + 4 <= length; k += 4)
      this.#names.words[i * wordsPerName + k / 4] = view.getInt32(k, true);
    this.#names.words[i * wordsPerName + lastWord] = view.getInt32(length - 4, true);
    let slot = hash(view.getInt32(0, true), view.getInt32(length - 4, true), length) & this.#mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = i + 1;
  }

  /** The index of the name in bytes `from` to `to` (not included) of `view`, or -1. */
  find(view: DataView, from: number, to: number): number {
    const length = to - from;
    if (length < nameBytesMin || length > nameBytesMax) return -1;
    const first = view.getInt32(from, true);
    const last = view.getInt32(to - 4, true);
    const slots = this.#slots;
    for (let slot = hash(first, last, length) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const i = slots[slot]! - 1;
      if (i < 0) return -1;
      if (this.#same(i, view, from, length, first, last)) return i;
    }
  }

  /** Bytes of name `i`; 0 when it is not kept. */
  lengthOf(i: number): number {
    return this.#names.length[i]!;
  }

  /** Whether name `i` stands in `view` at `from`; its bytes must lie within the view. */
  isAt(i: number, view: DataView, from: number): boolean {
    const length = this.#names.length[i]!;
    if (length === 0) return false;
    return this.#same(
      i,
      view,
      from,
      length,
      view.getInt32(from, true),
      view.getInt32(from + length - 4, true),
    );
  }

  #same(i: number, view: DataView, from: number, length: number, first: number, last: number): boolean {
    const { words } = this.#names;
    const at = i * wordsPerName;
    if (this.#names.length[i] !== length || words[at] !== first || words[at + lastWord] !== last)
      return false;
    for (let k = 4; k + 4 < length; k += 4)
      if (words[at + (k >> 2)] !== view.getInt32(from + k, true)) return false;
    return true;
  }
}

function hash(first: number, last: number, length: number): number {
  const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(last + length, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
