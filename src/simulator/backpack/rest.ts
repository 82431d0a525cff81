/** The venue's REST interface under /api/v1. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Floor, VenueSource } from '../dialect.ts';
import { exactly, padded } from '../digits.ts';
import { RequestBudget } from '../request-budget.ts';
import type { SymbolView } from '../source.ts';
import { dayTicker, klineRows } from './bars.ts';
import type { PastBook } from './lagging-book.ts';
import { type BackpackOptions, IdWriter } from './notation.ts';
import { marketText } from './products.ts';
import { Refusal, whole } from './refusal.ts';
import { tradeRows } from './trades.ts';

const prefix = '/api/v1/';
const depthLimits = [5, 10, 20, 50, 100, 500, 1_000];

type Rows = readonly (readonly [price: string, size: string])[];

export class BackpackRest {
  readonly #source: VenueSource;
  readonly #floor: Floor;
  readonly #ids: IdWriter;
  readonly #pastBook: (symbol: string) => PastBook | undefined;
  readonly #budget: RequestBudget;

  constructor(
    source: VenueSource,
    floor: Floor,
    options: BackpackOptions,
    pastBook: (symbol: string) => PastBook | undefined,
  ) {
    this.#source = source;
    this.#floor = floor;
    this.#ids = new IdWriter(options.ids);
    this.#pastBook = pastBook;
    this.#budget = new RequestBudget(floor.limits.restBudget, floor.limits.restWindowMs);
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const { tally } = this.#floor;
    try {
      if (!this.#budget.take(request.socket.remoteAddress ?? '', performance.now()))
        throw new Refusal(429, 'TOO_MANY_REQUESTS', 'Too many requests');
      const address = URL.parse(request.url ?? '/', 'http://simulator');
      if (request.method !== 'GET' || address === null || !address.pathname.startsWith(prefix))
        throw new Refusal(404, 'RESOURCE_NOT_FOUND', 'Resource not found');
      const body = this.#answer(address.pathname.slice(prefix.length), address.searchParams);
      tally.requestsServed++;
      respond(response, 200, body);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      tally.requestsRefused++;
      respond(response, error.status, JSON.stringify({ code: error.code, message: error.message }));
    }
  }

  #answer(path: string, query: URLSearchParams): string {
    const nowMs = this.#source.nowMs();
    switch (path) {
      case 'ping':
        return 'pong';
      case 'time':
        return String(Math.floor(nowMs));
      case 'status':
        return '{"message":null,"status":"Ok"}';
      case 'markets':
        return this.#all((view) => marketText(view.instrument, view.status === 'TRADING'));
      case 'tickers':
        return this.#all((view) => dayTicker(view, nowMs));
      case 'ticker':
        return dayTicker(this.#view(query), nowMs);
      case 'depth':
        return this.#depth(query, nowMs);
      case 'klines':
        return klineRows(this.#view(query), query, nowMs);
      case 'trades':
        return tradeRows(this.#view(query), query, false);
      case 'trades/history':
        return tradeRows(this.#view(query), query, true);
      default:
        throw new Refusal(404, 'RESOURCE_NOT_FOUND', 'Resource not found');
    }
  }

  #all(text: (view: SymbolView) => string): string {
    const views = this.#source.listing.map(({ symbol }) => this.#source.view(symbol));
    return `[${views
      .filter((view) => view !== undefined)
      .map(text)
      .join(',')}]`;
  }

  #view(query: URLSearchParams): SymbolView {
    const view = this.#source.view(query.get('symbol') ?? '');
    if (view === undefined) throw new Refusal(400, 'INVALID_CLIENT_REQUEST', 'Invalid symbol');
    return view;
  }

  /** Both sides rise in price: the best bid comes last. */
  #depth(query: URLSearchParams, nowMs: number): string {
    const view = this.#view(query);
    const { symbol, priceDecimals, sizeDecimals } = view.instrument;
    const limit = whole(query, 'limit') ?? 1_000;
    if (!depthLimits.includes(limit)) throw new Refusal(400, 'INVALID_CLIENT_REQUEST', 'Invalid limit');
    const past = this.#pastBook(symbol);
    const id = this.#ids.next();
    const text = (asks: Rows, bids: Rows, updateId: number, timeUs: number): string =>
      `{"asks":${JSON.stringify(asks.slice(0, limit))},"bids":${JSON.stringify(bids.slice(0, limit).toReversed())},` +
      `"lastUpdateId":${id(updateId)},"timestamp":${timeUs}}`;
    if (past !== undefined) {
      const rows = (levels: readonly number[]): Rows => pairs(levels, priceDecimals, sizeDecimals);
      return text(rows(past.asks), rows(past.bids), past.updateId, past.timeUs);
    }
    const { lastUpdateId, bids, asks } = view.depth(limit);
    const rows = (levels: Rows): Rows =>
      levels.map(([price, size]) => [exactly(price, priceDecimals), exactly(size, sizeDecimals)]);
    return text(rows(asks), rows(bids), lastUpdateId, Math.floor(nowMs * 1_000));
  }
}

function pairs(levels: readonly number[], priceDecimals: number, sizeDecimals: number): Rows {
  const out: [string, string][] = [];
  for (let i = 0; i < levels.length; i += 2)
    out.push([padded(levels[i]!, priceDecimals), padded(levels[i + 1]!, sizeDecimals)]);
  return out;
}

function respond(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'Content-Type': body === 'pong' ? 'text/plain; charset=utf-8' : 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}
