/** Binance's voice: writes its messages about the simulated market, for the streams that someone listens to. */
import type { Channel } from '../channel.ts';
import type { VenueVoice, VoiceParts } from '../dialect.ts';
import type { Pit } from '../pit.ts';
import { BookStreams } from './book-streams.ts';
import { Pen } from './pen.ts';
import { SecondStreams } from './second-streams.ts';

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const word = {
  trade: ascii('{"e":"trade","E":'),
  aggregate: ascii('{"e":"aggTrade","E":'),
  quote: ascii('{"u":'),
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
} as const;

/** The streams of one symbol and the parts of its messages that never change. */
interface Desk {
  readonly pit: Pit;
  readonly trade: Channel;
  readonly aggregate: Channel;
  readonly quote: Channel;
  readonly books: BookStreams;
  readonly seconds: SecondStreams;
  readonly tradeSymbol: Buffer;
  readonly aggregateSymbol: Buffer;
  readonly quoteSymbol: Buffer;
}

export class Publisher implements VenueVoice {
  readonly #pen: Pen;
  readonly #parts: VoiceParts;
  readonly #desks: Desk[];
  readonly #miniTickers: Channel;

  constructor(parts: VoiceParts) {
    this.#parts = parts;
    this.#pen = new Pen(parts.floor.tally);
    this.#miniTickers = parts.floor.switchboard.channel('!miniTicker@arr');
    this.#desks = parts.pits.map((pit) => this.#desk(pit));
  }

  relisted(pit: Pit): void {
    this.#desks[pit.index] = this.#desk(pit);
  }

  trade(pit: Pit, price: number, size: number, timeUs: number, buyerIsMaker: boolean): void {
    const { trade: channel, tradeSymbol } = this.#desks[pit.index]!;
    if (!this.#pen.due(channel)) return;
    this.#pen.say(channel, (scribe, micro) => {
      const time = micro ? timeUs : Math.floor(timeUs / 1_000);
      scribe.put(word.trade);
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
    const { aggregate: channel, aggregateSymbol } = this.#desks[pit.index]!;
    if (!this.#pen.due(channel)) return;
    this.#pen.say(channel, (scribe, micro) => {
      const time = micro ? timeUs : Math.floor(timeUs / 1_000);
      scribe.put(word.aggregate);
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
    const { quote: channel, quoteSymbol } = this.#desks[pit.index]!;
    if (!this.#pen.due(channel)) return;
    const { bids, asks, instrument } = pit;
    const { scribe } = this.#pen;
    scribe.at = 0;
    scribe.put(channel.head);
    scribe.put(word.quote);
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
    this.#pen.hand(channel, channel.milli); // no time in it: the same bytes for both
    this.#pen.hand(channel, channel.micro);
  }

  depth(pit: Pit, timeUs: number, firstId: number, bids: readonly number[], asks: readonly number[]): void {
    this.#desks[pit.index]!.books.changed(timeUs, firstId, bids, asks);
  }

  second(ms: number): void {
    const traded: SecondStreams[] = [];
    for (const { pit, books, seconds } of this.#desks) {
      if (pit.status !== 'TRADING') continue;
      books.second(ms);
      if (seconds.second(ms)) traded.push(seconds);
    }
    if (traded.length === 0 || !this.#pen.due(this.#miniTickers)) return;
    this.#pen.tell(
      this.#miniTickers,
      (micro) => `[${traded.map((each) => each.miniTicker(ms, micro)).join(',')}]`,
    );
  }

  #terms(pit: Pit, price: number, size: number): void {
    const { scribe } = this.#pen;
    scribe.put(word.price);
    scribe.decimal(price, pit.instrument.priceDecimals);
    scribe.put(word.size);
    scribe.decimal(size, pit.instrument.sizeDecimals);
  }

  #desk(pit: Pit): Desk {
    const { symbol } = pit.instrument;
    const { floor, series } = this.#parts;
    const { switchboard } = floor;
    const channel = (type: string): Channel => switchboard.channel(`${symbol.toLowerCase()}@${type}`);
    return {
      pit,
      trade: channel('trade'),
      aggregate: channel('aggTrade'),
      quote: channel('bookTicker'),
      books: new BookStreams(pit, switchboard, this.#pen),
      seconds: new SecondStreams(pit, series[pit.index]!, floor, this.#pen),
      tradeSymbol: ascii(`,"s":"${symbol}","t":`),
      aggregateSymbol: ascii(`,"s":"${symbol}","a":`),
      quoteSymbol: ascii(`,"s":"${symbol}","b":"`),
    };
  }
}
