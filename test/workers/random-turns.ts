/** What a hub might hand to one shard: trades of one or two lines, quotes, clocks and the rest, turn by turn. */
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
  /** Also repairs of what is missing, heartbeats, absurd ids and prices, silences, more digits. */
  readonly faults?: boolean;
}

/** Longer than any stream may be silent for. */
const quiet = 60_000_000;
const second = 1_000_000;
/** Shortly before midnight of a month's end. */
const start = Date.UTC(2024, 6, 31, 23, 59, 50) * 1_000;

export function randomTurns(roll: Dice, wishes: TurnWishes): Tick[][] {
  const { instruments, turns, lines = 1, missing = 0.01, reach = 6 } = wishes;
  const ticks: Tick[] = [];
  const faults: PlacedTick[] = [];
  for (let instrument = 1; instrument <= instruments; instrument++) {
    const whole = tradesOf(roll, instrument, turns * 2, wishes.faults === true ? second : 300_000);
    const trades = whole.filter(() => !roll.chance(missing));
    if (wishes.faults === true) faults.push(...faultsOf(roll, instrument, whole, new Set(trades)));
    const all = lines === 1 ? trades : trades.flatMap((trade) => [trade, { ...trade, lineB: true }]);
    ticks.push(...jumbled(roll, all, wishes.jumbled ?? 0.05, reach));
    ticks.push(...quotesOf(roll, instrument, turns * 3));
  }
  // By time, but for what was jumbled: a trade keeps the place that its neighbours give it.
  let latest = 0;
  const keyed = ticks.map((tick) => ({ tick, key: tick.time }));
  const sorted = [...keyed, ...faults].toSorted((a, b) => a.key - b.key).map(({ tick }) => tick);
  const rejumbled = jumbled(roll, sorted, wishes.jumbled ?? 0.05, reach * instruments);
  return cut(roll, rejumbled, turns).map((turn) => {
    latest = Math.max(latest, ...turn.map((tick) => tick.time));
    return roll.chance(0.3)
      ? [
          ...turn,
          { kind: 'clock', time: latest + roll.whole(0, roll.chance(0.02) ? quiet : 100_000) } as const,
        ]
      : turn;
  });
}

function tradesOf(roll: Dice, instrument: number, count: number, stepMax: number): TradeTick[] {
  const steps = [1_000, 40_000, stepMax];
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

/** A tick, and the time at which it comes. */
interface PlacedTick {
  readonly tick: Tick;
  readonly key: number;
}

/** What goes wrong around trades of which `here` come, and what is done about it. */
function faultsOf(
  roll: Dice,
  instrument: number,
  whole: readonly TradeTick[],
  here: ReadonlySet<TradeTick>,
): PlacedTick[] {
  const placed: PlacedTick[] = [];
  const push = (tick: Tick, key = tick.time): unknown => placed.push({ tick, key });
  push({ kind: 'subscribed', instrument, taken: true, time: whole[0]!.time });
  for (const trade of whole) {
    const { id, time } = trade;
    const later = time + roll.pick([300_000, 2_000_000, 90_000_000]);
    if (!here.has(trade) && roll.chance(0.8)) {
      if (roll.chance(0.8)) push({ ...trade, repair: true }, later);
      else push({ kind: 'lost', instrument, from: id - roll.whole(0, 3), to: id, time: later });
    }
    if (roll.chance(0.05)) push({ kind: 'heartbeat', instrument, id: id + roll.whole(-2, 3), time });
    if (roll.chance(0.002)) push({ ...trade, id: id + 10 ** 8, time: time + 1 });
    if (roll.chance(0.005)) push({ ...trade, id: id + 1, price: trade.price * 1_000, time: time + 1 });
    if (roll.chance(0.001)) push({ kind: 'rescale', instrument, price: 1, size: roll.whole(0, 2), time });
    if (roll.chance(0.002)) push({ kind: 'subscribed', instrument, taken: roll.chance(0.7), time });
    if (roll.chance(0.002)) {
      const [high, low] = [trade.price * roll.pick([1, 20]), Math.ceil(trade.price / roll.pick([1, 20]))];
      push({ kind: 'extreme', instrument, time, high, low, open: trade.price, close: trade.price });
    }
  }
  return placed;
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
