import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { WeightMeter } from '../../src/simulator/binance/weight.ts';
import { ConnectBudget } from '../../src/simulator/connect-budget.ts';
import type { Simulator } from '../../src/simulator/options.ts';
import { dialectOf } from '../../src/simulator/venues.ts';
import { connect, get, type Loose, simulate } from './client.ts';

const limits = { ...dialectOf('binance').limits, restBudget: 100, banMs: 5_000 };
const market = { seed: 41, hold: true } as const;

describe('what Binance allows', () => {
  test('weight: 429 past the limit, 418 for who asks on, and each question makes the ban longer', () => {
    const meter = new WeightMeter(limits);
    const startMs = 600_000 * 60_000;
    const ask = (weight: number, afterMs: number): unknown => {
      const { used, status, retryAfterSeconds } = meter.take(weight, startMs + afterMs);
      return [used, status, retryAfterSeconds];
    };
    expect(ask(100, 0)).toEqual([100, undefined, 0]);
    expect(ask(1, 1_000)).toEqual([101, 429, 59]);
    expect(ask(1, 1_200)).toEqual([102, 429, 59]); // was under way
    expect(ask(1, 2_000)).toEqual([103, 418, 5]);
    expect(ask(1, 6_000)).toEqual([103, 418, 5]);
    expect(ask(1, 60_000)).toEqual([1, undefined, 0]);
    expect(ask(100, 61_000)).toEqual([101, 429, 59]);
  });

  test('weight: a ban outlasts the window', () => {
    const meter = new WeightMeter(limits);
    const endMs = 600_001 * 60_000;
    meter.take(101, endMs - 1_000);
    expect(meter.take(1, endMs - 500).status).toBe(418);
    expect(meter.take(1, endMs + 1_000).status).toBe(418);
    expect(meter.take(1, endMs + 6_001).status).toBeUndefined();
  });

  test('weight over real requests: the limit is an option, told by exchangeInfo and by the header', async () => {
    if (Date.now() % 60_000 > 57_000) await sleep(60_000 - (Date.now() % 60_000)); // not across the minute
    const simulator = await simulate({
      ...market,
      limits: { binance: { restBudget: 300, graceMs: 0, banMs: 400 } },
    });
    const { body } = await get(simulator, '/api/v3/exchangeInfo');
    expect(body.rateLimits[0].limit).toBe(300);
    const used = async (path: string): Promise<string | null> =>
      (await get(simulator, path)).headers.get('x-mbx-used-weight-1m');
    expect(await used('/api/v3/depth?symbol=BTCUSDT&limit=100')).toBe('25');
    expect(await used('/api/v3/depth?symbol=BTCUSDT&limit=500')).toBe('50');
    expect(await used('/api/v3/depth?symbol=BTCUSDT&limit=1000')).toBe('100');
    expect(await used('/api/v3/historicalTrades?symbol=BTCUSDT')).toBe('125');
    expect(await used('/api/v3/aggTrades?symbol=BTCUSDT')).toBe('129');
    expect(await used('/api/v3/klines?symbol=BTCUSDT&interval=1m')).toBe('131');
    const past = await get(simulator, '/api/v3/depth?symbol=BTCUSDT&limit=5000');
    expect([past.status, past.body.code]).toEqual([429, -1003]);
    await sleep(5);
    const banned = await get(simulator, '/api/v3/ping');
    expect([banned.status, banned.headers.get('retry-after')]).toEqual([418, '1']);
  });

  test('connections: 300 attempts within 5 minutes from one address, then a ban', () => {
    const { connects } = limits;
    expect(connects).toEqual({ most: 300, withinMs: 300_000 });
    const budget = new ConnectBudget(connects, 5_000);
    for (let i = 0; i < 300; i++) expect(budget.take('a', i)).toBe(0);
    expect(budget.take('a', 300)).toBe(5_000);
    expect(budget.take('b', 301)).toBe(0);
    expect(budget.take('a', 1_300)).toBe(4_000);
    expect(budget.take('a', 300_301)).toBe(0);
  });

  test('connections over real sockets: refused with 418 and Retry-After, and counted', async () => {
    const simulator = await simulate({
      ...market,
      limits: { binance: { connects: { most: 2, withinMs: 60_000 }, banMs: 200 } },
    });
    await connect(simulator, '/ws');
    await connect(simulator, '/ws');
    await expect(connect(simulator, '/ws')).rejects.toThrow('418');
    expect(simulator.report().connections).toMatchObject({ opened: 2, refused: 1 });
  });
});

async function info(simulator: Pick<Simulator, 'restUrl'>, symbol: string): Promise<Loose> {
  return (await get(simulator, `/api/v3/exchangeInfo?symbol=${symbol}`)).body.symbols?.[0];
}

function tick(symbol: Loose): string {
  return symbol.filters.find(({ filterType }: Loose) => filterType === 'PRICE_FILTER').tickSize;
}

/** Digits behind the point, without the last zeros. */
function digits(price: string): number {
  return price.replace(/0+$/, '').split('.')[1]!.length;
}

describe('a symbol that changes', () => {
  const trading = { seed: 43, ticksPerSecond: 4_000, symbols: 3, hold: true } as const;
  test('scenario 23: delisted, it is in BREAK and says nothing more; gone, it is unknown', async () => {
    const simulator = await simulate(trading);
    const client = await connect(simulator, '/ws/btcusdt@trade/btcusdt@kline_1s/ethusdt@trade');
    simulator.start();
    await client.until(20);
    simulator.command({ kind: 'delist', symbol: 'BTCUSDT' });
    await sleep(150);
    const before = client.messages.length;
    await client.until(before + 30);
    expect(client.messages.slice(before).filter((text) => text.includes('BTCUSDT'))).toEqual([]);
    expect((await info(simulator, 'BTCUSDT')).status).toBe('BREAK');
    simulator.command({ kind: 'delist', symbol: 'BTCUSDT', gone: true });
    expect(await info(simulator, 'BTCUSDT')).toBeUndefined();
    expect(simulator.listing.map(({ symbol }) => symbol)).toEqual(['ETHUSDT', 'SOLUSDT']);
  });

  test('scenario 23: renamed, the market goes on under the new name, and who waits for it hears it', async () => {
    const simulator = await simulate(trading);
    const client = await connect(simulator, '/ws/btcusdt@trade/xbtusdt@trade');
    simulator.start();
    await client.until(20);
    simulator.command({ kind: 'rename', symbol: 'BTCUSDT', base: 'XBT' });
    await client.until(60);
    const rows = client.messages.map((text) => JSON.parse(text));
    const first = rows.findIndex(({ s }) => s === 'XBTUSDT');
    expect(first).toBeGreaterThan(0);
    expect(rows.slice(first).every(({ s }) => s === 'XBTUSDT')).toBe(true);
    expect(rows.slice(1).every(({ t }, i) => t === rows[i].t + 1)).toBe(true);
    expect((await info(simulator, 'XBTUSDT')).baseAsset).toBe('XBT');
  });

  test.each([
    ['0.0001', 4],
    ['1', 0],
  ])(
    'scenario 23: a tick size of %s in mid-session changes all prices that follow',
    async (tickSize, decimals) => {
      const simulator = await simulate(trading);
      const client = await connect(simulator, '/ws/btcusdt@trade/btcusdt@depth@100ms');
      simulator.start();
      await client.until(50);
      const klines = `/api/v3/klines?symbol=BTCUSDT&interval=1d&endTime=${Date.now() - 86_400_000}&limit=3`;
      const history = (await get(simulator, klines)).body;
      simulator.command({ kind: 'tickSize', symbol: 'BTCUSDT', tickSize });
      await sleep(150);
      const from = client.messages.length;
      await client.until(from + 200);
      const rows = client.messages.map((text) => JSON.parse(text));
      const trades = rows.filter(({ e }) => e === 'trade');
      const late = rows.slice(from).filter(({ e }) => e === 'trade');
      expect(Math.max(...late.map(({ p }) => digits(p)))).toBe(decimals);
      const usual = Number(trades[0].p);
      expect(late.every(({ p }) => Math.abs(Number(p) / usual - 1) < 0.02)).toBe(true);
      expect(trades.slice(1).every(({ t }, i) => t === trades[i].t + 1)).toBe(true);
      expect(Number(tick(await info(simulator, 'BTCUSDT')))).toBe(Number(tickSize));
      expect((await get(simulator, klines)).body).toEqual(history);
      const depths = rows.filter(({ e }) => e === 'depthUpdate');
      expect(depths.slice(1).every(({ U }, i) => U === depths[i].u + 1)).toBe(true);
      const { body } = await get(
        simulator,
        `/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${trades[0].t}&limit=5`,
      );
      expect(body.map(({ price }: Loose) => price)).toEqual(trades.slice(0, 5).map(({ p }) => p));
    },
  );
});
