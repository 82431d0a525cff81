/**
 * The venue's time as far as it is known here: the highest time seen in its messages, carried on by the steady clock.
 * Bars close by it, not by our own clock: a server whose clock runs ahead of the venue's would close every bar early and
 * correct it a moment later.
 */
import type { MarketClock } from '../market/clock.ts';
import { type TickRecords, tickField, tickFlag, tickKind, tickWords } from '../wire/tick-record.ts';

/** A venue is believed to be ahead of our own clock by so much at most (µs): one wrong time must not close bars. */
const aheadMax = 1e6;

export class VenueClock implements MarketClock {
  readonly #own: MarketClock;
  readonly #steadyMs: () => number;
  #highest = 0;
  #seenAtMs = 0;

  /** @param own our clock, until the venue has been heard; @param steadyMs steady ms */
  constructor(own: MarketClock, steadyMs: () => number) {
    this.#own = own;
    this.#steadyMs = steadyMs;
  }

  /** Takes the times of records 0 to `count` − 1. */
  observe({ words, halves }: TickRecords, count: number): void {
    for (let index = 0; index < count; index++) {
      const at = index * tickWords;
      const head = halves[at * 2 + tickField.head]!;
      // Levels of an order book follow the record that has their time.
      if ((head & tickFlag.noVenueTime) !== 0 || (head & 0xff) === tickKind.levels) continue;
      const time = words[at + tickField.time]!;
      if (time <= this.#highest) continue;
      this.#highest = time;
      this.#seenAtMs = this.#steadyMs();
    }
  }

  now(): number {
    const own = this.#own.now();
    if (this.#highest === 0) return own;
    return Math.floor(Math.min(this.#highest + (this.#steadyMs() - this.#seenAtMs) * 1_000, own + aheadMax));
  }
}
