/** A run that goes on where a crash left the stores: the bars at the end are those of a run that never stopped. */
import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { addTrade, type BarListener, clockBars, formingBar } from '../../src/compute/bars.ts';
import { keepMinute } from '../../src/compute/minute-ring.ts';
import { seedInstrument } from '../../src/compute/seed.ts';
import { hot, minutesLength, shardMemory } from '../../src/compute/shard-memory.ts';
import { barAt, barWords } from '../../src/market/bar-words.ts';
import type { InstrumentSeed } from '../../src/market/history.ts';
import { resolutions } from '../../src/market/resolution.ts';
import type { Bar, TradeRow } from '../../src/market/tick.ts';
import { dice, seed } from '../market/dice.ts';
import { obviousBars, type PlainTrade, valuesOf } from './obvious-bars.ts';
import { borders, randomTrades } from './random-trades.ts';

const grace = 250_000;
const day = 86_400_000_000;

/** What is durable: bars by length and open time, the newest revision of each, and trades. */
class ObviousStore {
  readonly bars = new Map<string, Bar>();
  readonly trades: TradeRow[] = [];

  put(bar: Bar): void {
    const key = `${bar.resolution} ${bar.openTime}`;
    const known = this.bars.get(key);
    if (known?.closed === true && !bar.closed) throw new Error(`${key} was closed and is forming again`);
    if (known?.closed === true) assert.ok(bar.revision > known.revision, key);
    this.bars.set(key, bar);
  }

  seed(): InstrumentSeed {
    const newest = resolutions.flatMap((_, resolution) => {
      const all = [...this.bars.values()].filter((bar) => bar.resolution === resolution);
      return all.length === 0 ? [] : [all.reduce((best, bar) => (bar.openTime > best.openTime ? bar : best))];
    });
    // A length of which nothing is durable yet needs all trades.
    const known = newest.length < resolutions.length ? -1 : Math.min(...newest.map((bar) => bar.lastId));
    const minute = newest.find((bar) => bar.resolution === 2)?.openTime ?? 0;
    const minutes = [...this.bars.values()].filter(
      (bar) => bar.resolution === 2 && bar.openTime < minute && bar.openTime >= minute - day,
    );
    const lastTrade = this.trades.at(-1);
    return {
      instrument: 1,
      bars: newest,
      trades: this.trades.filter((trade) => trade.lastId > known),
      minutes: minutes.toSorted((a, b) => a.openTime - b.openTime),
      ...(lastTrade && { lastTrade }),
    };
  }
}

/** One run of a shard's row, whose rows wait to be committed. */
class Run implements BarListener {
  readonly memory = shardMemory(1, new Float64Array(minutesLength(1)));
  readonly waiting: { trade?: TradeRow; bar?: Bar }[] = [];
  readonly #words = new Float64Array(barWords);

  constructor(from: InstrumentSeed, store: ObviousStore) {
    for (const bar of seedInstrument(this.memory, 0, from)) store.put(bar);
  }

  bar(_row: number, resolution: number, words: Float64Array, at: number): void {
    this.waiting.push({ bar: barAt(words, at, 1, resolution) });
  }

  minute(row: number, words: Float64Array, at: number): void {
    keepMinute(this.memory, row, words, at);
  }

  beyond(): void {
    // Of no interest here.
  }

  take(trade: PlainTrade): void {
    // In this order, as a shard does: no bar is durable without its trades.
    this.waiting.push({ trade: rowOf(trade) });
    addTrade(this.memory, 0, trade, grace, this);
  }

  clock(now: number): void {
    clockBars(this.memory, 0, now, grace, this);
  }

  /** All forming bars, as they go out now and then: but none before its forerunner is closed. */
  tellForming(): void {
    for (let resolution = 0; resolution < resolutions.length; resolution++) {
      if ((this.memory.hot[hot.graceMask]! & (1 << resolution)) !== 0) continue;
      formingBar(this.memory, 0, resolution, this.#words);
      const bar = barAt(this.#words, 0, 1, resolution);
      if (bar.count > 0) this.waiting.push({ bar });
    }
  }

  /** Makes the first `count` of what waits durable; a forming bar may be put off, length by length. */
  commit(store: ObviousStore, count: number, isPutOff: () => boolean): void {
    for (const { trade, bar } of this.waiting.splice(0, count)) {
      if (trade !== undefined) store.trades.push(trade);
      if (bar !== undefined && (bar.closed || !isPutOff())) store.put(bar);
    }
  }
}

function rowOf(trade: PlainTrade): TradeRow {
  // An aggregate has an id of its own, far below those of its trades.
  const id = Math.floor(trade.firstId / 10);
  return {
    ...trade,
    instrument: 1,
    id,
    received: trade.time,
    bid: 0,
    ask: 0,
    merged: trade.lastId - trade.firstId + 1,
  };
}

function twoOf(id: number, time: number): PlainTrade {
  return { time, price: 5, size: 2, firstId: id, lastId: id, takerSold: false };
}

describe(`seeds (SEED=${seed})`, () => {
  test('whatever was committed when it crashed, the bars at the end are those of one run', () => {
    let crashes = 0;
    for (let round = 0; round < 40; round++) {
      const roll = dice(seed + round);
      const steps = roll.pick([
        [1_000, 200_000, 1_000_000],
        [1_000_000, 20_000_000, 400_000_000],
        [60_000_000, 3_600_000_000, day],
      ]);
      const trades = randomTrades(roll, {
        count: 300,
        steps,
        from: borders - steps[2]! * 30,
        aggregates: round % 2 === 1,
      });
      const store = new ObviousStore();
      let run = new Run(store.seed(), store);
      let now = 0;
      for (let at = 0; at < trades.length; at++) {
        const trade = trades[at]!;
        now = Math.max(now, trade.time);
        run.take(trade);
        if (roll.chance(0.1)) run.tellForming();
        if (roll.chance(0.1)) run.clock(now + roll.pick([0, grace]));
        if (roll.chance(0.1)) run.commit(store, roll.whole(0, run.waiting.length), () => roll.chance(0.5));
        if (!roll.chance(0.03)) continue;
        // A crash: what waits is gone; the feed goes on after the last trade that is durable.
        crashes++;
        run = new Run(store.seed(), store);
        const known = store.trades.at(-1)?.lastId ?? 0;
        const next = trades.findIndex((one) => one.lastId > known);
        at = (next < 0 ? trades.length : next) - 1;
        now = 0;
        const expected = store.trades.at(-1);
        expect(run.memory.hot[hot.nextId]).toBe(expected === undefined ? 0 : expected.id + 1);
        expect(run.memory.hot[hot.price]).toBe(expected?.price ?? 0);
      }
      run.clock(now + 70 * day);
      run.commit(store, run.waiting.length, () => false);
      for (let resolution = 0; resolution < resolutions.length; resolution++) {
        const ours = [...store.bars.values()]
          .filter((bar) => bar.resolution === resolution)
          .toSorted((a, b) => a.openTime - b.openTime);
        const expected = [...obviousBars(trades, resolution).values()].toSorted(
          (a, b) => a.openTime - b.openTime,
        );
        expect(ours.map(valuesOf), `round ${round}, ${resolutions[resolution]}`).toEqual(expected);
        expect(ours.every((bar) => bar.closed)).toBe(true);
      }
    }
    expect(crashes).toBeGreaterThan(100);
  });

  test('a quiet instrument: its open bars are ended by the first clock', () => {
    const store = new ObviousStore();
    const first = new Run(store.seed(), store);
    first.take({ time: borders, price: 5, size: 2, firstId: 1, lastId: 1, takerSold: false });
    first.tellForming();
    first.commit(store, 100, () => false);
    const second = new Run(store.seed(), store);
    second.clock(borders + 61_000_000);
    const closed = second.waiting.map(({ bar }) => bar).filter((bar) => bar?.closed);
    expect(closed.map((bar) => bar?.resolution)).toEqual([0, 1, 2]);
    expect(closed.every((bar) => bar?.count === 1 && bar.volume === 2n && bar.revision === 0)).toBe(true);
  });

  test('a late trade for a bar that only the earlier run knew does not make that bar anew from itself', () => {
    const store = new ObviousStore();
    const first = new Run(store.seed(), store);
    for (let id = 1; id <= 20; id++) first.take(twoOf(id, borders + id * 1_000_000));
    first.tellForming();
    first.commit(store, 1_000, () => false);
    const second = new Run(store.seed(), store);
    second.take(twoOf(22, borders + 22_000_000));
    second.take(twoOf(21, borders + 5_000_000));
    const told = second.waiting
      .flatMap(({ bar }) => bar ?? [])
      .filter((bar) => bar.openTime === borders + 5_000_000);
    expect(told).toEqual([]);
    // Bars that are still open take it.
    second.tellForming();
    const minute = second.waiting.flatMap(({ bar }) => bar ?? []).find((bar) => bar.resolution === 2);
    expect(minute).toMatchObject({ count: 22, volume: 44n });
  });

  test('a trade that was missing when the earlier run closed its bar corrects the whole bar', () => {
    const store = new ObviousStore();
    const first = new Run(store.seed(), store);
    first.take(twoOf(1, borders));
    first.clock(borders + 1_000_000 + grace);
    first.commit(store, 1_000, () => false);
    const second = new Run(store.seed(), store);
    second.take(twoOf(2, borders + 900_000));
    second.tellForming();
    const seconds = second.waiting.flatMap(({ bar }) => bar ?? []).filter((bar) => bar.resolution === 0);
    expect(seconds).toMatchObject([
      { openTime: borders, closed: true, revision: 1, count: 2, volume: 4n, firstId: 1, lastId: 2 },
    ]);
  });

  test('all-time extremes take in what was traded after the level was last written', () => {
    const row = shardMemory(1, new Float64Array(minutesLength(1)));
    const known = {
      instrument: 1,
      time: borders,
      price: 50,
      level: 0,
      ath: 60,
      athTime: 7,
      atl: 40,
      atlTime: 8,
    };
    const trades = [70, 30, 65].map((price, index) =>
      rowOf({
        time: borders + index,
        price,
        size: 1,
        firstId: 10 + index,
        lastId: 10 + index,
        takerSold: true,
      }),
    );
    seedInstrument(row, 0, { instrument: 1, bars: [], trades, minutes: [], enigma: known });
    const { ath, athTime, atl, atlTime } = hot;
    expect([ath, athTime, atl, atlTime].map((word) => row.hot[word])).toEqual([70, borders, 30, borders + 1]);
  });
});
