import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { connect, get, type Loose, scaled, simulate, untilMarket } from './client.ts';

interface Trade {
  t: number;
  p: string;
  q: string;
  T: number;
  m: boolean;
}
const startTimeMs = Date.UTC(2026, 4, 5, 6, 6, 58); // two seconds before a minute ends

/** A sum in units of 10^-16, as the venue shows it. */
function shown(value: bigint): string {
  return `${value / 10n ** 16n}.${String(value % 10n ** 16n)
    .padStart(16, '0')
    .slice(0, 8)}`;
}

/** Bars by the book: exact decimals, a bar for every interval in which something was traded. */
function naiveBars(trades: readonly Trade[], intervalMs: number): Map<number, string[]> {
  const bars = new Map<number, Trade[]>();
  for (const trade of trades) {
    const open = Math.floor(trade.T / intervalMs) * intervalMs;
    bars.set(open, [...(bars.get(open) ?? []), trade]);
  }
  const sum = (list: readonly Trade[], value: (trade: Trade) => bigint): string =>
    shown(list.reduce((total, trade) => total + value(trade), 0n));
  const size = (trade: Trade): bigint => scaled(trade.q, 16);
  const quote = (trade: Trade): bigint => scaled(trade.p, 8) * scaled(trade.q, 8);
  return new Map(
    [...bars].map(([open, list]) => {
      const prices = list.map(({ p }) => p).toSorted((a, b) => Number(scaled(a, 8) - scaled(b, 8)));
      const takers = list.filter(({ m }) => !m);
      return [
        open,
        [
          list[0]!.p,
          prices.at(-1)!,
          prices[0]!,
          list.at(-1)!.p,
          sum(list, size),
          sum(list, quote),
          String(list.length),
          sum(takers, size),
          sum(takers, quote),
        ],
      ];
    }),
  );
}

function filters(symbol: Loose): Loose {
  return Object.fromEntries(symbol.filters.map((filter: Loose) => [filter.filterType, filter]));
}

describe('REST', () => {
  test('klines equal bars made from the trades that the WebSocket sent', async () => {
    const simulator = await simulate({ seed: 21, startTimeMs, hold: true, ticksPerSecond: 2_000, speed: 4 });
    const client = await connect(simulator, '/ws/btcusdt@trade/shibusdt@trade');
    simulator.start();
    await untilMarket(simulator, startTimeMs + 4_500);
    const trades = client.messages.map((text) => JSON.parse(text) as Trade & { s: string });
    for (const symbol of ['BTCUSDT', 'SHIBUSDT']) {
      const own = trades.filter(({ s }) => s === symbol);
      for (const [interval, ms] of [
        ['1s', 1_000],
        ['1m', 60_000],
      ] as const) {
        const expected = naiveBars(own, ms);
        const { body } = await get(
          simulator,
          `/api/v3/klines?symbol=${symbol}&interval=${interval}&startTime=${startTimeMs}`,
        );
        let compared = 0;
        for (const row of body) {
          const whole = row[0] + ms <= own.at(-1)!.T && row[0] >= startTimeMs;
          if (!whole || !expected.has(row[0])) continue;
          expect([...row.slice(1, 6), row[7], String(row[8]), row[9], row[10]]).toEqual(expected.get(row[0]));
          expect(row.length).toBe(12);
          expect([row[6], row[11]]).toEqual([row[0] + ms - 1, '0']);
          compared++;
        }
        expect(compared).toBeGreaterThanOrEqual(symbol === 'BTCUSDT' && interval === '1s' ? 3 : 0);
      }
    }
  });

  test('trades and aggregates by id are the very ones that were sent', async () => {
    const simulator = await simulate({ seed: 22, startTimeMs, hold: true, ticksPerSecond: 20_000 });
    const [raw, aggregated] = [
      await connect(simulator, '/ws/btcusdt@trade'),
      await connect(simulator, '/ws/btcusdt@aggTrade'),
    ];
    simulator.start();
    const trades = (await raw.until(1_200)).slice(0, 1_200).map((text) => JSON.parse(text));
    const first = trades[100].t;
    const { body: rows } = await get(
      simulator,
      `/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${first}&limit=1000`,
    );
    expect(rows).toHaveLength(1_000);
    expect(rows.map((row: Loose) => [row.id, row.price, row.qty, row.time, row.isBuyerMaker])).toEqual(
      trades.slice(100, 1_100).map(({ t, p, q, T, m }) => [t, p, q, T, m]),
    );
    const aggregates = (await aggregated.until(500)).slice(0, 500).map((text) => JSON.parse(text));
    const ask = async (query: string): Promise<unknown[]> =>
      (await get(simulator, `/api/v3/aggTrades?symbol=BTCUSDT&${query}`)).body;
    const bare = aggregates.map(({ a, p, q, f, l, T, m, M }) => ({ a, p, q, f, l, T, m, M }));
    expect(await ask(`fromId=${bare[50]!.a}&limit=100`)).toEqual(bare.slice(50, 150));
    const inTime = bare.filter(({ T }) => T >= bare[50]!.T && T <= bare[90]!.T);
    expect(await ask(`startTime=${bare[50]!.T}&endTime=${bare[90]!.T}&limit=1000`)).toEqual(inTime);
    expect(await ask(`endTime=${bare[90]!.T}&limit=5`)).toEqual(
      bare.filter(({ T }) => T <= bare[90]!.T).slice(-5),
    );
    expect(await ask('limit=7')).toHaveLength(7);
  });

  test('a depth snapshot joins the stream of depth messages', async () => {
    const simulator = await simulate({ seed: 23, ticksPerSecond: 2_000 });
    const client = await connect(simulator, '/ws/btcusdt@depth@100ms');
    await client.until(3);
    const { body } = await get(simulator, '/api/v3/depth?symbol=BTCUSDT&limit=5000');
    await client.until(client.messages.length + 5);
    const events = client.messages.map((text) => JSON.parse(text));
    const next = events.find(({ u }) => u > body.lastUpdateId);
    expect(next.U).toBeLessThanOrEqual(body.lastUpdateId + 1);
    expect(events.slice(1).map(({ U }) => U)).toEqual(events.slice(0, -1).map(({ u }) => u + 1));
    expect(scaled(body.bids[0][0], 8) < scaled(body.asks[0][0], 8)).toBe(true);
    expect((await get(simulator, '/api/v3/depth?symbol=BTCUSDT&limit=5')).body.bids).toHaveLength(5);
  });

  test('exchangeInfo tells digits, filters and limits; klines of all symbols give 400 days', async () => {
    const simulator = await simulate({ hold: true });
    const { body } = await get(simulator, '/api/v3/exchangeInfo');
    expect(body.symbols).toHaveLength(24);
    expect(body.rateLimits[0]).toEqual({
      rateLimitType: 'REQUEST_WEIGHT',
      interval: 'MINUTE',
      intervalNum: 1,
      limit: 6_000,
    });
    const [btc] = body.symbols;
    expect([btc.symbol, btc.status, btc.baseAsset, btc.quoteAsset, btc.quotePrecision]).toEqual([
      'BTCUSDT',
      'TRADING',
      'BTC',
      'USDT',
      8,
    ]);
    expect(filters(btc).PRICE_FILTER.tickSize).toBe('0.01000000');
    expect(filters(btc).LOT_SIZE.stepSize).toBe('0.00001000');
    expect(filters(btc).NOTIONAL.minNotional).toBe('5.00000000');
    const shib = body.symbols.find(({ symbol }: Loose) => symbol === 'SHIBUSDT');
    expect(filters(shib).PRICE_FILTER.tickSize).toBe('0.00000001');
    expect(
      (await get(simulator, '/api/v3/exchangeInfo?symbols=["ETHUSDT","BTCUSDT"]')).body.symbols.map(
        (row: Loose) => row.symbol,
      ),
    ).toEqual(['ETHUSDT', 'BTCUSDT']);
    const days = (await get(simulator, '/api/v3/klines?symbol=PEPEUSDT&interval=1d&limit=1000')).body;
    expect(days.length).toBeGreaterThan(400);
    for (let i = 1; i < days.length; i++) expect(days[i][0]).toBe(days[i - 1][0] + 86_400_000);
  });

  test('tickers, time and ping answer in the form of the venue', async () => {
    const simulator = await simulate({ seed: 24, startTimeMs });
    expect((await get(simulator, '/api/v3/ping')).body).toEqual({});
    const { serverTime } = (await get(simulator, '/api/v3/time')).body;
    expect(serverTime).toBeGreaterThanOrEqual(startTimeMs);
    expect(serverTime).toBeLessThan(startTimeMs + 60_000);
    const day = (await get(simulator, '/api/v3/ticker/24hr?symbol=BTCUSDT')).body;
    expect(Object.keys(day)).toEqual([
      'symbol',
      'priceChange',
      'priceChangePercent',
      'weightedAvgPrice',
      'prevClosePrice',
      'lastPrice',
      'lastQty',
      'bidPrice',
      'bidQty',
      'askPrice',
      'askQty',
      'openPrice',
      'highPrice',
      'lowPrice',
      'volume',
      'quoteVolume',
      'openTime',
      'closeTime',
      'firstId',
      'lastId',
      'count',
    ]);
    expect(day.closeTime - day.openTime).toBe(86_400_000);
    expect((await get(simulator, '/api/v3/ticker/bookTicker')).body).toHaveLength(24);
    expect(Object.keys((await get(simulator, '/api/v3/ticker/bookTicker?symbol=BTCUSDT')).body)).toEqual([
      'symbol',
      'bidPrice',
      'bidQty',
      'askPrice',
      'askQty',
    ]);
  });

  test.each([
    ['/api/v3/klines?symbol=NOPE&interval=1m', 400, -1121],
    ['/api/v3/klines?symbol=btcusdt&interval=1m', 400, -1100],
    ['/api/v3/klines?symbol=BTCUSDT&interval=7m', 400, -1120],
    ['/api/v3/klines?symbol=BTCUSDT', 400, -1102],
    ['/api/v3/klines?interval=1m', 400, -1102],
    ['/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=x', 400, -1100],
    ['/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=0', 400, -1130],
    ['/api/v3/aggTrades?symbol=BTCUSDT&fromId=1&startTime=2', 400, -1128],
    ['/api/v3/exchangeInfo?symbols=BTC', 400, -1100],
    ['/api/v3/nothing', 404, -1000],
    ['/api/v3/constructor', 404, -1000],
    ['//', 404, -1000],
  ])('%s is refused with %i and code %i', async (path, status, code) => {
    const simulator = await simulate({ hold: true });
    const answer = await get(simulator, path);
    expect([answer.status, answer.body.code, typeof answer.body.msg]).toEqual([status, code, 'string']);
  });

  test('weight is counted, and past 6,000 a minute refused with 429 and Retry-After', async () => {
    const simulator = await simulate({ hold: true });
    if (Date.now() % 60_000 > 55_000) await sleep(60_000 - (Date.now() % 60_000)); // not across the minute
    expect((await get(simulator, '/api/v3/ping')).headers.get('x-mbx-used-weight-1m')).toBe('1');
    for (let i = 0; i < 23; i++) await get(simulator, '/api/v3/depth?symbol=BTCUSDT&limit=5000');
    const last = await get(simulator, '/api/v3/depth?symbol=BTCUSDT&limit=1000');
    expect([last.status, last.headers.get('x-mbx-used-weight-1m')]).toEqual([200, String(1 + 23 * 250 + 50)]);
    const refused = await get(simulator, '/api/v3/depth?symbol=BTCUSDT&limit=5000');
    expect([refused.status, refused.body.code]).toEqual([429, -1003]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});
