/** The one source of chance: a small counting generator (sfc32) on 32-bit integers, equal on every machine. */
export type DiceState = readonly [number, number, number, number];

/** A 32-bit digest of numbers and words, to seed a generator that depends on all of them. */
export function digest(...parts: readonly (number | string)[]): number {
  let hash = 0x811c9dc5;
  for (const character of parts.join('|')) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}

export class Dice {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
    this.#c = Math.imul(seed + 0x6d2b79f5, 0xc2b2ae35);
    this.#counter = 1;
    for (let round = 0; round < 12; round++) this.u32(); // the first throws still resemble the seed
  }

  state(): DiceState {
    return [this.#a, this.#b, this.#c, this.#counter];
  }

  restore(state: DiceState): void {
    [this.#a, this.#b, this.#c, this.#counter] = state;
  }

  u32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }

  /** In [0, 1). */
  unit(): number {
    return this.u32() / 4_294_967_296;
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor((this.u32() / 4_294_967_296) * bound);
  }

  /** Exponential with mean 1. */
  exponential(): number {
    return -Math.log((this.u32() + 1) / 4_294_967_296);
  }

  /** Nearly normal, mean 0, deviation 1: four throws summed; fat tails come from the market's regimes. */
  normal(): number {
    const sum = this.u32() + this.u32() + this.u32() + this.u32();
    return (sum / 4_294_967_296 - 2) * 1.7320508075688772;
  }
}
