/** The venue's limit on REST requests: so much weight in each minute of the wall clock. */
export const weightPerMinuteMax = 6_000;
const minuteMs = 60_000;

export class WeightMeter {
  #minute = 0;
  #used = 0;

  /** Weight used in this minute, this request included. */
  take(weight: number, nowMs: number): number {
    const minute = Math.floor(nowMs / minuteMs);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#used = 0;
    }
    this.#used += weight;
    return this.#used;
  }

  /** Seconds until the next minute begins. */
  static secondsLeft(nowMs: number): number {
    return Math.ceil((minuteMs - (nowMs % minuteMs)) / 1_000);
  }
}
