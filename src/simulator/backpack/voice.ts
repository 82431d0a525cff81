/** The voice of the market at this venue: writes its messages for the streams that someone listens to. */
import type { Channel } from '../channel.ts';
import type { Floor } from '../dialect.ts';
import { HourWindow } from '../hour-window.ts';
import { type Interval, nextOpen, openTime } from '../interval.ts';
import type { Pit } from '../pit.ts';
import type { SatelliteVoice } from '../satellite-pit.ts';
import type { SatelliteParts } from '../satellites.ts';
import type { Series } from '../series.ts';
import { type BookChanges, ShadowBook } from '../shadow-book.ts';
import { depthWindows, partsOf } from './control.ts';
import { DepthWindow } from './depth-window.ts';
import { klineNames } from './intervals.ts';
import { LaggingBook, type PastBook } from './lagging-book.ts';
import {
  bookTickerText,
  type Digits,
  depthText,
  klineText,
  type Times,
  tickerText,
  tradeText,
} from './messages.ts';
import { type BackpackOptions, IdWriter } from './notation.ts';

/** From the engine to the message, as it was recorded at its fastest. */
const publishUs = 250;

/** The streams of one symbol, and what was told last. */
interface Desk {
  readonly pit: Pit;
  readonly series: Series;
  readonly window: HourWindow;
  readonly digits: Digits;
  readonly trade: Channel;
  readonly bookTicker: Channel;
  readonly ticker: Channel;
  readonly klines: readonly (readonly [name: string, interval: Interval, channel: Channel])[];
  readonly depths: readonly DepthWindow[];
  readonly shadow: ShadowBook;
  readonly lagging: LaggingBook;
  /** Best prices and sizes as last told. */
  readonly top: [number, number, number, number];
  lastTradeId: number;
}

export class BackpackVoice implements SatelliteVoice {
  readonly #floor: Floor;
  readonly #options: BackpackOptions;
  readonly #ids: IdWriter;
  readonly #desks: Desk[];
  readonly #bySymbol = new Map<string, Desk>();
  /** By window in ms: the interval in which the market is. */
  readonly #slots = new Map<number, number>();

  constructor({ pits, series, floor }: SatelliteParts, options: BackpackOptions) {
    this.#floor = floor;
    this.#options = options;
    this.#ids = new IdWriter(options.ids);
    this.#desks = pits.map((pit) => this.#open(pit, series[pit.index]!));
  }

  trade(pit: Pit, price: number, size: number, timeUs: number, buyerIsMaker: boolean): void {
    const { trade, digits } = this.#desks[pit.index]!;
    if (!this.#due(trade)) return;
    const print = { id: pit.tradeId, price, size, buyerIsMaker };
    this.#hand(trade, tradeText(digits, print, timesOf(timeUs), this.#ids.next()));
  }

  quote(pit: Pit): void {
    this.#turn(pit.lastUs);
    const desk = this.#desks[pit.index]!;
    this.#tellTop(desk);
    this.#stir(desk);
    desk.lagging.note(pit);
  }

  pass(timeUs: number): void {
    this.#turn(timeUs);
  }

  second(ms: number): void {
    this.#turn(ms * 1_000);
    for (const desk of this.#desks) {
      if (desk.pit.status === 'GONE') continue;
      const traded = desk.lastTradeId !== desk.pit.tradeId;
      desk.lastTradeId = desk.pit.tradeId;
      for (const [name, interval, channel] of desk.klines)
        this.#kline(desk, name, interval, channel, ms, traded);
      this.#ticker(desk, ms);
    }
  }

  relisted(pit: Pit): void {
    const old = this.#desks[pit.index]!;
    this.#voidBook(old);
    this.#bySymbol.delete(old.digits.symbol);
    if (pit.status !== 'GONE') this.#desks[pit.index] = this.#open(pit, old.series);
  }

  /** A stream that nobody listened to so far goes on from the book as it is. */
  beforeSubscribe(stream: string): void {
    const desk = this.#bySymbol.get(partsOf(stream).symbol);
    const window = desk?.depths.find(({ channel }) => channel.name === stream);
    if (desk === undefined || window === undefined || window.channel.watched) return;
    if (!desk.depths.some(({ channel }) => channel.watched)) desk.shadow.changes(desk.pit);
    window.reset(desk.pit.updateId);
  }

  /** The book as GET /depth tells it; undefined for a symbol that is not traded here. */
  pastBook(symbol: string): PastBook | undefined {
    const desk = this.#bySymbol.get(symbol);
    return desk?.lagging.tell(desk.pit);
  }

  #tellTop({ top, pit, bookTicker, digits }: Desk): void {
    const { bids, asks, updateId, lastUs } = pit;
    const same =
      top[0] === bids.best && top[1] === bids.bestSize && top[2] === asks.best && top[3] === asks.bestSize;
    if (same) return;
    top[0] = bids.best;
    top[1] = bids.bestSize;
    top[2] = asks.best;
    top[3] = asks.bestSize;
    if (!this.#due(bookTicker)) return;
    const told = { bid: top[0], bidSize: top[1], ask: top[2], askSize: top[3], updateId };
    this.#hand(bookTicker, bookTickerText(digits, told, timesOf(lastUs), this.#ids.next()));
  }

  #stir(desk: Desk): void {
    if (desk.depths.some(({ channel }) => channel.watched))
      this.#gather(desk, desk.shadow.changes(desk.pit), 0);
  }

  /** The digits of the prices change: the levels go under their old names, and come back under the new ones. */
  #voidBook(desk: Desk): void {
    this.#gather(desk, desk.shadow.clear(), Infinity);
  }

  /** Windows of up to `tellMs` are told of at once. */
  #gather(desk: Desk, changes: BookChanges, tellMs: number): void {
    for (const window of desk.depths) {
      if (!window.channel.watched) continue;
      window.gather(changes, desk.pit.updateId);
      if (window.ms <= tellMs) this.#tellDepth(desk, window);
    }
  }

  #tellDepth({ pit, digits }: Desk, window: DepthWindow): void {
    const { channel } = window;
    if (!channel.watched) return;
    const update = window.take();
    if (update === undefined) return;
    this.#due(channel);
    this.#hand(channel, depthText(channel.name, digits, update, timesOf(pit.lastUs), this.#ids.next()));
  }

  /** Gathered depth goes out when its interval is over. */
  #turn(timeUs: number): void {
    for (const ms of depthWindows.values()) {
      if (ms === 0) continue;
      const slot = Math.floor(timeUs / 1_000 / ms);
      if (slot <= (this.#slots.get(ms) ?? 0)) continue;
      this.#slots.set(ms, slot);
      for (const desk of this.#desks) {
        for (const window of desk.depths) if (window.ms === ms) this.#tellDepth(desk, window);
      }
    }
  }

  /** A bar that is over is told of at once, a forming one each second in which it was traded. */
  #kline(desk: Desk, name: string, interval: Interval, channel: Channel, ms: number, traded: boolean): void {
    const openMs = openTime(interval, ms - 1);
    const closeMs = nextOpen(interval, openMs);
    const closed = closeMs === ms;
    if (!closed && !traded) return;
    if (!this.#due(channel)) return;
    const bar = desk.series.bar(interval, openMs);
    const moment = { eventUs: ms * 1_000, closeMs, closed };
    this.#hand(channel, klineText(name, desk.digits, bar, moment, this.#options.klineTimes ?? 'iso'));
  }

  #ticker({ ticker, window, digits }: Desk, ms: number): void {
    if (this.#due(ticker)) this.#hand(ticker, tickerText(digits, window.day(ms), ms * 1_000));
  }

  /** Counts a message that came to be; true when someone listens to it. */
  #due(channel: Channel): boolean {
    this.#floor.tally.produced[channel.kind]++;
    channel.count++;
    return channel.watched;
  }

  #hand(channel: Channel, text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    const { milli } = channel;
    for (let i = milli.length - 1; i >= 0; i--) milli[i]?.deliver(channel, bytes, 0, bytes.length, 0);
  }

  #open(pit: Pit, series: Series): Desk {
    const { symbol, priceDecimals, sizeDecimals } = pit.instrument;
    const channel = (name: string): Channel => this.#floor.switchboard.channel(name);
    const desk: Desk = {
      pit,
      series,
      window: new HourWindow(series),
      digits: { symbol, priceDecimals, sizeDecimals },
      trade: channel(`trade.${symbol}`),
      bookTicker: channel(`bookTicker.${symbol}`),
      ticker: channel(`ticker.${symbol}`),
      klines: [...klineNames].map(([name, interval]) => [name, interval, channel(`kline.${name}.${symbol}`)]),
      depths: [...depthWindows].map(
        ([name, ms]) => new DepthWindow(channel(`depth.${name === '' ? '' : `${name}.`}${symbol}`), ms),
      ),
      shadow: new ShadowBook(),
      lagging: new LaggingBook(this.#options.depthLag ?? 0),
      top: [0, 0, 0, 0],
      lastTradeId: pit.tradeId,
    };
    for (const window of desk.depths) window.reset(pit.updateId);
    this.#bySymbol.set(symbol, desk);
    return desk;
  }
}

function timesOf(engineUs: number): Times {
  return { eventUs: engineUs + publishUs, engineUs };
}
