/**
 * Backpack's messages to tick records, by JSON.parse: the venue sends a few thousand a second at most.
 *
 * The exchange's rules kept here: times are µs, and the engine's `T` is the tick's; ids may be numbers or texts; `m`
 * true means that the taker sold; `t` rises by one per symbol; `U` of a depth message is the `u` before it plus one.
 */
import type { Instrument } from '../../market/instrument.ts';
import type { TickRecords } from '../../wire/tick-record.ts';
import { type BookHead, BookRecords, bookHead } from '../book-records.ts';
import { readWhole } from '../decimal.ts';
import { readDecimalText, readLevelSizeText, readPositiveText } from '../decimal-text.ts';
import { type Claimed, type Fields, isFields, parseMessage } from '../json-message.ts';
import type { Normaliser, NormaliserOptions } from '../normaliser.ts';
import { readEpoch, readIso, TimeBounds } from '../read-time.ts';
import { control, ignored, refusal } from '../refusal.ts';
import { writeHeartbeat, writeQuote, writeTrade } from '../write-records.ts';
import type {
  BookTickerMessage,
  DepthMessage,
  KlineMessage,
  TickerMessage,
  TradeMessage,
} from './messages.ts';

const readEvents = ['bookTicker', 'depth', 'trade', 'ticker', 'kline'] as const;
type ReadEvent = (typeof readEvents)[number];

/** What may stand between the event and the symbol of a stream's name: `200ms`, `1m`, `1month`. */
const interval = /^[1-9]\d{0,3}[a-zA-Z]{1,5}$/;

export function backpackNormaliser(options: NormaliserOptions): Normaliser {
  return new BackpackReader(options);
}

class BackpackReader implements Normaliser {
  readonly #bytesMax: number;
  readonly #instruments: ReadonlyMap<string, Instrument>;
  readonly #times: TimeBounds;
  readonly #book: BookRecords;
  readonly #head: BookHead = bookHead();

  constructor(options: NormaliserOptions) {
    this.#bytesMax = options.messageBytesMax;
    this.#instruments = new Map(options.instruments.map((one) => [one.native, one]));
    this.#times = new TimeBounds(options.plausible);
    this.#book = new BookRecords(options.bookLevels);
  }

  normalise(bytes: Uint8Array, from: number, to: number, received: number, out: TickRecords): number {
    const message = parseMessage(bytes, from, to, this.#bytesMax);
    if (typeof message === 'number') return message;
    const { stream, data } = message;
    if (stream === undefined) {
      return message['error'] !== undefined || 'result' in message ? control.answer : ignored.unknownEvent;
    }
    if (typeof stream !== 'string' || !isFields(data)) {
      return Array.isArray(data) ? ignored.unknownEvent : refusal.wrongType;
    }
    const event = data['e'];
    if (!isRead(event)) return ignored.unknownEvent;
    const symbol = data['s'];
    if (typeof symbol !== 'string') return refusal.wrongType;
    if (!isStreamOf(stream, event, symbol)) return refusal.mismatched;
    const instrument = this.#instruments.get(symbol);
    if (instrument === undefined) return refusal.unknownSymbol;
    return this.#data(event, data, instrument, received, out);
  }

  #data(event: ReadEvent, data: Fields, instrument: Instrument, received: number, out: TickRecords): number {
    if (event === 'depth') return this.#change(data, instrument, received, out);
    if (event === 'bookTicker') return this.#quote(data, instrument, received, out);
    if (event === 'trade') return this.#trade(data, instrument, received, out);
    if (event === 'kline') return this.#candle(data, instrument, received, out);
    return this.#alive(data, instrument, received, out);
  }

  #trade(data: Claimed<TradeMessage>, instrument: Instrument, received: number, out: TickRecords): number {
    const id = readId(data.t);
    if (id < 0) return id;
    const price = readPositiveText(data.p, instrument.priceDecimals);
    if (price < 0) return price;
    const size = readPositiveText(data.q, instrument.sizeDecimals);
    if (size < 0) return size;
    if (typeof data.m !== 'boolean') return refusal.wrongType;
    const time = this.#times.believed(readEpoch(data.T), received);
    if (time < 0) return time;
    return writeTrade(out, instrument.id, time, received, id, price, size, data.m);
  }

  #quote(
    data: Claimed<BookTickerMessage>,
    instrument: Instrument,
    received: number,
    out: TickRecords,
  ): number {
    const version = readId(data.u);
    if (version < 0) return version;
    const bid = readPositiveText(data.b, instrument.priceDecimals);
    if (bid < 0) return bid;
    const bidSize = readLevelSizeText(data.B, instrument.sizeDecimals);
    if (bidSize < 0) return bidSize;
    const ask = readPositiveText(data.a, instrument.priceDecimals);
    if (ask < 0) return ask;
    const askSize = readLevelSizeText(data.A, instrument.sizeDecimals);
    if (askSize < 0) return askSize;
    if (bid >= ask) return bid === ask ? refusal.locked : refusal.crossed;
    const time = this.#times.believed(readEpoch(data.T), received);
    if (time < 0) return time;
    return writeQuote(out, instrument.id, time, received, version, bid, bidSize, ask, askSize);
  }

  #change(data: Claimed<DepthMessage>, instrument: Instrument, received: number, out: TickRecords): number {
    const { a: asks, b: bids } = data;
    if (!Array.isArray(bids) || !Array.isArray(asks)) return refusal.wrongType;
    const first = readId(data.U);
    if (first < 0) return first;
    const last = readId(data.u);
    if (last < 0) return last;
    if (first > last) return refusal.badRange;
    const time = this.#times.believed(readEpoch(data.T), received);
    if (time < 0) return time;
    const { priceDecimals, sizeDecimals } = instrument;
    this.#book.clear();
    for (let side = 0; side < 2; side++) {
      const levels: readonly unknown[] = side === 0 ? bids : asks;
      for (let i = 0; i < levels.length; i++) {
        const level = levels[i];
        if (!Array.isArray(level)) return refusal.wrongType;
        const price = readPositiveText(level[0], priceDecimals);
        if (price < 0) return price;
        const size = readLevelSizeText(level[1], sizeDecimals);
        if (size < 0) return size;
        if (side === 0) this.#book.addBid(price, size);
        else this.#book.addAsk(price, size);
      }
    }
    const head = this.#head;
    head.flags = 0;
    head.instrumentId = instrument.id;
    head.time = time;
    head.received = received;
    head.firstUpdate = first;
    head.lastUpdate = last;
    return this.#book.writeChange(head, out);
  }

  #alive(data: Claimed<TickerMessage>, instrument: Instrument, received: number, out: TickRecords): number {
    const time = this.#times.believed(readEpoch(data.E), received);
    return time < 0 ? time : writeHeartbeat(out, instrument.id, time, received, 0);
  }

  /** Checked as strictly as a trade; then it only says that the venue is alive: bars are made from trades. */
  #candle(data: Claimed<KlineMessage>, instrument: Instrument, received: number, out: TickRecords): number {
    const { priceDecimals, sizeDecimals } = instrument;
    const from = readBarTime(data.t);
    if (from < 0) return from;
    const to = readBarTime(data.T);
    if (to < 0) return to;
    const volume = readDecimalText(data.v, sizeDecimals);
    if (volume < 0) return volume;
    if (from > to) return refusal.badRange;
    if (data.o !== null || data.h !== null || data.l !== null || data.c !== null) {
      const open = readPositiveText(data.o, priceDecimals);
      if (open < 0) return open;
      const high = readPositiveText(data.h, priceDecimals);
      if (high < 0) return high;
      const low = readPositiveText(data.l, priceDecimals);
      if (low < 0) return low;
      const close = readPositiveText(data.c, priceDecimals);
      if (close < 0) return close;
      if (low > high || open < low || open > high || close < low || close > high) return refusal.badRange;
    }
    return this.#alive(data, instrument, received, out);
  }
}

function isRead(event: unknown): event is ReadEvent {
  return (readEvents as readonly unknown[]).includes(event);
}

/** Whether data of `event` and `symbol` come on `stream`: `trade.SOL_USDC`, `depth.200ms.SOL_USDC`. */
function isStreamOf(stream: string, event: ReadEvent, symbol: string): boolean {
  const between = stream.length - event.length - symbol.length - 1;
  if (between < 0 || !stream.startsWith(event) || !stream.endsWith(symbol)) return false;
  if (stream[event.length] !== '.') return false;
  if (between === 0) return event !== 'kline';
  if (event !== 'depth' && event !== 'kline') return false;
  const from = event.length + 1;
  return stream[from + between - 1] === '.' && interval.test(stream.slice(from, from + between - 1));
}

/** An id as a number or as the text of one, exactly, or a refusal. */
function readId(value: unknown): number {
  if (typeof value === 'number') return readWhole(value);
  if (typeof value !== 'string') return refusal.wrongType;
  if (!/^\d{1,16}$/.test(value)) return refusal.badNumber;
  const id = Number(value);
  return Number.isSafeInteger(id) ? id : refusal.badNumber;
}

/** A bar's time in µs: ISO, s, ms or µs, told apart by magnitude; or a refusal. It may be far from now (`1month`). */
export function readBarTime(value: unknown): number {
  if (typeof value === 'string') return readIso(value);
  return typeof value === 'number' && value >= 1e9 && value < 1e10
    ? readWhole(value) * 1e6
    : readEpoch(value);
}
