import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Simulator, SimulatorOptions } from '../../src/simulator/options.ts';
import { type Client, connect, type Loose, simulate } from './client.ts';
import { booksOf } from './coinbase-client.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const basisPointsMax = 12;

interface Clients {
  readonly simulator: Simulator;
  readonly binance: Client;
  readonly coinbase: Client;
  readonly backpack: Client;
}

/** All three venues, and someone at each who listens to SOL before anything happens. */
async function threeVenues(options: SimulatorOptions = {}): Promise<Clients> {
  const simulator = await simulate({
    venues: ['binance', 'coinbase', 'backpack'],
    symbols: 3,
    seed,
    ticksPerSecond: 3_000,
    speed: 4,
    startTimeMs: Date.UTC(2026, 2, 1),
    hold: true,
    ...options,
  });
  const { venues } = simulator;
  const binance = await connect(venues.binance!, '/ws/solusdt@trade/solusdt@bookTicker');
  const coinbase = await connect(venues.coinbase!, '/');
  coinbase.socket.send('{"type":"subscribe","product_ids":["SOL-USD"],"channels":["ticker","matches"]}');
  await coinbase.until(1);
  const backpack = await connect(venues.backpack!, '/');
  backpack.socket.send(
    '{"method":"SUBSCRIBE","params":["bookTicker.SOL_USDC","trade.SOL_USDC","bookTicker.SOL_USDC_PERP","x"]}',
  );
  await backpack.until(1);
  simulator.start();
  return { simulator, binance, coinbase, backpack };
}

const all = (client: Client): Loose[] => client.messages.map((text) => JSON.parse(text));

/** Middle prices by 100 ms of market time: the last one in each. */
function middles(rows: readonly (readonly [us: number, bid: unknown, ask: unknown])[]): Map<number, number> {
  return new Map(rows.map(([us, bid, ask]) => [Math.floor(us / 100_000), (Number(bid) + Number(ask)) / 2]));
}

describe(`three venues in one market (SEED=${seed})`, () => {
  test(`prices differ by less than ${basisPointsMax} basis points, and ids are each venue's own`, async () => {
    const { binance, coinbase, backpack } = await threeVenues();
    await Promise.all([binance.until(2_000), coinbase.until(300), backpack.until(500)]);
    const trades = all(binance).filter(({ e }) => e === 'trade');
    let lastUs = 0;
    const reference = middles(
      all(binance).flatMap((each): [number, unknown, unknown][] => {
        if (each.e === 'trade') lastUs = each.T * 1_000;
        return each.e === 'trade' ? [] : [[lastUs, each.b, each.a]];
      }),
    );
    const tickers = all(coinbase).filter(({ type }) => type === 'ticker');
    const quotes = (stream: string): Loose[] =>
      all(backpack).flatMap((each) => (each.stream === stream ? [each.data] : []));
    const others = [
      middles(tickers.map((each) => [Date.parse(each.time) * 1_000, each.best_bid, each.best_ask])),
      ...['bookTicker.SOL_USDC', 'bookTicker.SOL_USDC_PERP'].map((stream) =>
        middles(quotes(stream).map(({ T, a, b }) => [T, b, a])),
      ),
    ];
    for (const other of others) {
      const both = [...other].flatMap(([slot, price]) => {
        const base = reference.get(slot);
        return base === undefined ? [] : [(Math.abs(price - base) / base) * 10_000];
      });
      expect(both.length).toBeGreaterThan(10);
      expect(Math.max(...both)).toBeLessThan(basisPointsMax);
      expect(Math.max(...both)).toBeGreaterThan(0);
    }
    const ours = new Set(trades.map(({ t }) => t));
    const theirs = all(coinbase).flatMap((each) => (each.type === 'match' ? [each.trade_id] : []));
    expect(theirs.some((id) => ours.has(id))).toBe(false);
  });

  test('what Binance says does not depend on the other venues', async () => {
    const digests: string[] = [];
    for (const venues of [['binance'], ['binance', 'coinbase', 'backpack']] as const) {
      const simulator = await simulate({
        venues,
        symbols: 3,
        seed,
        ticksPerSecond: 3_000,
        speed: 4,
        startTimeMs: Date.UTC(2026, 2, 1),
        hold: true,
      });
      const client = await connect(simulator, '/ws/btcusdt@trade/solusdt@bookTicker/ethusdt@depth@100ms');
      simulator.start();
      const messages = await client.until(1_000);
      digests.push(createHash('sha256').update(messages.slice(0, 1_000).join('\n')).digest('hex'));
    }
    expect(digests[1]).toBe(digests[0]);
  });

  test('scenario 23: another tick, another name and the end of trading reach every venue', async () => {
    const { simulator, coinbase, backpack } = await threeVenues();
    const books = await connect(simulator.venues.coinbase!, '/');
    books.socket.send('{"type":"subscribe","product_ids":["SOL-USD"],"channels":["level2_batch"]}');
    const deltas = await connect(simulator.venues.backpack!, '/');
    deltas.socket.send('{"method":"SUBSCRIBE","params":["depth.SOL_USDC"]}');
    await Promise.all([books.until(5), deltas.until(5)]);
    simulator.command({ kind: 'tickSize', symbol: 'SOLUSDT', tickSize: '0.001' });
    const listed = (symbol: string): string | undefined =>
      [...simulator.venues.coinbase!.listing, ...simulator.venues.backpack!.listing].find(
        (row) => row.symbol === symbol,
      )?.tickSize;
    expect(['SOL-USD', 'SOL_USDC', 'SOL_USDC_PERP'].map(listed)).toEqual(Array(3).fill('0.00100000'));
    await coinbase.until(coinbase.messages.length + 20);
    await backpack.until(backpack.messages.length + 20);
    expect(
      all(coinbase)
        .filter(({ type }) => type === 'ticker')
        .at(-1).best_bid,
    ).toMatch(/^\d+\.\d{3}$/);
    expect(all(backpack).at(-1).data.a).toMatch(/^\d+(\.\d{3})?$/);
    simulator.command({ kind: 'tickSize', symbol: 'SOL-USD', tickSize: '0.1', venue: 'coinbase' });
    await coinbase.until(coinbase.messages.length + 20);
    expect(listed('SOL-USD')).toBe('0.10000000');
    await books.until(books.messages.length + 10);
    booksOf(all(books).filter(({ type }) => type !== 'subscriptions')); // never crossed on the way
    const updates = all(deltas).flatMap(({ data }) => (data === undefined ? [] : [data]));
    expect(updates.length).toBeGreaterThan(10);
    expect(updates.slice(1).map(({ U }) => U)).toEqual(updates.slice(0, -1).map(({ u }) => u + 1));
    expect(
      all(coinbase)
        .filter(({ type }) => type === 'ticker')
        .at(-1).best_bid,
    ).toMatch(/^\d+\.\d00$/);
    simulator.command({ kind: 'rename', symbol: 'SOL-USD', base: 'LUNA', venue: 'coinbase' });
    expect([listed('SOL-USD'), listed('LUNA-USD'), listed('LUNA_USDC_PERP')].map(Boolean)).toEqual([
      false,
      true,
      true,
    ]);
    coinbase.socket.send('{"type":"subscribe","product_ids":["LUNA-USD"],"channels":["matches"]}');
    const renamed = (): boolean =>
      all(coinbase).some((each) => each.type === 'match' && each.product_id === 'LUNA-USD');
    while (!renamed()) await coinbase.until(coinbase.messages.length + 1);
    simulator.command({ kind: 'delist', symbol: 'LUNAUSDT', gone: true });
    expect(listed('LUNA-USD')).toBeUndefined();
  });
});
