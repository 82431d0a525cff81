import { expect, test } from 'vitest';
import {
  type IndexRules,
  indexWord,
  indexWords,
  makeIndex,
  partAt,
  partState,
  partStateNames,
  partWord,
  takePart,
} from '../../src/compute/index-price.ts';
import { dice, seed } from '../market/dice.ts';

const rules: IndexRules = {
  weights: [0.5, 0.3, 0.2],
  staleMicros: 5e6,
  markShare: 0.05,
  quarantineTimes: 100,
};

function bench(own: Partial<IndexRules> = {}) {
  const words = new Float64Array(indexWords);
  const used = { ...rules, ...own };
  let version = 0;
  return {
    words,
    quote: (part: number, middle: number, now: number) =>
      takePart(words, 0, part, ++version, middle - 1, middle + 1, now),
    make: (now: number) => makeIndex(words, 0, used, now),
    price: () => words[indexWord.price],
    states: () => used.weights.map((_, part) => partStateNames[words[partAt(0, part) + partWord.state]!]),
  };
}

test('an index is the weighted mean of its parts', () => {
  const { quote, make, price, states, words } = bench();
  quote(0, 10_000, 1);
  quote(1, 10_010, 1);
  quote(2, 10_020, 1);
  expect(make(1)).toBe(true);
  expect(price()).toBe(10_007);
  expect([words[indexWord.bid], words[indexWord.ask]]).toEqual([10_006, 10_008]);
  expect(states()).toEqual(['used', 'used', 'used']);
});

test('scenario 26: a source 5 % away is marked and does not count, and the index says that it diverges', () => {
  const { quote, make, price, states, words } = bench();
  quote(0, 10_000, 1);
  quote(1, 10_000, 1);
  quote(2, 10_600, 1);
  make(1);
  expect(states()).toEqual(['used', 'used', 'marked']);
  expect(price()).toBe(10_000);
  expect(words[indexWord.diverging]).toBe(1);
  quote(2, 10_100, 2);
  make(2);
  expect(states()).toEqual(['used', 'used', 'used']);
  expect(words[indexWord.diverging]).toBe(0);
});

test('scenario 26: 5 % is the mark: just below counts, 5 % itself does not', () => {
  for (const [middle, state] of [
    [10_499, 'used'],
    [10_500, 'marked'],
    [9_501, 'used'],
    [9_500, 'marked'],
  ] as const) {
    const { quote, make, states } = bench();
    quote(0, 10_000, 1);
    quote(1, 10_000, 1);
    quote(2, middle, 1);
    make(1);
    expect(states()[2], String(middle)).toBe(state);
  }
});

test('scenario 26: of two sources that part by 5 %, the one that left the index is marked', () => {
  const { quote, make, states, price } = bench({ weights: [0.5, 0.5] });
  quote(0, 10_000, 1);
  quote(1, 10_000, 1);
  make(1);
  quote(0, 10_700, 2);
  make(2);
  expect(states()).toEqual(['marked', 'used']);
  expect(price()).toBe(10_000);
});

test('a source 100 times away is quarantined until it comes back near the others', () => {
  const { quote, make, states, price } = bench();
  quote(0, 10_000, 1);
  quote(1, 10_000, 1);
  quote(2, 1_000_000, 1);
  make(1);
  expect(states()).toEqual(['used', 'used', 'quarantined']);
  quote(2, 11_000, 2);
  make(2);
  expect(states()[2], 'ten per cent away is not back').toBe('quarantined');
  quote(2, 10_100, 3);
  make(3);
  expect(states()[2]).toBe('used');
  expect(price()).toBe(10_020);
});

test('what stays away together becomes the reference again when all others are stale', () => {
  const { quote, make, states, price } = bench();
  quote(0, 10_000, 1);
  quote(1, 10_000, 1);
  quote(2, 20_000, 1);
  make(1);
  quote(2, 20_000, 6_000_002);
  expect(make(6_000_002)).toBe(true);
  expect(states()).toEqual(['stale', 'stale', 'used']);
  expect(price()).toBe(20_000);
});

test('fallback: when no part counts, the first in the order of the definition stands in', () => {
  const { quote, make, states, price } = bench({ weights: [0.5, 0.5] });
  quote(0, 10_000, 1);
  quote(1, 10_000, 1);
  make(1);
  quote(0, 12_000, 2);
  quote(1, 13_000, 2);
  expect(make(2)).toBe(true);
  expect(states()).toEqual(['standIn', 'marked']);
  expect(price()).toBe(12_000);
});

test('an index is stale when all its parts are, and makes no price then', () => {
  const { quote, make, words } = bench();
  quote(0, 10_000, 1);
  make(1);
  expect(make(5_000_002)).toBe(false);
  expect(words[indexWord.stale]).toBe(1);
  quote(1, 10_000, 5_000_003);
  make(5_000_003);
  expect(words[indexWord.stale]).toBe(0);
});

test('the same quote from the other line is no news', () => {
  const { words } = bench();
  expect(takePart(words, 0, 0, 7, 1, 2, 1)).toBe(true);
  expect(takePart(words, 0, 0, 7, 1, 2, 1)).toBe(false);
  expect(takePart(words, 0, 0, 6, 3, 4, 1)).toBe(false);
});

test('an unchanged index makes no tick', () => {
  const { quote, make } = bench();
  quote(0, 10_000, 1);
  expect(make(1)).toBe(true);
  quote(0, 10_000, 2);
  expect(make(2)).toBe(false);
});

test(`reliability: used never passes asked, and the index lies between its used parts (seed ${seed})`, () => {
  const throws = dice(seed);
  const { words, quote, make, price } = bench();
  let now = 1;
  for (let step = 0; step < 20_000; step++) {
    now += throws.whole(1, 2_000_000);
    const wild = throws.chance(0.1) ? throws.pick([0.01, 0.9, 1.1, 150]) : 1;
    quote(
      throws.whole(0, 2),
      Math.max(2, Math.round(10_000 * wild * (1 + (throws.real() - 0.5) / 100))),
      now,
    );
    const made = make(now);
    const parts = [0, 1, 2].map((part) => partAt(0, part));
    for (const at of parts)
      expect(words[at + partWord.used]!).toBeLessThanOrEqual(words[at + partWord.asked]!);
    const used = parts.filter((at) => words[at + partWord.state] === partState.used);
    if (!made || used.length === 0) continue;
    const middles = used.map((at) => (words[at + partWord.bid]! + words[at + partWord.ask]!) / 2);
    expect(price(), `step ${step}`).toBeGreaterThanOrEqual(Math.floor(Math.min(...middles)));
    expect(price(), `step ${step}`).toBeLessThanOrEqual(Math.ceil(Math.max(...middles)));
  }
});
