/**
 * Binance's messages to tick records. `readMessage` is the obvious version, by JSON.parse, which decides every
 * refusal; the scanner before it takes the shapes that Binance really sends and may only agree.
 *
 * The exchange's rules kept here: bookTicker has no time and is ordered by `u`; `m` true means that the taker sold;
 * aggTrade covers trades `f` to `l`, so trades come from one of trade and aggTrade, never both; a blockTrade is no
 * tick. Times are ms, or µs with `timeUnit=MICROSECOND`.
 */
import type { Instrument } from '../../market/instrument.ts';
import { type TickRecords, tickField, tickFlag, tickKind } from '../../wire/tick-record.ts';
import { readDecimal, readPositive, readWhole } from '../decimal.ts';
import { keysInText, keysInValue } from '../json-shape.ts';
import type { Normaliser, NormaliserOptions } from '../normaliser.ts';
import { control, ignored, refusal } from '../refusal.ts';
import type { AggTradeMessage, BookTickerMessage, KlineMessage, TradeMessage } from './messages.ts';
import { BinanceScanner } from './scanner.ts';

/** Fields of a message that claims to be a `T`: each may be missing or of any type. */
type Claimed<T> = { readonly [K in keyof T]?: unknown };
type Fields = { readonly [key: string]: unknown };

const readEvents = ['trade', 'aggTrade', 'bookTicker', 'kline'] as const;
type ReadEvent = (typeof readEvents)[number];
type Reader = (data: Fields, instrument: Instrument, received: number, out: TickRecords) => number;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The scanner first, the obvious reader for all that it declines. */
export function binanceNormaliser(options: NormaliserOptions): Normaliser {
  const scanner = new BinanceScanner(options);
  const reader = new BinanceReader(options);
  return {
    normalise: (bytes, from, to, received, out) =>
      scanner.scan(bytes, from, to, received, out) ? 1 : reader.normalise(bytes, from, to, received, out),
  };
}

/** The obvious version. */
export class BinanceReader implements Normaliser {
  readonly #options: NormaliserOptions;
  readonly #instruments: ReadonlyMap<string, Instrument>;

  constructor(options: NormaliserOptions) {
    this.#options = options;
    this.#instruments = new Map(options.instruments.map((one) => [one.native, one]));
  }

  normalise(bytes: Uint8Array, from: number, to: number, received: number, out: TickRecords): number {
    if (to - from > this.#options.messageBytesMax) return refusal.tooLarge;
    const message = parse(bytes, from, to);
    if (typeof message === 'number') return message;
    if (!('stream' in message)) return this.#data(eventOf(message), message, received, out);
    const { stream, data } = message as { stream: unknown; data?: unknown };
    if (typeof stream !== 'string' || !isFields(data)) {
      return Array.isArray(data) ? ignored.unknownEvent : refusal.wrongType;
    }
    // A quote does not say what it is, its stream does.
    const event = data['e'] === undefined && stream.endsWith('@bookTicker') ? 'bookTicker' : eventOf(data);
    // Streams of one symbol that we read must speak of what their name says.
    if (isRead(event) && typeof data['s'] === 'string') {
      const name = streamOf(event, data['s'], data);
      // Candles of another time zone have it after the name: btcusdt@kline_1d@+08:00.
      if (stream !== name && !(event === 'kline' && stream.startsWith(`${name}@`))) return refusal.mismatched;
    }
    return this.#data(event, data, received, out);
  }

  #data(event: string, data: Fields, received: number, out: TickRecords): number {
    if (event === 'serverShutdown') return control.shutdown;
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
    kline: (data, instrument, received) => this.#candle(data, instrument, received),
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
    const time = this.#time(data.T, received);
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
    const bidSize = readDecimal(data.B, instrument.sizeDecimals);
    const ask = readPositive(data.a, instrument.priceDecimals);
    const askSize = readDecimal(data.A, instrument.sizeDecimals);
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

  /** Checked as strictly as a trade, and then of no use: bars are made from trades. */
  #candle(data: Claimed<KlineMessage>, instrument: Instrument, received: number): number {
    if (!isFields(data.k)) return refusal.wrongType;
    const { priceDecimals, sizeDecimals } = instrument;
    const k: Claimed<KlineMessage['k']> = data.k;
    const open = readPositive(k.o, priceDecimals);
    const high = readPositive(k.h, priceDecimals);
    const low = readPositive(k.l, priceDecimals);
    const close = readPositive(k.c, priceDecimals);
    const refused = firstRefusal(
      open,
      high,
      low,
      close,
      readDecimal(k.v, sizeDecimals),
      this.#time(data.E, received),
    );
    if (refused < 0) return refused;
    if (typeof k.i !== 'string' || typeof k.x !== 'boolean') return refusal.wrongType;
    return low > high ? refusal.badRange : ignored.candle;
  }

  /** A venue's time in µs, or a refusal. */
  #time(value: unknown, received: number): number {
    const time = readWhole(value);
    if (time < 0) return time;
    const micros = time >= 1e12 && time < 1e13 ? time * 1_000 : time >= 1e15 && time < 1e16 ? time : -1;
    const { plausible } = this.#options;
    const [from, to] =
      plausible.around === 'span'
        ? [plausible.from, plausible.to]
        : [received - plausible.pastMicros, received + plausible.futureMicros];
    return micros < 0 || micros < from || micros > to ? refusal.badTime : micros;
  }
}

/** The message as an object without doubled or forbidden keys, or a refusal. Arrays and plain values are no messages. */
function parse(bytes: Uint8Array, from: number, to: number): Fields | number {
  const keys = keysInText(bytes, from, to);
  if (keys < 0) return refusal.tooDeep;
  let text: string;
  let value: unknown;
  try {
    text = decoder.decode(bytes.subarray(from, to));
  } catch {
    return refusal.badUtf8;
  }
  try {
    value = JSON.parse(text);
  } catch {
    return refusal.notJson;
  }
  const kept = keysInValue(value);
  if (kept < 0) return refusal.forbiddenKey;
  if (kept !== keys) return refusal.duplicateKey;
  if (Array.isArray(value)) return ignored.unknownEvent;
  return isFields(value) ? value : refusal.wrongType;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a message is: its `e`, bookTicker by its fields, and '' when it does not say. */
function eventOf(data: Fields): string {
  const { e } = data;
  if (typeof e === 'string') return e;
  if (e !== undefined) return 'unknown';
  return 'u' in data && 'b' in data && 'B' in data && 'a' in data && 'A' in data ? 'bookTicker' : '';
}

function isRead(event: string): event is ReadEvent {
  return (readEvents as readonly string[]).includes(event);
}

/** The name of the stream that such data come on. */
function streamOf(event: ReadEvent, symbol: string, data: Fields): string {
  const { k } = data;
  const interval = event === 'kline' && isFields(k) && typeof k['i'] === 'string' ? `_${k['i']}` : '';
  return `${symbol.toLowerCase()}@${event}${interval}`;
}

function isAnswer(data: Fields): boolean {
  return 'result' in data || 'error' in data || ('code' in data && 'msg' in data);
}

function firstRefusal(...values: number[]): number {
  return values.find((value) => value < 0) ?? 0;
}
