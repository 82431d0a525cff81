/** A run that goes on where the stores left off: what was missing then, and what came meanwhile, are gaps like any other. */
import { describe, expect, test } from 'vitest';
import { seedInstrument } from '../../src/compute/seed.ts';
import { gapRangesMax } from '../../src/compute/shard-memory.ts';
import type { InstrumentSeed, OpenGap } from '../../src/market/history.ts';
import { nextBarOpen, resolutions } from '../../src/market/resolution.ts';
import type { Bar } from '../../src/market/tick.ts';
import { obviousBars, valuesOf } from '../compute/obvious-bars.ts';
import { borders, jumbled, randomTrades } from '../compute/random-trades.ts';
import { dice, seed } from '../market/dice.ts';
import { DrivenShard } from './drive-shard.ts';
import { ObviousStore } from './obvious-store.ts';
import { barKey, type Tick, type TradeTick } from './shard-bench.ts';

const second = 1_000_000;
const minute = 60 * second;

/** What the store hands to the next run: the newest bars, the minutes of a day, the trades that some bar lacks, gaps. */
function seedOf(store: ObviousStore): InstrumentSeed {
  const bars = resolutions.flatMap((_, resolution) => {
    const all = [...store.bars.values()].filter((bar) => bar.resolution === resolution);
    return all.length === 0 ? [] : [all.reduce((best, bar) => (bar.openTime > best.openTime ? bar : best))];
  });
  const trades = [...store.trades.values()].toSorted((a, b) => a.id - b.id);
  const known = Math.min(...bars.map(({ lastId }) => lastId));
  const newest = bars.find(({ resolution }) => resolution === 2)!.openTime;
  const minutes = [...store.bars.values()]
    .filter(({ resolution, openTime }) => resolution === 2 && openTime < newest)
    .toSorted((a, b) => a.openTime - b.openTime);
  const openGaps = gapsOf(store);
  const lastTrade = trades.at(-1)!;
  return {
    instrument: 1,
    bars,
    minutes,
    lastTrade,
    trades: trades.filter(({ lastId }) => lastId > known),
    ...(openGaps.length > 0 && { openGaps }),
  };
}

/** Runs of missing ids, with the times of the stored trades beside them. */
function gapsOf(store: ObviousStore): OpenGap[] {
  const gaps: { from: number; to: number; fromTime: number; toTime: number }[] = [];
  for (const id of [...store.missing.keys()].toSorted((a, b) => a - b)) {
    const last = gaps.at(-1);
    if (last?.to === id - 1) last.to = id;
    else gaps.push({ from: id, to: id, fromTime: store.trades.get(id - 1)!.time, toTime: 0 });
  }
  for (const gap of gaps) gap.toTime = store.trades.get(gap.to + 1)!.time;
  return gaps;
}

function fetched(trade: TradeTick): TradeTick {
  return { ...trade, repair: true };
}

const clock = (time: number): Tick => ({ kind: 'clock', time });

function keep(store: ObviousStore, shard: DrivenShard): void {
  for (const row of shard.rows.splice(0)) store.take(row);
}

const ones = { open: 5, high: 5, low: 5, close: 5, count: 1, firstId: 9, lastId: 9, revision: 0 };
const sums = { volume: 1n, quoteVolume: 5n, takerBuyVolume: 0n, takerBuyQuoteVolume: 0n };

function storedBar(resolution: number, incomplete: boolean): Bar {
  return { instrument: 1, resolution, openTime: borders, ...ones, ...sums, closed: false, incomplete };
}

function sale(id: number, at: number): TradeTick {
  const time = borders + at * second;
  return { kind: 'trade', instrument: 1, id, time, price: 5, size: 1, takerSold: true };
}

describe(`restarts (SEED=${seed})`, () => {
  test('scenario 14: gaps of an earlier run, and what was missed between the runs, are repaired in the next one', () => {
    for (let round = 0; round < 12; round++) {
      const roll = dice(seed + round);
      const steps = roll.pick([
        [1_000, 200_000, second],
        [second, 20 * second, 200 * second],
      ]);
      const trades = randomTrades(roll, { count: 240, steps, from: borders - 10 * minute }).map(
        ({ firstId: id, lastId: _last, ...trade }): TradeTick => ({
          kind: 'trade',
          instrument: 1,
          id,
          ...trade,
        }),
      );
      const cut = roll.whole(100, 120);
      const back = roll.whole(140, 160);
      const missing = trades.filter((_, at) => at > 40 && at < cut - 2 && roll.chance(0.1));
      const store = new ObviousStore();
      const first = new DrivenShard();
      for (const trade of trades.slice(0, cut))
        if (!missing.includes(trade)) first.take(trade, clock(trade.time));
      const before = trades[cut - 1]!.time + second;
      first.take(clock(before), clock(before));
      keep(store, first);
      expect(store.missing.size).toBe(missing.length);

      const next = new DrivenShard();
      const { memory } = next.run.shard;
      for (const bar of seedInstrument(memory, 0, seedOf(store))) store.bars.set(barKey(bar), bar);
      for (const trade of trades.slice(back)) next.take(trade, clock(trade.time));
      // The hub hears of all of them.
      const asked = new Set(
        next.requests.filter(({ kind }) => kind === 'gap').map(({ words }) => `${words[2]}–${words[3]}`),
      );
      for (const { from, to } of gapsOf(store)) expect(asked).toContain(`${from}–${to}`);
      expect(next.notices()).toEqual([`gap ${trades[cut]!.id}–${trades[back - 1]!.id}`]);
      for (const trade of jumbled(roll, [...missing, ...trades.slice(cut, back)], 0.7, 100))
        next.take(fetched(trade));
      const end = trades.at(-1)!.time;
      for (const after of [1, 2, 2]) next.take(clock(end + after * second));
      keep(store, next);
      expect(store.missing.size).toBe(0);
      const plain = trades.map((trade) => ({ ...trade, firstId: trade.id, lastId: trade.id }));
      for (let resolution = 0; resolution < resolutions.length; resolution++) {
        for (const bar of obviousBars(plain, resolution).values()) {
          const ours = store.bars.get(barKey({ instrument: 1, ...bar }));
          const name = `SEED=${seed} round ${round}: ${resolutions[resolution]} ${bar.openTime}`;
          expect(ours && valuesOf(ours), name).toEqual(bar);
          // But for those of the very beginning, nothing lacks anything.
          const begun =
            trades[0]!.time < nextBarOpen(resolution, bar.openTime) && trades[0]!.time >= bar.openTime;
          if (!begun) expect(ours!.incomplete, name).toBe(false);
        }
      }
    }
  });

  test('a stored bar that lacks trades for good stays so; one that an open gap touches waits for it', () => {
    const shard = new DrivenShard();
    const gap = { from: 5, to: 8, fromTime: borders + 20 * second, toTime: borders + 30 * second };
    const { time, price, size } = sale(9, 30);
    const ids = { id: 9, firstId: 9, lastId: 9, merged: 1 };
    const lastTrade = {
      instrument: 1,
      ...ids,
      time,
      received: 0,
      price,
      size,
      bid: 0,
      ask: 0,
      takerSold: true,
    };
    // The second and the five seconds lack what came before them; the minute lacks the gap.
    const bars = resolutions.map((_, resolution) => storedBar(resolution, resolution <= 2));
    seedInstrument(shard.run.shard.memory, 0, {
      instrument: 1,
      bars,
      trades: [],
      minutes: [],
      lastTrade,
      openGaps: [gap],
    });
    for (const id of [5, 6, 7, 8]) shard.take(fetched(sale(id, 25)));
    shard.take(sale(10, 31), clock(borders + 70 * second), clock(borders + 71 * second));
    const store = new ObviousStore();
    for (const row of shard.rows.filter(({ kind }) => kind === 'bar')) store.take(row);
    const lacking = [...store.bars.values()].filter(
      ({ incomplete, openTime }) => incomplete && openTime === borders,
    );
    expect(lacking.map(({ resolution }) => resolution)).toEqual([0, 1]);
    expect(store.bars.get(barKey(storedBar(2, false)))).toMatchObject({ incomplete: false, count: 6 });
  });

  test('of more gaps than can be remembered the oldest are counted as lost', () => {
    const shard = new DrivenShard();
    const { memory } = shard.run.shard;
    const openGaps = Array.from({ length: gapRangesMax + 3 }, (_, at) => ({
      from: 10 * at + 1,
      to: 10 * at + 4,
      fromTime: borders + at,
      toTime: borders + at,
    }));
    seedInstrument(memory, 0, { instrument: 1, bars: [], trades: [], minutes: [], openGaps });
    expect(shard.count('idsLost')).toBe(12);
  });
});
