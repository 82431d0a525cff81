/** What a hub might hand to one shard: trades of one or two lines, quotes and clocks, turn by turn. */
import { jumbled, randomTrades } from '../compute/random-trades.ts';
import type { Dice } from '../market/dice.ts';
import type { Tick, TradeTick } from './shard-bench.ts';

export interface TurnWishes {
  readonly instruments: number;
  readonly turns: number;
  /** 2: every trade comes twice. */
  readonly lines?: 1 | 2;
  /** Share of trades that never come. */
  readonly missing?: number;
  /** Share of trades that come out of order, and by how many places at most. */
  readonly jumbled?: number;
  readonly reach?: number;
}

/** Shortly before midnight of a month's end. */
const start = Date.UTC(2024, 6, 31, 23, 59, 50) * 1_000;

export function randomTurns(roll: Dice, wishes: TurnWishes): Tick[][] {
  const { instruments, turns, lines = 1, missing = 0.01, reach = 6 } = wishes;
  const ticks: Tick[] = [];
  for (let instrument = 1; instrument <= instruments; instrument++) {
    const trades = tradesOf(roll, instrument, turns * 2).filter(() => !roll.chance(missing));
    const all = lines === 1 ? trades : trades.flatMap((trade) => [trade, { ...trade, lineB: true }]);
    ticks.push(...jumbled(roll, all, wishes.jumbled ?? 0.05, reach));
    ticks.push(...quotesOf(roll, instrument, turns * 3));
  }
  // By time, but for what was jumbled: a trade keeps the place that its neighbours give it.
  let latest = 0;
  const keyed = ticks.map((tick) => ({ tick, key: tick.time }));
  const sorted = keyed.toSorted((a, b) => a.key - b.key).map(({ tick }) => tick);
  const rejumbled = jumbled(roll, sorted, wishes.jumbled ?? 0.05, reach * instruments);
  return cut(roll, rejumbled, turns).map((turn) => {
    latest = Math.max(latest, ...turn.map((tick) => tick.time));
    return roll.chance(0.3)
      ? [...turn, { kind: 'clock', time: latest + roll.whole(0, 100_000) } as const]
      : turn;
  });
}

function tradesOf(roll: Dice, instrument: number, count: number): TradeTick[] {
  const steps = [1_000, 40_000, 300_000];
  const from = start + roll.whole(0, 1_000_000);
  return randomTrades(roll, { count, steps, from, jumps: 0.001 }).map(
    ({ firstId, lastId: _last, ...trade }) => ({
      kind: 'trade' as const,
      instrument,
      id: firstId,
      ...trade,
      time: roll.chance(0.9) ? Math.floor(trade.time / 1_000) * 1_000 : trade.time,
    }),
  );
}

function quotesOf(roll: Dice, instrument: number, count: number): Tick[] {
  let [time, version, bid] = [start, roll.whole(1, 10 ** 10), 5_999_999];
  return Array.from({ length: count }, () => {
    time += roll.whole(0, 60_000);
    version += roll.chance(0.05) ? -3 : roll.whole(1, 9);
    bid += roll.whole(-3, 3);
    const sizes = { bidSize: roll.whole(0, 10 ** 6), askSize: roll.whole(0, 10 ** 6) };
    return { kind: 'quote', instrument, version, time, bid, ask: bid + roll.whole(1, 5), ...sizes };
  });
}

/** Into about so many turns, some of one tick, some of many. */
function cut(roll: Dice, ticks: readonly Tick[], turns: number): Tick[][] {
  const pieces: Tick[][] = [];
  const usual = Math.ceil(ticks.length / turns);
  for (let at = 0; at < ticks.length; ) {
    const length = roll.chance(0.3) ? 1 : roll.whole(1, usual * 2);
    pieces.push(ticks.slice(at, at + length));
    at += length;
  }
  return pieces;
}
