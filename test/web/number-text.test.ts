/** Numbers as the page shows them. */
import { expect, test } from 'vitest';
import {
  bytesText,
  clockText,
  dateText,
  durationText,
  grouped,
  median,
  percentText,
  shortText,
} from '../../web/number-text.ts';

const spaced = (text: string): string => text.replaceAll('\u202f', '_');

test.each([
  ['67250.40', '67_250.40'],
  ['1234567', '1_234_567'],
  ['999', '999'],
  ['0.00002487', '0.00002487'],
  ['1000.1234567', '1_000.1234567'],
])('thousands of %s are parted, decimals are left alone', (decimal, shown) => {
  expect(spaced(grouped(decimal))).toBe(shown);
});

test.each([
  [1.236, '+1.24_%'],
  [-0.5, '−0.50_%'],
  [0, '0.00_%'],
  [-0.001, '0.00_%'],
])('%d per cent', (value, shown) => expect(spaced(percentText(value))).toBe(shown));

test.each([
  [0.09, '0.09'],
  [12, '12'],
  [78_700, '78.7_k'],
  [317_123, '317_k'],
  [1_240_000, '1.24_M'],
  [2.5e9, '2.50_B'],
  [3e12, '3.00_T'],
])('%d in short', (value, shown) => expect(spaced(shortText(value))).toBe(shown));

test('bytes, durations, times', () => {
  expect([999, 24_500, 3_200_000, 5e9].map(bytesText)).toEqual(['999 B', '24.5 kB', '3.2 MB', '5.0 GB']);
  expect([0.42, 9.96, 120.4, 3_140].map(durationText)).toEqual(['0.4 ms', '10 ms', '120 ms', '3.1 s']);
  expect(clockText(1_723_161_255_342_000)).toBe('23:54:15.342');
  expect(dateText(1_723_161_255_342_000)).toBe('2024-08-08');
});

test('the median of an odd and of an even number of values', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 9])).toBe(3);
});
