/** The venue's limit on REST requests: so much weight in each window of the wall clock, and what comes of passing it. */
import type { VenueLimits } from '../dialect.ts';

/** Undefined status: allowed. */
export interface Verdict {
  readonly used: number;
  readonly status?: 429 | 418;
  readonly retryAfterSeconds: number;
}

/** 429 once the window's weight is used up; 418 and a ban for who goes on asking, each time from anew. */
export class WeightMeter {
  readonly #limits: VenueLimits;
  #window = 0;
  #used = 0;
  /** When the first 429 of this window was given. */
  #warnedMs: number | undefined;
  #bannedUntilMs = 0;

  constructor(limits: VenueLimits) {
    this.#limits = limits;
  }

  take(weight: number, nowMs: number): Verdict {
    const { restBudget, restWindowMs, graceMs, banMs } = this.#limits;
    const window = Math.floor(nowMs / restWindowMs);
    if (window !== this.#window) {
      this.#window = window;
      this.#used = 0;
      this.#warnedMs = undefined;
    }
    if (nowMs < this.#bannedUntilMs) return this.#ban(nowMs + banMs, nowMs);
    this.#used += weight;
    if (restBudget === 0 || this.#used <= restBudget) return { used: this.#used, retryAfterSeconds: 0 };
    this.#warnedMs ??= nowMs;
    if (nowMs - this.#warnedMs > graceMs) return this.#ban(nowMs + banMs, nowMs);
    const retryAfterSeconds = Math.ceil((restWindowMs - (nowMs % restWindowMs)) / 1_000);
    return { used: this.#used, status: 429, retryAfterSeconds };
  }

  #ban(untilMs: number, nowMs: number): Verdict {
    this.#bannedUntilMs = untilMs;
    return { used: this.#used, status: 418, retryAfterSeconds: Math.ceil((untilMs - nowMs) / 1_000) };
  }
}
