/** The venue's REST interface under /api/v3: routes, weights and refusals. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { klineRow } from '../bar.ts';
import type { Floor, VenueSource } from '../dialect.ts';
import { isInterval, nextOpen } from '../interval.ts';
import type { SymbolView } from '../source.ts';
import { exchangeInfo } from './exchange-info.ts';
import { Query, RestRefusal } from './query.ts';
import { bookTicker, dayTicker } from './ticker.ts';
import { aggregateRows, tradeRows } from './trade-rows.ts';
import { WeightMeter } from './weight.ts';

interface Route {
  weight(query: Query): number;
  answer(query: Query, source: VenueSource, floor: Floor): string;
}

const fixed = (weight: number) => (): number => weight;

const routes: ReadonlyMap<string, Route> = new Map(
  Object.entries({
    ping: { weight: fixed(1), answer: () => '{}' },
    time: { weight: fixed(1), answer: (_query, source) => `{"serverTime":${Math.floor(source.nowMs())}}` },
    exchangeInfo: {
      weight: fixed(20),
      answer: (query, source, { limits }) =>
        exchangeInfo(Math.floor(source.nowMs()), listed(query, source), limits.restBudget),
    },
    depth: { weight: depthWeight, answer: depth },
    trades: { weight: fixed(25), answer: (query, source) => tradeRows(query, view(query, source)) },
    historicalTrades: { weight: fixed(25), answer: (query, source) => tradeRows(query, view(query, source)) },
    aggTrades: { weight: fixed(4), answer: (query, source) => aggregateRows(query, view(query, source)) },
    klines: { weight: fixed(2), answer: klines },
    'ticker/24hr': {
      weight: (query) => tickerWeight(query, 2, 80),
      answer: (query, source) => perSymbol(query, source, (each) => dayTicker(each, source.nowMs())),
    },
    'ticker/bookTicker': {
      weight: (query) => tickerWeight(query, 2, 4),
      answer: (query, source) => perSymbol(query, source, bookTicker),
    },
  }),
);
const prefix = '/api/v3/';

export class Rest {
  readonly #source: VenueSource;
  readonly #floor: Floor;
  readonly #meter: WeightMeter;

  constructor(source: VenueSource, floor: Floor) {
    this.#source = source;
    this.#floor = floor;
    this.#meter = new WeightMeter(floor.limits);
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const address = URL.parse(request.url ?? '/', 'http://simulator');
    const path = address?.pathname ?? '';
    const route = path.startsWith(prefix) ? routes.get(path.slice(prefix.length)) : undefined;
    const { tally } = this.#floor;
    if (address === null || route === undefined || request.method !== 'GET') {
      tally.requestsRefused++;
      return respond(response, route === undefined ? 404 : 405, '{"code":-1000,"msg":"Path not found."}');
    }
    try {
      const query = new Query(address.searchParams);
      if (!this.#allowed(route.weight(query), response)) return;
      const body = route.answer(query, this.#source, this.#floor);
      tally.requestsServed++;
      respond(response, 200, body);
    } catch (error) {
      if (!(error instanceof RestRefusal)) throw error;
      tally.requestsRefused++;
      respond(response, error.status, `{"code":${error.code},"msg":${JSON.stringify(error.message)}}`);
    }
  }

  #allowed(weight: number, response: ServerResponse): boolean {
    const { used, status, retryAfterSeconds } = this.#meter.take(weight, Date.now());
    response.setHeader('X-MBX-USED-WEIGHT', used);
    response.setHeader('X-MBX-USED-WEIGHT-1M', used);
    if (status === undefined) return true;
    this.#floor.tally.requestsRefused++;
    response.setHeader('Retry-After', retryAfterSeconds);
    const { restBudget } = this.#floor.limits;
    const message =
      status === 429
        ? `Too much request weight used; current limit is ${restBudget} request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.`
        : `Way too much request weight used; IP banned until ${Date.now() + retryAfterSeconds * 1_000}. Please use WebSocket Streams for live updates to avoid bans.`;
    respond(response, status, `{"code":-1003,"msg":${JSON.stringify(message)}}`);
    return false;
  }
}

function respond(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'Content-Type': 'application/json;charset=UTF-8',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

function view(query: Query, source: VenueSource): SymbolView {
  return viewOf(query.required('symbol'), source);
}

function viewOf(symbol: string, source: VenueSource): SymbolView {
  if (!/^[A-Z0-9-_.]{1,20}$/.test(symbol)) {
    throw new RestRefusal(
      -1100,
      "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.",
    );
  }
  const found = source.view(symbol);
  if (found === undefined) throw new RestRefusal(-1121, 'Invalid symbol.');
  return found;
}

function listed(query: Query, source: VenueSource): readonly SymbolView[] {
  const names = query.symbols() ?? source.listing.map((row) => row.symbol);
  return names.map((name) => viewOf(name, source));
}

/** One object for ?symbol=, a list for ?symbols= and for all. */
function perSymbol(query: Query, source: VenueSource, answer: (view: SymbolView) => string): string {
  const symbol = query.text('symbol');
  if (symbol !== undefined && query.text('symbols') === undefined) return answer(viewOf(symbol, source));
  const names = query.symbols() ?? source.listing.map((row) => row.symbol);
  return `[${names.map((name) => answer(viewOf(name, source))).join(',')}]`;
}

function tickerWeight(query: Query, one: number, all: number): number {
  return query.text('symbol') !== undefined ? one : all;
}

function depthWeight(query: Query): number {
  const limit = query.limit(100, 5_000);
  if (limit <= 100) return 5;
  if (limit <= 500) return 25;
  return limit <= 1_000 ? 50 : 250;
}

function depth(query: Query, source: VenueSource): string {
  const { lastUpdateId, bids, asks } = view(query, source).depth(query.limit(100, 5_000));
  return JSON.stringify({ lastUpdateId, bids, asks });
}

function klines(query: Query, source: VenueSource): string {
  const symbol = view(query, source);
  const interval = query.required('interval');
  if (!isInterval(interval)) throw new RestRefusal(-1120, 'Invalid interval.');
  const zone = query.text('timeZone');
  if (zone !== undefined && !/^[+-]?0?0?(:00)?$/.test(zone)) {
    throw new RestRefusal(-1130, "Data sent for parameter 'timeZone' is not valid."); // bars here are in UTC only
  }
  const until = Math.min(query.whole('endTime') ?? Infinity, source.nowMs());
  const bars = symbol.bars(interval, query.whole('startTime'), until, query.limit(500, 1_000));
  const rows = bars.map((bar) => klineRow(bar, nextOpen(interval, bar.openMs) - 1, symbol.instrument));
  return `[${rows.join(',')}]`;
}
