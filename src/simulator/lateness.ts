/** How late a paced generator was, in whole microseconds. */
import type { LatenessReport } from './tally.ts';

/** The last place holds all that were later. */
const latenessUsMax = 100_000;

export class Lateness {
  readonly #counts = new Uint32Array(latenessUsMax + 1);
  #most = 0;

  note(us: number): void {
    const late = Math.max(0, Math.round(us));
    this.#counts[Math.min(late, latenessUsMax)]!++;
    this.#most = Math.max(this.#most, late);
  }

  report(): LatenessReport {
    const messages = this.#counts.reduce((sum, count) => sum + count, 0);
    return {
      messages,
      p50Us: this.#quantile(messages * 0.5),
      p99Us: this.#quantile(messages * 0.99),
      maxUs: this.#most,
    };
  }

  #quantile(place: number): number {
    let seen = 0;
    for (let us = 0; us <= latenessUsMax; us++) {
      seen += this.#counts[us]!;
      if (seen > 0 && seen >= place) return us;
    }
    return 0;
  }
}
