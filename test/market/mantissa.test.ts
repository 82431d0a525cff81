/** Decimal text and mantissa, judged by BigInt. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimalOf, decimalsOfStep, doubleOf, mantissaOf } from '../../src/market/mantissa.ts';
import { seed } from './dice.ts';

/** Digit by digit: exact, or undefined. */
function obviousMantissa(text: string, decimals: number): bigint | undefined {
  const [whole = '', fraction = ''] = text.split('.');
  const kept = fraction.slice(0, decimals).padEnd(decimals, '0');
  if (/[1-9]/.test(fraction.slice(decimals))) return undefined;
  const mantissa = BigInt(whole + kept);
  return mantissa < 2n ** 53n ? mantissa : undefined;
}

const digits = (least: number, most: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom('0', '0', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '9'), {
      minLength: least,
      maxLength: most,
    })
    .map((all) => all.join(''));

describe(`mantissa (SEED=${seed})`, () => {
  test('is exact or refused, for any plain decimal text', () => {
    let refused = 0;
    fc.assert(
      fc.property(digits(1, 20), fc.option(digits(1, 20)), fc.nat(12), (whole, fraction, decimals) => {
        const text = fraction === null ? whole : `${whole}.${fraction}`;
        const expected = obviousMantissa(text, decimals);
        if (expected === undefined) refused++;
        expect(mantissaOf(text, decimals)).toBe(expected === undefined ? Number.NaN : Number(expected));
      }),
      { seed, numRuns: 2_000 },
    );
    expect(refused).toBeGreaterThan(0);
  });

  test('goes to text and back', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(18), (mantissa, decimals) => {
        expect(mantissaOf(decimalOf(mantissa, decimals), decimals)).toBe(mantissa);
        expect(decimalOf(BigInt(mantissa), decimals)).toBe(decimalOf(mantissa, decimals));
      }),
      { seed },
    );
    expect(decimalOf(6183763, 2)).toBe('61837.63');
    expect(decimalOf(-5, 3)).toBe('-0.005');
    expect(doubleOf(6183763, 2)).toBe(61837.63);
  });

  test('the last number below 2^53 passes, the next is refused', () => {
    expect(mantissaOf('90071992547409.91', 2)).toBe(2 ** 53 - 1);
    for (const text of ['90071992547409.92', '90071992547409.93', '90071992547410'])
      expect(mantissaOf(text, 2)).toBeNaN();
  });

  test('scenario 20: anything but a plain decimal number is refused', () => {
    const texts = [
      '',
      ' ',
      '.',
      '1.',
      '.5',
      '-1',
      '+1',
      '1e5',
      '1e309',
      'NaN',
      'Infinity',
      '0x10',
      '1,5',
      '1 ',
      ' 1',
      '1\n',
      '١',
      '1_0',
    ];
    for (const text of texts) expect(mantissaOf(text, 8), JSON.stringify(text)).toBeNaN();
    expect(mantissaOf('1'.repeat(40), 0)).toBeNaN();
    expect(mantissaOf(`0.${'0'.repeat(40)}`, 2)).toBeNaN();
  });

  test('decimals of a step', () => {
    expect(['0.01000000', '1.00000000', '1', '0.00000001', '0.1'].map(decimalsOfStep)).toEqual([
      2, 0, 0, 8, 1,
    ]);
  });
});
