/** A venue with one true book, and what two lines of it bring: changes in order, late, twice, not at all, or torn. */

import { type Level, ObviousSide } from '../compute/obvious-book.ts';
import type { Dice } from '../market/dice.ts';
import type { BookUpdate } from './book-bench.ts';

const middle = 1_000_000;

const worst = (levels: readonly Level[], all: readonly Level[], whole: number): number =>
  levels.length === all.length ? whole : levels.at(-1)![0];

export class BookMarket {
  readonly instrument: number;
  time = 1_723_161_255_343_000;
  lastId: number;
  readonly #bids = new ObviousSide(1);
  readonly #asks = new ObviousSide(-1);
  readonly #roll: Dice;

  constructor(roll: Dice, instrument: number) {
    this.#roll = roll;
    this.instrument = instrument;
    this.lastId = roll.whole(1, 10 ** 10);
    for (let level = 0; level < 60; level++) {
      this.#bids.put([middle - 1 - level * 2, roll.whole(1, 10 ** 6)]);
      this.#asks.put([middle + 1 + level * 2, roll.whole(1, 10 ** 6)]);
    }
  }

  /** The next change: it never crosses, and takes away levels that are there, and some that are not. */
  next(): BookUpdate {
    const roll = this.#roll;
    this.time += roll.whole(1, 200) * 1_000;
    const firstId = this.lastId + 1;
    this.lastId += roll.whole(1, 5);
    const shift = roll.whole(-6, 6);
    const side = (sign: 1 | -1, most: number): Level[] =>
      Array.from({ length: roll.whole(0, most) }, (): Level => {
        const price = middle + shift - sign * roll.whole(1, roll.pick([3, 10, 60]));
        return [price, roll.chance(0.4) ? 0 : roll.whole(1, 10 ** 6)];
      });
    const most = roll.pick([1, 4, 9]);
    const clear = (of: ObviousSide, sign: 1 | -1): Level[] =>
      of.levels
        .filter(([price]) => (price - (middle + shift)) * sign >= 0)
        .map(([price]): Level => [price, 0]);
    const bids = [...clear(this.#bids, 1), ...side(1, most)];
    const asks = [...clear(this.#asks, -1), ...side(-1, most)];
    for (const level of bids) this.#bids.put(level);
    for (const level of asks) this.#asks.put(level);
    const { instrument, lastId, time } = this;
    return { instrument, snapshot: false, firstId, lastId, time, bids, asks };
  }

  /** As REST gives it: the best `limit` levels of a side, or all. */
  snapshot(limit?: number): BookUpdate {
    const { instrument, lastId, time } = this;
    const ids = { instrument, snapshot: true, firstId: lastId, lastId, time };
    const [bids, asks] = [this.#bids.levels, this.#asks.levels];
    if (limit === undefined) return { ...ids, bids, asks };
    const [best, bestAsks] = [bids.slice(0, limit), asks.slice(0, limit)];
    const bidHorizon = worst(best, bids, 0);
    const askHorizon = worst(bestAsks, asks, Number.POSITIVE_INFINITY);
    return { ...ids, bids: best, asks: bestAsks, bidHorizon, askHorizon };
  }
}
