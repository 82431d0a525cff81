/**
 * Coinbase Exchange's messages to tick records: books by a scanner over bytes, the rest by JSON.parse, since matches and
 * tickers come a few thousand a second at most.
 *
 * The exchange's rules kept here: `side` of a match is the maker's, so the taker did the opposite; `sequence` jumps on
 * the ticker, which is no gap; an l2update has no number, its sizes are absolute, and a time of year 1 says nothing;
 * "unknown types must be ignored". Quotes come from `ticker` only, trades from `match` and `last_match` only.
 */
import type { Instrument } from '../../market/instrument.ts';
import { type TickRecords, tickFlag } from '../../wire/tick-record.ts';
import { type BookHead, BookRecords, bookHead } from '../book-records.ts';
import { readWhole } from '../decimal.ts';
import { readLevelSizeText, readPositiveText } from '../decimal-text.ts';
import { type Claimed, type Fields, parseMessage } from '../json-message.ts';
import type { Normaliser, NormaliserOptions } from '../normaliser.ts';
import { readIso, TimeBounds } from '../read-time.ts';
import { control, ignored, refusal } from '../refusal.ts';
import { writeHeartbeat, writeQuote, writeTrade } from '../write-records.ts';
import { CoinbaseBookScanner } from './book-scanner.ts';
import type {
  HeartbeatMessage,
  MatchMessage,
  SnapshotMessage,
  TickerMessage,
  UpdateMessage,
} from './messages.ts';

/** The scanner first, the obvious reader for all that it declines. */
export function coinbaseNormaliser(options: NormaliserOptions): Normaliser {
  const books = new CoinbaseBookScanner(options);
  const reader = new CoinbaseReader(options);
  return {
    normalise: (bytes, from, to, received, out) => {
      if (to - from > options.messageBytesMax) return refusal.tooLarge;
      const answer = books.scan(bytes, from, to, received, out);
      return answer === 0 ? reader.normalise(bytes, from, to, received, out) : answer;
    },
  };
}

/** The obvious version, which decides every refusal. */
export class CoinbaseReader implements Normaliser {
  readonly #bytesMax: number;
  readonly #instruments: ReadonlyMap<unknown, Instrument>;
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
    switch (message['type']) {
      case 'l2update':
      case 'ticker':
      case 'match':
      case 'last_match':
      case 'heartbeat':
      case 'snapshot':
        return this.#data(message['type'], message, received, out);
      case 'subscriptions':
      case 'error':
        return control.answer;
      default:
        return ignored.unknownEvent;
    }
  }

  #data(
    type: 'l2update' | 'ticker' | 'match' | 'last_match' | 'heartbeat' | 'snapshot',
    message: Fields,
    received: number,
    out: TickRecords,
  ): number {
    const symbol = message['product_id'];
    if (typeof symbol !== 'string') return refusal.wrongType;
    const instrument = this.#instruments.get(symbol);
    if (instrument === undefined) return refusal.unknownSymbol;
    if (type === 'l2update') return this.#change(message, instrument, received, out);
    if (type === 'ticker') return this.#quote(message, instrument, received, out);
    if (type === 'heartbeat') return this.#heartbeat(message, instrument, received, out);
    if (type === 'snapshot') return this.#snapshot(message, instrument, received, out);
    return this.#trade(message, type, instrument, received, out);
  }

  #trade(
    message: Claimed<MatchMessage>,
    type: 'match' | 'last_match',
    instrument: Instrument,
    received: number,
    out: TickRecords,
  ): number {
    const id = readWhole(message.trade_id);
    if (id < 0) return id;
    const price = readPositiveText(message.price, instrument.priceDecimals);
    if (price < 0) return price;
    const size = readPositiveText(message.size, instrument.sizeDecimals);
    if (size < 0) return size;
    const { side } = message;
    if (side !== 'buy' && side !== 'sell') return refusal.wrongType;
    const stated = readIso(message.time);
    // The last match of a quiet product may be days old: no fault of the connection, and no news.
    if (type === 'last_match' && this.#times.tooOld(stated, received)) return ignored.tooOld;
    const time = this.#times.believed(stated, received);
    if (time < 0) return time;
    return writeTrade(out, instrument.id, time, received, id, price, size, side === 'buy');
  }

  #quote(
    message: Claimed<TickerMessage>,
    instrument: Instrument,
    received: number,
    out: TickRecords,
  ): number {
    const version = readWhole(message.sequence);
    if (version < 0) return version;
    const bid = readPositiveText(message.best_bid, instrument.priceDecimals);
    if (bid < 0) return bid;
    const ask = readPositiveText(message.best_ask, instrument.priceDecimals);
    if (ask < 0) return ask;
    if (bid >= ask) return bid === ask ? refusal.locked : refusal.crossed;
    if (message.best_bid_size === undefined && message.best_ask_size === undefined) return ignored.noSizes;
    const bidSize = readLevelSizeText(message.best_bid_size, instrument.sizeDecimals);
    if (bidSize < 0) return bidSize;
    const askSize = readLevelSizeText(message.best_ask_size, instrument.sizeDecimals);
    if (askSize < 0) return askSize;
    const stated = readIso(message.time);
    // Its time is that of the last match: after subscribing to a quiet product it is old, as with `last_match`.
    if (this.#times.tooOld(stated, received)) return ignored.tooOld;
    const time = this.#times.believed(stated, received);
    if (time < 0) return time;
    return writeQuote(out, instrument.id, time, received, version, bid, bidSize, ask, askSize);
  }

  #heartbeat(
    message: Claimed<HeartbeatMessage>,
    instrument: Instrument,
    received: number,
    out: TickRecords,
  ): number {
    const lastTradeId = readWhole(message.last_trade_id);
    if (lastTradeId < 0) return lastTradeId;
    const time = this.#times.believed(readIso(message.time), received);
    if (time < 0) return time;
    return writeHeartbeat(out, instrument.id, time, received, lastTradeId);
  }

  #snapshot(
    message: Claimed<SnapshotMessage>,
    instrument: Instrument,
    received: number,
    out: TickRecords,
  ): number {
    const { bids, asks } = message;
    if (!Array.isArray(bids) || !Array.isArray(asks)) return refusal.wrongType;
    const refused = this.#begin(message.time, instrument, received);
    if (refused < 0) return refused;
    const { priceDecimals, sizeDecimals } = instrument;
    for (let side = 0; side < 2; side++) {
      const levels: readonly unknown[] = side === 0 ? bids : asks;
      for (let i = 0; i < levels.length; i++) {
        const level = levels[i];
        if (!Array.isArray(level)) return refusal.wrongType;
        const price = readPositiveText(level[0], priceDecimals);
        if (price < 0) return price;
        const size = readLevelSizeText(level[1], sizeDecimals);
        if (size < 0) return size;
        if (size === 0) continue;
        if (side === 0) this.#book.addBid(price, size);
        else this.#book.addAsk(price, size);
      }
    }
    return this.#book.writeSnapshot(this.#head, out);
  }

  #change(
    message: Claimed<UpdateMessage>,
    instrument: Instrument,
    received: number,
    out: TickRecords,
  ): number {
    const { changes } = message;
    if (!Array.isArray(changes)) return refusal.wrongType;
    const refused = this.#begin(message.time, instrument, received);
    if (refused < 0) return refused;
    const { priceDecimals, sizeDecimals } = instrument;
    for (let i = 0; i < changes.length; i++) {
      const change: unknown = changes[i];
      if (!Array.isArray(change)) return refusal.wrongType;
      const price = readPositiveText(change[1], priceDecimals);
      if (price < 0) return price;
      const size = readLevelSizeText(change[2], sizeDecimals);
      if (size < 0) return size;
      if (change[0] === 'buy') this.#book.addBid(price, size);
      else if (change[0] === 'sell') this.#book.addAsk(price, size);
      else return refusal.wrongType;
    }
    return this.#book.writeChange(this.#head, out);
  }

  /** Begins a book's message: 0, or the refusal of its time. Year 1, or no time at all, is no time. */
  #begin(time: unknown, instrument: Instrument, received: number): number {
    const head = this.#head;
    head.flags = tickFlag.noIds;
    head.instrumentId = instrument.id;
    head.received = received;
    if (time === undefined || (typeof time === 'string' && time.startsWith('0001-01-01'))) {
      head.flags |= tickFlag.noVenueTime;
      head.time = received - (received % 1_000);
    } else {
      head.time = this.#times.believed(readIso(time), received);
      if (head.time < 0) return head.time;
    }
    this.#book.clear();
    return 0;
  }
}
