/** Missing trades over REST, from a venue that is turned by hand; plain sets are the judge. */
import { describe, expect, test } from 'vitest';
import { IdRanges } from '../../src/feeds/repair-ranges.ts';
import { RestFault } from '../../src/feeds/venue-rest.ts';
import { bookReason } from '../../src/wire/row.ts';
import { tickFlag, tickKind } from '../../src/wire/tick-record.ts';
import { dice, now, seed } from './market.ts';
import { HandRest, imbalance, repairOf, settle, tradeOf } from './repair-venue.ts';

test(`ranges of ids are what a plain set of them is (SEED=${seed})`, () => {
  const roll = dice(seed);
  const below = (n: number): number => Math.floor(roll() * n);
  for (let round = 0; round < 200; round++) {
    const ranges = new IdRanges();
    const obvious = new Map<number, number>();
    for (let step = 0; step < 30; step++) {
      const from = below(60);
      const to = from + below(12);
      const within = [...obvious.keys()].filter((id) => id >= from && id <= to);
      if (roll() < 0.6) {
        expect(ranges.add(from, to, step)).toBe(to - from + 1 - within.length);
        for (let id = from; id <= to; id++) if (!obvious.has(id)) obvious.set(id, step);
      } else if (roll() < 0.7) {
        const ids = ranges
          .takeWithin(from, to)
          .flatMap((r) => Array.from({ length: r.to - r.from + 1 }, (_, i) => r.from + i));
        expect(ids).toEqual(within.toSorted((a, b) => a - b));
        for (const id of within) obvious.delete(id);
      } else {
        ranges.takeSince(step - 10);
        for (const [id, since] of obvious) if (since <= step - 10) obvious.delete(id);
      }
      const left = [...obvious.keys()];
      expect(ranges.ids).toBe(left.length);
      expect(ranges.first?.from).toBe(left.length === 0 ? undefined : Math.min(...left));
      expect(ranges.oldest).toBe(Math.min(...obvious.values()));
      const upTo = left.filter((id) => id <= to);
      expect(ranges.lastUpTo(to)).toBe(upTo.length === 0 ? undefined : Math.max(...upTo));
    }
  }
});

describe('scenario 14: an id gap is filled over REST, or said to be lost', () => {
  test('the trades come as trades with the repair flag, received now, and no others', async () => {
    const rest = new HandRest();
    const { repair, taken } = repairOf(rest);
    repair.gap(3, 5, 7);
    expect(repair.health().gaps).toMatchObject({ asked: 3, waiting: 3, ranges: 1 });
    await settle();
    // One more is asked for, which shows that the venue has what comes after.
    expect(rest.asked.map(({ from, to }) => [from, to])).toEqual([[5, 8]]);
    expect(taken.records).toEqual([
      [tickKind.trade | tickFlag.repair, 3, now + 5, now, 5, 105, 7, 5, 5],
      [tickKind.trade | tickFlag.repair | tickFlag.takerSold, 3, now + 6, now, 6, 106, 7, 6, 6],
      [tickKind.trade | tickFlag.repair, 3, now + 7, now, 7, 107, 7, 7, 7],
    ]);
    expect(repair.health().gaps).toMatchObject({
      asked: 3,
      repaired: 3,
      waiting: 0,
      ranges: 0,
      instruments: 0,
    });
  });

  test('what the venue leaves out is lost, in order with what it has', async () => {
    const rest = new HandRest();
    rest.trade = () => [6, 9, 10].map(tradeOf);
    const { repair, taken } = repairOf(rest);
    repair.gap(3, 5, 9);
    await settle();
    expect(taken.records.map(([head, , , , , , , first, last]) => [head! & 0xff, first, last])).toEqual([
      [tickKind.lost, 5, 5],
      [tickKind.trade, 6, 6],
      [tickKind.lost, 7, 8],
      [tickKind.trade, 9, 9],
    ]);
    expect(repair.health().gaps.lost.absent).toBe(3);
    expect(imbalance(repair)).toBeUndefined();
  });

  test('the last ones may come later, and are lost after five answers without them', async () => {
    const rest = new HandRest();
    let has = 6;
    rest.trade = ({ from, to }) =>
      Array.from({ length: to - from + 1 }, (_, i) => tradeOf(from + i)).filter(({ id }) => id <= has);
    const { repair, taken, timers } = repairOf(rest);
    repair.gap(3, 5, 9);
    await settle();
    expect([taken.ids, taken.lost]).toEqual([[5, 6], []]);
    has = 8;
    timers.advance(1_000);
    await settle();
    expect(taken.ids).toEqual([5, 6, 7, 8]);
    for (let second = 0; second < 60; second++) {
      timers.advance(1_000);
      await settle();
    }
    expect(taken.lost).toEqual([{ instrument: 3, from: 9, to: 9 }]);
    // Once, once with 7 and 8, and then in vain until it is five in a row.
    expect(rest.asked.length).toBe(6);
    expect(imbalance(repair)).toBeUndefined();
  });

  test('a venue that refuses: lost after five times, and the next gap is tried anew', async () => {
    const rest = new HandRest();
    const whole = rest.trade;
    rest.trade = () => Promise.reject(new RestFault('refused', 'no such symbol'));
    const { repair, taken, timers } = repairOf(rest);
    repair.gap(3, 5, 9);
    for (let second = 0; second < 60; second++) {
      await settle();
      timers.advance(1_000);
    }
    expect(rest.asked.length).toBe(5);
    expect(taken.lost).toEqual([{ instrument: 3, from: 5, to: 9 }]);
    expect(repair.health()).toMatchObject({
      gaps: { lost: { refused: 5 } },
      lastFault: 'refused: no such symbol',
    });
    rest.trade = whole;
    repair.gap(3, 11, 12);
    await settle();
    expect(taken.ids).toEqual([11, 12]);
  });

  test.each([
    ['ids that were not asked for', [4, 5]],
    ['ids that fall', [6, 5]],
    ['an id twice', [5, 5]],
  ])('an answer that is none (%s) counts as a refusal', async (_name, ids) => {
    const rest = new HandRest();
    rest.trade = () => ids.map(tradeOf);
    const { repair, taken } = repairOf(rest, { attemptsMax: 1 });
    repair.gap(3, 5, 6);
    await settle();
    expect([taken.ids, taken.lost]).toEqual([[], [{ instrument: 3, from: 5, to: 6 }]]);
  });

  test('a venue that cannot be reached is asked for 15 minutes, and then the ids are lost', async () => {
    const rest = new HandRest();
    rest.trade = () => Promise.reject(new RestFault('unreachable', 'down'));
    const { repair, taken, timers } = repairOf(rest);
    repair.gap(3, 5, 9);
    for (let second = 0; second < 899; second++) {
      await settle();
      timers.advance(1_000);
    }
    await settle();
    expect(taken.lost).toEqual([]);
    // 1, 2, 4 … 32 s and then once a minute.
    expect(rest.asked.length).toBeLessThan(25);
    timers.advance(1_000);
    expect(taken.lost).toEqual([{ instrument: 3, from: 5, to: 9 }]);
    expect(repair.health().gaps.lost.late).toBe(5);
    await settle();
    expect(imbalance(repair)).toBeUndefined();
  });

  test('a long gap goes in parts, in turns with the others', async () => {
    const rest = new HandRest();
    const { repair, taken } = repairOf(rest, { underWayMax: 1 });
    repair.gap(1, 1, 25);
    repair.gap(2, 1, 3);
    await settle();
    expect(rest.asked.map(({ id, from, to }) => [id, from, to])).toEqual([
      [1, 1, 10],
      [2, 1, 4],
      [1, 11, 20],
      [1, 21, 26],
    ]);
    expect(taken.ids.length).toBe(28);
  });

  test('gaps that overlap are merged, and many small ones go with one request', async () => {
    const rest = new HandRest();
    const { repair, taken } = repairOf(rest);
    let answer: (() => void) | undefined;
    rest.trade = ({ from, to }) =>
      new Promise((resolve) => {
        answer = () => resolve(Array.from({ length: to - from + 1 }, (_, i) => tradeOf(from + i)));
      });
    repair.gap(1, 10, 12);
    // While the first is under way; some of it lies before what was asked for, and must not be taken for absent.
    for (const [from, to] of [
      [11, 13],
      [15, 15],
      [17, 17],
      [5, 5],
      [12, 12],
    ] as const)
      repair.gap(1, from, to);
    expect(rest.asked.map(({ from, to }) => [from, to])).toEqual([[10, 13]]);
    answer?.();
    await settle();
    expect(taken.ids).toEqual([10, 11, 12, 13]);
    expect(rest.asked.slice(1).map(({ from, to }) => [from, to])).toEqual([[5, 6]]);
    answer?.();
    await settle();
    expect(rest.asked.slice(2).map(({ from, to }) => [from, to])).toEqual([[15, 18]]);
    answer?.();
    await settle();
    expect([taken.ids, taken.lost]).toEqual([[10, 11, 12, 13, 5, 15, 17], []]);
    expect(repair.health().gaps).toMatchObject({ asked: 7, again: 3, requests: 3 });
  });

  test('watched instruments first', async () => {
    const rest = new HandRest();
    const { repair } = repairOf(rest, { underWayMax: 1 });
    repair.watch([3]);
    for (const id of [1, 2, 3]) repair.gap(id, 1, 12);
    await settle();
    expect(rest.asked.map(({ id }) => id)).toEqual([1, 3, 3, 2, 1, 2]);
  });

  test('lost at once: all but the newest 100,000 ids, too many gaps, nobody’s instrument', () => {
    const { repair, taken } = repairOf(new HandRest(), { rangesMax: 2 });
    repair.gap(1, 1, 1_000_000);
    expect(taken.lost).toEqual([{ instrument: 1, from: 1, to: 900_000 }]);
    repair.gap(2, 1, 5);
    repair.gap(3, 1, 5);
    repair.gap(601, 1, 5);
    expect(taken.lost.slice(1).map((one) => one.instrument)).toEqual([3, 601]);
    expect(repair.health().gaps).toMatchObject({
      lost: { tooLong: 900_000, full: 5, unknown: 5 },
      waiting: 100_005,
      ranges: 2,
    });
    expect(imbalance(repair)).toBeUndefined();
    expect(() => repair.gap(1, 6, 5)).toThrow(RangeError);
  });

  test.each(['limited', 'banned'] as const)(
    'scenario 10: %s: nothing is asked before the time told',
    async (kind) => {
      const rest = new HandRest();
      const whole = rest.trade;
      rest.trade = () => Promise.reject(new RestFault(kind, 'stop', 120_000));
      const { repair, taken, timers } = repairOf(rest, { underWayMax: 1 });
      for (const id of [1, 2, 3]) repair.gap(id, 1, 2);
      repair.bookRequest(4, bookReason.gap);
      await settle();
      expect(rest.asked.length).toBe(2);
      expect(repair.health().pausedMs).toBe(120_000);
      rest.trade = whole;
      repair.gap(5, 1, 1);
      timers.advance(119_999);
      await settle();
      expect(rest.asked.length).toBe(2);
      timers.advance(1);
      await settle();
      expect(taken.trades.length).toBe(7);
    },
  );

  test('after close nothing is asked or given', async () => {
    const rest = new HandRest();
    const { repair, taken, timers } = repairOf(rest);
    repair.gap(1, 1, 20);
    repair.bookRequest(1, bookReason.unknown);
    repair.close();
    repair.close();
    await settle();
    timers.advance(3_600_000);
    repair.gap(2, 1, 1);
    await settle();
    expect(rest.asked.length).toBe(2);
    expect(taken.records).toEqual([]);
  });

  test(`whatever the venue does, each id is repaired or lost once, never both (SEED=${seed})`, async () => {
    const roll = dice(seed);
    const below = (n: number): number => Math.floor(roll() * n);
    for (let round = 0; round < 30; round++) {
      const rest = new HandRest();
      const answers: (() => void)[] = [];
      const has = (id: number): boolean => (id * 7_919 + round) % 11 !== 0;
      let highest = 0;
      rest.trade = ({ from, to }) =>
        new Promise((resolve, reject) => {
          answers.push(() => {
            const kind = below(10);
            const ids = Array.from({ length: to - from + 1 }, (_, i) => from + i);
            if (kind === 0) reject(new RestFault('unreachable', 'down'));
            else if (kind === 1) reject(new RestFault('limited', 'stop', below(5_000)));
            else resolve(ids.filter((id) => has(id) && id <= highest).map(tradeOf));
          });
        });
      const { repair, taken, timers } = repairOf(rest);
      const wanted = new Map<string, number>();
      for (let step = 0; step < 120 || repair.health().gaps.waiting > 0; step++) {
        if (step < 120 && roll() < 0.4) {
          const id = 1 + below(3);
          const from = highest + below(10) - 5;
          const to = Math.max(1, from) + below(roll() < 0.2 ? 60 : 6);
          for (let one = Math.max(1, from); one <= to; one++) wanted.set(`${id}:${one}`, one);
          repair.gap(id, Math.max(1, from), to);
          highest = Math.max(highest, to + below(3) - 1);
        } else if (roll() < 0.7) answers.splice(below(answers.length), 1)[0]?.();
        else timers.advance(below(3_000));
        if (step === 120) highest += 100;
        await settle();
        expect(imbalance(repair)).toBeUndefined();
      }
      const { gaps } = repair.health();
      expect(gaps.lost).toMatchObject({ refused: 0, late: 0, full: 0 });
      const repaired = taken.trades.map((one) => `${one.instrument}:${one.id}`);
      const lost = taken.lost.flatMap(({ instrument: id, from, to }) =>
        Array.from({ length: to - from + 1 }, (_, i) => `${id}:${from + i}`),
      );
      expect(new Set([...repaired, ...lost])).toEqual(new Set(wanted.keys()));
      expect(repaired.every((key) => has(wanted.get(key)!))).toBe(true);
      // An id that was settled may be asked for again; else each is settled once.
      expect(repaired.length + lost.length).toBe(gaps.asked);
      expect(repaired.length).toBe(gaps.repaired);
    }
  });
});
