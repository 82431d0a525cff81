/** Answers what HTTP asks of the stores, as finished bytes. */
import type { z } from 'zod';
import type { Counted, HistoryReader } from '../market/history.ts';
import type { Instrument } from '../market/instrument.ts';
import { type LatestPrice, type LatestPrices, scaleDigits } from '../market/latest.ts';
import { resolutions } from '../market/resolution.ts';
import { bookJson } from './book-json.ts';
import { barsJson, enigmaJson, priceJson, symbolsJson, tradesJson } from './market-json.ts';
import type { SharedBooks } from './memory-books.ts';
import { barsParams, bookParams, faultsOf, noParams, subjectParams, tradesParams } from './query-params.ts';

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

/** A history that knows the decimals of what it reads, while they may change. */
export interface CountedHistory extends HistoryReader {
  counted<T>(symbol: string, read: () => Promise<T>): Promise<Counted<T>>;
}

export class MarketQueries {
  #instruments: readonly Instrument[] = [];
  #byId: ReadonlyMap<number, Instrument> = new Map();
  /** With the decimals that each had when it was first told: those that `scale` of a latest price counts from. */
  readonly #first = new Map<number, Instrument>();
  readonly #history: HistoryReader & Partial<CountedHistory>;
  readonly #latest: LatestPrices;
  readonly #books: SharedBooks;

  constructor(
    instruments: readonly Instrument[],
    history: HistoryReader & Partial<CountedHistory>,
    latest: LatestPrices,
    books: SharedBooks,
  ) {
    this.adopt(instruments);
    this.#history = history;
    this.#latest = latest;
    this.#books = books;
  }

  /** Another version of the dictionary. */
  adopt(instruments: readonly Instrument[]): void {
    this.#instruments = instruments;
    this.#byId = new Map(instruments.map((instrument) => [instrument.id, instrument]));
    for (const one of instruments) if (!this.#first.has(one.id)) this.#first.set(one.id, one);
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
      case 'book':
        return this.#book(checked(bookParams, params));
      default:
        throw new Problem(
          400,
          `kind ${JSON.stringify(kind)} is none of symbols, price, bars, trades, enigma, book`,
        );
    }
  }

  async #price(subject: z.infer<typeof subjectParams>): Promise<string> {
    const instrument = this.#find(subject);
    const latest = await this.#latest.get(instrument.id);
    if (latest === undefined) throw new Problem(404, `${instrument.symbol} has no price yet`);
    return priceJson(this.#asShared(instrument, latest), latest);
  }

  async #bars(params: z.infer<typeof barsParams>): Promise<string> {
    const instrument = this.#find(params);
    const { resolution, from, to, limit } = params;
    const query = { symbol: instrument.symbol, resolution, from, to, limit };
    const [stored, bars] = await this.#stored(instrument, () => this.#history.bars(query));
    return barsJson(stored, resolutions[resolution]!, bars);
  }

  /** Without `fromId`, the newest that are stored: the latest id in memory is ahead of the stores by a commit. */
  async #trades(params: z.infer<typeof tradesParams>): Promise<string> {
    const instrument = this.#find(params);
    const { fromId = 0, toId, limit } = params;
    const newest = params.fromId === undefined;
    const query = { symbol: instrument.symbol, fromId, toId, limit, newest };
    const [stored, trades] = await this.#stored(instrument, () => this.#history.trades(query));
    return tradesJson(stored, trades);
  }

  async #enigma(subject: z.infer<typeof subjectParams>): Promise<string> {
    const instrument = this.#find(subject);
    const { id, symbol } = instrument;
    const [stored, enigma] = await this.#stored(instrument, () => this.#history.enigma(symbol));
    if (enigma === undefined) throw new Problem(404, `${symbol} has no Enigma level yet`);
    const latest = await this.#latest.get(id);
    // The stores follow the shard after a moment: a price that is counted otherwise is left out.
    const isCountedAlike = this.#asShared(instrument, latest).priceDecimals === stored.priceDecimals;
    return enigmaJson(stored, enigma, isCountedAlike ? latest : undefined);
  }

  /** Only a book that is live is shown: one that waits for its snapshot may be wrong anywhere. */
  async #book(params: z.infer<typeof bookParams>): Promise<string> {
    const instrument = this.#find(params);
    const before = await this.#latest.get(instrument.id);
    const reading = this.#books.read(instrument.id, params.depth);
    const text = reading.state === 'live' ? bookJson(this.#asShared(instrument, before), reading.book) : '';
    // A book is forgotten when its decimals change, and has other ones only when the latest price tells of them.
    const isCountedAlike = before?.scale === (await this.#latest.get(instrument.id))?.scale;
    if (reading.state === 'live' && isCountedAlike) return text;
    if (reading.state === 'none') throw new Problem(404, `${instrument.symbol} has no order book yet`);
    throw new Problem(
      503,
      `the order book of ${instrument.symbol} is being synchronised: ask again in a second`,
    );
  }

  /** With the decimals of what is read from the stores. */
  async #stored<T>(instrument: Instrument, read: () => Promise<T>): Promise<[Instrument, T]> {
    const { decimals, found } =
      this.#history.counted === undefined
        ? { decimals: undefined, found: await read() }
        : await this.#history.counted(instrument.symbol, read);
    return [{ ...instrument, ...decimals }, found];
  }

  /** With the decimals by which its shard counts now. */
  #asShared(instrument: Instrument, latest: LatestPrice | undefined): Instrument {
    const { priceDecimals, sizeDecimals } = this.#first.get(instrument.id) ?? instrument;
    const digits = scaleDigits(latest?.scale ?? 0);
    return {
      ...instrument,
      priceDecimals: priceDecimals + digits.price,
      sizeDecimals: sizeDecimals + digits.size,
    };
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
