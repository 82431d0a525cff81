/** Bars from trades, judged by the obvious ones: in order, jumbled, late within and beyond the grace. */
import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { addTrade, type BarListener, clockBars, formingBar } from '../../src/compute/bars.ts';
import { counter, minutesLength, type ShardMemory, shardMemory } from '../../src/compute/shard-memory.ts';
import { barAt, barBit, barWord, barWords } from '../../src/market/bar-words.ts';
import { resolutions } from '../../src/market/resolution.ts';
import type { Bar } from '../../src/market/tick.ts';
import { dice, seed } from '../market/dice.ts';
import { obviousBar, obviousBars, obviousOpen, type PlainTrade, valuesOf } from './obvious-bars.ts';
import { borders, jumbled, randomTrades, type TradeWishes } from './random-trades.ts';

const grace = 250_000;
const second = 1_000_000;
const day = 86_400 * second;

/** A row of bars, and what it said. */
class BarRow implements BarListener {
  readonly memory: ShardMemory = shardMemory(1, new Float64Array(minutesLength(1)));
  readonly published: Bar[] = [];
  readonly taken: PlainTrade[] = [];
  readonly #scratch = new Float64Array(barWords);

  take(trade: PlainTrade): void {
    this.taken.push(trade);
    addTrade(this.memory, 0, trade, grace, this);
  }

  clock(now: number): void {
    clockBars(this.memory, 0, now, grace, this);
  }

  bar(_row: number, resolution: number, words: Float64Array, at: number): void {
    assert.equal((words[at + barWord.flags]! & barBit.corrected) !== 0, words[at + barWord.revision]! > 0);
    this.published.push(barAt(words, at, 1, resolution));
  }

  minute(): void {
    // Of no interest here.
  }

  beyond(): void {
    // It is counted.
  }

  forming(resolution: number): Bar {
    formingBar(this.memory, 0, resolution, this.#scratch);
    return barAt(this.#scratch, 0, 1, resolution);
  }

  count(name: keyof typeof counter): number {
    return this.memory.counters[counter[name]]!;
  }

  /** The last word on each bar: the highest revision. Revisions come as 0, 1, 2 … */
  last(resolution: number): Map<number, Bar> {
    const last = new Map<number, Bar>();
    for (const bar of this.published) {
      if (bar.resolution !== resolution) continue;
      assert.equal(bar.revision, (last.get(bar.openTime)?.revision ?? -1) + 1);
      last.set(bar.openTime, bar);
    }
    return last;
  }
}

function expectForming(row: BarRow): void {
  for (let resolution = 0; resolution < resolutions.length; resolution++) {
    const forming = row.forming(resolution);
    const inside = row.taken.filter(({ time }) => obviousOpen(resolution, time) === forming.openTime);
    if (inside.length === 0) assert.equal(forming.count, 0);
    else assert.deepEqual(valuesOf(forming), obviousBar(inside, resolution, forming.openTime));
  }
}

/** All bars, ended by a clock far away, equal the obvious ones in every field. */
function expectFinal(row: BarRow): void {
  row.clock(Math.max(...row.taken.map(({ time }) => time)) + 70 * day);
  for (let resolution = 0; resolution < resolutions.length; resolution++) {
    const last = [...row.last(resolution).values()].toSorted((a, b) => a.openTime - b.openTime);
    const expected = [...obviousBars(row.taken, resolution).values()].toSorted(
      (a, b) => a.openTime - b.openTime,
    );
    expect(last.map(valuesOf), resolutions[resolution]).toEqual(expected);
    expect(last.every((bar) => bar.closed)).toBe(true);
  }
}

function tradeAt(id: number, time: number, price = 5, size = 10 * id): PlainTrade {
  return { time, price, size, firstId: id, lastId: id, takerSold: false };
}

/** From a few a second to a few a month. */
const paces: readonly TradeWishes[] = [
  { count: 400, steps: [1_000, 200_000, second], from: borders - 60 * second },
  { count: 300, steps: [second, 20 * second, 400 * second], from: borders - 3_600 * second },
  { count: 200, steps: [60 * second, 3_600 * second, day], from: borders - 9 * day },
  { count: 60, steps: [day, 5 * day, 40 * day], from: borders - 400 * day },
];

describe(`bars (SEED=${seed})`, () => {
  for (const [index, wishes] of paces.entries()) {
    const pace = `steps up to ${Math.max(...wishes.steps) / second} s`;
    test(`in order, at ${pace}: forming bars at any moment, and the closed ones`, () => {
      for (let round = 0; round < 5; round++) {
        const roll = dice(seed + index * 100 + round);
        const row = new BarRow();
        for (const one of randomTrades(roll, { ...wishes, aggregates: round % 2 === 1 })) {
          if (roll.chance(0.2)) row.clock(one.time - roll.whole(0, grace));
          row.take(one);
          if (roll.chance(0.05)) expectForming(row);
        }
        expectForming(row);
        expectFinal(row);
        expect([row.count('barsCorrected'), row.count('barsBeyondMemory')]).toEqual([0, 0]);
      }
    });
  }

  test('jumbled within the bars that are remembered: forming bars at any moment, and the final ones', () => {
    let corrections = 0;
    for (let round = 0; round < 20; round++) {
      const roll = dice(seed + round);
      const row = new BarRow();
      // At most 40 places of at most 1 s: within the 64 seconds, 16 × 5 s, 16 minutes … that are remembered.
      const trades = randomTrades(roll, { ...paces[0]!, aggregates: round % 2 === 1, jumps: 0 });
      for (const one of jumbled(roll, trades, 0.2, 40)) {
        row.take(one);
        if (roll.chance(0.1))
          row.clock(Math.max(...row.taken.map(({ time }) => time)) + roll.whole(0, grace));
        if (roll.chance(0.05)) expectForming(row);
      }
      expectFinal(row);
      corrections += row.count('barsCorrected');
      expect(row.count('barsBeyondMemory')).toBe(0);
    }
    expect(corrections).toBeGreaterThan(0);
  });

  test('jumbled beyond them: what a bar lacks is counted, trade by trade and length by length', () => {
    let beyond = 0;
    for (let round = 0; round < 20; round++) {
      const roll = dice(seed + round);
      const row = new BarRow();
      const trades = randomTrades(roll, { ...paces[round % paces.length]!, count: 150 });
      for (const one of jumbled(roll, trades, 0.2, 100)) {
        row.take(one);
        if (roll.chance(0.1)) expectForming(row);
      }
      row.clock(Math.max(...trades.map(({ time }) => time)) + 70 * day);
      let missing = 0;
      for (let resolution = 0; resolution < resolutions.length; resolution++) {
        const last = row.last(resolution);
        for (const [open, bar] of obviousBars(trades, resolution))
          missing += bar.count - (last.get(open)?.count ?? 0);
      }
      expect(missing).toBe(row.count('barsBeyondMemory'));
      beyond += missing;
    }
    expect(beyond).toBeGreaterThan(0);
  });

  test('scenario 32: a late trade at the turn of a minute amends silently within the grace, then by a correction', () => {
    const row = new BarRow();
    row.take(tradeAt(1, borders - 2 * second, 100));
    row.take(tradeAt(3, borders + 10_000, 103));
    row.clock(borders + 10_000);
    const minutes = (): Bar[] => row.published.filter((bar) => bar.resolution === 2);
    expect(minutes()).toEqual([]);
    row.take(tradeAt(2, borders - 1, 102));
    expect(minutes()).toEqual([]);
    row.clock(borders + grace);
    expect(minutes()).toMatchObject([
      { revision: 0, closed: true, close: 102, volume: 30n, count: 2, lastId: 2 },
    ]);
    row.take(tradeAt(4, borders - 500_000, 99));
    expect(minutes()).toMatchObject([
      { revision: 0 },
      { revision: 1, closed: true, close: 99, low: 99, volume: 70n, count: 3, lastId: 4 },
    ]);
    expectFinal(row);
    for (let resolution = 0; resolution < resolutions.length; resolution++) {
      const volume = [...row.last(resolution).values()].reduce((sum, bar) => sum + bar.volume, 0n);
      expect(volume, resolutions[resolution]).toBe(100n);
    }
  });

  test('a bar that only a late trade fills is published for the first time: revision 0', () => {
    const row = new BarRow();
    row.take(tradeAt(1, borders));
    row.take(tradeAt(3, borders + 10 * second));
    row.take(tradeAt(2, borders + 5 * second));
    expect(
      row.published.filter((bar) => bar.openTime === borders + 5 * second && bar.resolution === 0),
    ).toMatchObject([{ revision: 0, count: 1, closed: true }]);
    expectFinal(row);
  });
});
