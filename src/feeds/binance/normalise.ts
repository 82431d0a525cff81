/**
 * Binance's messages to tick records. `readMessage` is the obvious version, by JSON.parse, which decides every
 * refusal; the scanners before it take the shapes that Binance really sends and may only agree.
 *
 * The exchange's rules kept here: bookTicker has no time and is ordered by `u`; `m` true means that the taker sold;
 * aggTrade covers trades `f` to `l`, so trades come from one of trade and aggTrade, never both; a blockTrade is no
 * tick; a partial book is a snapshot of its best levels and names its symbol in the stream only; a candle knows the last
 * trade's id. Times are ms, or µs with `timeUnit=MICROSECOND`.
 */
import type { Instrument } from '../../market/instrument.ts';
import { type TickRecords, tickField, tickFlag, tickKind } from '../../wire/tick-record.ts';
import { type BookHead, BookRecords, bookHead } from '../book-records.ts';
import { readDecimal, readPositive, readWhole } from '../decimal.ts';
import { type Claimed, type Fields, isFields, parseMessage } from '../json-message.ts';
import { readLevelSize } from '../level-size.ts';
import type { Normaliser, NormaliserOptions } from '../normaliser.ts';
import { readEpoch, TimeBounds } from '../read-time.ts';
import { control, ignored, refusal } from '../refusal.ts';
import { writeHeartbeat } from '../write-records.ts';
import { BinanceDepthScanner } from './depth-scanner.ts';
import type {
  AggTradeMessage,
  BookTickerMessage,
  DepthMessage,
  KlineMessage,
  PartialDepthMessage,
  TickerMessage,
  TradeMessage,
} from './messages.ts';
import { BinanceScanner } from './scanner.ts';

/** What is read, and the kind in the names of its streams. */
const kindOf = {
  trade: 'trade',
  aggTrade: 'aggTrade',
  bookTicker: 'bookTicker',
  depthUpdate: 'depth',
  kline: 'kline',
  '24hrTicker': 'ticker',
  '24hrMiniTicker': 'miniTicker',
} as const;
type ReadEvent = keyof typeof kindOf;
type Reader = (data: Fields, instrument: Instrument, received: number, out: TickRecords) => number;

/** A stream of the best levels: its data do not say of which symbol. */
const partialDepth = /^(.+)@depth(5|10|20)(?:@1000?ms)?$/;

/** The scanners first, the obvious reader for all that they decline. */
export function binanceNormaliser(options: NormaliserOptions): Normaliser {
  const scanner = new BinanceScanner(options);
  const depths = new BinanceDepthScanner(options);
  const reader = new BinanceReader(options);
  return {
    normalise: (bytes, from, to, received, out) => {
      if (scanner.scan(bytes, from, to, received, out)) return 1;
      const records = depths.scan(bytes, from, to, received, out);
      return records > 0 ? records : reader.normalise(bytes, from, to, received, out);
    },
  };
}

/** The obvious version. */
export class BinanceReader implements Normaliser {
  readonly #options: NormaliserOptions;
  readonly #times: TimeBounds;
  readonly #instruments: ReadonlyMap<string, Instrument>;
  /** By the name in streams. */
  readonly #streamed: ReadonlyMap<string, Instrument>;
  readonly #book: BookRecords;
  readonly #head: BookHead = bookHead();

  constructor(options: NormaliserOptions) {
    const { instruments, plausible, bookLevels } = options;
    this.#options = options;
    this.#times = new TimeBounds(plausible);
    this.#instruments = new Map(instruments.map((one) => [one.native, one]));
    this.#streamed = new Map(instruments.map((one) => [one.native.toLowerCase(), one]));
    this.#book = new BookRecords(bookLevels);
  }

  normalise(bytes: Uint8Array, from: number, to: number, received: number, out: TickRecords): number {
    const message = parseMessage(bytes, from, to, this.#options.messageBytesMax);
    if (typeof message === 'number') return message;
    if (!('stream' in message)) return this.#data(eventOf(message), message, received, out);
    const { stream, data } = message as { stream: unknown; data?: unknown };
    if (typeof stream !== 'string' || !isFields(data)) {
      return Array.isArray(data) ? ignored.unknownEvent : refusal.wrongType;
    }
    if (data['e'] === undefined && 'lastUpdateId' in data) {
      return this.#partial(stream, data, received, out);
    }
    // A quote does not say what it is, its stream does.
    const event = data['e'] === undefined && stream.endsWith('@bookTicker') ? 'bookTicker' : eventOf(data);
    // Streams of one symbol that we read must speak of what their name says.
    if (isRead(event) && typeof data['s'] === 'string') {
      const name = streamOf(event, data['s'], data);
      // Candles of another time zone have it after the name (btcusdt@kline_1d@+08:00), books their speed (@100ms).
      const mayGoOn = event === 'kline' || event === 'depthUpdate';
      if (stream !== name && !(mayGoOn && stream.startsWith(`${name}@`))) return refusal.mismatched;
    }
    return this.#data(event, data, received, out);
  }

  #data(event: string, data: Fields, received: number, out: TickRecords): number {
    if (event === 'serverShutdown') return control.shutdown;
    if (event === 'blockTrade') return ignored.blockTrade;
    if (event === '') return isAnswer(data) ? control.answer : ignored.unknownEvent;
    if (!isRead(event)) return ignored.unknownEvent;
    const symbol = data['s'];
    if (typeof symbol !== 'string') return refusal.wrongType;
    const instrument = this.#instruments.get(symbol);
    if (instrument === undefined) return refusal.unknownSymbol;
    return this.#readers[event](data, instrument, received, out);
  }

  readonly #readers: Record<ReadEvent, Reader> = {
    trade: (data: Claimed<TradeMessage>, instrument, received, out) => {
      if (this.#options.tradesOf(instrument) !== 'trade') return ignored.otherTrades;
      const id = readWhole(data.t);
      return id < 0 ? id : this.#trade(data, instrument, id, id, id, received, out);
    },
    aggTrade: (data: Claimed<AggTradeMessage>, instrument, received, out) => {
      if (this.#options.tradesOf(instrument) !== 'aggTrade') return ignored.otherTrades;
      const id = readWhole(data.a);
      const first = readWhole(data.f);
      const last = readWhole(data.l);
      const refused = firstRefusal(id, first, last);
      if (refused < 0) return refused;
      return first > last ? refusal.badRange : this.#trade(data, instrument, id, first, last, received, out);
    },
    bookTicker: (data, instrument, received, out) => this.#quote(data, instrument, received, out),
    depthUpdate: (data, instrument, received, out) => this.#change(data, instrument, received, out),
    kline: (data, instrument, received, out) => this.#candle(data, instrument, received, out),
    '24hrTicker': (data, instrument, received, out) => this.#alive(data, instrument, received, out),
    '24hrMiniTicker': (data, instrument, received, out) => this.#alive(data, instrument, received, out),
  };

  #trade(
    data: Claimed<TradeMessage>,
    instrument: Instrument,
    id: number,
    first: number,
    last: number,
    received: number,
    out: TickRecords,
  ): number {
    const event = readWhole(data.E);
    const price = readPositive(data.p, instrument.priceDecimals);
    const size = readPositive(data.q, instrument.sizeDecimals);
    const refused = firstRefusal(event, price, size);
    if (refused < 0) return refused;
    const time = this.#times.believed(readEpoch(data.T), received);
    if (time < 0) return time;
    if (typeof data.m !== 'boolean') return refusal.wrongType;
    const { words, halves } = out;
    halves[tickField.head] = tickKind.trade | (data.m ? tickFlag.takerSold : 0);
    halves[tickField.instrument] = instrument.id;
    words[tickField.time] = time;
    words[tickField.received] = received;
    words[tickField.id] = id;
    words[tickField.price] = price;
    words[tickField.size] = size;
    words[tickField.firstId] = first;
    words[tickField.lastId] = last;
    return 1;
  }

  #quote(
    data: Claimed<BookTickerMessage>,
    instrument: Instrument,
    received: number,
    out: TickRecords,
  ): number {
    const version = readWhole(data.u);
    const bid = readPositive(data.b, instrument.priceDecimals);
    const bidSize = readLevelSize(data.B, instrument.sizeDecimals);
    const ask = readPositive(data.a, instrument.priceDecimals);
    const askSize = readLevelSize(data.A, instrument.sizeDecimals);
    const refused = firstRefusal(version, bid, bidSize, ask, askSize);
    if (refused < 0) return refused;
    if (bid >= ask) return bid === ask ? refusal.locked : refusal.crossed;
    const { words, halves } = out;
    halves[tickField.head] = tickKind.quote | tickFlag.noVenueTime;
    halves[tickField.instrument] = instrument.id;
    words[tickField.time] = received - (received % 1_000);
    words[tickField.received] = received;
    words[tickField.id] = version;
    words[tickField.bid] = bid;
    words[tickField.bidSize] = bidSize;
    words[tickField.ask] = ask;
    words[tickField.askSize] = askSize;
    return 1;
  }

  #change(data: Claimed<DepthMessage>, instrument: Instrument, received: number, out: TickRecords): number {
    const first = readWhole(data.U);
    const last = readWhole(data.u);
    const time = this.#times.believed(readEpoch(data.E), received);
    const refused = firstRefusal(first, last, time);
    if (refused < 0) return refused;
    if (first > last) return refusal.badRange;
    const wrong = this.#levels(data.b, data.a, instrument);
    if (wrong < 0) return wrong;
    this.#begin(0, instrument, time, received, first, last);
    return this.#book.writeChange(this.#head, out);
  }

  /** The best levels of a book: a snapshot, which may go on below them. */
  #partial(stream: string, data: Claimed<PartialDepthMessage>, received: number, out: TickRecords): number {
    const [, name, levels] = partialDepth.exec(stream) ?? [];
    if (name === undefined) return ignored.unknownEvent;
    const instrument = this.#streamed.get(name);
    if (instrument === undefined) return refusal.unknownSymbol;
    const id = readWhole(data.lastUpdateId);
    if (id < 0) return id;
    const wrong = this.#levels(data.bids, data.asks, instrument);
    if (wrong < 0) return wrong;
    this.#begin(tickFlag.noVenueTime, instrument, received - (received % 1_000), received, id, id);
    return this.#book.writeSnapshot(this.#head, out, Number(levels));
  }

  #begin(
    flags: number,
    { id }: Instrument,
    time: number,
    received: number,
    firstUpdate: number,
    lastUpdate: number,
  ): void {
    Object.assign(this.#head, { flags, instrumentId: id, time, received, firstUpdate, lastUpdate });
  }

  /** Takes the levels of both sides; a refusal, or 0. */
  #levels(bids: unknown, asks: unknown, { priceDecimals, sizeDecimals }: Instrument): number {
    if (!Array.isArray(bids) || !Array.isArray(asks)) return refusal.wrongType;
    this.#book.clear();
    for (const side of [bids, asks] as unknown[][]) {
      for (const level of side) {
        if (!Array.isArray(level)) return refusal.wrongType;
        const price = readPositive(level[0], priceDecimals);
        const size = readLevelSize(level[1], sizeDecimals);
        const refused = firstRefusal(price, size);
        if (refused < 0) return refused;
        if (side === bids) this.#book.addBid(price, size);
        else this.#book.addAsk(price, size);
      }
    }
    return 0;
  }

  /** Checked as strictly as a trade. Bars are made from trades: it only tells the last trade's id. */
  #candle(data: Claimed<KlineMessage>, instrument: Instrument, received: number, out: TickRecords): number {
    if (!isFields(data.k)) return refusal.wrongType;
    const { priceDecimals, sizeDecimals } = instrument;
    const k: Claimed<KlineMessage['k']> = data.k;
    const open = readPositive(k.o, priceDecimals);
    const high = readPositive(k.h, priceDecimals);
    const low = readPositive(k.l, priceDecimals);
    const close = readPositive(k.c, priceDecimals);
    const time = this.#times.believed(readEpoch(data.E), received);
    const refused = firstRefusal(open, high, low, close, readDecimal(k.v, sizeDecimals), time);
    if (refused < 0) return refused;
    if (typeof k.i !== 'string' || typeof k.x !== 'boolean') return refusal.wrongType;
    if (low > high) return refusal.badRange;
    // "-1" when there was no trade in it. Ids of aggregates are others.
    const last = k.L === -1 ? 0 : readWhole(k.L);
    if (last < 0) return last;
    const isOurs = this.#options.tradesOf(instrument) === 'trade';
    return writeHeartbeat(out, instrument.id, time, received, isOurs ? last : 0);
  }

  #alive(data: Claimed<TickerMessage>, instrument: Instrument, received: number, out: TickRecords): number {
    const time = this.#times.believed(readEpoch(data.E), received);
    return time < 0 ? time : writeHeartbeat(out, instrument.id, time, received, 0);
  }
}

/** What a message is: its `e`, bookTicker by its fields, and '' when it does not say. */
function eventOf(data: Fields): string {
  const { e } = data;
  if (typeof e === 'string') return e;
  if (e !== undefined) return 'unknown';
  return 'u' in data && 'b' in data && 'B' in data && 'a' in data && 'A' in data ? 'bookTicker' : '';
}

function isRead(event: string): event is ReadEvent {
  return Object.hasOwn(kindOf, event);
}

/** The name of the stream that such data come on. */
function streamOf(event: ReadEvent, symbol: string, data: Fields): string {
  const { k } = data;
  const interval = event === 'kline' && isFields(k) && typeof k['i'] === 'string' ? `_${k['i']}` : '';
  return `${symbol.toLowerCase()}@${kindOf[event]}${interval}`;
}

function isAnswer(data: Fields): boolean {
  return 'result' in data || 'error' in data || ('code' in data && 'msg' in data);
}

function firstRefusal(...values: number[]): number {
  return values.find((value) => value < 0) ?? 0;
}
