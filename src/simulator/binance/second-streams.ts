/** The streams of one symbol that speak once a second: klines, tickers, and now and then a block trade. */
import type { Channel } from '../channel.ts';
import { formatDecimal, formatSum } from '../decimal.ts';
import type { Floor } from '../dialect.ts';
import { digest } from '../dice.ts';
import { dayMs, type Interval, intervals, nextOpen, openTime } from '../interval.ts';
import type { Pit } from '../pit.ts';
import type { Series } from '../series.ts';
import { TickerWindow } from '../ticker-window.ts';
import type { Pen } from './pen.ts';

const formingMs = 2_000;
/** One second with trades in so many also has a block trade. */
const blockSeconds = 20;
/** A block is so many usual sizes. */
const blockSizes = 500;

export class SecondStreams {
  readonly #pen: Pen;
  readonly #faults: Floor['faults'];
  readonly #pit: Pit;
  readonly #series: Series;
  readonly #window: TickerWindow;
  readonly #miniTicker: Channel;
  readonly #ticker: Channel;
  readonly #blockTrade: Channel;
  readonly #klines: readonly (readonly [Interval, Channel])[];
  #lastTradeId: number;
  /** Traded since the last forming bars went out. */
  #stirred = false;

  constructor(pit: Pit, series: Series, { switchboard, faults }: Floor, pen: Pen) {
    const channel = (type: string): Channel =>
      switchboard.channel(`${pit.instrument.symbol.toLowerCase()}@${type}`);
    this.#pen = pen;
    this.#faults = faults;
    this.#pit = pit;
    this.#series = series;
    this.#window = new TickerWindow(series);
    this.#miniTicker = channel('miniTicker');
    this.#ticker = channel('ticker');
    this.#blockTrade = channel('blockTrade');
    this.#klines = intervals.map((interval) => [interval, channel(`kline_${interval}`)] as const);
    this.#lastTradeId = pit.tradeId;
  }

  /** True when something was traded in the second that is over. */
  second(ms: number): boolean {
    const traded = this.#lastTradeId !== this.#pit.tradeId;
    this.#lastTradeId = this.#pit.tradeId;
    this.#stirred ||= traded;
    const forming = this.#stirred && ms % formingMs === 0;
    for (const [interval, channel] of this.#klines) this.#kline(interval, channel, ms, forming);
    if (forming) this.#stirred = false;
    if (!traded) return false;
    if (this.#pen.due(this.#miniTicker))
      this.#pen.tell(this.#miniTicker, (micro) => this.miniTicker(ms, micro));
    if (this.#pen.due(this.#ticker)) this.#dayTicker(ms);
    this.#block(ms);
    return true;
  }

  miniTicker(ms: number, micro: boolean): string {
    const { symbol, sizeDecimals, priceDecimals } = this.#pit.instrument;
    const day = this.#window.day(ms);
    return (
      `{"e":"24hrMiniTicker","E":${micro ? ms * 1_000 : ms},"s":"${symbol}","c":"${this.#price(day.close)}","o":"${this.#price(day.open)}",` +
      `"h":"${this.#price(day.high)}","l":"${this.#price(day.low)}","v":"${formatSum(day.volume, sizeDecimals)}",` +
      `"q":"${formatSum(day.quote, priceDecimals + sizeDecimals)}"}`
    );
  }

  /** A bar that is over is told of at once, a forming one every two seconds if it was traded. */
  #kline(interval: Interval, channel: Channel, ms: number, forming: boolean): void {
    const openMs = openTime(interval, ms - 1);
    const closed = nextOpen(interval, openMs) === ms;
    if ((!closed && !forming) || !this.#pen.due(channel)) return;
    const bar = this.#series.bar(interval, openMs);
    const { symbol, priceDecimals, sizeDecimals } = this.#pit.instrument;
    const lastId = bar.lastId < 0 ? bar.lastId : bar.lastId + this.#faults.ahead(symbol);
    const sums = [bar.volume, bar.takerVolume].map((steps) => formatSum(steps, sizeDecimals));
    const quotes = [bar.quote, bar.takerQuote].map((sum) => formatSum(sum, priceDecimals + sizeDecimals));
    this.#pen.tell(channel, (micro) => {
      const unit = micro ? 1_000 : 1;
      const closeTime = nextOpen(interval, openMs) * unit - 1;
      return (
        `{"e":"kline","E":${ms * unit},"s":"${symbol}","k":{"t":${openMs * unit},"T":${closeTime},"s":"${symbol}","i":"${interval}",` +
        `"f":${bar.firstId},"L":${lastId},"o":"${this.#price(bar.open)}","c":"${this.#price(bar.close)}",` +
        `"h":"${this.#price(bar.high)}","l":"${this.#price(bar.low)}",` +
        `"v":"${sums[0]}","n":${bar.trades},"x":${closed},"q":"${quotes[0]}","V":"${sums[1]}","Q":"${quotes[1]}","B":"0"}}`
      );
    });
  }

  #dayTicker(ms: number): void {
    const { bids, asks, instrument, tape } = this.#pit;
    const { symbol, priceDecimals, sizeDecimals } = instrument;
    const day = this.#window.day(ms);
    const change = day.close - day.open;
    const size = (steps: number): string => formatDecimal(steps, sizeDecimals);
    const average = day.volume === 0n ? 0n : day.quote / day.volume;
    const lastSize = tape.length === 0 ? 0 : tape.row(tape.length - 1).size;
    this.#pen.tell(this.#ticker, (micro) => {
      const unit = micro ? 1_000 : 1;
      return (
        `{"e":"24hrTicker","E":${ms * unit},"s":"${symbol}","p":"${this.#price(change)}",` +
        `"P":"${((change / Math.max(1, day.open)) * 100).toFixed(3)}","w":"${formatDecimal(average, priceDecimals)}",` +
        `"x":"${this.#price(day.open)}","c":"${this.#price(day.close)}","Q":"${size(lastSize)}",` +
        `"b":"${this.#price(bids.best)}","B":"${size(bids.bestSize)}","a":"${this.#price(asks.best)}","A":"${size(asks.bestSize)}",` +
        `"o":"${this.#price(day.open)}","h":"${this.#price(day.high)}","l":"${this.#price(day.low)}",` +
        `"v":"${formatSum(day.volume, sizeDecimals)}","q":"${formatSum(day.quote, priceDecimals + sizeDecimals)}",` +
        `"O":${(ms - dayMs) * unit},"C":${ms * unit},"F":${day.firstId},"L":${day.lastId},"n":${day.trades}}`
      );
    });
  }

  /** Agreed elsewhere: ids of its own, and no part of the trades. Whether there is one hangs on symbol and second. */
  #block(ms: number): void {
    const { instrument, bids, usualSize } = this.#pit;
    const roll = digest(instrument.symbol, 'block', ms);
    if (roll % blockSeconds !== 0 || !this.#pen.due(this.#blockTrade)) return;
    const { symbol, sizeDecimals } = instrument;
    const size = formatDecimal(usualSize * blockSizes + (roll % 1_000), sizeDecimals);
    this.#pen.tell(this.#blockTrade, (micro) => {
      const time = micro ? ms * 1_000 : ms;
      return (
        `{"e":"blockTrade","E":${time},"s":"${symbol}","t":${Math.floor(ms / 1_000)},"p":"${this.#price(bids.best)}",` +
        `"q":"${size}","T":${time},"m":${roll % 2 === 0}}`
      );
    });
  }

  #price(ticks: number): string {
    return formatDecimal(ticks, this.#pit.instrument.priceDecimals);
  }
}
