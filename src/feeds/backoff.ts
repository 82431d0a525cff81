/** How long to wait before the next attempt: 1 s doubling to 60 s, full jitter, from the start again once healthy. */

export interface BackoffOptions {
  readonly firstMs: number;
  readonly mostMs: number;
  /** A connection that was open so long was healthy. */
  readonly healthyMs: number;
}

export const backoffDefaults: BackoffOptions = { firstMs: 1_000, mostMs: 60_000, healthyMs: 60_000 };

export class Backoff {
  readonly #options: BackoffOptions;
  readonly #roll: () => number;
  #attempts = 0;

  /** `roll` gives a number from 0 up to 1. */
  constructor(options: BackoffOptions, roll: () => number) {
    this.#options = options;
    this.#roll = roll;
  }

  /** Failed attempts since the last healthy connection. */
  get attempts(): number {
    return this.#attempts;
  }

  /** A connection ended that was open for `openMs` (0: never); the answer is in ms, and never below `leastMs`. */
  next(openMs: number, leastMs = 0): number {
    if (openMs >= this.#options.healthyMs) this.#attempts = 0;
    const most = Math.min(this.#options.mostMs, this.#options.firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts++;
    return leastMs + this.#roll() * most;
  }
}
