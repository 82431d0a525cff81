/** Things that are tried again after a pause that doubles, with jitter; all called off at once. */
import type { Timers } from './timers.ts';

export interface RetryTimes {
  readonly firstMs: number;
  readonly mostMs: number;
}

export class RetryTimers {
  readonly #timers: Timers;
  readonly #roll: () => number;
  readonly #cancels = new Set<() => void>();

  /** `roll` gives a number from 0 up to 1. */
  constructor(timers: Timers, roll: () => number) {
    this.#timers = timers;
    this.#roll = roll;
  }

  /** Calls `run` after the pause that follows `tries` failures: between half of it and all of it. */
  after({ firstMs, mostMs }: RetryTimes, tries: number, run: () => void): void {
    const most = Math.min(mostMs, firstMs * 2 ** Math.min(tries, 30));
    const cancel = this.#timers.after(most * (0.5 + this.#roll() / 2), () => {
      this.#cancels.delete(cancel);
      run();
    });
    this.#cancels.add(cancel);
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }
}
