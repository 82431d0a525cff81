/** Throws that can be thrown again: the seed stands in the test's title, and `SEED` in the environment sets it. */
export const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

export interface Dice {
  /** 0 ≤ x < 1. */
  real(): number;
  /** A whole number, `least` ≤ x ≤ `most`, both safe integers. */
  whole(least: number, most: number): number;
  chance(share: number): boolean;
  pick<T>(items: readonly T[]): T;
}

/** Small, seeded, the same on every machine (mulberry32). */
export function dice(start: number): Dice {
  let state = start >>> 0;
  const real = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    real,
    // Two throws make 53 bits, so that every whole number of a wide range can come.
    whole: (least, most) => {
      const share = (real() * 2 ** 32 * 2 ** 21 + Math.floor(real() * 2 ** 21)) / 2 ** 53;
      return least + Math.min(most - least, Math.floor(share * (most - least + 1)));
    },
    chance: (share) => real() < share,
    pick: (items) => items[Math.floor(real() * items.length)]!,
  };
}
