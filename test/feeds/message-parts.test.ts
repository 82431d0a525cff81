/** The parts that venues share: decimals, times, levels, each against its obvious version. */
import { describe, expect, test } from 'vitest';
import { BookRecords, bookHead } from '../../src/feeds/book-records.ts';
import { readDecimal } from '../../src/feeds/decimal.ts';
import { readDecimalText, readLevelSizeText } from '../../src/feeds/decimal-text.ts';
import { recordsPerMessageMax } from '../../src/feeds/normaliser.ts';
import { readEpoch, readIso, TimeBounds } from '../../src/feeds/read-time.ts';
import { refusal } from '../../src/feeds/refusal.ts';
import { decimalText, exactSum } from '../../src/feeds/rest-amount.ts';
import { tickRecords } from '../../src/wire/tick-record.ts';
import { dice, seed } from './market.ts';
import { plainRecords } from './plain-records.ts';

describe('decimal texts', () => {
  test.each([
    '',
    '.',
    '1.',
    '.5',
    '-1',
    '1e3',
    '1,5',
    ' 1',
    '0',
    '00.10',
    '9007199254740991',
    '9007199254740992',
  ])('%j as the obvious reader has it', (text) => {
    for (let decimals = 0; decimals <= 10; decimals++)
      expect([decimals, readDecimalText(text, decimals)]).toEqual([decimals, readDecimal(text, decimals)]);
  });

  test(`any text, any decimals (SEED=${seed})`, () => {
    const roll = dice(seed);
    const wrong: string[] = [];
    const letters = '0000123456789....-e ';
    for (let i = 0; i < 30_000; i++) {
      const count = Math.floor(roll() * 20);
      const text = Array.from(
        { length: count },
        () => letters[Math.floor(roll() * (roll() < 0.9 ? 14 : 20))],
      ).join('');
      const decimals = Math.floor(roll() * 12);
      const fast = readDecimalText(text, decimals);
      if (fast !== readDecimal(text, decimals)) wrong.push(`${text} with ${decimals} decimals: ${fast}`);
    }
    expect(wrong).toEqual([]);
  });
});

test('the size of a level may be finer than the lot size: it is cut, and never to nothing', () => {
  expect(['1.23', '1.239', '0.001', '0.000', '-1', 'x'].map((text) => readLevelSizeText(text, 2))).toEqual([
    123,
    123,
    1,
    0,
    refusal.notPositive,
    refusal.badNumber,
  ]);
});

describe('times', () => {
  test.each<[unknown, number]>([
    ['2021-04-17T16:43:37.075687Z', 1_618_677_817_075_687],
    ['2021-04-17T16:43:37Z', 1_618_677_817_000_000],
    ['2021-04-17 16:43:37', 1_618_677_817_000_000],
    ['2021-04-17T16:43:37.0756879Z', 1_618_677_817_075_687],
    ['2021-04-17T16:43:37.1Z', 1_618_677_817_100_000],
    ['2024-02-29T00:00:00Z', 1_709_164_800_000_000],
    ['2016-12-31T23:59:60Z', 1_483_228_800_000_000],
    ['0001-01-01T00:00:00.000000Z', refusal.badTime],
    ['2021-13-01T00:00:00Z', refusal.badTime],
    ['2021-00-01T00:00:00Z', refusal.badTime],
    ['2021-04-31T00:00:00Z', refusal.badTime],
    ['2021-04-17T24:00:00Z', refusal.badTime],
    ['2021-04-17T16:60:37Z', refusal.badTime],
    ['2021-04-17T16:43:37+02:00', refusal.badTime],
    ['2021-04-17T16:43:37.Z', refusal.badTime],
    ['2021-04-17T16:43:37.0000000000Z', refusal.badTime],
    ['2021-04-17T16:43', refusal.badTime],
    ['2021/04/17T16:43:37Z', refusal.badTime],
    ['', refusal.badTime],
    [1_618_677_817, refusal.wrongType],
    [null, refusal.wrongType],
  ])('ISO %j', (text, wanted) => {
    expect(readIso(text)).toBe(wanted);
  });

  test(`ISO as Date has it, to the ms (SEED=${seed})`, () => {
    const roll = dice(seed);
    for (let i = 0; i < 5_000; i++) {
      const ms = Math.floor(roll() * 4e12);
      expect(readIso(new Date(ms).toISOString())).toBe(ms * 1_000);
    }
  });

  test.each<[unknown, number]>([
    [1_723_161_255_000, 1_723_161_255_000_000],
    [1_723_161_255_000_001, 1_723_161_255_000_001],
    [1_723_161_255, refusal.badTime],
    [1e18, refusal.badNumber],
    [-1, refusal.badNumber],
    [1.5, refusal.badNumber],
    ['1723161255000', refusal.wrongType],
  ])('ms and µs by magnitude: %j', (value, wanted) => {
    expect(readEpoch(value)).toBe(wanted);
  });

  test('believed near the receipt or within a span; a refusal stays what it was', () => {
    const near = new TimeBounds({ around: 'receipt', pastMicros: 10, futureMicros: 5 });
    expect([89, 90, 105, 106].map((time) => near.believed(time, 100))).toEqual([
      refusal.badTime,
      90,
      105,
      refusal.badTime,
    ]);
    expect(near.believed(refusal.wrongType, 100)).toBe(refusal.wrongType);
    expect([near.tooOld(89, 100), near.tooOld(90, 100), near.tooOld(refusal.badTime, 100)]).toEqual([
      true,
      false,
      false,
    ]);
    const span = new TimeBounds({ around: 'span', from: 10, to: 20 });
    expect([9, 10, 20, 21].map((time) => span.believed(time, 999))).toEqual([
      refusal.badTime,
      10,
      20,
      refusal.badTime,
    ]);
  });
});

const bestTen = (side: readonly number[], sign: number): number[] =>
  side.toSorted((a, b) => (a - b) * sign).slice(0, 10);

describe('levels', () => {
  test(`whatever the number of bids and asks, they come back in order (SEED=${seed})`, () => {
    const roll = dice(seed);
    const levels = new BookRecords();
    const out = tickRecords(recordsPerMessageMax);
    out.words.fill(Number.NaN);
    for (let i = 0; i < 400; i++) {
      const side = (): [number, number][] =>
        Array.from({ length: Math.floor(roll() * (i % 50 === 0 ? 900 : 9)) }, () => [
          1 + Math.floor(roll() * 1e6),
          Math.floor(roll() * 3),
        ]);
      const [bids, asks] = [side(), side()];
      levels.clear();
      // Asks first: a venue's order is not the records'.
      for (const [price, size] of asks) levels.addAsk(price, size);
      for (const [price, size] of bids) levels.addBid(price, size);
      const head = Object.assign(bookHead(), {
        instrumentId: 3,
        time: 5,
        received: 6,
        firstUpdate: 7,
        lastUpdate: 9,
      });
      const count = levels.writeChange(head, out);
      expect(count).toBe(1 + Math.ceil((bids.length + asks.length) / 3));
      expect(plainRecords(out, count)).toEqual([
        {
          kind: 'book',
          instrument: 3,
          time: 5,
          received: 6,
          id: 9,
          flags: [],
          bids,
          asks,
          words: [7, bids.length + asks.length, 0, 0],
        },
      ]);
      // Nothing of an older message stays behind the last level.
      for (const word of out.words.subarray(8, count * 8)) expect(word).not.toBeNaN();
    }
  });

  test(`a snapshot in any order comes out best first (SEED=${seed})`, () => {
    const roll = dice(seed);
    for (let i = 0; i < 50; i++) {
      const prices = [...new Set(Array.from({ length: 40 }, () => 1 + Math.floor(roll() * 999)))];
      const asks = prices.slice(0, 20).map((price) => price + 1_000);
      const bids = prices.slice(20);
      const levels = new BookRecords(10);
      for (const price of bids) levels.addBid(price, 1);
      for (const price of asks) levels.addAsk(price, 2);
      const out = tickRecords(64);
      const head = bookHead();
      const [book] = plainRecords(out, levels.writeSnapshot(head, out));
      expect(book!.bids!.map(([price]) => price)).toEqual(bestTen(bids, -1));
      expect(book!.asks!.map(([price]) => price)).toEqual(bestTen(asks, 1));
    }
  });
});

test('JSON numbers become the decimals they were written as', () => {
  expect(decimalText(1e-8, 8, 'X')).toBe('0.00000001');
  expect(decimalText(61_837.63, 2, 'X')).toBe('61837.63');
  expect(decimalText(12_345.678_900_000_001, 4, 'X')).toBe('12345.6789');
  expect(() => decimalText(61_837.635, 2, 'X')).toThrow(/does not fit/);
  expect(exactSum('123456789012345678901.5', 2, 'X')).toBe(12_345_678_901_234_567_890_150n);
});
