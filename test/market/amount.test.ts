/** Sums of two limbs, judged by BigInt. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addLimbs, addProductTo, addTo, amountOf, limb, limbsOf } from '../../src/market/amount.ts';
import { seed } from './dice.ts';

const most = 2n ** 100n;
/** Numbers of every length, and those around powers of two. */
const mantissa = fc.oneof(
  fc.maxSafeNat(),
  fc
    .tuple(fc.nat(53), fc.integer({ min: -2, max: 2 }))
    .map(([bits, step]) => Math.min(Math.max(0, 2 ** bits + step), Number.MAX_SAFE_INTEGER)),
  fc.nat(1_000_000),
);

describe(`amount (SEED=${seed})`, () => {
  test('sums of products stay exact up to 2^100, and the low limb stays below 2^48', () => {
    let long = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(mantissa, mantissa), { minLength: 1, maxLength: 30 }), (pairs) => {
        const sums = new Float64Array(4);
        let expected = 0n;
        for (const [price, size] of pairs) {
          const product = BigInt(price) * BigInt(size);
          if (expected + product > most) continue;
          expected += product;
          addProductTo(sums, 2, price, size);
          expect(sums[2]).toBeLessThan(limb);
        }
        if (expected > 2n ** 53n) long++;
        expect(amountOf(sums[2]!, sums[3]!)).toBe(expected);
        expect(limbsOf(expected)).toEqual([sums[2], sums[3]]);
        expect([sums[0], sums[1]]).toEqual([0, 0]);
      }),
      { seed, numRuns: 1_000 },
    );
    expect(long).toBeGreaterThan(0);
  });

  test('sums of whole numbers and of limb pairs are exact', () => {
    fc.assert(
      fc.property(
        fc.array(mantissa, { maxLength: 30 }),
        fc.bigInt({ min: 0n, max: most }),
        (values, start) => {
          const sums = Float64Array.from([...limbsOf(start), 0, 0]);
          for (const value of values) addTo(sums, 2, value);
          addLimbs(sums, 0, sums, 2);
          const added = values.reduce((sum, value) => sum + BigInt(value), 0n);
          expect(amountOf(sums[0]!, sums[1]!)).toBe(start + added);
          expect(sums[0]).toBeLessThan(limb);
        },
      ),
      { seed },
    );
  });
});
