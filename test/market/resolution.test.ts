/** Where bars begin, judged by Date. */
import { describe, expect, test } from 'vitest';
import { barOpen, barOrdinal, nextBarOpen, resolutions } from '../../src/market/resolution.ts';
import { dice, seed } from './dice.ts';

const fixedMs = [1_000, 5_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000];

/** Open time and next open time in ms. */
function obvious(index: number, ms: number): [open: number, next: number] {
  const date = new Date(ms);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (index === 9) return [Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)];
  if (index === 8) {
    const monday = day - ((date.getUTCDay() + 6) % 7);
    return [Date.UTC(year, month, monday), Date.UTC(year, month, monday + 7)];
  }
  const length = fixedMs[index]!;
  return [Math.floor(ms / length) * length, Math.floor(ms / length) * length + length];
}

const from = Date.UTC(1970, 0, 5);
const to = Date.UTC(2100, 11, 31);

/** Random times, month ends, leap days, Mondays, and the µs on either side of each. */
function times(): number[] {
  const roll = dice(seed);
  const marks = Array.from({ length: 2_000 }, () => roll.whole(from, to) * 1_000 + roll.whole(0, 999));
  for (let year = 1970; year <= 2100; year++) {
    for (let month = year === 1970 ? 1 : 0; month < 12; month++) marks.push(Date.UTC(year, month, 1) * 1_000);
    marks.push(Date.UTC(year, 1, 29) * 1_000, obvious(8, Date.UTC(year, 6, 1))[0] * 1_000);
  }
  return marks.flatMap((mark) => [mark - 1, mark, mark + 1]);
}

describe(`resolution (SEED=${seed})`, () => {
  for (const [index, name] of resolutions.entries()) {
    test(`${name}: a bar holds the times from its open to the next open`, () => {
      for (const time of times()) {
        const [open, next] = obvious(index, Math.floor(time / 1_000));
        const which = `${name} at ${time} µs`;
        expect(barOpen(index, time), which).toBe(open * 1_000);
        expect(nextBarOpen(index, open * 1_000), which).toBe(next * 1_000);
        expect(barOrdinal(index, next * 1_000) - barOrdinal(index, open * 1_000), which).toBe(1);
        expect(Number.isInteger(barOrdinal(index, open * 1_000))).toBe(true);
      }
    });
  }
});
