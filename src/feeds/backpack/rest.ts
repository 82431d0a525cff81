/** Backpack's REST calls, none of which needs a key. Its limits are not published: the configuration gives us 5 requests a second. */
import { canonicalSymbol, type Instrument } from '../../market/instrument.ts';
import { decimalsOfStep } from '../../market/mantissa.ts';
import { barOpen, resolutionMicros, resolutions } from '../../market/resolution.ts';
import type { TradesKind } from '../normaliser.ts';
import { readEpoch } from '../read-time.ts';
import { bookOf, exactMantissa, exactSum } from '../rest-amount.ts';
import { RestClient } from '../rest-client.ts';
import {
  type CandlesQuery,
  type RestBudget,
  RestFault,
  type RestOptions,
  type RestPriority,
  restPriority,
  type VenueBook,
  type VenueCandle,
  type VenueRest,
  type VenueTrade,
} from '../venue-rest.ts';
import { depthSchema, klinesSchema, marketsSchema, timeSchema, tradesSchema } from './messages.ts';
import { readBarTime } from './normalise.ts';

const depths = [5, 10, 20, 50, 100, 500, 1_000] as const;
/** A month may be so long (µs). */
const monthMax = 31 * 86_400e6;
/** Pages that one search for trades may read: the newest to see the last id, then where the ids should be. */
const pagesMax = 16;

/** Our names but for two: `1M` is `1month` there, and bars of 5 s do not exist. */
const intervals = new Map(
  resolutions.flatMap((name, i): [number, string][] =>
    name === '5s' ? [] : [[i, name === '1M' ? '1month' : name]],
  ),
);

export class BackpackRest implements VenueRest {
  readonly candlesMax = 1_000;
  readonly tradesMax = 1_000;
  readonly candleResolutions: readonly number[] = [...intervals.keys()];
  readonly #client: RestClient;

  constructor(options: RestOptions) {
    this.#client = new RestClient(options);
  }

  budget(): RestBudget {
    return this.#client.budget();
  }

  /** Spot and perpetuals: `SOL_USDC` and `SOL_USDC_PERP` share base and quote, and are told apart by name. */
  async instruments(): Promise<Omit<Instrument, 'id'>[]> {
    const call = { weight: 1, priority: restPriority.listing };
    const markets = await this.#client.get('/api/v1/markets', {}, marketsSchema, call);
    return markets
      .filter(({ marketType }) => marketType === 'SPOT' || marketType === 'PERP')
      .map((one) => ({
        venue: 'BACKPACK',
        native: one.symbol,
        symbol: canonicalSymbol('BACKPACK', one.symbol),
        base: one.baseSymbol,
        quote: one.quoteSymbol,
        priceDecimals: decimalsOfStep(one.filters.price.tickSize),
        sizeDecimals: decimalsOfStep(one.filters.quantity.stepSize),
        active: one.orderBookState === 'Open',
      }));
  }

  /** Times of the question are seconds. Prices may be null in a bar without trades, which is then left out. */
  async candles(instrument: Instrument, query: CandlesQuery): Promise<VenueCandle[]> {
    const { resolution, limit, priority } = query;
    const interval = intervals.get(resolution);
    if (interval === undefined)
      throw new RestFault('refused', `Backpack has no candles of ${resolutions[resolution] ?? '?'}`);
    const span = (Math.min(limit, this.candlesMax) - 1) * (resolutionMicros[resolution]! || monthMax);
    const to =
      query.from === undefined
        ? (query.to ?? (await this.time()))
        : Math.min(query.to ?? Number.POSITIVE_INFINITY, query.from + span);
    const from = query.from ?? Math.max(0, barOpen(resolution, to) - span);
    if (from > to) return [];
    const params = {
      symbol: instrument.native,
      interval,
      startTime: String(Math.ceil(from / 1e6)),
      endTime: String(Math.floor(to / 1e6)),
    };
    const rows = await this.#client.get('/api/v1/klines', params, klinesSchema, { weight: 1, priority });
    const bars = rows
      .flatMap((row) => candleOf(row, instrument) ?? [])
      .filter(({ openTime }) => openTime >= from && openTime <= to)
      .toSorted((a, b) => a.openTime - b.openTime);
    if (bars.some(({ openTime }) => barOpen(resolution, openTime) !== openTime))
      throw new RestFault('malformed', `${instrument.native}: candles that do not begin where bars do`);
    return query.from === undefined ? bars.slice(-limit) : bars.slice(0, Math.min(limit, this.candlesMax));
  }

  /**
   * The venue pages by how far back from the newest trade, not by id. Ids rise by one or more, so the newest tells how
   * far back to look at most; trades that happen meanwhile move all pages towards the past, and the search follows.
   */
  async trades(instrument: Instrument, _kind: TradesKind, from: number, to: number): Promise<VenueTrade[]> {
    const last = Math.min(to, from + this.tradesMax - 1);
    if (last < from) return [];
    const found = new Map<number, VenueTrade>();
    let offset = 0;
    // Once a page too far back was seen, ids are missing: from there on page by page, without guessing.
    let guessing = true;
    for (let pages = 0; pages < pagesMax; pages++) {
      const { rows, count } = await this.#page(instrument, offset);
      for (const row of rows) if (row.id >= from && row.id <= last) found.set(row.id, row);
      const newest = rows[0]?.id ?? 0;
      const oldest = rows.at(-1)?.id ?? 0;
      if (guessing && newest < last && offset > 0) {
        guessing = false;
        offset = Math.max(0, offset - (last - newest));
      } else if (oldest <= from || count < this.tradesMax) {
        return [...found.values()].toSorted((a, b) => a.id - b.id);
      } else offset += guessing && oldest > last ? count - 1 + oldest - last : count;
    }
    throw new RestFault('unreachable', `${instrument.native}: trades ${from} to ${last} not found so soon`);
  }

  /** The newest first; `count` are the rows that the venue sent. */
  async #page(
    { native, priceDecimals, sizeDecimals }: Instrument,
    offset: number,
  ): Promise<{ rows: VenueTrade[]; count: number }> {
    const params = { symbol: native, limit: String(this.tradesMax), offset: String(offset) };
    const call = { weight: 1, priority: restPriority.repair };
    const sent = await this.#client.get('/api/v1/trades/history', params, tradesSchema, call);
    const rows = sent.flatMap((row) => {
      // Without an id a trade can be put nowhere.
      if (row.id === undefined || row.id === null) return [];
      const id = wholeOf(row.id, native);
      return {
        id,
        time: timeOf(readEpoch(row.timestamp), native),
        price: exactMantissa(row.price, priceDecimals, native),
        size: exactMantissa(row.quantity, sizeDecimals, native),
        firstId: id,
        lastId: id,
        takerSold: row.isBuyerMaker,
      };
    });
    return { rows: rows.toSorted((a, b) => b.id - a.id), count: sent.length };
  }

  async book(instrument: Instrument, levels: number, priority: RestPriority): Promise<VenueBook> {
    const limit = depths.find((depth) => depth >= levels) ?? depths.at(-1)!;
    const params = { symbol: instrument.native, limit: String(limit) };
    const answer = await this.#client.get('/api/v1/depth', params, depthSchema, { weight: 1, priority });
    return {
      lastId: wholeOf(answer.lastUpdateId, instrument.native),
      time: answer.timestamp === undefined ? 0 : timeOf(readEpoch(answer.timestamp), instrument.native),
      ...bookOf(answer, instrument),
      whole: answer.bids.length < limit && answer.asks.length < limit,
    };
  }

  async time(): Promise<number> {
    const call = { weight: 1, priority: restPriority.repair };
    const time = await this.#client.get('/api/v1/time', {}, timeSchema, call);
    return timeOf(readEpoch(Number(time)), 'time');
  }
}

interface KlineRow {
  readonly start: string | number;
  readonly open?: string | null | undefined;
  readonly high?: string | null | undefined;
  readonly low?: string | null | undefined;
  readonly close?: string | null | undefined;
  readonly volume?: string | null | undefined;
  readonly quoteVolume?: string | null | undefined;
  readonly trades?: string | number | null | undefined;
}

function candleOf(
  row: KlineRow,
  { native, priceDecimals, sizeDecimals }: Instrument,
): VenueCandle | undefined {
  const { open, high, low, close } = row;
  if (open == null || high == null || low == null || close == null) return undefined;
  return {
    openTime: timeOf(readBarTime(row.start), native),
    open: exactMantissa(open, priceDecimals, native),
    high: exactMantissa(high, priceDecimals, native),
    low: exactMantissa(low, priceDecimals, native),
    close: exactMantissa(close, priceDecimals, native),
    volume: exactSum(row.volume ?? '0', sizeDecimals, native),
    quoteVolume: exactSum(row.quoteVolume ?? '0', priceDecimals + sizeDecimals, native),
    count: Number(row.trades ?? 0),
    takerBuyVolume: 0n,
    takerBuyQuoteVolume: 0n,
  };
}

/** A number or the text of one, exactly. */
function wholeOf(value: number | string, native: string): number {
  const whole = Number(value);
  if (!Number.isSafeInteger(whole)) throw new RestFault('malformed', `${native}: ${value} is no id`);
  return whole;
}

function timeOf(time: number, native: string): number {
  if (time < 0) throw new RestFault('malformed', `${native}: a time that is none`);
  return time;
}
