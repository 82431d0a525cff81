/** Binance's REST calls against a small server that answers as Binance does. */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { binance } from '../../src/feeds/binance/venue.ts';
import { type RestFault, type RestOptions, restDefaults } from '../../src/feeds/venue.ts';
import { HandTimers, hasData, instrument } from './market.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
}

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
  return { rest: binance.rest({ ...restDefaults, baseUrl, timers, ...changes }), timers, urls };
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
      interval: '1d',
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

  test('what does not fit the instrument’s decimals is a fault', async () => {
    const { rest } = await venueRest(() => ({ body: [row] }));
    expect(
      await fault(rest.candles(instrument(1, 'NKNUSDT', 2, 0), { interval: '1d', limit: 1 })),
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

  test('the used weight is watched: the answer is taken, the next question waits a minute', async () => {
    const { rest, timers } = await venueRest(() => ({
      headers: { 'X-MBX-USED-WEIGHT-1M': '4800' },
      body: { serverTime: 5 },
    }));
    expect(await rest.time()).toBe(5_000);
    expect(await fault(rest.time())).toEqual({ kind: 'limited', retryAfterMs: 60_000 });
    timers.advance(60_000);
    expect(await rest.time()).toBe(5_000);
  });

  test('an error, an endless answer, no answer, nobody there', async () => {
    const { rest } = await venueRest(() => ({ status: 400, body: { code: -1121, msg: 'Invalid symbol.' } }));
    await expect(rest.time()).rejects.toThrow('400: {"code":-1121,"msg":"Invalid symbol."}');
    const long = await venueRest(() => ({ body: 'x'.repeat(5_000) }), { bytesMax: 1_000 });
    expect(await fault(long.rest.time())).toMatchObject({ kind: 'malformed' });
    const nobody = binance.rest({ ...restDefaults, baseUrl: 'http://127.0.0.1:1', timers: new HandTimers() });
    expect(await fault(nobody.time())).toMatchObject({ kind: 'unreachable' });
  });
});
