/** Trades across the borders of seconds, minutes, days, weeks and months, in the order of their ids. */
import type { Dice } from '../market/dice.ts';
import type { PlainTrade } from './obvious-bars.ts';

/** Around midnight of Monday, 1 July 2024: second, minute, hour, day, week and month begin together. */
export const borders = Date.UTC(2024, 6, 1) * 1_000;

export interface TradeWishes {
  readonly count: number;
  /** µs between two trades are picked from these, each with a random part. */
  readonly steps: readonly number[];
  readonly from: number;
  readonly aggregates?: boolean;
  /** How many jump to the next full minute. */
  readonly jumps?: number;
}

export function randomTrades(
  roll: Dice,
  { count, steps, from, aggregates = false, jumps = 0.05 }: TradeWishes,
): PlainTrade[] {
  let time = from;
  let price = 6_000_000;
  let id = roll.whole(1, 2 ** 32);
  return Array.from({ length: count }, () => {
    const step = roll.pick(steps);
    // Many trades share their time with the one before.
    if (!roll.chance(0.3)) time += roll.whole(0, step);
    // Exactly on a border now and then.
    if (roll.chance(jumps)) time = Math.ceil(time / 60_000_000) * 60_000_000;
    price = Math.max(1, price + roll.whole(-50, 50));
    const firstId = id;
    id += aggregates && roll.chance(0.4) ? roll.whole(1, 9) : 1;
    return {
      time,
      price,
      // Some quote volumes pass 2^53.
      size: roll.chance(0.1) ? roll.whole(1, 2 ** 40) : roll.whole(1, 10 ** 6),
      firstId,
      lastId: id - 1,
      takerSold: roll.chance(0.5),
    };
  });
}

/** The same things, each at most `reach` places from where it was. */
export function jumbled<T>(roll: Dice, items: readonly T[], share: number, reach: number): T[] {
  const keyed = items.map((item, place) => ({
    item,
    key: place + (roll.chance(share) ? roll.whole(1, reach) : 0),
  }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
}
