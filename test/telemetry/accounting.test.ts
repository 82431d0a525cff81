/** What goes into a stage comes out of it, or is counted by the reason why not. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { accountsText, balance, type Stage } from '../../src/telemetry/accounting.ts';

const feeds: Stage = {
  name: 'feeds',
  in: { parsed: 1_234_567 },
  out: { accepted: 1_234_500n, refused: { price: 40, size: 0, symbol: 20n }, ignored: 7 },
};

test('a stage balances when its counts, reasons included, add up', () => {
  expect(balance(feeds)).toBe(0n);
  expect(balance({ ...feeds, in: { parsed: 1_234_570 } })).toBe(3n);
  expect(balance({ ...feeds, in: {} })).toBe(-1_234_567n);
  expect(balance({ name: 'idle', in: {}, out: {} })).toBe(0n);
});

test('counts past 2^53 are exact', () => {
  const many = 2n ** 60n;
  expect(balance({ name: 'hub', in: { taken: many + 1n }, out: { passed: many } })).toBe(1n);
});

/** The obvious version: one count after the other. */
function sumOneByOne(counts: Stage['in']): bigint {
  let sum = 0n;
  for (const value of Object.values(counts)) {
    for (const part of typeof value === 'object' ? Object.values(value) : [value]) sum += BigInt(part);
  }
  return sum;
}

test('the balance is in less out, whatever the counts', () => {
  const count = fc.oneof(fc.maxSafeNat(), fc.bigInt({ min: 0n, max: 2n ** 63n }));
  const side = fc.dictionary(fc.string(), fc.oneof(count, fc.dictionary(fc.string(), count)));
  fc.assert(
    fc.property(side, side, (into, out) => {
      expect(balance({ name: 's', in: into, out })).toBe(sumOneByOne(into) - sumOneByOne(out));
    }),
  );
});

test('the table shows every stage with its verdict, and one for all', () => {
  const lossy: Stage = { name: 'gateway', in: { due: 10 }, out: { delivered: 7, conflated: 1 } };
  const twice: Stage = { name: 'stores', in: { rows: 1 }, out: { written: 1_001 } };
  expect(accountsText([feeds])).toBe(
    'feeds: parsed 1,234,567 = accepted 1,234,500 + refused 60 (price 40, symbol 20) + ignored 7 ✓\nall 1 stages balance ✓',
  );
  expect(accountsText([feeds, lossy, twice]).split('\n')).toEqual([
    'feeds:   parsed 1,234,567 = accepted 1,234,500 + refused 60 (price 40, symbol 20) + ignored 7 ✓',
    'gateway: due 10 = delivered 7 + conflated 1 ✗ 2 missing',
    'stores:  rows 1 = written 1,001 ✗ 1,000 too many',
    '2 of 3 stages do not balance ✗',
  ]);
});

test('a count that is no whole number is a bug and stops', () => {
  expect(() => balance({ name: 's', in: { parsed: 1.5 }, out: {} })).toThrow(RangeError);
  expect(() => balance({ name: 's', in: { parsed: Number.NaN }, out: {} })).toThrow(RangeError);
});
