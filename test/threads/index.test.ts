import { expect, test } from 'vitest';
import { ServerBench, startExchange, until } from './server-bench.ts';
import type { Watcher } from './watcher.ts';

const index = 'INDEX:BTCUSD';
const parts = ['COINBASE:BTC-USD', 'BINANCE:BTCUSDT', 'BACKPACK:BTC_USDC'] as const;

interface Sources {
  readonly indexes: Readonly<Record<string, Readonly<Record<string, { readonly state: string }>>>>;
}

const stateOf = async (bench: ServerBench, part: string): Promise<string | undefined> =>
  (await bench.health<Sources>()).indexes[index]?.[part]?.state;

/** The last middle price that the client saw, in the symbol's own unit. */
function middle(watcher: Watcher, symbol: string): number {
  const { bid, ask } = watcher.quotes(symbol).at(-1)!;
  return watcher.client.dictionary.priceOf(watcher.idOf(symbol), (bid + ask) / 2);
}

test('scenario 26: an index of three venues: one 5 % away, one 100 times away, silent ones, all silent', async () => {
  const simulator = await startExchange({
    venues: ['binance', 'coinbase', 'backpack'],
    symbols: 2,
    ticksPerSecond: 200,
  });
  const bench = await ServerBench.start(simulator, { settings: { 'index.staleAfter': 1_000 } });
  await bench.server.subscribed();
  const watcher = await bench.watch([index, ...parts], ['quotes', 'trades']);
  await until(async () => {
    const states = await Promise.all(parts.map((part) => stateOf(bench, part)));
    return states.every((state) => state === 'used');
  }, 'all parts count');
  await until(() => [index, ...parts].every((symbol) => watcher.quotes(symbol).length > 0), 'quotes of all');
  const near = (): void => {
    const price = middle(watcher, index);
    expect(Math.abs(price / middle(watcher, 'BINANCE:BTCUSDT') - 1)).toBeLessThan(0.01);
  };
  near();

  const quotes = { binance: 'bookTicker', coinbase: 'ticker', backpack: 'bookTicker' } as const;
  const far = {
    kind: 'price',
    venue: 'backpack',
    symbol: 'BTC_USDC',
    of: quotes.backpack,
    count: 1e6,
  } as const;
  simulator.command({ ...far, factor: 1.06 });
  await until(
    async () => (await stateOf(bench, 'BACKPACK:BTC_USDC')) === 'marked',
    'the one 6 % away is marked',
  );
  near();
  simulator.command({ ...far, factor: 100 });
  await until(async () => (await stateOf(bench, 'BACKPACK:BTC_USDC')) === 'quarantined', 'it is shut out');
  near();

  const hush = { kind: 'mute', forMs: 4_000 } as const;
  simulator.command({ kind: 'mute', venue: 'coinbase', symbol: 'BTC-USD' });
  await until(async () => (await stateOf(bench, 'COINBASE:BTC-USD')) === 'stale', 'the silent one is stale');
  const before = watcher.quotes(index).length;
  await until(() => watcher.quotes(index).length > before, 'the index goes on without it');
  near();
  expect(watcher.states(index, 'quotes')).not.toContain('stale');

  simulator.command({ ...hush, venue: 'backpack', symbol: 'BTC_USDC' });
  simulator.command({ ...hush, venue: 'binance', symbol: 'BTCUSDT' });
  await until(() => watcher.states(index, 'quotes').at(-1) === 'stale', 'the index is stale');
  const { length } = watcher.quotes(index);
  await until(() => watcher.states(index, 'quotes').at(-1) === 'live', 'it is live again');
  await until(() => watcher.quotes(index).length > length, 'and goes on');
  near();

  await bench.balanced();
  const ticks = watcher.trades(index).map(({ id }) => id);
  expect(ticks.every((id, at) => at === 0 || id === ticks[at - 1]! + 1)).toBe(true);
  expect((await bench.bars(index, '1s')).length).toBeGreaterThan(0);
  expect(watcher.wrongs).toEqual([]);
});
