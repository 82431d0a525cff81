/** Gaps and their repair: in the end everything is as if nothing had ever been missing. */
import { describe, expect, test } from 'vitest';
import { jumpMax, suspectAgree } from '../../src/compute/arbitration.ts';
import { dayStatistics } from '../../src/compute/day-statistics.ts';
import { hot } from '../../src/compute/shard-memory.ts';
import { gapState } from '../../src/wire/row.ts';
import { obviousBars, valuesOf } from '../compute/obvious-bars.ts';
import { borders, jumbled, randomTrades } from '../compute/random-trades.ts';
import { type Dice, dice, seed } from '../market/dice.ts';
import { DrivenShard } from './drive-shard.ts';
import { ObviousStore } from './obvious-store.ts';
import { barKey, type Tick, type TradeTick, usualRules } from './shard-bench.ts';

const second = 1_000_000;
const hour = 3_600 * second;

/** From a few a second to a few an hour: short outages end within the bars that are remembered, long ones beyond. */
const paces = [
  { steps: [1_000, 200_000, second], from: borders - 60 * second },
  { steps: [second, 20 * second, 400 * second], from: borders - 3_600 * second },
  { steps: [60 * second, 1_200 * second], from: borders - 9 * hour },
] as const;

function tradesOf(roll: Dice, pace: (typeof paces)[number], count = 300): TradeTick[] {
  // Aggregates have a number of their own, and count several trades.
  let id = roll.whole(1, 10 ** 9);
  return randomTrades(roll, { count, ...pace, aggregates: roll.chance(0.5) }).map((trade) => ({
    kind: 'trade',
    instrument: 1,
    id: id++,
    ...trade,
  }));
}

/** Two lines that now and then both lose trades; what is lost comes by REST, later, in any order, in pieces. */
function lossy(roll: Dice, trades: readonly TradeTick[]): Tick[] {
  const keyed: { at: number; tick: Tick }[] = [];
  // The first ones are there: what came before them is unknown to both runs alike.
  const alive = [4, 4];
  const lost: number[] = [];
  for (const [at, trade] of trades.entries()) {
    for (const line of [0, 1]) {
      const left = alive[line]!;
      const begins = left === 0 && roll.chance(0.05);
      alive[line] = begins ? roll.whole(10, 60) : Math.max(0, left - 1);
      // The very first comes first in both runs.
      const after = at === 0 ? -1 : roll.real() * 3;
      if (alive[line] > 0) keyed.push({ at: at + after, tick: { ...trade, lineB: line === 1 } });
    }
    if (!keyed.some(({ tick }) => tick.kind === 'trade' && tick.id === trade.id)) lost.push(at);
  }
  const last = trades.at(-1)!;
  // The end is there as well: no tail is missing for ever.
  keyed.push({
    at: trades.length + 3,
    tick: { ...last, id: last.id + 1, firstId: last.lastId! + 1, lastId: last.lastId! + 1 },
  });
  for (const at of jumbled(roll, lost, 0.5, roll.pick([1, 20, 200]))) {
    const late = roll.chance(0.5) ? roll.whole(4, 40) : roll.whole(40, 200);
    for (let times = roll.chance(0.2) ? 2 : 1; times > 0; times--)
      keyed.push({ at: at + late + roll.real() * 5, tick: { ...trades[at]!, repair: true } });
  }
  return keyed.toSorted((a, b) => a.at - b.at).map(({ tick }) => tick);
}

/** Runs ticks in random turns, with clocks in between, and ends all bars but the longest. */
function runAll(
  roll: Dice,
  ticks: readonly Tick[],
  end: number,
): { shard: DrivenShard; store: ObviousStore } {
  const shard = new DrivenShard({ instruments: 1, ringRecords: 4_096, rules: { formingMicros: 100_000 } });
  let now = 0;
  for (let at = 0; at < ticks.length; ) {
    const turn = ticks.slice(at, at + roll.whole(1, 12));
    at += turn.length;
    now = Math.max(now, ...turn.map(({ time }) => time));
    shard.take(...turn);
    if (roll.chance(0.5)) shard.take({ kind: 'clock', time: now + roll.pick([0, 100_000, 300_000]) });
  }
  for (const after of [1, 2, 3, 3]) shard.take({ kind: 'clock', time: end + after * second });
  const store = new ObviousStore();
  for (const row of shard.rows) store.take(row);
  return { shard, store };
}

const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  a[0] < b[0] ? -1 : 1;

function finalBars(store: ObviousStore): Map<string, unknown> {
  return new Map(
    [...store.bars].map(([key, bar]) => [key, { ...bar, revision: 0 }] as const).toSorted(byKey),
  );
}

function dayOf(shard: DrivenShard, now: number): number[] {
  const words = new Float64Array(9);
  dayStatistics(shard.run.shard.memory, 0, now, words);
  return [...words];
}

describe(`repair (SEED=${seed})`, () => {
  test('scenario 14: two lines that lose trades, repaired in any order and with any delay, end with the bars of the clean run', () => {
    const seen = { gaps: 0, repaired: 0, amended: 0, corrected: 0, beyond: 0 };
    for (let round = 0; round < 24; round++) {
      const roll = dice(seed + round);
      const pace = paces[round % paces.length]!;
      const trades = tradesOf(roll, pace);
      const ticks = lossy(roll, trades);
      const last = ticks.find((tick) => tick.kind === 'trade' && tick.id === trades.at(-1)!.id + 1)!;
      const end = last.time;
      const clean = runAll(dice(seed + round), [...trades, last], end);
      const ours = runAll(dice(seed + 1_000 + round), ticks, end);
      const name = `SEED=${seed} round ${round}`;
      expect(ours.store.missing.size, name).toBe(0);
      expect(finalBars(ours.store), name).toEqual(finalBars(clean.store));
      const plain = [...trades, last as TradeTick].map(({ id, firstId = id, lastId = id, ...trade }) => ({
        ...trade,
        firstId,
        lastId,
      }));
      for (const resolution of [0, 2, 5])
        for (const bar of obviousBars(plain, resolution).values())
          expect(valuesOf(ours.store.bars.get(barKey({ instrument: 1, ...bar }))!), name).toEqual(bar);
      expect(dayOf(ours.shard, end + 3 * second), name).toEqual(dayOf(clean.shard, end + 3 * second));
      const [a, b] = [ours, clean].map(({ shard }) => shard.run.shard.memory.hot);
      for (const word of [hot.price, hot.size, hot.tradeId, hot.tradeTime, hot.ath, hot.atl])
        expect(a![word]).toBe(b![word]);
      // Conservation, and gaps that are all told of.
      const { shard } = ours;
      const { trades: came, tradesPassed, tradesDuplicate, gapIds, tradesLate, idsLost } = shard.counts();
      expect(came).toBe(tradesPassed! + tradesDuplicate!);
      expect(gapIds).toBe(tradesLate! + idsLost!);
      seen.gaps += shard.count('gaps');
      seen.repaired += shard.count('gapsRepaired');
      seen.amended += ours.store.amendments;
      seen.corrected += shard.count('barsCorrected');
      seen.beyond += shard.count('completeRows');
    }
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(0);
  });

  test('scenario 14: while ids are missing their bars say so, and what is lost stays so', () => {
    const time = borders + 10 * second;
    const trade = (id: number, at: number): TradeTick => one(id, time + at * second);
    const shard = new DrivenShard();
    shard.take(one(1, time - 20 * second));
    for (let at = 0; at < 4; at++) shard.take(trade(2 + at, at));
    // Ids 6 to 9 are missing over three seconds.
    shard.take(trade(10, 7), clock(time + 7 * second), clock(time + 7 * second + usualRules.reorderMicros));
    shard.take(trade(11, 9), clock(time + 20 * second));
    expect(shard.notices()).toEqual(['gap 6–9']);
    expect(incompleteSeconds(shard, time)).toEqual([3, 7]);
    // Half of them come.
    shard.take(fetched(trade(7, 5)), fetched(trade(6, 4)));
    expect(incompleteSeconds(shard, time)).toEqual([5, 7]);
    shard.take({ kind: 'lost', instrument: 1, from: 1, to: 100, time });
    expect(shard.notices().slice(1)).toEqual(['repaired 7–7', 'repaired 6–6', 'lost 8–9']);
    expect(incompleteSeconds(shard, time)).toEqual([5, 7]);
    expect(shard.count('idsLost')).toBe(2);
    // Too late: they were lost.
    shard.take(fetched(trade(8, 6)));
    expect(shard.count('tradesDuplicate')).toBe(1);
  });

  test('ten thousand ids that come back in order are told as ranges, one a turn', () => {
    const shard = new DrivenShard({ instruments: 1, ringRecords: 16_384, rules: { snapshotRecords: 1_000 } });
    const time = borders;
    shard.take(
      one(1, time),
      one(10_002, time + 2 * second),
      clock(time + 2 * second),
      clock(time + 3 * second),
    );
    const ids = Array.from({ length: 10_000 }, (_, index) => 2 + index);
    for (let at = 0; at < ids.length; at += 1_000)
      shard.take(...ids.slice(at, at + 1_000).map((id) => fetched(one(id, time + id * 100))));
    const notices = shard.notices();
    expect(notices[0]).toBe('gap 2–10001');
    const repaired = notices.slice(1).map((text) => text.match(/\d+/g)!.map(Number));
    expect(repaired.length).toBeLessThan(60);
    expect(repaired[0]![0]).toBe(2);
    expect(repaired.at(-1)![1]).toBe(10_001);
    for (const [index, [from]] of repaired.entries())
      if (index > 0) expect(from).toBe(repaired[index - 1]![1]! + 1);
    expect(
      shard.rows.filter(({ kind, words }) => kind === 'gap' && words[1] === gapState.repaired).length,
    ).toBe(repaired.length);
  });

  test('open gaps are asked for again while they are open, and no longer', () => {
    const shard = new DrivenShard();
    shard.take(one(1, borders), one(5, borders), clock(borders), clock(borders + second));
    const asked = (): number =>
      shard.requests.filter(({ kind, words }) => kind === 'gap' && words[1] === gapState.gap).length;
    for (let at = 1; at <= 60; at++) shard.take(clock(borders + at * second));
    const times = asked();
    expect(times).toBeGreaterThanOrEqual(12);
    expect(times).toBeLessThanOrEqual(14);
    expect(shard.requests.every(({ words }) => words[2] === 2 && words[3] === 4)).toBe(true);
    shard.take(...[2, 3, 4].map((id) => fetched(one(id, borders))));
    for (let at = 61; at <= 90; at++) shard.take(clock(borders + at * second));
    expect(asked()).toBe(times);
  });

  test('a hub that does not listen: requests are left out and counted, the market goes on, and they are made again', () => {
    const shard = new DrivenShard({ instruments: 1, ringRecords: 4_096, requestBytes: 65_536 });
    const { requests } = shard.bench;
    const read = requests.read.bind(requests);
    requests.read = () => 0;
    for (let at = 0; at < 3_000; at++)
      shard.take(one(1 + 2 * at, borders + at * second), clock(borders + (at + 1) * second - 1));
    const report = new Float64Array(shard.bench.options.report);
    expect(report[report.length - 1]).toBeGreaterThan(0);
    expect(shard.count('tradesPassed')).toBe(3_000);
    requests.read = read;
    shard.requests.length = 0;
    shard.take();
    shard.take(clock(borders + 4_000 * second));
    shard.requests.length = 0;
    shard.take(clock(borders + 4_010 * second));
    expect(shard.requests.filter(({ kind }) => kind === 'gap').length).toBe(
      shard.run.shard.memory.hot[hot.gapCount],
    );
  });
});

describe(`ids beyond belief (SEED=${seed})`, () => {
  test('one absurd id changes nothing; several in a row that agree are the new numbering, and the ids between are lost', () => {
    const shard = new DrivenShard();
    shard.take(one(1, borders), one(2 + 2 * jumpMax, borders + 1), one(2, borders + 2));
    expect(shard.count('tradesUnbelieved')).toBe(1);
    expect(shard.notices()).toEqual([]);
    const far = 10 ** 9;
    for (let at = 0; at < suspectAgree - 1; at++)
      shard.take(one(far + at, borders + 10 + at), { ...one(far + at, borders + 10 + at), lineB: true });
    expect(shard.count('tradesUnbelieved')).toBe(suspectAgree);
    shard.take(one(far + 10, borders + 20), one(far + 11, borders + 21));
    expect(shard.notices()).toEqual([`lost 3–${far - 1}`, `gap ${far}–${far + 9}`]);
    expect(passedIds(shard)).toEqual([1, 2, far + 10, far + 11]);
    // What was not believed is repaired like any gap.
    shard.take(...Array.from({ length: 10 }, (_, at) => fetched(one(far + at, borders + 10 + at))));
    expect(shard.count('tradesLate')).toBe(10);
    const { trades, tradesPassed, tradesDuplicate, tradesUnbelieved } = shard.counts();
    expect(trades).toBe(tradesPassed! + tradesDuplicate! + tradesUnbelieved!);
  });

  test('a venue that numbers from 1 again: its trades, prices and bars go on', () => {
    const shard = new DrivenShard({ instruments: 1, rules: { formingMicros: 0 } });
    const old = 5 * jumpMax;
    shard.take(one(old, borders, 100), one(old + 1, borders + 1_000, 101));
    for (let at = 1; at <= 20; at++) shard.take(one(at, borders + 2_000 + at, 200 + at));
    shard.take(clock(borders + 3_000), clock(borders + 3_000));
    expect(shard.notices()).toEqual([`lost ${old + 2}–${old + 2}`, `gap 1–${suspectAgree - 1}`]);
    const { hot: words } = shard.run.shard.memory;
    expect([words[hot.price], words[hot.tradeId], words[hot.nextId]]).toEqual([220, 20, 21]);
    const store = new ObviousStore();
    for (const row of shard.rows) store.take(row);
    for (const resolution of [0, 5, 9]) {
      const bar = [...store.bars.values()].find((held) => held.resolution === resolution);
      expect(bar).toMatchObject({ open: 100, close: 220, high: 220, low: 100, incomplete: true });
    }
  });

  test('a venue that numbers its quotes anew is heard again after a while; a slow line is not', () => {
    const shard = new DrivenShard();
    // The slow line's quotes come between those of the fast one.
    for (let at = 0; at < 100; at++)
      shard.take(clock(borders + at * second), quote(1_000 + at, at * second), quote(900 + at, at * second));
    expect(shard.count('quotesPassed')).toBe(100);
    for (let at = 0; at < 100; at++) shard.take(clock(borders + (100 + at) * second), quote(1 + at, at));
    expect(shard.count('quotesRenumbered')).toBe(1);
    expect(shard.count('quotesPassed')).toBe(100 + 85);
    expect(shard.run.shard.memory.hot[hot.quoteVersion]).toBe(100);
  });
});

describe('scenario 27: heartbeats', () => {
  test('one that is ahead of the last trade for longer than a tail may be is a gap', () => {
    const shard = new DrivenShard();
    shard.take(one(1, borders), beat(1, 1_000), clock(borders + 5 * second));
    expect(shard.notices()).toEqual([]);
    shard.take(beat(4, 5 * second), clock(borders + 6 * second), one(2, borders + 6 * second));
    shard.take(one(3, borders + 6 * second), one(4, borders + 6 * second), clock(borders + 10 * second));
    expect(shard.notices()).toEqual([]);
    shard.take(beat(7, 10 * second), clock(borders + 11 * second + 900_000), beat(9, 11 * second));
    expect(shard.notices()).toEqual([]);
    shard.take(clock(borders + 12 * second));
    expect(shard.notices()).toEqual(['gap 5–7']);
    expect(shard.count('tailGaps')).toBe(1);
    shard.take(fetched(one(5, borders + 9 * second)), one(6, borders + 9 * second));
    shard.take(one(7, borders + 9 * second), one(8, borders + 13 * second));
    expect(shard.notices()).toEqual(['gap 5–7', 'repaired 5–6', 'repaired 7–7']);
    // Beyond belief, or only "alive": nothing.
    shard.take(beat(10 ** 12, 13 * second), beat(0, 13 * second), clock(borders + 60 * second));
    expect(shard.count('gaps')).toBe(1);
  });
});

function one(id: number, time: number, price = 100): TradeTick {
  return { kind: 'trade', instrument: 1, id, time, price, size: 1, takerSold: false };
}

function quote(version: number, at: number): Tick {
  const prices = { bid: 10, bidSize: 1, ask: 11, askSize: 1 };
  return { kind: 'quote', instrument: 1, version, time: borders + at, ...prices };
}

function beat(id: number, at: number): Tick {
  return { kind: 'heartbeat', instrument: 1, id, time: borders + at };
}

function fetched(trade: TradeTick): TradeTick {
  return { ...trade, repair: true };
}

function clock(time: number): Tick {
  return { kind: 'clock', time };
}

function passedIds(shard: DrivenShard): number[] {
  return shard.rows.filter(({ kind }) => kind === 'trade').map(({ words }) => words[1]!);
}

/** Seconds after `time` whose 1s bars say that they lack trades. */
function incompleteSeconds(shard: DrivenShard, time: number): number[] {
  const store = new ObviousStore();
  for (const row of shard.rows) store.take(row);
  return [...store.bars.values()]
    .filter((bar) => bar.resolution === 0 && bar.incomplete && bar.openTime >= time)
    .map((bar) => (bar.openTime - time) / second)
    .toSorted((a, b) => a - b);
}
