/** The last 24 hours of one symbol, kept so that a new second costs little: whole minutes are summed once a minute. */
import { type Bar, extend, flatBar } from './bar.ts';
import { dayMs, minuteMs } from './interval.ts';
import type { Series } from './series.ts';

export class TickerWindow {
  readonly #series: Series;
  #minute = 0;
  #whole: Bar | undefined;

  constructor(series: Series) {
    this.#series = series;
  }

  /** The day that ends at `ms`; its first minute is counted whole. */
  day(ms: number): Bar {
    const minute = Math.floor((ms - 1) / minuteMs) * minuteMs;
    if (this.#whole === undefined || this.#minute !== minute) {
      const bars = this.#series.bars('1m', minute - dayMs, minute - 1, dayMs / minuteMs);
      this.#whole = flatBar(minute - dayMs, bars[0]?.open ?? 0);
      for (const bar of bars) extend(this.#whole, bar);
      this.#minute = minute;
    }
    const day = { ...this.#whole };
    extend(day, this.#series.bar('1m', minute));
    return day;
  }
}
