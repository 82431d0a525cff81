import { describe, expect, test } from 'vitest';
import { bookState, bookStride, bookTable, bookWord, bookWords, openBooks } from '../../src/market/book.ts';
import type { HistoryReader } from '../../src/market/history.ts';
import { MarketQueries } from '../../src/stores/market-queries.ts';
import { SharedBooks } from '../../src/stores/memory-books.ts';
import { MemoryHistory } from '../../src/stores/memory-history.ts';
import { latestPricesMemory, SharedLatestPrices } from '../../src/stores/memory-latest.ts';
import { latestOf } from './latest-exam.ts';
import { barOf, batchOf, instrumentOf, sampleTime, tradeOf } from './market-samples.ts';

const btc = { symbol: 'BINANCE:BTCUSDT', instrument: 1 };
const shib = { symbol: 'BINANCE:SHIBUSDT', instrument: 2 };
const dictionary = [instrumentOf(1, 'BTCUSDT'), instrumentOf(2, 'SHIBUSDT', 8, 0)];
const minute = 60_000_000;
const enigma = {
  instrument: 1,
  time: sampleTime,
  price: 150,
  level: 500_000,
  ath: 201,
  athTime: sampleTime - 1,
  atl: 100,
  atlTime: 0,
};

async function queriesOver(history = new MemoryHistory(dictionary)) {
  const latest = new SharedLatestPrices(latestPricesMemory(2));
  const tables = [bookTable(2, 10)];
  const queries = new MarketQueries(dictionary, history, latest, new SharedBooks(tables));
  const text = async (kind: unknown, params?: unknown): Promise<string> => {
    const answer = await queries.answer(kind, params);
    expect(answer).toMatchObject({ status: 200, contentType: 'application/json; charset=utf-8' });
    return new TextDecoder().decode(answer.body);
  };
  const problem = async (kind: unknown, params?: unknown): Promise<[number, string]> => {
    const answer = await queries.answer(kind, params);
    expect(answer.contentType).toBe('application/problem+json');
    const body = JSON.parse(new TextDecoder().decode(answer.body)) as Record<string, string>;
    expect(body).toEqual({
      type: 'about:blank',
      title: expect.any(String),
      status: answer.status,
      detail: body['error'],
      error: body['error'],
    });
    return [answer.status, body['error']!];
  };
  return { history, latest, text, problem, books: openBooks(tables[0]!) };
}

test('bars that are the venue’s own candles say so', async () => {
  const { history, text } = await queriesOver();
  await history.write(batchOf({ backfill: [barOf(sampleTime)], bars: [barOf(sampleTime + minute)] }));
  const { bars } = JSON.parse(await text('bars', { ...btc, resolution: '1m' })) as { bars: object[] };
  expect(bars.map((bar) => Object.hasOwn(bar, 'backfilled'))).toEqual([true, false]);
  expect(bars[0]).toMatchObject({ backfilled: true });
});

test('a book is answered only while it is live: its best levels first, to the byte', async () => {
  const { text, problem, books } = await queriesOver();
  expect(await problem('book', shib)).toEqual([404, 'BINANCE:SHIBUSDT has no order book yet']);
  const at = bookStride(10);
  books.words[at + bookWord.state] = bookState.syncing;
  expect((await problem('book', shib))[0]).toBe(503);
  books.words.set([bookState.live, 77, 1_500_000, 3, 1, 0, Number.POSITIVE_INFINITY], at);
  // Worst first, as the shard keeps them.
  books.words.set([100, 7, 101, 8, 102, 9], at + bookWords);
  books.words.set([103, 5], at + bookWords + 20);
  const head = '{"symbol":"BINANCE:SHIBUSDT","lastId":77,"timestamp":1500,';
  expect(await text('book', { ...shib, depth: 2 })).toBe(
    `${head}"bids":[[0.00000102,9],[0.00000101,8]],"asks":[[0.00000103,5]],"whole":{"bids":false,"asks":true}}`,
  );
  expect(await problem('book', { ...shib, depth: 0 })).toEqual([400, 'depth is below 1']);
});

describe('what is answered, to the byte', () => {
  test('symbols', async () => {
    const { text } = await queriesOver();
    const all = await text('symbols');
    expect(all).toContain('"priceDecimals":8,"sizeDecimals":0,"tickSize":0.00000001}');
    expect(JSON.parse(all)[0]).toEqual({
      symbol: 'BINANCE:BTCUSDT',
      id: 1,
      name: 'BTC/USDT',
      base_currency: 'BTC',
      quote_currency: 'USDT',
      is_active: true,
      venue: 'BINANCE',
      native: 'BTCUSDT',
      priceDecimals: 2,
      sizeDecimals: 5,
      tickSize: 0.01,
    });
  });

  test('price: exact decimals, null for what was not seen', async () => {
    const { latest, text } = await queriesOver();
    latest.put(latestOf(1, { price: 6_183_760, size: 10, time: 1_723_161_600_123_999 }));
    expect(await text('price', btc)).toBe(
      '{"symbol":"BINANCE:BTCUSDT","price":61837.60,"bid":61837.62,"ask":61837.64,"volume":0.00010,"timestamp":1723161600123}',
    );
    latest.put(latestOf(2, { price: 0, size: 0, tradeId: 0, bid: 0, ask: 1 }));
    expect(await text('price', shib)).toMatch('"price":null,"bid":null,"ask":0.00000001,"volume":null,');
  });

  test('bars: exact decimals, also of sums past 2^53', async () => {
    const { history, text } = await queriesOver();
    const bar = barOf(sampleTime, {
      volume: 2n ** 53n + 1n,
      quoteVolume: 10n ** 20n + 7n,
      incomplete: true,
      revision: 2,
    });
    await history.write(batchOf({ bars: [bar] }));
    expect(await text('bars', { ...btc, resolution: '1m' })).toBe(
      '{"symbol":"BINANCE:BTCUSDT","resolution":"1m","bars":[{"time":1723161600,"open":1.00,"high":1.40,"low":0.90,' +
        '"close":1.20,"volume":90071992547.40993,"quoteVolume":10000000000000.0000007,"trades":3,"takerBuyVolume":0.00002,' +
        '"takerBuyQuoteVolume":0.0000200,"firstId":1,"lastId":3,"closed":true,"revision":2,"incomplete":true}]}',
    );
  });

  test('trades: by id, or the newest', async () => {
    const { history, latest, text } = await queriesOver();
    await history.write(batchOf({ trades: Array.from({ length: 9 }, (_, i) => tradeOf(i + 1, { bid: 0 })) }));
    // Memory is ahead of the stores, further than the limit reaches back.
    latest.put(latestOf(1, { tradeId: 1_000 }));
    const ids = async (params: object): Promise<number[]> =>
      (JSON.parse(await text('trades', { ...btc, ...params })) as { trades: { id: number }[] }).trades.map(
        ({ id }) => id,
      );
    expect(await ids({ fromId: 2, toId: '4' })).toEqual([2, 3, 4]);
    expect(await ids({ limit: '2' })).toEqual([8, 9]);
    expect(await ids({})).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await ids({ toId: 5, limit: 2 })).toEqual([4, 5]);
    expect(await text('trades', { ...btc, fromId: 9 })).toBe(
      `{"symbol":"BINANCE:BTCUSDT","trades":[{"id":9,"time":${sampleTime + 9_000},"price":61837.63,"size":0.01234,` +
        '"side":"buy","bid":null,"ask":61837.64,"firstId":9,"lastId":9}]}',
    );
  });

  test('Enigma: brought up to date by a newer price, never by an older one', async () => {
    const { history, latest, text } = await queriesOver();
    await history.write(batchOf({ enigma: [enigma] }));
    const fibonacci =
      '"fib_levels":{"0":1.00,"23.6":1.24,"38.2":1.39,"50":1.51,"61.8":1.62,"78.6":1.79,"100":2.01}}';
    const times = `"ath":2.01,"atl":1.00,"athTime":${(sampleTime - 1_000) / 1_000},"atlTime":null`;
    const stored = `{"symbol":"BINANCE:BTCUSDT","level":50.0000,${times},"current_price":1.50,${fibonacci}`;
    expect(await text('enigma', btc)).toBe(stored);
    latest.put(latestOf(1, { price: 200, time: sampleTime - 1 }));
    expect(await text('enigma', btc)).toBe(stored);
    latest.put(latestOf(1, { price: 200, time: sampleTime + 1 }));
    expect(await text('enigma', btc)).toMatch('"level":99.0099,');
    expect(await text('enigma', btc)).toMatch('"current_price":2.00,');
    // A higher price is not yet a new extreme: the shard decides whether it is a bad print.
    latest.put(latestOf(1, { price: 9_999, time: sampleTime + 2 }));
    expect(await text('enigma', btc)).toMatch(/"level":100\.0000,"ath":2\.01,.*"current_price":99\.99/);
  });
});

describe('parameters', () => {
  test('resolutions under all their names', async () => {
    const { text } = await queriesOver();
    const names = [
      '1s',
      'S',
      '1S',
      '5s',
      '1m',
      '1',
      '5',
      '15',
      '60',
      '1h',
      '240',
      'D',
      '1D',
      undefined,
      '1W',
      '1w',
      'M',
      '1M',
    ];
    const read = [
      '1s',
      '1s',
      '1s',
      '5s',
      '1m',
      '1m',
      '5m',
      '15m',
      '1h',
      '1h',
      '4h',
      '1d',
      '1d',
      '1d',
      '1w',
      '1w',
      '1M',
      '1M',
    ];
    for (const [i, resolution] of names.entries()) {
      const body = JSON.parse(await text('bars', { ...btc, ...(resolution && { resolution }) })) as {
        resolution: string;
      };
      expect([resolution, body.resolution]).toEqual([resolution, read[i]]);
    }
  });

  test('times in s or ms; half-open; limit 1,000 unless told, 5,000 at most', async () => {
    const { history, text } = await queriesOver();
    await history.write(
      batchOf({ bars: Array.from({ length: 1_200 }, (_, i) => barOf(sampleTime + i * minute)) }),
    );
    const count = async (params: object): Promise<number> =>
      (JSON.parse(await text('bars', { ...btc, resolution: '1m', ...params })) as { bars: unknown[] }).bars
        .length;
    const [from, to] = [sampleTime / 1e6, sampleTime / 1e6 + 600];
    expect(await count({})).toBe(1_000);
    expect(await count({ limit: 5_000 })).toBe(1_200);
    expect(await count({ from, to })).toBe(10);
    expect(await count({ from: String(from * 1_000), to: String(to * 1_000) })).toBe(10);
    expect(await count({ from, to: to + 1 })).toBe(11);
    expect(await count({ from: to, to })).toBe(0);
    expect(await count({ from: 0, to: 99_999_999_999 })).toBe(1_000);
  });

  test.each([
    [{ resolution: '7m' }, 'resolution is none of 1s, 5s, 1m, 5m, 15m, 1h, 4h, 1d, 1w, 1M'],
    [{ resolution: '__proto__' }, 'resolution is none of'],
    [{ limit: 0 }, 'limit is below 1'],
    [{ limit: '5001' }, 'limit is above 5000'],
    [{ limit: '1e3' }, 'limit is no whole number'],
    [{ from: '-1' }, 'from is no whole number'],
    [{ from: -1 }, 'from is negative'],
    [{ from: 1.5 }, 'from is no whole number'],
    [{ from: '' }, 'from is no whole number'],
    [{ to: 'NaN' }, 'to is no whole number'],
    [{ to: '9000000000001' }, 'to is neither seconds nor milliseconds since 1970'],
    [{ to: null }, 'to is no whole number'],
    [{ from: 2, to: 1 }, 'from is after to'],
    [{ from: 'x', limit: 'y' }, 'from is no whole number; limit is no whole number'],
    [{ colour: 'red' }, 'colour is no parameter of this request'],
  ])('bars with %j: 400, %s', async (params, error) => {
    const { problem } = await queriesOver();
    const [status, text] = await problem('bars', { ...btc, ...params });
    expect([status, text]).toEqual([400, expect.stringContaining(error)]);
  });

  test('what is not there is 404, what is no request is 400', async () => {
    const { problem } = await queriesOver();
    expect(await problem('price', btc)).toEqual([404, 'BINANCE:BTCUSDT has no price yet']);
    expect(await problem('enigma', btc)).toEqual([404, 'BINANCE:BTCUSDT has no Enigma level yet']);
    expect(await problem('bars', { symbol: 'X', instrument: 1 })).toEqual([
      404,
      'symbol X with id 1 is unknown',
    ]);
    expect(await problem('price', { ...btc, instrument: 77 })).toEqual([
      404,
      'symbol BINANCE:BTCUSDT with id 77 is unknown',
    ]);
    expect(await problem('drop', btc)).toEqual([
      400,
      'kind "drop" is none of symbols, price, bars, trades, enigma, book',
    ]);
    for (const params of [undefined, null, 7, 'x', [], {}])
      expect((await problem('bars', params))[0]).toBe(400);
    expect((await problem('symbols', { a: 1 }))[1]).toBe('a is no parameter of this request');
    expect((await problem('trades', { ...btc, fromId: 2, toId: 1 }))[1]).toBe('fromId is above toId');
  });

  test('a store that fails is 503, and says why', async () => {
    const broken = { bars: () => Promise.reject(new Error('disk I/O error')) } as unknown as HistoryReader;
    const latest = new SharedLatestPrices(latestPricesMemory(2));
    const queries = new MarketQueries(dictionary, broken, latest, new SharedBooks([]));
    const answer = await queries.answer('bars', btc);
    expect(answer.status).toBe(503);
    expect(JSON.parse(new TextDecoder().decode(answer.body))).toMatchObject({
      error: 'the store does not answer: disk I/O error',
    });
  });
});
