/**
 * What the simulated market did before its first session: made up, the same for the same seed, and ending at the
 * opening price. Hours are drawn; minutes and seconds are cut from them, so that all intervals agree.
 */
import { type Bar, flatBar, refineBar } from './bar.ts';
import { Dice, digest } from './dice.ts';
import type { SimulatedInstrument } from './instrument.ts';
import { dayMs, hourMs, minuteMs, secondMs } from './interval.ts';
import { split } from './split.ts';

const days = 500;
const splitsHeld = 48;

export class History {
  /** Open time of the first bar, at the start of a day. */
  readonly firstMs: number;
  readonly #genesisMinuteMs: number;
  readonly #instrument: SimulatedInstrument;
  readonly #seed: number;
  readonly #splits = new Map<number, Bar[]>();
  #closes: Float64Array | undefined;
  /** Ticks of now in one of those in which the history was drawn. */
  #factor = 1;

  constructor(instrument: SimulatedInstrument, seed: number, genesisMs: number) {
    this.#instrument = instrument;
    this.#seed = seed;
    this.#genesisMinuteMs = Math.floor(genesisMs / minuteMs) * minuteMs;
    this.firstMs = Math.floor(genesisMs / dayMs) * dayMs - days * dayMs;
  }

  get openingPrice(): number {
    return this.#instrument.openingPrice * this.#factor;
  }

  /** Prices are counted in a finer unit: so many of it are one of the old. */
  refine(factor: number): void {
    this.#factor *= factor;
    this.#splits.clear();
  }

  /** Whole hours only; the hour in which the session began consists of minutes. */
  hour(openMs: number): Bar | undefined {
    if (openMs < this.firstMs || openMs + hourMs > this.#genesisMinuteMs) return undefined;
    return this.#drawnHour(openMs);
  }

  minute(openMs: number): Bar | undefined {
    if (openMs < this.firstMs || openMs + minuteMs > this.#genesisMinuteMs) return undefined;
    const hour = Math.floor(openMs / hourMs) * hourMs;
    return this.#minutesOf(hour)[(openMs - hour) / minuteMs];
  }

  second(openMs: number): Bar | undefined {
    const minute = Math.floor(openMs / minuteMs) * minuteMs;
    const whole = this.minute(minute);
    return whole === undefined ? undefined : this.secondsOf(whole)[(openMs - minute) / secondMs];
  }

  /** The sixty seconds of a minute, as they may have been. */
  secondsOf(minute: Bar): Bar[] {
    return split(minute, 60, secondMs, this.#dice('seconds', minute.openMs));
  }

  #minutesOf(hour: number): Bar[] {
    const held = this.#splits.get(hour);
    if (held !== undefined) return held;
    const parts = Math.min(60, (this.#genesisMinuteMs - hour) / minuteMs);
    const bars = split(this.#drawnHour(hour), parts, minuteMs, this.#dice('minutes', hour));
    if (this.#splits.size >= splitsHeld) this.#splits.delete(this.#splits.keys().next().value!);
    this.#splits.set(hour, bars);
    return bars;
  }

  #drawnHour(openMs: number): Bar {
    const { volatility, openingPrice, activity, sizeDecimals, priceDecimals } = this.#instrument;
    const index = (openMs - this.firstMs) / hourMs;
    const closes = (this.#closes ??= this.#walk());
    const dice = this.#dice('hour', openMs);
    const bar = flatBar(openMs, closes[Math.max(0, index - 1)]!);
    bar.close = closes[index]!;
    const reach = volatility * 60 * 0.6 * bar.close;
    bar.high = Math.max(bar.open, bar.close) + Math.floor(Math.abs(dice.normal()) * reach);
    bar.low = Math.max(1, Math.min(bar.open, bar.close) - Math.floor(Math.abs(dice.normal()) * reach));
    bar.trades = 1 + Math.floor(activity * 20_000 * dice.exponential());
    const average = Math.round((bar.open + bar.high + bar.low + bar.close) / 4);
    const stepsPerTrade = (400 * 10 ** (sizeDecimals + priceDecimals)) / openingPrice; // about 400 USDT each
    bar.volume = BigInt(Math.max(bar.trades, Math.round(bar.trades * stepsPerTrade * (0.5 + dice.unit()))));
    bar.takerVolume = (bar.volume * BigInt(350 + dice.below(300))) / 1_000n;
    bar.quote = bar.volume * BigInt(average);
    bar.takerQuote = bar.takerVolume * BigInt(average);
    if (this.#factor !== 1) refineBar(bar, this.#factor);
    return bar;
  }

  /** Closing prices of all hours, in ticks, walked backwards from the opening price of the session. */
  #walk(): Float64Array {
    const hours = Math.ceil((this.#genesisMinuteMs - this.firstMs) / hourMs);
    const closes = new Float64Array(hours);
    const { openingPrice, volatility } = this.#instrument;
    const dice = this.#dice('walk', 0);
    let price = openingPrice;
    let heat = 1;
    for (let i = hours - 1; i >= 0; i--) {
      closes[i] = Math.max(2, Math.round(price));
      if (dice.below(48) === 0) heat = 0.5 + dice.exponential();
      const drift = 0.002 * Math.log(openingPrice / price); // keeps the price within what is believable
      price *= Math.exp(dice.normal() * volatility * 60 * heat + drift);
    }
    return closes;
  }

  #dice(purpose: string, moment: number): Dice {
    return new Dice(digest(this.#seed, this.#instrument.symbol, purpose, moment));
  }
}
