/** The last 24 hours of one symbol, cheaply: whole hours are summed once an hour, the hour that runs is asked for. */
import { type Bar, extend, flatBar } from './bar.ts';
import { dayMs, hourMs } from './interval.ts';
import type { Series } from './series.ts';

const hours = 24;

export class HourWindow {
  readonly #series: Series;
  #hour = -1;
  #whole: Bar = flatBar(0, 0);

  constructor(series: Series) {
    this.#series = series;
  }

  /** The day that ends at `ms`; its first hour is counted whole. */
  day(ms: number): Bar {
    const hour = Math.floor((ms - 1) / hourMs) * hourMs;
    if (hour !== this.#hour) {
      const bars = this.#series.bars('1h', hour - dayMs, hour - 1, hours);
      this.#whole = flatBar(hour - dayMs, bars[0]?.open ?? 0);
      for (const bar of bars) extend(this.#whole, bar);
      this.#hour = hour;
    }
    const day = { ...this.#whole };
    extend(day, this.#series.bar('1h', hour));
    return day;
  }
}
