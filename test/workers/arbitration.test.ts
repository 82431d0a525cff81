/** Which trades pass, and in which order: a shard against the rules written with Sets. */
import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { counter, counterNames, gapRangesMax, heldMax, hot } from '../../src/compute/shard-memory.ts';
import type { Bar, GapNotice, Quote, TradeRow } from '../../src/market/tick.ts';
import { SharedLatestPrices } from '../../src/stores/memory-latest.ts';
import type { WireTrade } from '../../src/wire/decode-frame.ts';
import { ShardRun } from '../../src/workers/shard-run.ts';
import { obviousBars, type PlainTrade, valuesOf } from '../compute/obvious-bars.ts';
import { jumbled, randomTrades } from '../compute/random-trades.ts';
import { dice, seed } from '../market/dice.ts';
import {
  barKey,
  blocksOf,
  push,
  rowsOf,
  segmentsOf,
  shardBench,
  type Tick,
  type TradeTick,
  usualRules,
} from './shard-bench.ts';

const reorder = usualRules.reorderMicros;

interface Seen {
  readonly trades: WireTrade[];
  readonly notices: GapNotice[];
  readonly quotes: Quote[];
  readonly rows: TradeRow[];
  readonly bars: Bar[];
  readonly counters: Record<keyof typeof counter, number>;
  readonly held: number;
}

/** Runs ticks through a shard, each in a turn of its own when `alone`, else all in one. */
function runShard(ticks: readonly Tick[], alone = true): Seen {
  const bench = shardBench({ instruments: 1, ringRecords: 4_096, rules: { quotes: 'all' } });
  const run = new ShardRun(bench.options, new SharedLatestPrices(bench.options.latest));
  const [segments, rowSegments]: [Uint8Array[], Uint8Array[]] = [[], []];
  const goOn = (): void => {
    bench.writer.publish();
    run.step();
    segments.push(...segmentsOf(bench.gateways[0]!));
    rowSegments.push(...segmentsOf(bench.sinks[0]!));
  };
  for (const tick of ticks) {
    if (!push(bench.writer, tick)) {
      goOn();
      assert.ok(push(bench.writer, tick));
    }
    if (alone) goOn();
  }
  goOn();
  const blocks = segments.flatMap(blocksOf);
  const { memory } = run.shard;
  const entries = counterNames.map((name) => [name, memory.counters[counter[name]]!] as const);
  const rows = rowsOf(rowSegments);
  return {
    trades: blocks.flatMap((block) => (block.kind === 'trade' ? block.records : [])),
    notices: blocks.flatMap((block) => (block.kind === 'gap' ? block.records : [])),
    quotes: blocks.flatMap((block) => (block.kind === 'quote' ? block.records : [])),
    rows: rows.trades,
    bars: rows.bars,
    counters: Object.fromEntries(entries) as Record<keyof typeof counter, number>,
    held: memory.hot[hot.heldCount]!,
  };
}

/** The rules of `compute/arbitration.ts`, said with a Set of what is missing and a Map of what is held. */
class ObviousArbiter {
  readonly passed: { id: number; late: boolean }[] = [];
  readonly notices: { state: string; from: number; to: number }[] = [];
  duplicates = 0;
  readonly held = new Map<number, TradeTick>();
  readonly #missing = new Set<number>();
  #next = 0;
  #heldSince = 0;
  #now = 0;
  #clockBefore = 0;

  trade(tick: TradeTick): void {
    const { id } = tick;
    if (this.#next === 0 || id === this.#next) {
      this.#pass(tick, false);
      this.#next = id + 1;
      this.#release();
    } else if (id > this.#next) {
      if (this.held.has(id)) this.duplicates++;
      else if (this.held.size === heldMax) {
        this.#giveUp();
        this.trade(tick);
      } else {
        if (this.held.size === 0) this.#heldSince = Math.max(this.#now, tick.time);
        this.held.set(id, tick);
      }
    } else if (this.#missing.delete(id)) {
      this.notices.push({ state: 'repaired', from: id, to: id });
      this.#loseOldest();
      this.#pass(tick, true);
    } else this.duplicates++;
  }

  clock(time: number): void {
    this.#now = Math.max(this.#now, time);
    const quiet = this.#now === this.#clockBefore;
    this.#clockBefore = this.#now;
    if (this.held.size > 0 && (quiet || this.#now - this.#heldSince >= reorder)) this.#giveUp();
  }

  #pass(tick: TradeTick, late: boolean): void {
    this.#now = Math.max(this.#now, tick.time);
    this.passed.push({ id: tick.id, late });
  }

  #release(): void {
    for (let tick = this.held.get(this.#next); tick !== undefined; tick = this.held.get(this.#next)) {
      this.held.delete(this.#next++);
      this.#pass(tick, false);
    }
  }

  #giveUp(): void {
    const first = Math.min(...this.held.keys());
    for (let id = this.#next; id < first; id++) this.#missing.add(id);
    this.notices.push({ state: 'gap', from: this.#next, to: first - 1 });
    this.#loseOldest();
    this.#next = first;
    this.#heldSince = this.#now;
    this.#release();
  }

  /** At most `gapRangesMax` runs of missing ids are remembered. */
  #loseOldest(): void {
    const ids = [...this.#missing].toSorted((a, b) => a - b);
    const starts = ids.filter((id) => !this.#missing.has(id - 1));
    if (starts.length <= gapRangesMax) return;
    const [from, second] = starts as [number, number];
    const lost = ids.filter((id) => id < second);
    for (const id of lost) this.#missing.delete(id);
    this.notices.push({ state: 'lost', from, to: lost.at(-1)! });
  }
}

function asTick({ firstId, lastId: _last, ...trade }: PlainTrade): TradeTick {
  return { kind: 'trade', instrument: 1, id: firstId, ...trade };
}

function someTrades(round: number, count = 200): TradeTick[] {
  const from = Date.UTC(2024, 6, 31, 23, 59, 58) * 1_000;
  return randomTrades(dice(seed + round), { count, steps: [1_000, 30_000], from, jumps: 0 }).map(asTick);
}

/** Ids that came after all are told as ranges, which a turn may cut anywhere: here they are told one by one. */
const byTurn = (notices: readonly { state: string; from: number; to: number }[]): string[] =>
  notices
    .flatMap(({ state, from, to }) =>
      state === 'repaired'
        ? Array.from({ length: to - from + 1 }, (_, index) => `repaired ${from + index}`)
        : `${state} ${from}–${to}`,
    )
    .toSorted();

function lastOf(bars: readonly Bar[]): Map<string, unknown> {
  return new Map(bars.map((bar) => [barKey(bar), valuesOf(bar)]));
}

function quote(version: number): Tick {
  const time = 1_700_000_000_000_000 + version;
  return { kind: 'quote', instrument: 1, version, time, bid: 10, bidSize: 1, ask: 11, askSize: 1 };
}

describe(`arbitration in a shard (SEED=${seed})`, () => {
  test('equals the rules written with Sets: lines, losses, jumbles, clocks', () => {
    const seen = { gaps: 0, lost: 0, repaired: 0, duplicates: 0, held: 0 };
    for (let round = 0; round < 60; round++) {
      const roll = dice(seed + round);
      const missing = roll.pick([0, 0.05, 0.4]);
      const some = someTrades(round, 500).filter(() => !roll.chance(missing));
      const lines = some.flatMap((trade) =>
        roll.chance(0.5) ? [trade] : [trade, { ...trade, lineB: true }],
      );
      const ticks: Tick[] = [];
      for (const tick of jumbled(roll, lines, 0.1, roll.pick([3, 40, 150]))) {
        ticks.push(tick);
        if (roll.chance(0.1))
          ticks.push({ kind: 'clock', time: tick.time + roll.pick([0, 100_000, reorder]) });
      }
      const judge = new ObviousArbiter();
      for (const tick of ticks) {
        if (tick.kind === 'trade') judge.trade(tick);
        else judge.clock(tick.time);
      }
      const shard = runShard(ticks, round % 2 === 0);
      expect(
        shard.trades.map(({ id, late }) => ({ id, late })),
        `round ${round}`,
      ).toEqual(judge.passed);
      expect(shard.rows.map(({ id }) => id)).toEqual(judge.passed.map(({ id }) => id));
      expect(byTurn(shard.notices)).toEqual(byTurn(judge.notices));
      const { counters } = shard;
      expect(counters.tradesDuplicate).toBe(judge.duplicates);
      expect(shard.held).toBe(judge.held.size);
      // Conservation.
      expect(counters.trades).toBe(ticks.filter((tick) => tick.kind === 'trade').length);
      expect(counters.trades).toBe(counters.tradesPassed + counters.tradesDuplicate + shard.held);
      expect(counters.tradesHeld - counters.tradesReleased).toBe(shard.held);
      const size = (state: string): number =>
        judge.notices
          .filter((notice) => notice.state === state)
          .reduce((sum, { from, to }) => sum + to - from + 1, 0);
      expect([counters.gapIds, counters.tradesLate, counters.idsLost]).toEqual([
        size('gap'),
        size('repaired'),
        size('lost'),
      ]);
      seen.gaps += counters.gaps;
      seen.lost += counters.idsLost;
      seen.repaired += counters.tradesLate;
      seen.duplicates += counters.tradesDuplicate;
      seen.held += counters.tradesHeld;
    }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(0);
  });

  test('scenario 12: the same trades over two lines pass once, whichever line is ahead', () => {
    for (let round = 0; round < 10; round++) {
      const roll = dice(seed + round);
      const trades = someTrades(round);
      const ticks: Tick[] = [];
      let [a, b] = [0, 0];
      while (a < trades.length || b < trades.length) {
        if (b >= trades.length || (a < trades.length && roll.chance(0.5))) ticks.push(trades[a++]!);
        else ticks.push({ ...trades[b++]!, lineB: true });
      }
      const shard = runShard(ticks, false);
      expect(shard.trades.map(({ id }) => id)).toEqual(trades.map(({ id }) => id));
      expect(shard.rows.map(({ id }) => id)).toEqual(trades.map(({ id }) => id));
      expect(shard.counters.tradesDuplicate).toBe(trades.length);
      expect(shard.notices).toEqual([]);
    }
  });

  test('scenario 12: one line of two that loses trades leaves no gap', () => {
    const roll = dice(seed);
    const trades = someTrades(0);
    const ticks = trades.flatMap((trade) =>
      roll.chance(0.3) ? [{ ...trade, lineB: true }] : [trade, { ...trade, lineB: true }],
    );
    const shard = runShard(ticks);
    expect(shard.trades.map(({ id }) => id)).toEqual(trades.map(({ id }) => id));
    expect(shard.counters.gaps).toBe(0);
  });

  test('scenario 13: n+2, n, n+1 leave as n, n+1, n+2, and the bars are those of the sorted input', () => {
    for (let round = 0; round < 10; round++) {
      const trades = someTrades(round, 201);
      const mixed: Tick[] = [trades[0]!];
      for (let at = 1; at + 2 < trades.length; at += 3)
        mixed.push(trades[at + 2]!, trades[at]!, trades[at + 1]!);
      const sorted: Tick[] = trades.slice(0, mixed.length);
      const end: Tick = { kind: 'clock', time: trades.at(-1)!.time + 2_000_000 };
      const ours = runShard([...mixed, end]);
      const expected = runShard([...sorted, end]);
      expect(ours.trades).toEqual(expected.trades);
      expect(ours.notices).toEqual([]);
      expect(lastOf(ours.bars)).toEqual(lastOf(expected.bars));
      const plain = trades
        .slice(0, mixed.length)
        .map((trade) => ({ ...trade, firstId: trade.id, lastId: trade.id }));
      for (const bar of obviousBars(plain, 0).values())
        expect(lastOf(ours.bars).get(barKey({ instrument: 1, ...bar }))).toEqual(bar);
      expect(ours.counters.barsCorrected).toBe(0);
    }
  });

  test('a gap opens when the hold is full, or when its time is over, and never before', () => {
    const trades = someTrades(0, heldMax + 4);
    const first = trades[0]!.id;
    const after = (count: number, ...more: Tick[]): Seen =>
      runShard([trades[0]!, ...trades.slice(2, 2 + count), ...more]);
    expect(after(heldMax)).toMatchObject({ notices: [], held: heldMax });
    expect(after(heldMax + 1)).toMatchObject({
      notices: [{ state: 'gap', from: first + 1, to: first + 1 }],
      held: 0,
    });
    const same = trades.map((trade) => ({ ...trade, time: trades[0]!.time }));
    const clock = (micros: number): Tick => ({ kind: 'clock', time: same[0]!.time + micros });
    expect(runShard([same[0]!, same[2]!, clock(reorder - 1)])).toMatchObject({ notices: [], held: 1 });
    const over = runShard([same[0]!, same[2]!, clock(reorder), same[1]!]);
    expect(over.notices).toMatchObject([
      { state: 'gap', from: first + 1, to: first + 1 },
      { state: 'repaired', from: first + 1, to: first + 1 },
    ]);
    expect(over.trades.map(({ late }) => late)).toEqual([false, false, true]);
    // The bar is incomplete from the gap on.
    expect(over.bars.filter((bar) => bar.incomplete).length).toBeGreaterThan(0);
  });

  test('no bar that lacks a trade says it is complete, however long the outage and whoever closed it', () => {
    const roll = dice(seed + 77);
    for (let round = 0; round < 12; round++) {
      // Outages from one trade to many minutes, while the clock goes on and ends bars.
      const all = someTrades(round, 400).map((trade, index) => ({
        ...trade,
        time: 1_700_000_000_000_000 + index * 350_000,
      }));
      const seen: TradeTick[] = [];
      for (let at = 0; at < all.length; ) {
        const run = roll.whole(1, 40);
        seen.push(...all.slice(at, at + run));
        at += run + roll.whole(1, roll.chance(0.2) ? 120 : 4);
      }
      const ticks: Tick[] = [];
      let clock = seen[0]!.time;
      for (const trade of seen) {
        for (; clock < trade.time; clock += 100_000) ticks.push({ kind: 'clock', time: clock });
        ticks.push(trade);
      }
      ticks.push({ kind: 'clock', time: clock + 1_000_000 });
      const { bars } = runShard(ticks);
      const plain = all
        .filter(({ id }) => id <= seen.at(-1)!.id)
        .map((trade) => ({ ...trade, firstId: trade.id, lastId: trade.id }));
      let short = 0;
      for (let resolution = 0; resolution < 10; resolution++) {
        for (const whole of obviousBars(plain, resolution).values()) {
          const bar = bars.findLast(
            (one) => one.resolution === resolution && one.openTime === whole.openTime,
          );
          if (bar === undefined || bar.count === whole.count) continue;
          short++;
          expect(bar.incomplete, `SEED=${seed} round ${round}: ${resolution} at ${whole.openTime}`).toBe(
            true,
          );
        }
      }
      expect(short).toBeGreaterThan(10);
    }
  });

  test('the first trade after a gap may come when the clock has ended its second: the bar that it makes is incomplete', () => {
    const start = 1_700_000_000_000_000;
    const [first, , , after] = someTrades(3, 4);
    const late = { ...after!, time: start + 5_900_000 };
    const { bars } = runShard([
      { ...first!, time: start },
      { kind: 'clock', time: start + 6_500_000 },
      late,
      { kind: 'clock', time: start + 6_500_000 + reorder },
      { kind: 'clock', time: start + 20_000_000 },
    ]);
    const made = bars.findLast((bar) => bar.resolution === 0 && bar.openTime === start + 5_000_000);
    expect(made).toMatchObject({ count: 1, closed: true, incomplete: true });
  });

  test(`the oldest of more than ${gapRangesMax} gaps is lost, and what comes for it then is a duplicate`, () => {
    const trades = someTrades(0, 2 * gapRangesMax + 10);
    const ticks: Tick[] = [];
    let time = trades[0]!.time;
    for (let at = 0; at <= 2 * (gapRangesMax + 1); at += 2) {
      time += reorder;
      ticks.push({ ...trades[at]!, time }, { kind: 'clock', time: time + reorder });
    }
    const shard = runShard([...ticks, { ...trades[1]!, time }, { ...trades[3]!, time }]);
    const id = trades[0]!.id;
    expect(shard.notices.filter((notice) => notice.state === 'lost')).toMatchObject([
      { from: id + 1, to: id + 1 },
    ]);
    expect(shard.counters).toMatchObject({
      gaps: gapRangesMax + 1,
      idsLost: 1,
      tradesLate: 1,
      tradesDuplicate: 1,
    });
  });

  test('quotes pass when newer, a jump in their versions is no gap, and older ones are stale (scenario 15)', () => {
    const shard = runShard([5, 6, 900, 900, 7, 901].map(quote));
    expect(shard.quotes.map(({ version }) => version)).toEqual([5, 6, 900, 901]);
    expect(shard.notices).toEqual([]);
    expect(shard.counters).toMatchObject({ quotes: 6, quotesPassed: 4, quotesStale: 2 });
  });
});
