/**
 * Market time of a live server: the wall's, carried on by the steady clock. A step of the wall clock (by hand, by NTP,
 * by a wrong time zone) is not followed, since the market did not step; small differences are made up slowly, so that
 * time never runs back. Time that the machine slept is made up at once: the clock that counts sleep tells it.
 */
import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { MarketClock } from '../market/clock.ts';

export interface Clocks {
  /** Wall time in µs since 1970. */
  wall(): number;
  /** Steady µs; stands still while the machine sleeps. */
  steady(): number;
  /** Seconds since the machine started, sleep included; may be coarse. */
  sinceBoot(): number;
}

const realClocks: Clocks = {
  wall: () => Date.now() * 1_000,
  steady: () => performance.now() * 1_000,
  sinceBoot: uptime,
};

const second = 1e6;
/** A difference to the wall of so much is a step, not drift. */
const stepMicros = second;
/** The most that is made up, per µs gone by. */
const slew = 0.05;
/** Sleep shorter than this cannot be told from the coarseness of `sinceBoot`. */
const sleepMicros = 3 * second;

export class LiveClock implements MarketClock {
  readonly #clocks: Clocks;
  /** Market time minus steady time. */
  #ahead: number;
  /** Time since boot minus steady time: grows by what the machine sleeps. */
  #slept: number;
  #checkedAt: number;
  #steps = 0;
  #stepped = false;

  constructor(clocks: Clocks = realClocks) {
    this.#clocks = clocks;
    this.#checkedAt = clocks.steady();
    this.#ahead = clocks.wall() - this.#checkedAt;
    this.#slept = clocks.sinceBoot() * second - this.#checkedAt;
  }

  now(): number {
    return Math.floor(this.#clocks.steady() + this.#ahead);
  }

  /** Compares the clocks; call it every few seconds or more often. */
  check(): void {
    const steady = this.#clocks.steady();
    const slept = this.#clocks.sinceBoot() * second - steady;
    const asleep = slept - this.#slept;
    if (asleep > sleepMicros) {
      this.#ahead += asleep;
      this.#slept = slept;
    }
    const off = this.#clocks.wall() - (steady + this.#ahead);
    const isStep = Math.abs(off) > (asleep > sleepMicros ? sleepMicros : stepMicros);
    if (isStep && !this.#stepped) this.#steps++;
    this.#stepped = isStep;
    if (!isStep) {
      const most = slew * (steady - this.#checkedAt);
      this.#ahead += asleep > sleepMicros ? Math.max(off, -most) : Math.max(-most, Math.min(most, off));
    }
    this.#checkedAt = steady;
  }

  /** Sets market time to `micros`: for when the venue's own time shows that the wall was wrong from the start. */
  anchor(micros: number): void {
    this.#checkedAt = this.#clocks.steady();
    this.#ahead = micros - this.#checkedAt;
  }

  /** How often the wall clock was seen to leave market time by more than a second, and whether it is off now. */
  get wallSteps(): { readonly count: number; readonly now: boolean } {
    return { count: this.#steps, now: this.#stepped };
  }
}
