/** Answers what HTTP asks of the stores, as finished bytes. */
import type { z } from 'zod';
import type { HistoryReader } from '../market/history.ts';
import type { Instrument } from '../market/instrument.ts';
import type { LatestPrices } from '../market/latest.ts';
import { resolutions } from '../market/resolution.ts';
import { barsJson, enigmaJson, priceJson, symbolsJson, tradesJson } from './market-json.ts';
import { barsParams, faultsOf, noParams, subjectParams, tradesParams } from './query-params.ts';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A refusal; becomes RFC 9457 problem JSON with a top-level `error`. */
class Problem extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** As the gateway's own answers say. */
const jsonType = 'application/json; charset=utf-8';

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  503: 'Service Unavailable',
};

export class MarketQueries {
  readonly #instruments: readonly Instrument[];
  readonly #byId: ReadonlyMap<number, Instrument>;
  readonly #history: HistoryReader;
  readonly #latest: LatestPrices;

  constructor(instruments: readonly Instrument[], history: HistoryReader, latest: LatestPrices) {
    this.#instruments = instruments;
    this.#byId = new Map(instruments.map((instrument) => [instrument.id, instrument]));
    this.#history = history;
    this.#latest = latest;
  }

  /** Never rejects: what goes wrong is an answer too (400, 404; 503 when the store fails). */
  async answer(kind: unknown, params: unknown): Promise<Answer> {
    try {
      return { status: 200, contentType: jsonType, body: bytes(await this.#text(kind, params)) };
    } catch (error) {
      if (error instanceof Problem) return problem(error.status, error.message);
      return problem(503, `the store does not answer: ${(error as Error).message}`);
    }
  }

  async #text(kind: unknown, params: unknown): Promise<string> {
    switch (kind) {
      case 'symbols':
        checked(noParams, params ?? {});
        return symbolsJson(this.#instruments);
      case 'price':
        return this.#price(checked(subjectParams, params));
      case 'bars':
        return this.#bars(checked(barsParams, params));
      case 'trades':
        return this.#trades(checked(tradesParams, params));
      case 'enigma':
        return this.#enigma(checked(subjectParams, params));
      default:
        throw new Problem(
          400,
          `kind ${JSON.stringify(kind)} is none of symbols, price, bars, trades, enigma`,
        );
    }
  }

  async #price(subject: z.infer<typeof subjectParams>): Promise<string> {
    const instrument = this.#find(subject);
    const latest = await this.#latest.get(instrument.id);
    if (latest === undefined) throw new Problem(404, `${instrument.symbol} has no price yet`);
    return priceJson(instrument, latest);
  }

  async #bars(params: z.infer<typeof barsParams>): Promise<string> {
    const instrument = this.#find(params);
    const { resolution, from, to, limit } = params;
    const bars = await this.#history.bars({ symbol: instrument.symbol, resolution, from, to, limit });
    return barsJson(instrument, resolutions[resolution]!, bars);
  }

  /** Without `fromId`, the newest that are stored: the latest id in memory is ahead of the stores by a commit. */
  async #trades(params: z.infer<typeof tradesParams>): Promise<string> {
    const instrument = this.#find(params);
    const { fromId = 0, toId, limit } = params;
    const newest = params.fromId === undefined;
    const trades = await this.#history.trades({ symbol: instrument.symbol, fromId, toId, limit, newest });
    return tradesJson(instrument, trades);
  }

  async #enigma(subject: z.infer<typeof subjectParams>): Promise<string> {
    const instrument = this.#find(subject);
    const enigma = await this.#history.enigma(instrument.symbol);
    if (enigma === undefined) throw new Problem(404, `${instrument.symbol} has no Enigma level yet`);
    return enigmaJson(instrument, enigma, await this.#latest.get(instrument.id));
  }

  #find({ instrument: id, symbol }: z.infer<typeof subjectParams>): Instrument {
    const instrument = this.#byId.get(id);
    if (instrument?.symbol !== symbol) throw new Problem(404, `symbol ${symbol} with id ${id} is unknown`);
    return instrument;
  }
}

function checked<T extends z.ZodType>(schema: T, params: unknown): z.infer<T> {
  const result = schema.safeParse(params);
  if (!result.success) throw new Problem(400, faultsOf(result.error));
  return result.data;
}

function problem(status: number, detail: string): Answer {
  const body = { type: 'about:blank', title: titles[status], status, detail, error: detail };
  return { status, contentType: 'application/problem+json', body: bytes(JSON.stringify(body)) };
}

const encoder = new TextEncoder();
function bytes(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}
