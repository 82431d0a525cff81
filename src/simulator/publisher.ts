/** The voice of the simulated market: writes the venue's messages, for the streams that someone listens to. */
import type { Channel, Switchboard } from './channel.ts';
import { formatDecimal, formatSum } from './decimal.ts';
import { type Interval, intervals, nextOpen, openTime } from './interval.ts';
import type { MarketVoice } from './market.ts';
import type { Pit } from './pit.ts';
import { Scribe } from './scribe.ts';
import type { Series } from './series.ts';
import type { Session } from './session.ts';
import type { Tally } from './tally.ts';
import { TickerWindow } from './ticker-window.ts';

const scribeBytes = 64 * 1024;
const formingMs = 2_000;
const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const word = {
  price: ascii(',"p":"'),
  size: ascii('","q":"'),
  made: ascii('","T":'),
  maker: ascii(',"m":true,"M":true}}'),
  taker: ascii(',"m":false,"M":true}}'),
  first: ascii('","f":'),
  last: ascii(',"l":'),
  traded: ascii(',"T":'),
  bidSize: ascii('","B":"'),
  ask: ascii('","a":"'),
  askSize: ascii('","A":"'),
  end: ascii('"}}'),
  final: ascii(',"u":'),
} as const;

/** The streams of one symbol and the parts of its messages that never change. */
interface Desk {
  readonly pit: Pit;
  readonly series: Series;
  readonly window: TickerWindow;
  readonly trade: Channel;
  readonly aggregate: Channel;
  readonly quote: Channel;
  readonly depth: Channel;
  readonly miniTicker: Channel;
  readonly klines: readonly (readonly [Interval, Channel])[];
  readonly tradeSymbol: Buffer;
  readonly aggregateSymbol: Buffer;
  readonly quoteSymbol: Buffer;
  lastTradeId: number;
  /** Traded since the last forming bars went out. */
  stirred: boolean;
}

const tradeStart = ascii('{"e":"trade","E":');
const aggregateStart = ascii('{"e":"aggTrade","E":');
const quoteStart = ascii('{"u":');

export function streamTypes(): string[] {
  return [
    'trade',
    'aggTrade',
    'bookTicker',
    'miniTicker',
    'depth@100ms',
    ...intervals.map((name) => `kline_${name}`),
  ];
}

export class Publisher implements MarketVoice {
  readonly #scribe = new Scribe(scribeBytes);
  readonly #desks: readonly Desk[];
  readonly #tally: Tally;
  /** Told of each second after the messages it brings. */
  afterSecond: ((ms: number) => void) | undefined;

  constructor(pits: readonly Pit[], series: readonly Series[], switchboard: Switchboard, tally: Tally) {
    this.#tally = tally;
    this.#desks = pits.map((pit, index) => desk(pit, series[index]!, switchboard));
  }

  trade(pit: Pit, price: number, size: number, timeUs: number, buyerIsMaker: boolean): void {
    this.#tally.produced.trade++;
    const { trade: channel, tradeSymbol } = this.#desks[pit.index]!;
    if (!channel.watched) return;
    this.#say(channel, (scribe, micro) => {
      const time = micro ? timeUs : Math.floor(timeUs / 1_000);
      scribe.put(tradeStart);
      scribe.integer(time);
      scribe.put(tradeSymbol);
      scribe.integer(pit.tradeId);
      this.#terms(pit, price, size);
      scribe.put(word.made);
      scribe.integer(time);
      scribe.put(buyerIsMaker ? word.maker : word.taker);
    });
  }

  aggregate(
    pit: Pit,
    price: number,
    size: number,
    firstId: number,
    timeUs: number,
    buyerIsMaker: boolean,
  ): void {
    this.#tally.produced.aggTrade++;
    const { aggregate: channel, aggregateSymbol } = this.#desks[pit.index]!;
    if (!channel.watched) return;
    this.#say(channel, (scribe, micro) => {
      const time = micro ? timeUs : Math.floor(timeUs / 1_000);
      scribe.put(aggregateStart);
      scribe.integer(time);
      scribe.put(aggregateSymbol);
      scribe.integer(pit.aggregateId);
      this.#terms(pit, price, size);
      scribe.put(word.first);
      scribe.integer(firstId);
      scribe.put(word.last);
      scribe.integer(pit.tradeId);
      scribe.put(word.traded);
      scribe.integer(time);
      scribe.put(buyerIsMaker ? word.maker : word.taker);
    });
  }

  quote(pit: Pit): void {
    this.#tally.produced.bookTicker++;
    const { quote: channel, quoteSymbol } = this.#desks[pit.index]!;
    if (!channel.watched) return;
    const { bids, asks, instrument } = pit;
    const scribe = this.#scribe;
    scribe.at = 0;
    scribe.put(channel.head);
    scribe.put(quoteStart);
    scribe.integer(pit.updateId);
    scribe.put(quoteSymbol);
    scribe.decimal(bids.best, instrument.priceDecimals);
    scribe.put(word.bidSize);
    scribe.decimal(bids.bestSize, instrument.sizeDecimals);
    scribe.put(word.ask);
    scribe.decimal(asks.best, instrument.priceDecimals);
    scribe.put(word.askSize);
    scribe.decimal(asks.bestSize, instrument.sizeDecimals);
    scribe.put(word.end);
    this.#hand(channel, channel.milli); // no time in it: the same bytes for both
    this.#hand(channel, channel.micro);
  }

  depth(pit: Pit, timeUs: number, firstId: number, bids: readonly number[], asks: readonly number[]): void {
    this.#tally.produced.depth++;
    const { depth: channel } = this.#desks[pit.index]!;
    if (!channel.watched) return;
    this.#say(channel, (scribe, micro) => {
      scribe.text(
        `{"e":"depthUpdate","E":${micro ? timeUs : Math.floor(timeUs / 1_000)},"s":"${pit.instrument.symbol}","U":${firstId}`,
      );
      scribe.put(word.final);
      scribe.integer(pit.updateId);
      scribe.text(`,"b":${levels(pit, bids)},"a":${levels(pit, asks)}}}`);
    });
  }

  second(ms: number): void {
    for (const each of this.#desks) {
      const traded = each.lastTradeId !== each.pit.tradeId;
      each.lastTradeId = each.pit.tradeId;
      each.stirred ||= traded;
      const forming = each.stirred && ms % formingMs === 0;
      for (const [interval, channel] of each.klines) this.#kline(each, interval, channel, ms, forming);
      if (forming) each.stirred = false;
      if (traded) this.#miniTicker(each, ms);
    }
    this.afterSecond?.(ms);
  }

  /** A bar that is over is told of at once, a forming one every two seconds if it was traded. */
  #kline(each: Desk, interval: Interval, channel: Channel, ms: number, forming: boolean): void {
    const openMs = openTime(interval, ms - 1);
    const closed = nextOpen(interval, openMs) === ms;
    if (!closed && !forming) return;
    this.#tally.produced.kline++;
    if (!channel.watched) return;
    const bar = each.series.bar(interval, openMs);
    const { symbol, priceDecimals, sizeDecimals } = each.pit.instrument;
    const price = (ticks: number): string => formatDecimal(ticks, priceDecimals);
    const sums = [bar.volume, bar.takerVolume].map((steps) => formatSum(steps, sizeDecimals));
    const quotes = [bar.quote, bar.takerQuote].map((sum) => formatSum(sum, priceDecimals + sizeDecimals));
    this.#say(channel, (scribe, micro) => {
      const unit = micro ? 1_000 : 1;
      const closeTime = micro ? nextOpen(interval, openMs) * 1_000 - 1 : nextOpen(interval, openMs) - 1;
      scribe.text(
        `{"e":"kline","E":${ms * unit},"s":"${symbol}","k":{"t":${openMs * unit},"T":${closeTime},"s":"${symbol}","i":"${interval}",` +
          `"f":${bar.firstId},"L":${bar.lastId},"o":"${price(bar.open)}","c":"${price(bar.close)}","h":"${price(bar.high)}","l":"${price(bar.low)}",` +
          `"v":"${sums[0]}","n":${bar.trades},"x":${closed},"q":"${quotes[0]}","V":"${sums[1]}","Q":"${quotes[1]}","B":"0"}}}`,
      );
    });
  }

  #miniTicker(each: Desk, ms: number): void {
    this.#tally.produced.miniTicker++;
    const channel = each.miniTicker;
    if (!channel.watched) return;
    const { symbol, priceDecimals, sizeDecimals } = each.pit.instrument;
    const day = each.window.day(ms);
    const price = (ticks: number): string => formatDecimal(ticks, priceDecimals);
    this.#say(channel, (scribe, micro) => {
      scribe.text(
        `{"e":"24hrMiniTicker","E":${micro ? ms * 1_000 : ms},"s":"${symbol}","c":"${price(day.close)}","o":"${price(day.open)}",` +
          `"h":"${price(day.high)}","l":"${price(day.low)}","v":"${formatSum(day.volume, sizeDecimals)}",` +
          `"q":"${formatSum(day.quote, priceDecimals + sizeDecimals)}"}}`,
      );
    });
  }

  #terms(pit: Pit, price: number, size: number): void {
    const scribe = this.#scribe;
    scribe.put(word.price);
    scribe.decimal(price, pit.instrument.priceDecimals);
    scribe.put(word.size);
    scribe.decimal(size, pit.instrument.sizeDecimals);
  }

  /** Writes a message that carries times, once for each unit that someone asked for. */
  #say(channel: Channel, write: (scribe: Scribe, micro: boolean) => void): void {
    const scribe = this.#scribe;
    for (const micro of [false, true]) {
      const listeners = micro ? channel.micro : channel.milli;
      if (listeners.length === 0) continue;
      scribe.at = 0;
      scribe.put(channel.head);
      write(scribe, micro);
      this.#hand(channel, listeners);
    }
  }

  #hand(channel: Channel, listeners: readonly Session[]): void {
    const { bytes, at } = this.#scribe;
    for (let i = listeners.length - 1; i >= 0; i--) {
      listeners[i]?.deliver(channel, bytes, 0, at, channel.head.length); // backwards: a listener may leave meanwhile
    }
  }
}

function desk(pit: Pit, series: Series, switchboard: Switchboard): Desk {
  const { symbol } = pit.instrument;
  const channel = (type: string): Channel => switchboard.channel(`${symbol.toLowerCase()}@${type}`);
  return {
    pit,
    series,
    window: new TickerWindow(series),
    trade: channel('trade'),
    aggregate: channel('aggTrade'),
    quote: channel('bookTicker'),
    depth: channel('depth@100ms'),
    miniTicker: channel('miniTicker'),
    klines: intervals.map((interval) => [interval, channel(`kline_${interval}`)] as const),
    tradeSymbol: ascii(`,"s":"${symbol}","t":`),
    aggregateSymbol: ascii(`,"s":"${symbol}","a":`),
    quoteSymbol: ascii(`,"s":"${symbol}","b":"`),
    lastTradeId: pit.tradeId,
    stirred: false,
  };
}

function levels(pit: Pit, changes: readonly number[]): string {
  const { priceDecimals, sizeDecimals } = pit.instrument;
  const rows: string[] = [];
  for (let i = 0; i < changes.length; i += 2) {
    rows.push(
      `["${formatDecimal(changes[i]!, priceDecimals)}","${formatDecimal(changes[i + 1]!, sizeDecimals)}"]`,
    );
  }
  return `[${rows.join(',')}]`;
}
