import { describe, expect, test } from 'vitest';
import type { Simulator } from '../../src/simulator/options.ts';
import { get, type Loose } from './client.ts';
import { parsed, simulateCoinbase, subscribe } from './coinbase-client.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

const ask = (simulator: Simulator, path: string): ReturnType<typeof get> =>
  get(simulator.venues.coinbase!, path);

/** A market that has traded for a while over a full minute, and what it told of BTC-USD. */
async function traded(): Promise<{ simulator: Simulator; matches: Loose[] }> {
  const simulator = await simulateCoinbase({ seed, hold: true, startTimeMs: Date.UTC(2026, 1, 3, 4, 5, 59) });
  const client = await subscribe(simulator, ['matches']);
  await client.until(1);
  simulator.start();
  while (parsed(client, 'match').at(-1)?.time.slice(0, 16) !== '2026-02-03T04:06') {
    await client.until(client.messages.length + 1);
  }
  await client.until(client.messages.length + 5);
  return { simulator, matches: parsed(client, 'match') };
}

describe(`REST of the simulated Coinbase (SEED=${seed})`, () => {
  test('products tell their digits, and the listing is the same', async () => {
    const simulator = await simulateCoinbase({ seed, hold: true });
    const { body } = await ask(simulator, '/products');
    expect(body.map(({ id }: Loose) => id)).toEqual(
      simulator.venues.coinbase!.listing.map(({ symbol }) => symbol),
    );
    expect(body[0]).toMatchObject({
      id: 'BTC-USD',
      base_currency: 'BTC',
      quote_currency: 'USD',
      quote_increment: '0.01',
      base_increment: '0.00000001',
      status: 'online',
      trading_disabled: false,
    });
    expect((await ask(simulator, '/products/BTC-USD')).body).toEqual(body[0]);
  });

  test('trades by pages, newest first, are the matches of the stream with the maker side', async () => {
    const { simulator, matches } = await traded();
    const first = matches[0]!.trade_id;
    const seen = matches.at(-1)!.trade_id;
    const pages: Loose[] = [];
    let after = seen + 1;
    while (after > first) {
      const { body, headers } = await ask(
        simulator,
        `/products/BTC-USD/trades?limit=7&after=${after}&before=${first - 1}`,
      );
      expect(Number(headers.get('cb-before'))).toBe(body[0].trade_id);
      expect(Number(headers.get('cb-after'))).toBe(body.at(-1).trade_id);
      pages.push(...body);
      after = body.at(-1).trade_id;
    }
    expect(pages.toReversed()).toEqual(
      matches.map(({ trade_id, side, size, price, time }) => ({ trade_id, side, size, price, time })),
    );
    const newest = await ask(simulator, `/products/BTC-USD/trades?before=${seen - 3}&limit=1000`);
    expect(newest.body.at(-1).trade_id).toBe(seen - 2);
  });

  test('candles are [time, low, high, open, close, volume] of the trades, newest first, without empty ones', async () => {
    const { simulator, matches } = await traded();
    const minute = matches.filter(({ time }) => time.startsWith('2026-02-03T04:05'));
    const prices = minute.map(({ price }) => Number(price));
    const volume = minute.reduce((sum, { size }) => sum + BigInt(Math.round(Number(size) * 1e8)), 0n);
    const path = '/products/BTC-USD/candles?granularity=60';
    const { body } = await ask(simulator, `${path}&start=2026-02-03T04:05:00Z&end=2026-02-03T04:05:59Z`);
    expect(body).toHaveLength(1);
    expect(body[0].slice(0, 1)).toEqual([Date.UTC(2026, 1, 3, 4, 5) / 1_000]);
    expect(body[0].slice(1, 5)).toEqual([Math.min(...prices), Math.max(...prices), prices[0], prices.at(-1)]);
    expect(Math.round(body[0][5] * 1e8)).toBe(Number(volume));
    const long = await ask(simulator, path);
    expect(long.body.length).toBeGreaterThan(200);
    expect(long.body.length).toBeLessThanOrEqual(300);
    const times = long.body.map(([time]: number[]) => time);
    expect(times).toEqual(times.toSorted((left: number, right: number) => right - left));
    const begin = Date.UTC(2026, 1, 3) / 1_000;
    const over = await ask(simulator, `${path}&start=${begin - 301 * 60}&end=${begin}`);
    expect([over.status, over.body.message]).toEqual([400, expect.stringContaining('exceeds 300')]);
  });

  test('what makes no sense is refused in the words of the venue', async () => {
    const simulator = await simulateCoinbase({ seed, hold: true });
    for (const [path, status] of [
      ['/products/XYZ-USD', 404],
      ['/products/XYZ-USD/trades', 404],
      ['/nothing', 404],
      ['/products/BTC-USD/candles?granularity=120', 400],
      ['/products/BTC-USD/trades?after=x', 400],
      ['/products/BTC-USD/book?level=3', 400],
    ] as const) {
      const answer = await ask(simulator, path);
      expect([path, answer.status, typeof answer.body.message]).toEqual([path, status, 'string']);
    }
  });

  test('the 16th request at once is one too many', async () => {
    const simulator = await simulateCoinbase({ seed, hold: true, limits: { coinbase: { restBudget: 10 } } });
    const answers = await Promise.all(Array.from({ length: 18 }, () => ask(simulator, '/time')));
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(1);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(15);
    expect(answers.find(({ status }) => status === 429)!.body).toEqual({
      message: 'Public rate limit exceeded',
    });
  });

  test('REST fails on demand', async () => {
    const simulator = await simulateCoinbase({ seed, hold: true });
    simulator.command({ kind: 'rest', fate: 503, count: 1, path: '/trades' });
    expect((await ask(simulator, '/time')).status).toBe(200);
    expect((await ask(simulator, '/products/BTC-USD/trades')).status).toBe(503);
    expect((await ask(simulator, '/products/BTC-USD/trades')).status).toBe(200);
  });

  test('statistics, ticker and time', async () => {
    const { simulator, matches } = await traded();
    const stats = (await ask(simulator, '/products/BTC-USD/stats')).body;
    expect(Object.keys(stats)).toEqual(['open', 'high', 'low', 'last', 'volume', 'volume_30day']);
    expect(Number(stats.low)).toBeLessThanOrEqual(Number(stats.last));
    expect(Number(stats.volume_30day)).toBeGreaterThan(Number(stats.volume));
    const ticker = (await ask(simulator, '/products/BTC-USD/ticker')).body;
    expect(ticker.trade_id).toBeGreaterThanOrEqual(matches.at(-1)!.trade_id);
    expect(Number(ticker.bid)).toBeLessThan(Number(ticker.ask));
    const { iso, epoch } = (await ask(simulator, '/time')).body;
    expect(Date.parse(iso)).toBe(Math.round(epoch * 1_000));
  });
});
