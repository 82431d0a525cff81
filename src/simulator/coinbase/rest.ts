/** The venue's REST interface: products, books, trades, candles and statistics. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Floor, VenueSource } from '../dialect.ts';
import { exactly, padded, trimmed } from '../digits.ts';
import { RequestBudget } from '../request-budget.ts';
import type { SymbolView } from '../source.ts';
import { candleRows, dayStats } from './candles.ts';
import { isoTime } from './notation.ts';
import { productText } from './products.ts';
import { Refusal } from './refusal.ts';
import { tradePage } from './trade-page.ts';

interface Answer {
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Route = (view: SymbolView, query: URLSearchParams, nowMs: number) => Answer;

const ofProduct: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['', (view) => ({ body: productText(view.instrument, view.status === 'TRADING') })],
  ['book', book],
  ['trades', (view, query) => tradePage(view, query)],
  ['candles', (view, query, nowMs) => ({ body: candleRows(view, query, nowMs) })],
  ['stats', (view, _query, nowMs) => ({ body: dayStats(view, nowMs) })],
  ['ticker', (view, _query, nowMs) => ({ body: ticker(view, nowMs) })],
]);

export class CoinbaseRest {
  readonly #source: VenueSource;
  readonly #floor: Floor;
  readonly #budget: RequestBudget;

  constructor(source: VenueSource, floor: Floor) {
    this.#source = source;
    this.#floor = floor;
    this.#budget = new RequestBudget(floor.limits.restBudget, floor.limits.restWindowMs);
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const { tally } = this.#floor;
    try {
      if (!this.#budget.take(request.socket.remoteAddress ?? '', performance.now()))
        throw new Refusal(429, 'Public rate limit exceeded');
      if (request.method !== 'GET') throw new Refusal(405, 'Method Not Allowed');
      const { body, headers = {} } = this.#answer(request.url ?? '/');
      tally.requestsServed++;
      respond(response, 200, body, headers);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      tally.requestsRefused++;
      respond(response, error.status, JSON.stringify({ message: error.message }), {});
    }
  }

  #answer(url: string): Answer {
    const address = URL.parse(url, 'http://simulator');
    if (address === null) throw new Refusal(404, 'NotFound');
    const [, root, id, what = '', ...more] = address.pathname.split('/');
    const source = this.#source;
    if (root === 'time' && id === undefined) return { body: time(source.nowMs()) };
    if (root !== 'products' || more.length > 0) throw new Refusal(404, 'NotFound');
    if (id === undefined || id === '') return { body: this.#products() };
    const view = source.view(decodeURIComponent(id));
    const route = ofProduct.get(what);
    if (view === undefined || route === undefined) throw new Refusal(404, 'NotFound');
    return route(view, address.searchParams, source.nowMs());
  }

  #products(): string {
    const rows = this.#source.listing.map(({ symbol }) => {
      const view = this.#source.view(symbol);
      return view === undefined ? undefined : productText(view.instrument, view.status === 'TRADING');
    });
    return `[${rows.filter((row) => row !== undefined).join(',')}]`;
  }
}

function respond(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

function time(nowMs: number): string {
  const ms = Math.floor(nowMs);
  return `{"iso":"${new Date(ms).toISOString()}","epoch":${padded(ms, 3)}}`;
}

/** Level 1 is the best price of each side, level 2 the whole book; level 3 needs a key. */
function book(view: SymbolView, query: URLSearchParams, nowMs: number): Answer {
  const level = query.get('level') ?? '1';
  if (level !== '1' && level !== '2') throw new Refusal(400, 'Invalid level');
  const { lastUpdateId, bids, asks } = view.depth(level === '1' ? 1 : Infinity);
  const { trades } = view;
  const lastTradeId = trades.length === 0 ? 0 : trades.row(trades.length - 1).lastId;
  const { priceDecimals, sizeDecimals } = view.instrument;
  const rows = (levels: readonly (readonly [string, string])[]): (readonly [string, string, number])[] =>
    levels.map(([price, size]) => [exactly(price, priceDecimals), exactly(size, sizeDecimals), 1]);
  return {
    body: JSON.stringify({
      bids: rows(bids),
      asks: rows(asks),
      sequence: lastUpdateId + 3 * lastTradeId,
      auction_mode: false,
      auction: null,
      time: isoTime(nowMs * 1_000),
    }),
  };
}

function ticker(view: SymbolView, nowMs: number): string {
  const { trades, instrument } = view;
  const { priceDecimals, sizeDecimals } = instrument;
  const quote = view.quote();
  const last = trades.length === 0 ? undefined : trades.row(trades.length - 1);
  const { volume } = JSON.parse(dayStats(view, nowMs)) as { volume: string };
  return JSON.stringify({
    ask: exactly(quote?.ask ?? '0', priceDecimals),
    bid: exactly(quote?.bid ?? '0', priceDecimals),
    volume,
    trade_id: last?.lastId ?? 0,
    price: trimmed(last?.price ?? 0, priceDecimals),
    size: trimmed(last?.size ?? 0, sizeDecimals),
    time: isoTime(last?.timeUs ?? nowMs * 1_000),
  });
}
