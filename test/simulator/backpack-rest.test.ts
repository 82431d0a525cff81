import { describe, expect, test } from 'vitest';
import type { Simulator } from '../../src/simulator/options.ts';
import { ask, dataOf, PlainBook, simulateBackpack, subscribe, untilSeen } from './backpack-client.ts';
import type { Client, Loose } from './client.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const symbol = 'SOL_USDC';
const startTimeMs = Date.UTC(2026, 1, 3, 4, 5, 59);

/** A market that has traded over a full minute. */
async function traded(): Promise<{ simulator: Simulator; client: Client }> {
  const simulator = await simulateBackpack({ seed, hold: true, startTimeMs });
  const client = await subscribe(simulator, [`trade.${symbol}`, 'nothing']);
  await client.until(1);
  simulator.start();
  const done = (): boolean =>
    (dataOf(client, `trade.${symbol}`).at(-1)?.T ?? 0) > (startTimeMs + 1_100) * 1_000;
  while (!done()) await client.until(client.messages.length + 1);
  return { simulator, client };
}

describe(`REST of the simulated Backpack (SEED=${seed})`, () => {
  test('markets, on the spot and perpetual, with their filters', async () => {
    const simulator = await simulateBackpack({ seed, hold: true });
    const { body } = await ask(simulator, 'markets');
    const spot = body.find((row: Loose) => row.symbol === symbol);
    expect(spot).toMatchObject({
      baseSymbol: 'SOL',
      quoteSymbol: 'USDC',
      marketType: 'SPOT',
      orderBookState: 'Open',
      filters: { price: { tickSize: '0.01' }, quantity: { stepSize: '0.01', minQuantity: '0.01' } },
    });
    expect(body.find((row: Loose) => row.symbol === `${symbol}_PERP`)).toMatchObject({
      baseSymbol: 'SOL',
      marketType: 'PERP',
    });
    expect(body.map((row: Loose) => row.symbol)).toEqual(
      simulator.venues.backpack!.listing.map((row) => row.symbol),
    );
  });

  test('scenario 16: a snapshot that lies behind the stream by some updates is met again by buffered ones', async () => {
    const simulator = await simulateBackpack({ seed, backpack: { depthLag: 200, ids: 'alternate' } });
    const name = `depth.${symbol}`;
    const client = await subscribe(simulator, [name]);
    await client.until(260);
    const seen = Number(dataOf(client, name).at(-1)!.u);
    const { body } = await ask(simulator, `depth?symbol=${symbol}&limit=100`);
    await client.until(client.messages.length + 20);
    expect(String(body.timestamp)).toMatch(/^\d{16}$/);
    const updates = dataOf(client, name);
    const start = updates.findIndex(({ u }) => Number(u) > Number(body.lastUpdateId));
    expect(start).toBeGreaterThanOrEqual(0);
    expect(Number(updates[start]!.U)).toBeLessThanOrEqual(Number(body.lastUpdateId) + 1);
    expect(Number(body.lastUpdateId)).toBeLessThan(seen); // updates that were there before the question
    const book = new PlainBook();
    book.take(body);
    for (const update of updates.slice(start)) {
      book.take(update);
      const [bid, best] = book.best;
      expect(bid).toBeLessThan(best);
    }
  });

  test('both sides of the depth rise in price, and the limit keeps the best', async () => {
    const simulator = await simulateBackpack({ seed, hold: true });
    const all = (await ask(simulator, `depth?symbol=${symbol}`)).body;
    const five = (await ask(simulator, `depth?symbol=${symbol}&limit=5`)).body;
    for (const side of ['bids', 'asks']) {
      const prices = all[side].map(([price]: string[]) => Number(price));
      expect(prices).toEqual(prices.toSorted((left: number, right: number) => left - right));
    }
    expect(five.bids).toEqual(all.bids.slice(-5));
    expect(five.asks).toEqual(all.asks.slice(0, 5));
    expect((await ask(simulator, `depth?symbol=${symbol}&limit=7`)).status).toBe(400);
  });

  test('trades and their history are those of the stream, newest first; the offset counts from the newest', async () => {
    const { simulator, client } = await traded();
    const rows: Loose[] = (await ask(simulator, `trades/history?symbol=${symbol}&limit=1000`)).body;
    const told = dataOf(client, `trade.${symbol}`).map(({ t, p, q, m, T }) => [
      t,
      p,
      q,
      m,
      Math.floor(T / 1_000),
    ]);
    const shown = rows
      .toReversed()
      .map((row) => [row.id, row.price, row.quantity, row.isBuyerMaker, row.timestamp]);
    expect(shown.slice(0, told.length)).toEqual(told.slice(0, shown.length));
    const later: Loose[] = (await ask(simulator, `trades/history?symbol=${symbol}&limit=5&offset=3`)).body;
    expect(later.map(({ id }) => id)).toEqual(Array.from({ length: 5 }, (_, i) => later[0].id - i));
    expect((await ask(simulator, `trades?symbol=${symbol}&limit=2`)).body).toHaveLength(2);
    expect((await ask(simulator, `trades?symbol=${symbol}&limit=1001`)).status).toBe(400);
  });

  test('klines are made of the trades, from the second on that was asked for', async () => {
    const { simulator, client } = await traded();
    const minute = Date.UTC(2026, 1, 3, 4, 5);
    const within = dataOf(client, `trade.${symbol}`).filter(({ T }) => T < (minute + 60_000) * 1_000);
    const prices = within.map(({ p }) => Number(p));
    const { body } = await ask(simulator, `klines?symbol=${symbol}&interval=1m&startTime=${minute / 1_000}`);
    expect(body[0]).toMatchObject({
      start: '2026-02-03 04:05:00',
      end: '2026-02-03 04:06:00',
      trades: String(within.length),
    });
    const { open, high, low, close } = body[0];
    expect([open, high, low, close].map(Number)).toEqual([
      prices[0],
      Math.max(...prices),
      Math.min(...prices),
      prices.at(-1),
    ]);
    expect((await ask(simulator, `klines?symbol=${symbol}&interval=1m`)).status).toBe(400);
    expect((await ask(simulator, `klines?symbol=${symbol}&interval=1M&startTime=0`)).status).toBe(400);
  });

  test('a bar without trades has no prices', async () => {
    const simulator = await simulateBackpack({ seed, ticksPerSecond: 6, speed: 5, startTimeMs });
    const client = await subscribe(simulator, ['ticker.SOL_USDC']);
    await untilSeen(client, ['ticker.SOL_USDC'], 3);
    const path = `klines?symbol=${symbol}&interval=1s&startTime=${startTimeMs / 1_000}`;
    const { body } = await ask(simulator, path);
    const empty = body.filter(({ trades }: Loose) => trades === '0');
    expect(empty.length).toBeGreaterThan(0);
    for (const { open, high, low, close } of empty)
      expect([open, high, low, close]).toEqual([null, null, null, null]);
  });

  test('tickers, status, ping and time; refusals in the words of the venue', async () => {
    const simulator = await simulateBackpack({ seed, hold: true, startTimeMs });
    const { body } = await ask(simulator, `ticker?symbol=${symbol}`);
    expect(Object.keys(body)).toEqual(
      'firstPrice,high,lastPrice,low,priceChange,priceChangePercent,quoteVolume,symbol,trades,volume'.split(
        ',',
      ),
    );
    expect((await ask(simulator, 'tickers')).body).toContainEqual(body);
    expect((await ask(simulator, 'status')).body).toEqual({ status: 'Ok', message: null });
    expect((await ask(simulator, 'time')).body).toBe(startTimeMs);
    const { restUrl } = simulator.venues.backpack!;
    expect(await (await fetch(`${restUrl}/api/v1/ping`)).text()).toBe('pong');
    const wrong = await ask(simulator, 'depth?symbol=XYZ_USDC');
    expect([wrong.status, wrong.body]).toEqual([
      400,
      { code: 'INVALID_CLIENT_REQUEST', message: 'Invalid symbol' },
    ]);
  });

  test('too many requests are answered with 429, and REST fails on demand', async () => {
    const simulator = await simulateBackpack({ seed, hold: true, limits: { backpack: { restBudget: 4 } } });
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(simulator, 'time')));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(6);
    expect(refused.length).toBeGreaterThanOrEqual(1);
    simulator.command({ kind: 'rest', fate: 500, count: 1 });
    expect((await ask(simulator, 'time')).status).toBe(500);
  });
});
