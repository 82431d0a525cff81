/** Binance's REST calls against a small server that answers as Binance does. */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { binance } from '../../src/feeds/binance/venue.ts';
import { type RestFault, type RestOptions, restDefaults, restPriority } from '../../src/feeds/venue-rest.ts';
import { dataText, HandTimers, hasData, instrument } from './market.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
}

const budget = { budget: 4_800, budgetMs: 60_000 };

async function venueRest(reply: (url: string) => Reply, changes: Partial<RestOptions> = {}) {
  const urls: string[] = [];
  const server = createServer((request, response) => {
    urls.push(request.url!);
    const { status = 200, headers = {}, body } = reply(request.url!);
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const timers = new HandTimers();
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { rest: binance.rest({ ...restDefaults, ...budget, baseUrl, timers, ...changes }), timers, urls };
}

const fault = async (asked: Promise<unknown>): Promise<Pick<RestFault, 'kind' | 'retryAfterMs'>> => {
  const error = (await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  )) as RestFault;
  expect(error?.name).toBe('RestFault');
  return { kind: error.kind, retryAfterMs: error.retryAfterMs };
};

const listed = (symbol: string, tickSize: string, stepSize: string, status = 'TRADING'): object => ({
  symbol,
  status,
  baseAsset: 'NKN',
  quoteAsset: 'USDT',
  filters: [
    { filterType: 'PRICE_FILTER', minPrice: '0', maxPrice: '1000', tickSize },
    { filterType: 'LOT_SIZE', minQty: '1', maxQty: '1000', stepSize },
    { filterType: 'NEW_FILTER', anything: [1] },
  ],
});

describe('instruments', () => {
  test('decimals from tick size and lot size, active when trading', async () => {
    const symbols = [
      listed('NKNUSDT', '0.00010000', '1.00000000'),
      listed('OLDUSDT', '1.00', '0.10', 'BREAK'),
    ];
    const { rest } = await venueRest(() => ({ body: { symbols } }));
    const [nkn, old] = await rest.instruments();
    expect(nkn).toEqual({
      venue: 'BINANCE',
      native: 'NKNUSDT',
      symbol: 'BINANCE:NKNUSDT',
      base: 'NKN',
      quote: 'USDT',
      priceDecimals: 4,
      sizeDecimals: 0,
      active: true,
    });
    expect(old).toMatchObject({ priceDecimals: 0, sizeDecimals: 1, active: false });
  });

  test.skipIf(!hasData('binance-exchangeInfo-2021-10-12.json.gz'))('the real list of 2021', async () => {
    const file = join(import.meta.dirname, '../../../shared/data/binance-exchangeInfo-2021-10-12.json.gz');
    const { rest } = await venueRest(() => ({ body: gunzipSync(readFileSync(file)).toString() }));
    const all = await rest.instruments();
    expect(all.length).toBe(1_695);
    expect(all.find(({ native }) => native === 'BTCUSDT')).toMatchObject({
      priceDecimals: 2,
      sizeDecimals: 5,
      active: true,
    });
  });

  test('a symbol without its filters, no JSON, a page of an error: each a typed fault', async () => {
    const bodies: unknown[] = [
      { symbols: [{ ...listed('X', '1', '1'), filters: [] }] },
      '<html>',
      { symbols: 7 },
      { symbols: [{ symbol: 7 }] },
    ];
    for (const body of bodies) {
      const { rest } = await venueRest(() => ({ body }));
      expect(await fault(rest.instruments())).toEqual({ kind: 'malformed', retryAfterMs: 0 });
    }
  });
});

describe('candles', () => {
  const row = [
    1_723_075_200_000,
    '0.35130000',
    '0.36',
    '0.34',
    '0.3500',
    '1000',
    1_723_161_599_999,
    '351.30000000',
    12,
    '400',
    '140.52',
    '0',
  ];

  test('scaled whole numbers, sums beyond 2^53 exact, times in µs', async () => {
    const big = [...row.slice(0, 5), '123456789012345678', ...row.slice(6)];
    const { rest, urls } = await venueRest(() => ({ body: [row, big] }));
    const candles = await rest.candles(instrument(1, 'NKNUSDT', 4, 0), {
      resolution: 7,
      priority: restPriority.backfill,
      from: 1_000_500,
      to: 9_999_900,
      limit: 500,
    });
    expect(urls).toEqual(['/api/v3/klines?symbol=NKNUSDT&interval=1d&limit=500&startTime=1001&endTime=9999']);
    expect(candles[0]).toEqual({
      openTime: 1_723_075_200_000_000,
      open: 3_513,
      high: 3_600,
      low: 3_400,
      close: 3_500,
      volume: 1_000n,
      quoteVolume: 3_513_000n,
      count: 12,
      takerBuyVolume: 400n,
      takerBuyQuoteVolume: 1_405_200n,
    });
    expect(candles[1]!.volume).toBe(123_456_789_012_345_678n);
  });

  test('each length by its name there; five seconds it does not have', async () => {
    const { rest, urls } = await venueRest(() => ({ body: [] }));
    const query = { limit: 5_000, priority: restPriority.backfill };
    for (const resolution of rest.candleResolutions)
      await rest.candles(instrument(1, 'X'), { ...query, resolution });
    expect(urls.map((url) => /interval=(\w+)&limit=1000/.exec(url)?.[1])).toEqual([
      '1s',
      '1m',
      '5m',
      '15m',
      '1h',
      '4h',
      '1d',
      '1w',
      '1M',
    ]);
    expect(await fault(rest.candles(instrument(1, 'X'), { ...query, resolution: 1 }))).toMatchObject({
      kind: 'refused',
    });
  });

  test('what does not fit the instrument’s decimals is a fault', async () => {
    const { rest } = await venueRest(() => ({ body: [row] }));
    expect(
      await fault(
        rest.candles(instrument(1, 'NKNUSDT', 2, 0), {
          resolution: 7,
          priority: restPriority.backfill,
          limit: 1,
        }),
      ),
    ).toMatchObject({ kind: 'malformed' });
  });
});

describe('limits', () => {
  test('429: nothing is asked before Retry-After', async () => {
    let status = 429;
    const { rest, timers, urls } = await venueRest(() => ({
      status,
      headers: { 'Retry-After': '7' },
      body: { serverTime: 5 },
    }));
    expect(await fault(rest.time())).toEqual({ kind: 'limited', retryAfterMs: 7_000 });
    status = 200;
    timers.advance(6_999);
    expect(await fault(rest.time())).toEqual({ kind: 'limited', retryAfterMs: 1 });
    expect(urls.length).toBe(1);
    timers.advance(1);
    expect(await rest.time()).toBe(5_000);
  });

  test('418: banned, two minutes at least', async () => {
    const { rest, timers, urls } = await venueRest(() => ({ status: 418, body: {} }));
    expect(await fault(rest.time())).toEqual({ kind: 'banned', retryAfterMs: 120_000 });
    timers.advance(60_000);
    expect(await fault(rest.time())).toEqual({ kind: 'banned', retryAfterMs: 60_000 });
    expect(urls.length).toBe(1);
  });

  test('scenario 10: 451 stops for five minutes, and a ban is not shortened by a 429 still under way', async () => {
    const answers = [451, 429];
    const { rest, timers, urls } = await venueRest(() => ({
      status: answers.shift() ?? 200,
      headers: { 'retry-after': '1' },
      body: { serverTime: 5 },
    }));
    const [first, second] = await Promise.all([fault(rest.time()), fault(rest.time())]);
    expect([first, second].map(({ kind }) => kind).toSorted()).toEqual(['banned', 'limited']);
    timers.advance(299_999);
    expect(await fault(rest.time())).toEqual({ kind: 'banned', retryAfterMs: 1 });
    expect(urls.length).toBe(2);
    expect(rest.budget()).toMatchObject({ limited: 1, banned: 1, pausedMs: 1 });
    timers.advance(1);
    expect(await rest.time()).toBe(5_000);
  });

  test('scenario 10: all who wait in line are told at once, and how long', async () => {
    const { rest, urls } = await venueRest(
      () => ({ status: 429, headers: { 'retry-after': '30' }, body: {} }),
      { budget: 1 },
    );
    const asked = [fault(rest.time()), fault(rest.time()), fault(rest.time())];
    for (const answer of await Promise.all(asked))
      expect(answer).toEqual({ kind: 'limited', retryAfterMs: 30_000 });
    expect(urls.length).toBe(1);
  });

  test('the used weight is watched: the answer is taken, the next question waits a minute', async () => {
    const { rest, timers, urls } = await venueRest(() => ({
      headers: { 'X-MBX-USED-WEIGHT-1M': '4800' },
      body: { serverTime: 5 },
    }));
    expect(await rest.time()).toBe(5_000);
    const next = rest.time();
    expect(rest.budget()).toMatchObject({ used: 4_800, most: 4_800, waiting: 1, pausedMs: 60_000 });
    timers.advance(59_999);
    expect(urls.length).toBe(1);
    timers.advance(1);
    expect(await next).toBe(5_000);
  });

  test('once called off, nothing is asked and what is under way ends', async () => {
    const off = new AbortController();
    const { rest } = await venueRest(() => ({ body: { serverTime: 5 } }), { signal: off.signal, budget: 1 });
    const asked = [fault(rest.time()), fault(rest.time())];
    off.abort();
    for (const answer of await Promise.all([...asked, fault(rest.time())]))
      expect(answer).toEqual({ kind: 'unreachable', retryAfterMs: 0 });
  });

  test('an error, an endless answer, no answer, nobody there', async () => {
    const { rest } = await venueRest(() => ({ status: 400, body: { code: -1121, msg: 'Invalid symbol.' } }));
    await expect(rest.time()).rejects.toThrow('400: {"code":-1121,"msg":"Invalid symbol."}');
    expect(await fault(rest.time())).toMatchObject({ kind: 'refused' });
    const ill = await venueRest(() => ({ status: 503, body: 'maintenance' }));
    expect(await fault(ill.rest.time())).toMatchObject({ kind: 'unreachable' });
    const long = await venueRest(() => ({ body: 'x'.repeat(5_000) }), { bytesMax: 1_000 });
    expect(await fault(long.rest.time())).toMatchObject({ kind: 'malformed' });
    const nobody = { ...restDefaults, ...budget, baseUrl: 'http://127.0.0.1:1', timers: new HandTimers() };
    expect(await fault(binance.rest(nobody).time())).toMatchObject({ kind: 'unreachable' });
    const late = await venueRest(() => ({ body: { serverTime: 5 } }), {
      timeoutMs: 20,
      fetch: (_url, init) =>
        new Promise((_resolve, reject) => {
          init!.signal!.addEventListener('abort', () => reject(new Error('aborted')));
        }),
    });
    expect(await fault(late.rest.time())).toMatchObject({ kind: 'unreachable' });
  });
});

const trade = (id: number): object => ({
  id,
  price: '4.00010000',
  qty: '12.00000000',
  quoteQty: '48.0012',
  time: 1_499_865_549_590,
  isBuyerMaker: id % 2 === 0,
  isBestMatch: true,
});

describe('trades by id', () => {
  test('trades: from an id on, none beyond the range, the taker’s side from isBuyerMaker', async () => {
    const { rest, urls } = await venueRest(() => ({ body: [9, 8, 11].map(trade) }));
    const found = await rest.trades(instrument(1, 'NKNUSDT', 4, 0), 'trade', 8, 10);
    expect(urls).toEqual(['/api/v3/historicalTrades?symbol=NKNUSDT&fromId=8&limit=3']);
    expect(found.map(({ id }) => id)).toEqual([8, 9]);
    expect(found[0]).toEqual({
      id: 8,
      time: 1_499_865_549_590_000,
      price: 40_001,
      size: 12,
      firstId: 8,
      lastId: 8,
      takerSold: true,
    });
    expect(rest.budget().used).toBe(25);
  });

  test('aggregates: by their own ids, with first and last trade, a thousand at most', async () => {
    const row = { a: 26, p: '0.0163', q: '4', f: 81, l: 83, T: 1_498_793_709_153, m: false, M: true };
    const { rest, urls } = await venueRest(() => ({ body: [row] }));
    const found = await rest.trades(instrument(1, 'NKNUSDT', 4, 0), 'aggTrade', 26, 5_000);
    expect(urls).toEqual(['/api/v3/aggTrades?symbol=NKNUSDT&fromId=26&limit=1000']);
    expect(found).toEqual([
      { id: 26, time: 1_498_793_709_153_000, price: 163, size: 4, firstId: 81, lastId: 83, takerSold: false },
    ]);
    expect(rest.budget().used).toBe(4);
  });

  test.skipIf(!hasData('binance-rest-payloads.jsonl'))('the documents’ own examples are read', async () => {
    const bodies = new Map(
      dataText('binance-rest-payloads.jsonl')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { section: string; payload: unknown })
        .map(({ section, payload }) => [section, payload]),
    );
    const sections: Record<string, string> = {
      historicalTrades: 'Old trade lookup',
      aggTrades: 'Compressed/Aggregate trades list',
      depth: 'Order book',
      klines: 'Kline/Candlestick data',
      time: 'Check server time',
    };
    const { rest } = await venueRest((url) => ({ body: bodies.get(sections[/v3\/(\w+)/.exec(url)![1]!]!) }));
    const eth = instrument(1, 'ETHBTC', 8, 8);
    expect(await rest.trades(eth, 'trade', 28_457, 28_457)).toMatchObject([{ price: 400_000_100 }]);
    expect(await rest.trades(eth, 'aggTrade', 26_129, 26_130)).toMatchObject([{ firstId: 27_781 }]);
    expect(await rest.book(eth, 100, restPriority.book)).toMatchObject({ lastId: 1_027_024, whole: true });
    const candles = { resolution: 7, limit: 1, priority: restPriority.backfill };
    expect(await rest.candles(eth, candles)).toMatchObject([{ count: 308 }]);
    expect(await rest.time()).toBe(1_499_827_319_559_000);
  });
});

describe('books', () => {
  test.each([
    [1, 100, 5],
    [100, 100, 5],
    [101, 500, 25],
    [1_000, 1_000, 50],
    [1_001, 5_000, 250],
    [9_000, 5_000, 250],
  ])('%i levels: limit %i at weight %i', async (levels, limit, weight) => {
    const side = Array.from({ length: 100 }, (_, i) => [`${i + 1}.0000`, '2']);
    const { rest, urls } = await venueRest(() => ({
      body: { lastUpdateId: 7, bids: side.toReversed(), asks: side },
    }));
    const book = await rest.book(instrument(1, 'NKNUSDT', 4, 0), levels, restPriority.watchedBook);
    expect(urls).toEqual([`/api/v3/depth?symbol=NKNUSDT&limit=${limit}`]);
    expect(rest.budget().used).toBe(weight);
    expect(book).toMatchObject({ lastId: 7, time: 0, whole: limit > 100 });
    expect(Array.from(book.bids.slice(0, 4))).toEqual([1_000_000, 2, 990_000, 2]);
    expect(Array.from(book.asks.slice(0, 2))).toEqual([10_000, 2]);
  });
});
