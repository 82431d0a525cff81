/** The page's bars: history and live bars come in any order, and the best known of each time stays. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BarSeries, type ChartBar } from '../../web/bar-series.ts';

function bar(time: number, more: Partial<ChartBar> = {}): ChartBar {
  const empty = { open: 1, high: 2, low: 1, close: 2, volume: 1, trades: 1, lastId: 1 };
  return { time, ...empty, closed: false, revision: 0, incomplete: false, ...more };
}

/** The larger, the better known. */
function rank({ closed, revision, lastId }: ChartBar): number {
  return Number(closed) * 1e6 + revision * 1e3 + lastId;
}

describe('the series of the chart', () => {
  test('a forming bar grows, is closed, and is corrected; what is older does not come back', () => {
    const series = new BarSeries(100);
    const states = [
      bar(60, { lastId: 1 }),
      bar(60, { lastId: 5, trades: 5 }),
      bar(60, { lastId: 6, trades: 6, closed: true }),
      bar(60, { lastId: 7, trades: 7, closed: true, revision: 1 }),
    ];
    for (const [index, state] of states.entries()) {
      series.take(state);
      for (const older of states.slice(0, index)) series.take(older);
      expect(series.bars).toEqual([state]);
    }
  });

  test('only what changed is drawn again; a bar that comes in between draws all', () => {
    const series = new BarSeries(100);
    for (const time of [60, 120, 180]) series.take(bar(time));
    expect(series.drain()).toEqual({ whole: false, bars: [bar(60), bar(120), bar(180)] });
    expect(series.drain()).toEqual({ whole: false, bars: [] });
    series.take(bar(180));
    expect(series.drain().bars).toEqual([]);
    series.take(bar(240));
    series.take(bar(180, { closed: true }));
    expect(series.drain()).toEqual({ whole: false, bars: [bar(180, { closed: true }), bar(240)] });
    series.take(bar(90));
    expect(series.drain()).toMatchObject({ whole: true, bars: { length: 5 } });
  });

  test('it is bounded: the oldest go', () => {
    const series = new BarSeries(8);
    for (let time = 1; time <= 9; time++) series.take(bar(time));
    expect(series.bars.map(({ time }) => time)).toEqual([4, 5, 6, 7, 8, 9]);
    expect(series.drain().whole).toBe(true);
  });

  test('in any order it ends the same, sorted, and a drawing that follows the changes shows the same', () => {
    const one = fc.record({
      time: fc.integer({ min: 1, max: 12 }),
      lastId: fc.integer({ min: 1, max: 20 }),
      revision: fc.integer({ min: 0, max: 2 }),
      closed: fc.boolean(),
    });
    const property = fc.property(
      fc.array(one, { maxLength: 60 }),
      fc.infiniteStream(fc.nat()),
      (made, dice) => {
        const best = new Map<number, number>();
        const series = new BarSeries(100);
        const drawn = new Map<number, ChartBar>();
        for (const parts of made) {
          const taken = bar(parts.time, { ...parts, revision: parts.closed ? parts.revision : 0 });
          best.set(taken.time, Math.max(best.get(taken.time) ?? 0, rank(taken)));
          series.take(taken);
          if (dice.next().value! % 3 > 0) continue;
          const { whole, bars } = series.drain();
          if (whole) drawn.clear();
          for (const changed of bars) drawn.set(changed.time, changed);
        }
        const { whole, bars } = series.drain();
        if (whole) drawn.clear();
        for (const changed of bars) drawn.set(changed.time, changed);
        expect(series.bars.map((held) => [held.time, rank(held)])).toEqual(
          [...best].toSorted(([a], [b]) => a - b),
        );
        expect([...drawn.values()].toSorted((a, b) => a.time - b.time)).toEqual(series.bars);
      },
    );
    fc.assert(property); // prints its seed when it fails
  });
});
