/**
 * Binance's REST calls. "429: back off for `Retry-After`; 418: banned, from 2 minutes to 3 days"; the weight used in
 * this minute comes with each answer. While any of these says stop, no request leaves.
 */
import type { z } from 'zod';
import { canonicalSymbol, type Instrument } from '../../market/instrument.ts';
import { decimalsOfStep, mantissaOf } from '../../market/mantissa.ts';
import {
  type CandlesQuery,
  RestFault,
  type RestOptions,
  type VenueCandle,
  type VenueRest,
} from '../venue.ts';
import { exchangeInfoSchema, klinesSchema, timeSchema } from './messages.ts';

const weightHeader = 'x-mbx-used-weight-1m';
const minuteMs = 60_000;
const banMs = 120_000;

export class BinanceRest implements VenueRest {
  readonly #options: RestOptions;
  /** Steady ms before which nothing is asked, and why. */
  #notBefore = Number.NEGATIVE_INFINITY;
  #stopped: 'limited' | 'banned' = 'limited';
  #usedWeight = 0;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /** The weight used in the last minute, as the venue last said. */
  get usedWeight(): number {
    return this.#usedWeight;
  }

  async instruments(): Promise<Omit<Instrument, 'id'>[]> {
    const info = await this.#get('/api/v3/exchangeInfo', {}, exchangeInfoSchema);
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
    const params: Record<string, string> = {
      symbol: native,
      interval: query.interval,
      limit: String(query.limit),
    };
    if (query.from !== undefined) params['startTime'] = String(Math.ceil(query.from / 1_000));
    if (query.to !== undefined) params['endTime'] = String(Math.floor(query.to / 1_000));
    const rows = await this.#get('/api/v3/klines', params, klinesSchema);
    const price = (text: string): number => exact(mantissaOf(text, priceDecimals), text, native);
    const sum = (text: string, decimals: number): bigint => sumOf(text, decimals, native);
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

  async time(): Promise<number> {
    return (await this.#get('/api/v3/time', {}, timeSchema)).serverTime * 1_000;
  }

  async #get<S extends z.ZodType>(
    path: string,
    params: Record<string, string>,
    schema: S,
  ): Promise<z.output<S>> {
    const { baseUrl, timers, timeoutMs, fetch: ask = fetch } = this.#options;
    const waitMs = this.#notBefore - timers.now();
    if (waitMs > 0) throw new RestFault(this.#stopped, `${path} not asked: ${this.#stopped}`, waitMs);
    const query = new URLSearchParams(params).toString();
    const url = `${baseUrl.replace(/\/+$/, '')}${path}${query === '' ? '' : `?${query}`}`;
    let text: string;
    try {
      const response = await ask(url, { signal: AbortSignal.timeout(timeoutMs) });
      this.#watch(path, response);
      text = await this.#textOf(response);
      if (!response.ok)
        throw new RestFault('refused', `${path} answered ${response.status}: ${text.slice(0, 200)}`);
    } catch (error) {
      if (error instanceof RestFault) throw error;
      throw new RestFault('unreachable', `${path} cannot be reached`, 0, { cause: error });
    }
    return parsed(path, text, schema);
  }

  /** Reads the limits off an answer's head; throws when it says stop. */
  #watch(path: string, response: Response): void {
    const used = Number(response.headers.get(weightHeader));
    if (Number.isFinite(used)) this.#usedWeight = used;
    const { status } = response;
    if (status === 429 || status === 418) {
      const seconds = Number(response.headers.get('retry-after'));
      const waitMs = seconds > 0 ? seconds * 1_000 : status === 418 ? banMs : minuteMs;
      this.#stop(status === 418 ? 'banned' : 'limited', waitMs);
      throw new RestFault(this.#stopped, `${path} answered ${status}`, waitMs);
    }
    if (used >= this.#options.weightMax) this.#stop('limited', minuteMs);
  }

  #stop(why: 'limited' | 'banned', waitMs: number): void {
    this.#stopped = why;
    this.#notBefore = Math.max(this.#notBefore, this.#options.timers.now() + waitMs);
  }

  async #textOf(response: Response): Promise<string> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of response.body ?? []) {
      bytes += part.byteLength;
      if (bytes > this.#options.bytesMax)
        throw new RestFault('malformed', `an answer of more than ${bytes} bytes`);
      parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
  }
}

function parsed<S extends z.ZodType>(path: string, text: string, schema: S): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RestFault('malformed', `${path} answered no JSON`, 0, { cause: error });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new RestFault('malformed', `${path}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}

function exact(mantissa: number, text: string, native: string): number {
  if (Number.isNaN(mantissa))
    throw new RestFault('malformed', `${native}: ${text} does not fit its decimals`);
  return mantissa;
}

/** A sum of any size as a whole number with `decimals`. */
function sumOf(text: string, decimals: number, native: string): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  const kept = fraction.replace(/0+$/, '');
  if (kept.length > decimals)
    throw new RestFault('malformed', `${native}: ${text} does not fit its decimals`);
  return BigInt(whole + kept.padEnd(decimals, '0'));
}
