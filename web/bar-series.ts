/** The bars of one symbol and one length: history and live bars joined. Knows no chart. */

export interface ChartBar {
  /** Open time, s since 1970. */
  readonly time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly trades: number;
  readonly lastId: number;
  readonly closed: boolean;
  readonly revision: number;
  /** True while trades are known to be missing from it. */
  readonly incomplete: boolean;
}

export interface SeriesChange {
  /** Draw everything anew. */
  readonly whole: boolean;
  /** Else only these. They rise in time. */
  readonly bars: readonly ChartBar[];
}

const nothing: SeriesChange = { whole: false, bars: [] };

export class BarSeries {
  #bars: ChartBar[] = [];
  readonly #changed = new Map<number, ChartBar>();
  #whole = false;
  readonly #most: number;

  /** Holds at most `most` bars: the oldest go, a quarter at a time. */
  constructor(most: number) {
    this.#most = most;
  }

  get last(): ChartBar | undefined {
    return this.#bars.at(-1);
  }

  get bars(): readonly ChartBar[] {
    return this.#bars;
  }

  at(time: number): ChartBar | undefined {
    const place = this.#placeOf(time);
    return this.#bars[place]?.time === time ? this.#bars[place] : undefined;
  }

  /** Takes a bar from history or from the live stream, in any order: what is known better stays. */
  take(bar: ChartBar): void {
    const place = this.#placeOf(bar.time);
    const held = this.#bars[place];
    if (held?.time === bar.time) {
      if (!isNewer(bar, held)) return;
      this.#bars[place] = bar;
    } else {
      if (place < this.#bars.length) this.#whole = true;
      this.#bars.splice(place, 0, bar);
    }
    if (this.#bars.length > this.#most) {
      this.#bars = this.#bars.slice(-Math.ceil((this.#most * 3) / 4));
      this.#whole = true;
    }
    // Nobody may draw for hours: what will be drawn whole needs no list.
    if (this.#whole) this.#changed.clear();
    this.#changed.set(bar.time, bar);
  }

  /** What changed since the last call. */
  drain(): SeriesChange {
    if (this.#changed.size === 0) return nothing;
    const whole = this.#whole;
    const bars = whole ? this.#bars : [...this.#changed.values()].toSorted((a, b) => a.time - b.time);
    this.#changed.clear();
    this.#whole = false;
    return { whole, bars };
  }

  /** Index of the first bar that is not before `time`. */
  #placeOf(time: number): number {
    const bars = this.#bars;
    if (bars.length === 0 || bars.at(-1)!.time < time) return bars.length;
    let low = 0;
    let high = bars.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bars[middle]!.time < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Closed over forming, then the later revision, then the one that knows later trades. */
function isNewer(bar: ChartBar, held: ChartBar): boolean {
  if (bar.closed !== held.closed) return bar.closed;
  if (bar.revision !== held.revision) return bar.revision > held.revision;
  if (bar.lastId !== held.lastId) return bar.lastId > held.lastId;
  return bar.trades > held.trades || bar.incomplete !== held.incomplete;
}
