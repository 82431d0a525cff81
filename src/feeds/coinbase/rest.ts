/**
 * Coinbase Exchange's REST calls, none of which needs a key. "10 requests a second and address, in bursts of 15": the
 * configuration gives us 8.
 */
import { canonicalSymbol, type Instrument } from '../../market/instrument.ts';
import { decimalsOfStep } from '../../market/mantissa.ts';
import { barOpen, resolutionMicros, resolutions } from '../../market/resolution.ts';
import type { TradesKind } from '../normaliser.ts';
import { readIso } from '../read-time.ts';
import { bookOf, decimalText, exactMantissa, exactSum } from '../rest-amount.ts';
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
import { bookSchema, candlesSchema, productsSchema, timeSchema, tradesSchema } from './messages.ts';

/** Of the venue's granularities (60, 300, 900, 3600, 21600, 86400 s) those that are resolutions of ours. */
const granularities = ['1m', '5m', '15m', '1h', '1d'] as const;

export class CoinbaseRest implements VenueRest {
  readonly candlesMax = 300;
  readonly tradesMax = 1_000;
  readonly candleResolutions: readonly number[] = granularities.map((name) => resolutions.indexOf(name));
  readonly #client: RestClient;

  constructor(options: RestOptions) {
    this.#client = new RestClient(options);
  }

  budget(): RestBudget {
    return this.#client.budget();
  }

  async instruments(): Promise<Omit<Instrument, 'id'>[]> {
    const call = { weight: 1, priority: restPriority.listing };
    const products = await this.#client.get('/products', {}, productsSchema, call);
    return products.map((one) => ({
      venue: 'COINBASE',
      native: one.id,
      symbol: canonicalSymbol('COINBASE', one.id),
      base: one.base_currency,
      quote: one.quote_currency,
      priceDecimals: decimalsOfStep(one.quote_increment),
      sizeDecimals: decimalsOfStep(one.base_increment),
      active: one.status === 'online' && !one.trading_disabled,
    }));
  }

  /** Intervals without trades are absent. Asking for more than 300 at once is refused, so it is never done. */
  async candles(instrument: Instrument, query: CandlesQuery): Promise<VenueCandle[]> {
    const { resolution } = query;
    if (!this.candleResolutions.includes(resolution))
      throw new RestFault('refused', `Coinbase has no candles of ${resolutions[resolution] ?? '?'}`);
    const length = resolutionMicros[resolution]!;
    const span = (Math.min(query.limit, this.candlesMax) - 1) * length;
    const params: Record<string, string> = { granularity: String(length / 1e6) };
    const { from, to } = rangeOf(query, length, span);
    if (from !== undefined && to !== undefined) {
      if (from > to) return [];
      params['start'] = isoOf(from);
      params['end'] = isoOf(to);
    }
    const call = { weight: 1, priority: query.priority };
    const rows = await this.#client.get(`${pathOf(instrument)}/candles`, params, candlesSchema, call);
    const bars = rows
      .map((row) => candleOf(row, instrument))
      .filter(({ openTime }) => openTime >= (from ?? 0) && openTime <= (to ?? Number.POSITIVE_INFINITY))
      .toSorted((a, b) => a.openTime - b.openTime);
    if (bars.some(({ openTime }) => barOpen(resolution, openTime) !== openTime))
      throw new RestFault('malformed', `${instrument.native}: candles that do not begin where bars do`);
    // Without a range the venue sends its newest 300.
    return query.from === undefined ? bars.slice(-query.limit) : bars.slice(0, query.limit);
  }

  /** `after` gives trades with smaller ids, the newest first. */
  async trades(instrument: Instrument, _kind: TradesKind, from: number, to: number): Promise<VenueTrade[]> {
    const last = Math.min(to, from + this.tradesMax - 1);
    if (last < from) return [];
    const params = { after: String(last + 1), limit: String(last - from + 1) };
    const call = { weight: 1, priority: restPriority.repair };
    const rows = await this.#client.get(`${pathOf(instrument)}/trades`, params, tradesSchema, call);
    const { native, priceDecimals, sizeDecimals } = instrument;
    return rows
      .filter((row) => row.trade_id >= from && row.trade_id <= last)
      .map((row) => ({
        id: row.trade_id,
        time: timeOf(row.time),
        price: exactMantissa(row.price, priceDecimals, native),
        size: exactMantissa(row.size, sizeDecimals, native),
        firstId: row.trade_id,
        lastId: row.trade_id,
        takerSold: row.side === 'buy',
      }))
      .toSorted((a, b) => a.id - b.id);
  }

  /** Level 2 is the whole book, however many levels are wanted. */
  async book(instrument: Instrument, _levels: number, priority: RestPriority): Promise<VenueBook> {
    const call = { weight: 1, priority };
    const answer = await this.#client.get(`${pathOf(instrument)}/book`, { level: '2' }, bookSchema, call);
    return {
      lastId: answer.sequence,
      time: answer.time === undefined ? 0 : timeOf(answer.time),
      ...bookOf(answer, instrument),
      whole: true,
    };
  }

  async time(): Promise<number> {
    const call = { weight: 1, priority: restPriority.repair };
    return timeOf((await this.#client.get('/time', {}, timeSchema, call)).iso);
  }
}

/** The first and last open time asked for, so near that no more than 300 bars lie between; none: the newest. */
function rangeOf(
  { from, to }: CandlesQuery,
  length: number,
  span: number,
): { readonly from?: number; readonly to?: number } {
  if (from !== undefined) {
    const first = Math.ceil(from / length) * length;
    return { from: first, to: Math.min(to ?? Number.POSITIVE_INFINITY, first + span) };
  }
  if (to === undefined) return {};
  const last = Math.floor(to / length) * length;
  return { from: Math.max(0, last - span), to: last };
}

/** Column order is time, low, high, open, close, volume: unlike everybody else's. */
function candleOf(
  [seconds, low, high, open, close, volume]: readonly [
    number,
    number,
    number,
    number,
    number,
    number,
    ...unknown[],
  ],
  { native, priceDecimals, sizeDecimals }: Instrument,
): VenueCandle {
  const price = (value: number): number =>
    exactMantissa(decimalText(value, priceDecimals, native), priceDecimals, native);
  return {
    openTime: seconds * 1e6,
    open: price(open),
    high: price(high),
    low: price(low),
    close: price(close),
    volume: exactSum(decimalText(volume, sizeDecimals, native), sizeDecimals, native),
    quoteVolume: 0n,
    count: 0,
    takerBuyVolume: 0n,
    takerBuyQuoteVolume: 0n,
  };
}

function pathOf({ native }: Instrument): string {
  return `/products/${encodeURIComponent(native)}`;
}

function isoOf(micros: number): string {
  return new Date(micros / 1_000).toISOString();
}

function timeOf(text: string): number {
  const time = readIso(text);
  if (time < 0) throw new RestFault('malformed', `${text} is no time`);
  return time;
}
