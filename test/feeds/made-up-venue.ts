/**
 * MOON, a venue that does not exist, made by following docs/add-a-venue.md step by step (the numbers below are its
 * steps) to try the recipe. A real one is a folder of src/feeds with these parts in files of their own.
 */
import { z } from 'zod';
import { type BookHead, BookRecords, bookHead } from '../../src/feeds/book-records.ts';
import { readWhole } from '../../src/feeds/decimal.ts';
import { readLevelSizeText, readPositiveText } from '../../src/feeds/decimal-text.ts';
import { type Claimed, type Fields, parseMessage } from '../../src/feeds/json-message.ts';
import type { Normaliser, NormaliserOptions } from '../../src/feeds/normaliser.ts';
import { readIso, TimeBounds } from '../../src/feeds/read-time.ts';
import { control, ignored, refusal } from '../../src/feeds/refusal.ts';
import { bookOf, exactMantissa, exactSum } from '../../src/feeds/rest-amount.ts';
import { RestClient } from '../../src/feeds/rest-client.ts';
import type { Answer, Venue, VenueStream } from '../../src/feeds/venue.ts';
import {
  type CandlesQuery,
  RestFault,
  type RestOptions,
  type RestPriority,
  restPriority,
  type VenueBook,
  type VenueCandle,
  type VenueRest,
  type VenueTrade,
} from '../../src/feeds/venue-rest.ts';
import { writeHeartbeat, writeQuote, writeTrade } from '../../src/feeds/write-records.ts';
import { canonicalSymbol, type Instrument } from '../../src/market/instrument.ts';
import { decimalsOfStep } from '../../src/market/mantissa.ts';
import { resolutionMicros, resolutions } from '../../src/market/resolution.ts';
import type { TickRecords } from '../../src/wire/tick-record.ts';

// 2: messages, as the venue documents them. Times are UTC texts with µs and a space.

interface Fill {
  readonly channel: 'fills';
  readonly market: string;
  /** Rises by one per market. */
  readonly n: number;
  readonly price: string;
  readonly amount: string;
  readonly taker: 'buy' | 'sell';
  readonly at: string;
}

interface Best {
  readonly version: number;
  readonly bid: readonly [price: string, size: string];
  readonly ask: readonly [price: string, size: string];
  readonly at: string;
}

interface Change {
  /** `from` is the `to` before it, plus one. */
  readonly from: number;
  readonly to: number;
  readonly bids: readonly (readonly [string, string])[];
  readonly asks: readonly (readonly [string, string])[];
  readonly at: string;
}

const answerSchema = z.object({ ref: z.int(), ok: z.boolean(), why: z.string().optional() });
const decimal = z.string().regex(/^\d{1,25}(\.\d{1,20})?$/);
const level = z.tuple([decimal, decimal]);
const listingSchema = z.array(
  z.object({ market: z.string(), tick: decimal, lot: decimal, open: z.boolean() }),
);
const barsSchema = z.array(
  z.object({ at: z.string(), ohlc: z.tuple([decimal, decimal, decimal, decimal]), v: decimal }),
);
const fillsSchema = z.array(
  z.object({ n: z.int(), price: decimal, amount: decimal, taker: z.enum(['buy', 'sell']), at: z.string() }),
);
const bookSchema = z.object({ to: z.int(), bids: z.array(level), asks: z.array(level) });
const clockSchema = z.object({ at: z.string() });

// 3: the normaliser. Bytes in, records or a reason out.

class MoonReader implements Normaliser {
  readonly #bytesMax: number;
  readonly #instruments: ReadonlyMap<unknown, Instrument>;
  readonly #times: TimeBounds;
  readonly #levels: BookRecords;
  readonly #head: BookHead = bookHead();

  constructor(options: NormaliserOptions) {
    this.#bytesMax = options.messageBytesMax;
    this.#instruments = new Map(options.instruments.map((one) => [one.native, one]));
    this.#times = new TimeBounds(options.plausible);
    this.#levels = new BookRecords(options.bookLevels);
  }

  normalise(bytes: Uint8Array, from: number, to: number, received: number, out: TickRecords): number {
    const message = parseMessage(bytes, from, to, this.#bytesMax);
    if (typeof message === 'number') return message;
    const { channel, market } = message;
    if (channel === undefined) return 'ref' in message ? control.answer : ignored.unknownEvent;
    if (channel !== 'fills' && channel !== 'best' && channel !== 'book' && channel !== 'alive')
      return ignored.unknownEvent;
    if (typeof market !== 'string') return refusal.wrongType;
    const one = this.#instruments.get(market);
    if (one === undefined) return refusal.unknownSymbol;
    const time = this.#times.believed(readIso(message['at']), received);
    if (time < 0) return time;
    if (channel === 'alive') return writeHeartbeat(out, one.id, time, received, 0);
    if (channel === 'fills') return fill(message, one, time, received, out);
    if (channel === 'best') return best(message, one, time, received, out);
    return this.#change(message, one, time, received, out);
  }

  #change(message: Fields, one: Instrument, time: number, received: number, out: TickRecords): number {
    const { from, to, bids, asks }: Claimed<Change> = message;
    const head = this.#head;
    head.firstUpdate = readWhole(from);
    if (head.firstUpdate < 0) return head.firstUpdate;
    head.lastUpdate = readWhole(to);
    if (head.lastUpdate < 0) return head.lastUpdate;
    if (head.firstUpdate > head.lastUpdate) return refusal.badRange;
    head.instrumentId = one.id;
    head.time = time;
    head.received = received;
    this.#levels.clear();
    const refused = this.#side(bids, one, true) || this.#side(asks, one, false);
    return refused < 0 ? refused : this.#levels.writeChange(head, out);
  }

  #side(rows: unknown, { priceDecimals, sizeDecimals }: Instrument, isBid: boolean): number {
    if (!Array.isArray(rows)) return refusal.wrongType;
    for (const row of rows as readonly unknown[]) {
      if (!Array.isArray(row)) return refusal.wrongType;
      const price = readPositiveText(row[0], priceDecimals);
      if (price < 0) return price;
      const size = readLevelSizeText(row[1], sizeDecimals);
      if (size < 0) return size;
      if (isBid) this.#levels.addBid(price, size);
      else this.#levels.addAsk(price, size);
    }
    return 0;
  }
}

function fill(
  { n, price: priceText, amount, taker }: Claimed<Fill>,
  one: Instrument,
  time: number,
  received: number,
  out: TickRecords,
): number {
  const id = readWhole(n);
  if (id < 0) return id;
  const price = readPositiveText(priceText, one.priceDecimals);
  if (price < 0) return price;
  const size = readPositiveText(amount, one.sizeDecimals);
  if (size < 0) return size;
  if (taker !== 'buy' && taker !== 'sell') return refusal.wrongType;
  return writeTrade(out, one.id, time, received, id, price, size, taker === 'sell');
}

function best(
  { version: versionWord, bid: bidRow, ask: askRow }: Claimed<Best>,
  one: Instrument,
  time: number,
  received: number,
  out: TickRecords,
): number {
  const version = readWhole(versionWord);
  if (version < 0) return version;
  if (!Array.isArray(bidRow) || !Array.isArray(askRow)) return refusal.wrongType;
  const bid = readPositiveText(bidRow[0], one.priceDecimals);
  if (bid < 0) return bid;
  const bidSize = readLevelSizeText(bidRow[1], one.sizeDecimals);
  if (bidSize < 0) return bidSize;
  const ask = readPositiveText(askRow[0], one.priceDecimals);
  if (ask < 0) return ask;
  const askSize = readLevelSizeText(askRow[1], one.sizeDecimals);
  if (askSize < 0) return askSize;
  if (bid >= ask) return bid === ask ? refusal.locked : refusal.crossed;
  return writeQuote(out, one.id, time, received, version, bid, bidSize, ask, askSize);
}

// 5: REST, on the client that keeps limits, bans and sizes.

class MoonRest implements VenueRest {
  readonly candlesMax = 500;
  readonly tradesMax = 500;
  readonly candleResolutions = [resolutions.indexOf('1m')];
  readonly #client: RestClient;

  constructor(options: RestOptions) {
    this.#client = new RestClient(options);
  }

  budget() {
    return this.#client.budget();
  }

  async instruments(): Promise<Omit<Instrument, 'id'>[]> {
    const call = { weight: 1, priority: restPriority.listing };
    const rows = await this.#client.get('/listing', {}, listingSchema, call);
    return rows.map(({ market, tick, lot, open }) => {
      const [base = '', quote = ''] = market.split('/');
      return {
        venue: 'MOON',
        native: market,
        symbol: canonicalSymbol('MOON', market),
        base,
        quote,
        active: open,
        priceDecimals: decimalsOfStep(tick),
        sizeDecimals: decimalsOfStep(lot),
      };
    });
  }

  async candles(
    { native, priceDecimals, sizeDecimals }: Instrument,
    query: CandlesQuery,
  ): Promise<VenueCandle[]> {
    const { resolution, limit, from = 0, to = Number.MAX_SAFE_INTEGER, priority } = query;
    if (!this.candleResolutions.includes(resolution)) throw new RestFault('refused', 'MOON has minutes only');
    const params = { market: native, step: String(resolutionMicros[resolution]! / 1e6) };
    const rows = await this.#client.get('/bars', params, barsSchema, { weight: 1, priority });
    const price = (text: string): number => exactMantissa(text, priceDecimals, native);
    return rows
      .map(({ at, ohlc: [open, high, low, close], v }) => ({
        openTime: timeOf(at),
        open: price(open),
        high: price(high),
        low: price(low),
        close: price(close),
        volume: exactSum(v, sizeDecimals, native),
        quoteVolume: 0n,
        count: 0,
        takerBuyVolume: 0n,
        takerBuyQuoteVolume: 0n,
      }))
      .filter(({ openTime }) => openTime >= from && openTime <= to)
      .slice(0, limit);
  }

  async trades(one: Instrument, _kind: string, from: number, to: number): Promise<VenueTrade[]> {
    const params = { market: one.native, from: String(from), to: String(Math.min(to, from + 499)) };
    const call = { weight: 1, priority: restPriority.repair };
    const rows = await this.#client.get('/fills', params, fillsSchema, call);
    return rows
      .filter(({ n }) => n >= from && n <= to)
      .map(({ n, price, amount, taker, at }) => ({
        id: n,
        firstId: n,
        lastId: n,
        time: timeOf(at),
        takerSold: taker === 'sell',
        price: exactMantissa(price, one.priceDecimals, one.native),
        size: exactMantissa(amount, one.sizeDecimals, one.native),
      }));
  }

  async book(one: Instrument, _levels: number, priority: RestPriority): Promise<VenueBook> {
    const answer = await this.#client.get('/book', { market: one.native }, bookSchema, {
      weight: 1,
      priority,
    });
    return { lastId: answer.to, time: 0, ...bookOf(answer, one), whole: true };
  }

  async time(): Promise<number> {
    const call = { weight: 1, priority: restPriority.repair };
    return timeOf((await this.#client.get('/clock', {}, clockSchema, call)).at);
  }
}

function timeOf(text: string): number {
  const time = readIso(text);
  if (time < 0) throw new RestFault('malformed', `${text} is no time`);
  return time;
}

// 4: the venue.

export const madeUp: Venue = {
  name: 'MOON',
  wsUrl: 'wss://feed.moon.example',
  restUrl: 'https://api.moon.example',
  limits: {
    streamsPerConnection: 50,
    streamsPerRequest: 10,
    requestGapMs: 250,
    connects: { most: 10, withinMs: 60_000 },
    connectsPerSecond: 1,
    subscribeWithinMs: 0,
    lifetimeMs: 3_600_000,
  },
  socketUrl: (wsUrl) => wsUrl,
  streams: (instrument, { book }) => {
    const stream = (channel: string): VenueStream => ({
      name: `${channel} ${instrument.native}`,
      instrument,
      group: channel,
      book: channel === 'book',
    });
    return (book === 'none' ? ['fills', 'best', 'alive'] : ['fills', 'best', 'alive', 'book']).map(stream);
  },
  subscribe: (streams, ref) => JSON.stringify({ do: 'add', streams, ref }),
  unsubscribe: (streams, ref) => JSON.stringify({ do: 'drop', streams, ref }),
  acknowledges: 'by-id',
  answerOf: (bytes): Answer | undefined => {
    const parsed = answerSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    if (!parsed.success) return undefined;
    const { ref, ok, why = 'refused' } = parsed.data;
    return ok ? { id: ref } : { id: ref, error: why };
  },
  bookFrom: 'rest',
  normaliser: (options) => new MoonReader(options),
  rest: (options) => new MoonRest(options),
};
