/** Bars of one symbol at any interval, from its trades and, where there is one, its history. */
import { type Bar, extend, flatBar, include } from './bar.ts';
import type { History } from './history.ts';
import { hourMs, type Interval, minuteMs, nextOpen, opensBefore, openTime, secondMs } from './interval.ts';
import type { Tape } from './tape.ts';

export class Series {
  readonly #tape: Tape;
  readonly #history: History | undefined;

  constructor(tape: Tape, history?: History) {
    this.#tape = tape;
    this.#history = history;
  }

  /**
   * Bars that open in [fromMs, toMs], oldest first: the first `limit` of them, or the last when `fromMs` is absent.
   * With a history every bar exists, flat where nothing was traded; without one, bars without trades are absent.
   */
  bars(interval: Interval, fromMs: number | undefined, toMs: number, limit: number): Bar[] {
    const last = openTime(interval, toMs);
    const earliest = this.#earliest();
    if (earliest === undefined) return [];
    let open = openTime(interval, earliest);
    if (fromMs !== undefined) {
      const aligned = openTime(interval, fromMs);
      open = Math.max(open, aligned < fromMs ? nextOpen(interval, aligned) : aligned);
    } else if (this.#history !== undefined) {
      open = Math.max(open, opensBefore(interval, last, limit - 1));
    }
    if (this.#history === undefined) return this.#traded(interval, open, last, fromMs, limit);
    return this.#unbroken(interval, open, last, limit);
  }

  /** The bar that opens at `openMs`, over what has been traded so far. */
  bar(interval: Interval, openMs: number): Bar {
    const bar = flatBar(openMs, this.#closeBefore(openMs));
    for (const part of this.#parts(interval, openMs, nextOpen(interval, openMs))) extend(bar, part);
    return bar;
  }

  #earliest(): number | undefined {
    return this.#history?.firstMs ?? this.#tape.minutes[0]?.openMs;
  }

  #unbroken(interval: Interval, firstMs: number, lastMs: number, limit: number): Bar[] {
    const bars: Bar[] = [];
    let close: number | undefined;
    for (let open = firstMs; open <= lastMs && bars.length < limit; open = nextOpen(interval, open)) {
      const bar = flatBar(open, close ?? this.#closeBefore(open));
      for (const part of this.#parts(interval, open, nextOpen(interval, open))) extend(bar, part);
      bars.push(bar);
      close = bar.close;
    }
    return bars;
  }

  #traded(
    interval: Interval,
    firstMs: number,
    lastMs: number,
    fromMs: number | undefined,
    limit: number,
  ): Bar[] {
    const bars: Bar[] = [];
    for (const part of this.#parts(interval, firstMs, nextOpen(interval, lastMs))) {
      const open = openTime(interval, part.openMs);
      const bar = bars.at(-1);
      if (bar?.openMs === open) extend(bar, part);
      else if (fromMs !== undefined && bars.length === limit) break;
      else bars.push({ ...part, openMs: open });
    }
    return bars.slice(-limit);
  }

  /** The pieces a bar is made of: seconds for 1s, hours where whole ones are known, else minutes. */
  *#parts(interval: Interval, fromMs: number, toMs: number): Generator<Bar> {
    if (interval === '1s') yield* this.#seconds(fromMs, toMs);
    else if (this.#history === undefined) yield* this.#minutes(fromMs, toMs);
    else if (toMs - fromMs < hourMs) yield* this.#minutes(fromMs, toMs);
    else {
      for (let hour = fromMs; hour < toMs; hour += hourMs) {
        const whole = this.#history.hour(hour);
        const folded = this.#tape.hours.get(hour);
        if (whole !== undefined) yield whole;
        if (folded !== undefined) yield folded;
        if (whole === undefined) yield* this.#minutes(hour, hour + hourMs);
      }
    }
  }

  *#minutes(fromMs: number, toMs: number): Generator<Bar> {
    const { minutes } = this.#tape;
    if (this.#history !== undefined) {
      for (let ms = fromMs; ms < toMs; ms += minuteMs) {
        const minute = this.#history.minute(ms);
        if (minute === undefined) break;
        yield minute;
      }
    }
    for (let i = this.#tape.findMinute(fromMs); i < minutes.length && minutes[i]!.openMs < toMs; i++) {
      yield minutes[i]!;
    }
  }

  *#seconds(fromMs: number, toMs: number): Generator<Bar> {
    const first = this.#tape.length === 0 ? Infinity : this.#tape.row(0).timeUs / 1_000;
    if (this.#history !== undefined) yield* this.#secondsWithoutTrades(fromMs, Math.min(toMs, first));
    let bar: Bar | undefined;
    for (let i = this.#tape.find('timeUs', fromMs * 1_000); i < this.#tape.length; i++) {
      const row = this.#tape.row(i);
      if (row.timeUs >= toMs * 1_000) break;
      const open = Math.floor(row.timeUs / 1_000 / secondMs) * secondMs;
      if (bar?.openMs !== open) {
        if (bar !== undefined) yield bar;
        bar = flatBar(open, row.price);
      }
      include(bar, row.id, row.lastId, row.price, row.size, row.buyerIsMaker);
    }
    if (bar !== undefined) yield bar;
  }

  /** Seconds older than the trades we still hold: of the history, or of the session's minutes. */
  *#secondsWithoutTrades(fromMs: number, toMs: number): Generator<Bar> {
    for (let ms = fromMs; ms < toMs; ms += secondMs) {
      const second = this.#history!.second(ms) ?? this.#secondOfMinute(ms);
      if (second !== undefined) yield second;
    }
  }

  #secondOfMinute(ms: number): Bar | undefined {
    const openMs = Math.floor(ms / minuteMs) * minuteMs;
    const minute = this.#tape.minutes[this.#tape.findMinute(openMs)];
    if (minute?.openMs !== openMs) return undefined;
    const firstUs = this.#tape.length === 0 ? Infinity : this.#tape.row(0).timeUs;
    if (firstUs < (openMs + minuteMs) * 1_000) return undefined; // partly held as trades: do not count twice
    return this.#history!.secondsOf(minute)[(ms - openMs) / secondMs];
  }

  /** The price at which the market stood when the moment `ms` came. */
  #closeBefore(ms: number): number {
    const place = this.#tape.find('timeUs', ms * 1_000);
    if (place > 0) return this.#tape.row(place - 1).price;
    const minute = this.#tape.minutes[this.#tape.findMinute(ms) - 1];
    if (minute !== undefined) return minute.close;
    return this.#history?.minute(Math.floor((ms - 1) / minuteMs) * minuteMs)?.close ?? this.#opening(ms);
  }

  #opening(ms: number): number {
    const history = this.#history;
    if (history === undefined) return 0;
    if (ms <= history.firstMs) return history.hour(history.firstMs)?.open ?? 0;
    return history.openingPrice;
  }
}
