/** Binance spot's REST calls. Weights from its documents of 2026-07; none of these needs a key. */
import { canonicalSymbol, type Instrument } from '../../market/instrument.ts';
import { decimalsOfStep } from '../../market/mantissa.ts';
import { resolutions } from '../../market/resolution.ts';
import type { TradesKind } from '../normaliser.ts';
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
import {
  aggTradesSchema,
  depthSchema,
  exchangeInfoSchema,
  historicalTradesSchema,
  klinesSchema,
  timeSchema,
} from './messages.ts';

const answerMax = 1_000;
const bookMax = 5_000;
/** By the levels that are asked for: "weight 5/25/50/250 for up to 100/500/1000/5000". */
const bookWeights = [
  [100, 5],
  [500, 25],
  [1_000, 50],
  [bookMax, 250],
] as const;

export class BinanceRest implements VenueRest {
  readonly candlesMax = answerMax;
  readonly tradesMax = answerMax;
  /** Binance has no candles of five seconds; the others have our own names there. */
  readonly candleResolutions = resolutions.flatMap((name, i) => (name === '5s' ? [] : [i]));
  readonly #client: RestClient;

  constructor(options: RestOptions) {
    this.#client = new RestClient(options, { usedHeader: 'x-mbx-used-weight-1m' });
  }

  budget(): RestBudget {
    return this.#client.budget();
  }

  async instruments(): Promise<Omit<Instrument, 'id'>[]> {
    const call = { weight: 20, priority: restPriority.listing };
    const info = await this.#client.get('/api/v3/exchangeInfo', {}, exchangeInfoSchema, call);
    return info.symbols.map((one) => {
      const step = (filter: string, key: string): string => {
        const value = one.filters.find(({ filterType }) => filterType === filter)?.[key];
        if (typeof value !== 'string')
          throw new RestFault('malformed', `${one.symbol} has no ${filter}.${key}`);
        return value;
      };
      return {
        venue: 'BINANCE',
        native: one.symbol,
        symbol: canonicalSymbol('BINANCE', one.symbol),
        base: one.baseAsset,
        quote: one.quoteAsset,
        priceDecimals: decimalsOfStep(step('PRICE_FILTER', 'tickSize')),
        sizeDecimals: decimalsOfStep(step('LOT_SIZE', 'stepSize')),
        active: one.status === 'TRADING',
      };
    });
  }

  async candles(instrument: Instrument, query: CandlesQuery): Promise<VenueCandle[]> {
    const { native, priceDecimals, sizeDecimals } = instrument;
    if (!this.candleResolutions.includes(query.resolution)) {
      throw new RestFault('refused', `Binance has no candles of ${resolutions[query.resolution] ?? '?'}`);
    }
    const params: Record<string, string> = {
      symbol: native,
      interval: resolutions[query.resolution]!,
      limit: String(Math.min(query.limit, answerMax)),
    };
    if (query.from !== undefined) params['startTime'] = String(Math.ceil(query.from / 1_000));
    if (query.to !== undefined) params['endTime'] = String(Math.floor(query.to / 1_000));
    const call = { weight: 2, priority: query.priority };
    const rows = await this.#client.get('/api/v3/klines', params, klinesSchema, call);
    const price = (text: string): number => exactMantissa(text, priceDecimals, native);
    const sum = (text: string, decimals: number): bigint => exactSum(text, decimals, native);
    return rows.map(
      ([openTime, open, high, low, close, volume, , quoteVolume, count, takerVolume, takerQuote]) => ({
        openTime: openTime * 1_000,
        open: price(open),
        high: price(high),
        low: price(low),
        close: price(close),
        volume: sum(volume, sizeDecimals),
        quoteVolume: sum(quoteVolume, priceDecimals + sizeDecimals),
        count,
        takerBuyVolume: sum(takerVolume, sizeDecimals),
        takerBuyQuoteVolume: sum(takerQuote, priceDecimals + sizeDecimals),
      }),
    );
  }

  async trades(instrument: Instrument, kind: TradesKind, from: number, to: number): Promise<VenueTrade[]> {
    const limit = String(Math.min(to - from + 1, answerMax));
    const params = { symbol: instrument.native, fromId: String(from), limit };
    const rows =
      kind === 'trade' ? await this.#trades(instrument, params) : await this.#aggregates(instrument, params);
    return rows.filter(({ id }) => id >= from && id <= to).toSorted((a, b) => a.id - b.id);
  }

  async #trades(instrument: Instrument, params: Record<string, string>): Promise<VenueTrade[]> {
    const call = { weight: 25, priority: restPriority.repair };
    const rows = await this.#client.get('/api/v3/historicalTrades', params, historicalTradesSchema, call);
    return rows.map(({ id, price, qty, time, isBuyerMaker }) => ({
      id,
      time: microsOf(time),
      price: exactMantissa(price, instrument.priceDecimals, instrument.native),
      size: exactMantissa(qty, instrument.sizeDecimals, instrument.native),
      firstId: id,
      lastId: id,
      takerSold: isBuyerMaker,
    }));
  }

  async #aggregates(instrument: Instrument, params: Record<string, string>): Promise<VenueTrade[]> {
    const call = { weight: 4, priority: restPriority.repair };
    const rows = await this.#client.get('/api/v3/aggTrades', params, aggTradesSchema, call);
    return rows.map(({ a, p, q, f, l, T, m }) => ({
      id: a,
      time: microsOf(T),
      price: exactMantissa(p, instrument.priceDecimals, instrument.native),
      size: exactMantissa(q, instrument.sizeDecimals, instrument.native),
      firstId: f,
      lastId: l,
      takerSold: m,
    }));
  }

  async book(instrument: Instrument, levels: number, priority: RestPriority): Promise<VenueBook> {
    const [limit, weight] = bookWeights.find(([most]) => levels <= most) ?? bookWeights.at(-1)!;
    const params = { symbol: instrument.native, limit: String(limit) };
    const answer = await this.#client.get('/api/v3/depth', params, depthSchema, { weight, priority });
    return {
      lastId: answer.lastUpdateId,
      time: 0,
      ...bookOf(answer, instrument),
      whole: answer.bids.length < limit && answer.asks.length < limit,
    };
  }

  async time(): Promise<number> {
    const call = { weight: 1, priority: restPriority.repair };
    return microsOf((await this.#client.get('/api/v3/time', {}, timeSchema, call)).serverTime);
  }
}

/** Times are ms, unless the address is one that answers in µs: told by magnitude. */
function microsOf(time: number): number {
  return time >= 1e15 ? time : time * 1_000;
}
