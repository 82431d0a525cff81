/** Prices beyond belief, and prices that get more digits. */
import { describe, expect, test } from 'vitest';
import { dayStatistics } from '../../src/compute/day-statistics.ts';
import { outlierAgree } from '../../src/compute/outliers.ts';
import { counter, hot } from '../../src/compute/shard-memory.ts';
import { amountOf } from '../../src/market/amount.ts';
import { borders, randomTrades } from '../compute/random-trades.ts';
import { dice, seed } from '../market/dice.ts';
import { DrivenShard } from './drive-shard.ts';
import { ObviousStore } from './obvious-store.ts';
import type { Tick, TradeTick } from './shard-bench.ts';

const second = 1_000_000;

function trade(id: number, price: number, time = borders + id * 1_000): TradeTick {
  return { kind: 'trade', instrument: 1, id, time, price, size: 10, takerSold: false };
}

function quoteOf(version: number, bid: number): Tick {
  const time = borders + version * 1_000;
  return { kind: 'quote', instrument: 1, version, time, bid, bidSize: 1, ask: bid + 2, askSize: 1 };
}

function candle(high: number, low: number, open: number, close: number, time: number): Tick {
  return { kind: 'extreme', instrument: 1, time, high, low, open, close };
}

/** All that a shard knows, but for how much its prices grew, and what it last summed up. */
function known({ run }: DrivenShard): number[] {
  const { memory } = run.shard;
  const words = [...memory.hot];
  words.fill(0, hot.day, hot.day + 10);
  words[hot.scale] = 0;
  return [...words, ...memory.cold];
}

const clock = (time: number): Tick => ({ kind: 'clock', time });

function storeOf(shard: DrivenShard): ObviousStore {
  const store = new ObviousStore();
  for (const row of shard.rows) store.take(row);
  return store;
}

const extremes = (shard: DrivenShard): number[] =>
  [hot.ath, hot.athTime, hot.atl, hot.atlTime].map((word) => shard.run.shard.memory.hot[word]!);

describe('scenario 21: prices beyond belief', () => {
  test('a quote 100 times away is left out and counted, until sixteen come in a row', () => {
    const shard = new DrivenShard({ instruments: 1 });
    const { hot: words, counters } = shard.run.shard.memory;
    shard.take(
      quoteOf(1, 1_001),
      trade(1, 1_000),
      quoteOf(2, 999),
      quoteOf(3, 100_000),
      quoteOf(4, 9),
      quoteOf(5, 998),
    );
    expect([words[hot.bid], counters[counter.quotesQuarantined]]).toEqual([998, 2]);
    for (let version = 6; version < 21; version++) shard.take(quoteOf(version, 50_000));
    expect([words[hot.bid], counters[counter.quotesQuarantined]]).toEqual([998, 17]);
    shard.take(quoteOf(21, 50_000));
    expect(words[hot.bid]).toBe(50_000);
    expect(counters[counter.quotes]).toBe(
      counters[counter.quotesPassed]! + counters[counter.quotesQuarantined]!,
    );
  });

  test('one is listed, sent as such, and counts in no bar, price or extreme', () => {
    const shard = new DrivenShard({ instruments: 1, rules: { formingMicros: 0 } });
    shard.take(trade(1, 1_000), trade(2, 100_000), trade(3, 1_010), trade(4, 99), trade(5, 990));
    shard.take(clock(borders + second), clock(borders + second));
    const store = storeOf(shard);
    expect(store.quarantined).toMatchObject([
      { id: 2, price: 100_000, reference: 1_000 },
      { id: 4, price: 99, reference: 1_010 },
    ]);
    expect([...store.trades.keys()]).toEqual([1, 3, 5]);
    for (const bar of store.bars.values())
      expect(bar).toMatchObject({ open: 1_000, high: 1_010, low: 990, close: 990, count: 3, volume: 30n });
    const sent = shard.blocks.flatMap((block) => (block.kind === 'trade' ? block.records : []));
    expect(sent.map(({ id, quarantined = false }) => [id, quarantined])).toEqual([
      [1, false],
      [2, true],
      [3, false],
      [4, true],
      [5, false],
    ]);
    const { hot: words } = shard.run.shard.memory;
    expect([words[hot.price], words[hot.ath], words[hot.atl]]).toEqual([990, 1_010, 990]);
    // No gap: they came.
    expect(shard.notices()).toEqual([]);
    const { trades, tradesPassed, tradesQuarantined } = shard.counts();
    expect([trades, tradesPassed, tradesQuarantined]).toEqual([5, 3, 2]);
  });

  test('the third in a row that agrees is believed: the market is there; the first two stay listed', () => {
    const shard = new DrivenShard();
    shard.take(trade(1, 1_000));
    for (let id = 2; id < 2 + outlierAgree; id++) shard.take(trade(id, 50_000 + id));
    shard.take(trade(9, 50_000), clock(borders + second));
    expect(storeOf(shard).quarantined.map(({ id }) => id)).toEqual([2, 3]);
    expect(shard.run.shard.memory.hot[hot.ath]).toBe(50_004);
    // Those that do not agree with each other are not believed, however many.
    for (let id = 10; id < 20; id++) shard.take(trade(id, 50_000 * 100 ** (id % 2 === 0 ? 1 : -1)));
    expect(shard.count('tradesQuarantined')).toBe(12);
  });

  test('before the first trade the middle of the quote is the reference', () => {
    const shard = new DrivenShard();
    const time = borders;
    const quote = { version: 1, time, bid: 990, bidSize: 1, ask: 1_010, askSize: 1 };
    shard.take({ kind: 'quote', instrument: 1, ...quote }, trade(1, 100_000), trade(2, 1_000));
    expect(storeOf(shard).quarantined).toMatchObject([{ id: 1, reference: 1_000 }]);
  });

  test('a bad print in a daily candle is no extreme, and is listed; a crash of the market is one', () => {
    const shard = new DrivenShard();
    // BTC-USD on Coinbase, 15 April 2017: low 0.06, open and close above 1,000.
    shard.take(
      candle(119_000, 6, 118_000, 117_600, borders - 3),
      candle(120_000, 110_000, 0, 0, borders - 2),
    );
    expect(storeOf(shard).quarantined).toEqual([{ id: 0, time: borders - 3, price: 6, reference: 117_600 }]);
    expect(extremes(shard)).toEqual([120_000, borders - 2, 110_000, borders - 2]);
    shard.take(candle(115_000, 20, 110_000, 30, borders - 1));
    expect(extremes(shard)).toEqual([120_000, borders - 2, 20, borders - 1]);
    expect(shard.count('extremesQuarantined')).toBe(1);
  });
});

describe(`scenario 23: more digits in the middle of a session (SEED=${seed})`, () => {
  test('all that is known is multiplied, exactly: the end equals that of a run that had them from the start', () => {
    for (let round = 0; round < 12; round++) {
      const roll = dice(seed + round);
      const steps = roll.pick([
        [1_000, 200_000, second],
        [second, 20 * second, 400 * second],
      ]);
      let id = 1;
      const trades = randomTrades(roll, { count: 200, steps, from: borders - 100 * second }).map(
        (plain): TradeTick => ({ kind: 'trade', instrument: 1, ...plain, id: id++ }),
      );
      const grown = { price: roll.whole(0, 2), size: roll.whole(0, 2) };
      const [p, s] = [10 ** grown.price, 10 ** grown.size];
      const larger = (one: TradeTick): TradeTick => ({ ...one, price: one.price * p, size: one.size * s });
      // Some are missing when it happens, and come after it; one is held.
      const cut = roll.whole(80, 120);
      const late = trades.filter((_, at) => at > 10 && at < cut - 40 && roll.chance(0.05));
      const before = trades.slice(0, cut).filter((one) => !late.includes(one) && one !== trades[cut - 2]);
      const after = [trades[cut - 2]!, ...late, ...trades.slice(cut)].map(larger);
      const end = [1, 2, 2].map((at) => clock(trades.at(-1)!.time + at * second));
      const ours = new DrivenShard();
      ours.take(...before);
      ours.take({ kind: 'rescale', instrument: 1, ...grown, time: borders });
      for (const one of after) ours.take(one);
      ours.take(...end);
      const clean = new DrivenShard();
      clean.take(...before.map(larger));
      clean.take({ kind: 'rescale', instrument: 1, price: 0, size: 0, time: borders });
      for (const one of after) clean.take(one);
      clean.take(...end);
      const name = `SEED=${seed} round ${round}`;
      expect(known(ours), name).toEqual(known(clean));
      const day = ({ run }: DrivenShard): unknown[] => {
        const words = new Float64Array(9);
        dayStatistics(run.shard.memory, 0, trades.at(-1)!.time + 2 * second, words);
        return [
          ...words.slice(0, 4),
          amountOf(words[4]!, words[5]!),
          amountOf(words[6]!, words[7]!),
          words[8],
        ];
      };
      expect(day(ours), name).toEqual(day(clean));
    }
  });

  test('ticks of before and after never share a block', () => {
    const shard = new DrivenShard();
    shard.take(
      trade(1, 100),
      { kind: 'rescale', instrument: 1, price: 1, size: 0, time: borders },
      trade(2, 1_010),
    );
    const blocks = shard.blocks.filter((block) => block.kind === 'trade');
    expect(blocks.map(({ records }) => records.map(({ price }) => price))).toEqual([[100], [1_010]]);
  });
});
