/** The Enigma level and its Fibonacci prices, judged by BigInt. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { enigmaLevel, fibonacciPrices, levelMax } from '../../src/market/enigma.ts';
import { seed } from './dice.ts';

/** Half up, in whole numbers. */
function obviousLevel(price: number, ath: number, atl: number): number {
  const range = BigInt(ath) - BigInt(atl);
  const scaled = (BigInt(price) - BigInt(atl)) * 1_000_000n;
  const level = (scaled * 2n + range) / (range * 2n);
  return Number(level < 0n ? 0n : level > 1_000_000n ? 1_000_000n : level);
}

/** Prices as markets have them: to 2^33 the products are exact. */
const price = fc.integer({ min: 1, max: 2 ** 33 });

describe(`Enigma (SEED=${seed})`, () => {
  test('level: clamp((price − atl) / (ath − atl)), rounded half up', () => {
    fc.assert(
      fc.property(price, price, fc.oneof(price, fc.constant(640)), (a, b, c) => {
        const [atl, ath] = [Math.min(b, c), Math.max(b, c)];
        fc.pre(ath > atl);
        for (const at of [a, atl, ath, Math.min(atl + 1, ath)]) {
          expect(enigmaLevel(at, ath, atl)).toBe(at < atl ? 0 : obviousLevel(at, ath, atl));
        }
      }),
      { seed, numRuns: 1_000 },
    );
    // Ties: each of these is a half.
    for (let at = 1; at < 640; at++) expect(enigmaLevel(at, 640, 0)).toBe(obviousLevel(at, 640, 0));
  });

  test('level of any prices is a whole number within bounds, at most a rounding away', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), fc.maxSafeNat(), (at, b, c) => {
        const [atl, ath] = [Math.min(b, c), Math.max(b, c)];
        const level = enigmaLevel(at, ath, atl);
        expect(Number.isInteger(level) && level >= 0 && level <= levelMax).toBe(true);
        const expected = ath === atl ? level : at < atl ? 0 : obviousLevel(at, ath, atl);
        expect(Math.abs(level - expected)).toBeLessThanOrEqual(1);
      }),
      { seed },
    );
  });

  test('scenario 34: one data point (ATH = ATL) has a level, and no division by zero', () => {
    for (const only of [1, 500, 2 ** 53 - 1]) {
      expect(enigmaLevel(only, only, only)).toBe(500_000);
      expect(enigmaLevel(only - 1, only, only)).toBe(0);
      expect(enigmaLevel(only + 1, only, only)).toBe(1_000_000);
      expect(fibonacciPrices(only, only)).toEqual([only, only, only, only, only, only, only]);
    }
    expect(enigmaLevel(0, 0, 0)).toBe(500_000);
  });

  test('Fibonacci prices rise from low to high, each rounded half up', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (b, c) => {
        const [atl, ath] = [Math.min(b, c), Math.max(b, c)];
        const range = BigInt(ath) - BigInt(atl);
        const expected = [0n, 236n, 382n, 500n, 618n, 786n, 1_000n].map((tenths) => {
          const doubled = (range * tenths * 2n) / 1_000n;
          return Number(BigInt(atl) + (doubled + 1n) / 2n);
        });
        expect(fibonacciPrices(ath, atl)).toEqual(expected);
        expect(fibonacciPrices(ath, atl).at(-1)).toBe(ath);
      }),
      { seed },
    );
  });
});
