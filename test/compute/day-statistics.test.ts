/** The last 24 hours by whole minutes, judged by looking at every trade again; with restarts in between. */
import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import type { BarTrade } from '../../src/compute/bar-sums.ts';
import { addTrade, type BarListener, clockBars } from '../../src/compute/bars.ts';
import { dayStatistics } from '../../src/compute/day-statistics.ts';
import { amendMinute, keepMinute, redoMinute } from '../../src/compute/minute-ring.ts';
import {
  hot,
  minuteJournalWords,
  minutesLength,
  minuteWords,
  type ShardMemory,
  shardMemory,
} from '../../src/compute/shard-memory.ts';
import { amountOf } from '../../src/market/amount.ts';
import { type Dice, dice, seed } from '../market/dice.ts';
import type { PlainTrade } from './obvious-bars.ts';
import { borders, jumbled, randomTrades } from './random-trades.ts';

const minute = 60_000_000;
const grace = 250_000;

interface Day {
  readonly last: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly volume: bigint;
  readonly quoteVolume: bigint;
  readonly count: number;
}

/** Of the minute of `now` and the 1,439 before it. */
function obviousDay(trades: readonly PlainTrade[], now: number): Day {
  const sorted = trades.toSorted((a, b) => a.firstId - b.firstId);
  const newest = sorted.at(-1)!;
  const until = Math.floor(now / minute);
  const inside = sorted.filter((trade) => Math.floor(trade.time / minute) > until - 1_440);
  // The day opens with its first minute's first trade.
  const firstMinute = Math.min(...inside.map((trade) => Math.floor(trade.time / minute)));
  const first = inside.find((trade) => Math.floor(trade.time / minute) === firstMinute) ?? newest;
  const prices = [...inside.map((trade) => trade.price), newest.price];
  return {
    last: newest.price,
    open: first.price,
    high: Math.max(...prices),
    low: Math.min(...prices),
    volume: inside.reduce((sum, trade) => sum + BigInt(trade.size), 0n),
    quoteVolume: inside.reduce((sum, trade) => sum + BigInt(trade.size) * BigInt(trade.price), 0n),
    count: inside.length,
  };
}

/** One instrument whose shard may be restored from a snapshot; the ring of minutes is never restored. */
class DayRow implements BarListener {
  readonly minutes = new Float64Array(minutesLength(1));
  memory: ShardMemory = shardMemory(1, this.minutes);
  readonly taken: PlainTrade[] = [];
  now = 0;

  bar(): void {
    // Of no interest here.
  }

  minute(row: number, words: Float64Array, at: number): void {
    keepMinute(this.memory, row, words, at);
  }

  beyond(row: number, resolution: number, openTime: number, trade: BarTrade): void {
    if (resolution === 2) amendMinute(this.memory, row, openTime, trade);
  }

  take(trade: PlainTrade): void {
    this.taken.push(trade);
    this.now = Math.max(this.now, trade.time);
    addTrade(this.memory, 0, trade, grace, this);
    if (trade.lastId > this.memory.hot[hot.tradeId]!) {
      this.memory.hot[hot.tradeId] = trade.lastId;
      this.memory.hot[hot.price] = trade.price;
    }
  }

  clock(now: number): void {
    this.now = Math.max(this.now, now);
    clockBars(this.memory, 0, this.now, grace, this);
  }

  day(): Day {
    const words = new Float64Array(9);
    assert.equal(dayStatistics(this.memory, 0, this.now, words), true);
    const [last, open, high, low] = words as unknown as [number, number, number, number];
    const [volume, quoteVolume] = [amountOf(words[4]!, words[5]!), amountOf(words[6]!, words[7]!)];
    return { last, open, high, low, volume, quoteVolume, count: words[8]! };
  }
}

function lateTrade(id: number, at: number): PlainTrade {
  const ids = { firstId: id, lastId: id };
  return { time: borders + at * minute, price: 100 + id, size: id, takerSold: false, ...ids };
}

function restored(memory: ShardMemory): ShardMemory {
  const copy = shardMemory(1, memory.minutes);
  copy.hot.set(memory.hot);
  copy.cold.set(memory.cold);
  return copy;
}

function dayOfTrades(roll: Dice, round: number): PlainTrade[] {
  const steps = round % 2 === 0 ? [1_000_000, 30_000_000, 5 * minute] : [minute, 30 * minute, 300 * minute];
  const trades = randomTrades(roll, { count: 600, steps, from: borders - 1_500 * minute });
  // Late by less than the sixteen minutes that are remembered, by much more, or not at all.
  return round % 4 === 3 ? trades : jumbled(roll, trades, 0.05, [2, 100, 30][round % 4]!);
}

describe(`24-hour statistics (SEED=${seed})`, () => {
  test('equal a look at every trade, at any moment: before and after a clock has ended the last minute', () => {
    for (let round = 0; round < 8; round++) {
      const roll = dice(seed + round);
      const row = new DayRow();
      for (const one of dayOfTrades(roll, round)) {
        row.take(one);
        if (roll.chance(0.1)) row.clock(row.now + roll.pick([0, grace, minute, 30 * minute]));
        // Another instrument's trade moves the market's time, without a clock for this one.
        if (roll.chance(0.1)) row.now += roll.pick([1_000, minute]);
        if (roll.chance(0.2)) assert.deepEqual(row.day(), obviousDay(row.taken, row.now), `round ${round}`);
      }
      expect(row.day()).toEqual(obviousDay(row.taken, row.now));
    }
  });

  test('survive restarts: the state goes back to a snapshot, the ring of minutes stays as it is', () => {
    for (let round = 0; round < 8; round++) {
      const roll = dice(seed + round);
      const trades = dayOfTrades(roll, round);
      const row = new DayRow();
      let snapshot = { memory: restored(row.memory), at: 0, now: 0 };
      let furthest = 0;
      for (let at = 0; at < trades.length; at++) {
        row.take(trades[at]!);
        if (at % 7 === 0) row.clock(row.now + grace);
        furthest = Math.max(furthest, at);
        // What was made before the death was told before it: only what is new matters.
        if (at === furthest && roll.chance(0.2))
          assert.deepEqual(row.day(), obviousDay(row.taken, row.now), `round ${round}`);
        const fate = roll.real();
        if (fate < 0.02) snapshot = { memory: restored(row.memory), at: at + 1, now: row.now };
        else if (fate < 0.04) {
          row.memory = restored(snapshot.memory);
          row.now = snapshot.now;
          row.taken.splice(snapshot.at);
          at = snapshot.at - 1;
        }
      }
      expect(row.day()).toEqual(obviousDay(row.taken, row.now));
    }
  });

  test('a late trade for a minute that only the ring knows counts once, though the shard dies and takes it again', () => {
    const row = new DayRow();
    for (let id = 10; id < 60; id++) row.take(lateTrade(id, id));
    const before = restored(row.memory);
    row.take(lateTrade(5, 12));
    row.take(lateTrade(6, 12));
    const whole = row.day();
    expect(whole).toEqual(obviousDay(row.taken, row.now));
    // It dies, goes back to a snapshot, and takes them again: what the ring holds is known.
    row.memory = before;
    row.taken.splice(-2);
    row.take(lateTrade(5, 12));
    row.take(lateTrade(6, 12));
    expect(row.day()).toEqual(whole);
    // It dies between making an entry and putting it in its place: its next life does that.
    const entry = row.minutes.slice(-minuteWords);
    const place = row.minutes[row.minutes.length - minuteJournalWords]!;
    row.minutes.fill(7, place, place + minuteWords);
    row.minutes[row.minutes.length - minuteJournalWords + 1] = 1;
    redoMinute(row.minutes);
    expect(row.minutes.slice(place, place + minuteWords)).toEqual(entry);
    row.memory.hot[hot.day] = 0;
    expect(row.day()).toEqual(whole);
  });

  test('a day after the last trade only its price is left, and before the first there is nothing', () => {
    const row = new DayRow();
    expect(dayStatistics(row.memory, 0, borders, new Float64Array(9))).toBe(false);
    row.take({ time: borders, price: 70, size: 3, firstId: 1, lastId: 1, takerSold: false });
    row.clock(borders + 1_439 * minute);
    expect(row.day()).toMatchObject({ last: 70, volume: 3n, count: 1 });
    row.clock(borders + 1_440 * minute);
    expect(row.day()).toEqual({
      last: 70,
      open: 70,
      high: 70,
      low: 70,
      volume: 0n,
      quoteVolume: 0n,
      count: 0,
    });
  });
});
