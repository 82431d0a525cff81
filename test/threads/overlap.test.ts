import { expect, test } from 'vitest';
import { pause, ServerBench, startExchange, until } from './server-bench.ts';
import type { Watcher } from './watcher.ts';

const market = { venues: ['binance'], symbols: 6, ticksPerSecond: 300 } as const;
const quiet = { 'coinbase.enabled': false, 'backpack.enabled': false };

interface FeedsHealth {
  readonly feeds: { readonly binance: { readonly connections: readonly ConnectionHealth[] } };
}
interface ConnectionHealth {
  readonly connects: number;
  readonly ended: Readonly<Record<string, number>>;
}

async function ended(bench: ServerBench, ending: string): Promise<number> {
  const { connections } = (await bench.health<FeedsHealth>()).feeds.binance;
  return connections.reduce((sum, connection) => sum + (connection.ended[ending] ?? 0), 0);
}

function expectWhole(ids: readonly number[]): void {
  expect(ids.length).toBeGreaterThan(0);
  for (const [index, id] of ids.entries()) if (index > 0) expect(id).toBe(ids[index - 1]! + 1);
}

/** Nothing missing, nothing twice, and in order: stored, and for the client. */
async function expectNothingLost(
  bench: ServerBench,
  watcher: Watcher,
  symbols: readonly string[],
): Promise<void> {
  for (const symbol of symbols) {
    expectWhole(watcher.trades(symbol).map(({ id }) => id));
    const stored = await bench.trades(symbol);
    expectWhole(stored.map(({ id }) => id));
    expect((await bench.gaps(symbol)).filter(({ from }) => from > 0)).toEqual([]);
  }
  expect(watcher.notices).toEqual([]);
  expect(watcher.wrongs).toEqual([]);
}

test('scenarios 1 and 2: one line, sockets cut when they are old, and a server that shuts down: nothing is missing', async () => {
  const simulator = await startExchange({
    ...market,
    limits: { binance: { lifetimeMs: 5_000, connects: { most: 0, withinMs: 0 }, incomingPerSecond: 0 } },
  });
  // They are replaced at an age of 2.4 to 2.85 s, and the old one is read on for 2 s more.
  const bench = await ServerBench.start(simulator, {
    settings: { ...quiet, 'exchange.lifetime': 3_000, 'exchange.max_connections': 2 },
  });
  await bench.server.subscribed();
  const symbols = simulator.listing.map(({ symbol }) => `BINANCE:${symbol}`);
  const watcher = await bench.watch(symbols, ['trades', 'bars:1s']);
  const { opened } = simulator.report().connections;
  await until(() => simulator.report().connections.opened >= opened + 2, 'replacements');
  await until(async () => (await ended(bench, 'lifetime')) >= 2, 'the old ones are let go');
  await bench.server.subscribed();
  simulator.command({ kind: 'shutdown', connection: 'all', afterMs: 2_500 });
  await until(async () => (await ended(bench, 'venue-shutdown')) >= 2, 'those that shut down are let go');
  await pause(1_000);
  await bench.balanced();
  await expectNothingLost(bench, watcher, symbols);
  expect(await ended(bench, 'dropped')).toBe(0);
});

test('scenario 11: a socket of three dies: only its symbols have gaps, which are repaired, and the order holds', async () => {
  const simulator = await startExchange(market);
  const bench = await ServerBench.start(simulator, {
    settings: {
      ...quiet,
      'exchange.max_connections': 3,
      'exchange.streamsPerConnection': 16,
      'exchange.backoffMin': 1_000,
      'exchange.backoffMax': 1_000,
    },
  });
  await bench.server.subscribed();
  const symbols = simulator.listing.map(({ symbol }) => `BINANCE:${symbol}`);
  const watcher = await bench.watch(symbols, ['trades', 'bars:1s']);
  await pause(1_000);
  for (let kill = 0; kill < 3; kill++) {
    const { opened } = simulator.report().connections;
    simulator.command({ kind: 'kill', connection: 0, how: 'cut' });
    await until(() => simulator.report().connections.opened > opened, 'the socket comes back');
    await bench.server.subscribed();
    await pause(500);
  }
  await until(
    async () =>
      (await Promise.all(symbols.map((symbol) => bench.gaps(symbol))))
        .flat()
        .every(({ from, state }) => from === 0 || state === 'repaired'),
    'the gaps are repaired',
  );
  await bench.balanced();
  for (const symbol of symbols) {
    const live = watcher.trades(symbol).filter(({ late }) => !late);
    expect(live.every(({ id }, index) => index === 0 || id > live[index - 1]!.id)).toBe(true);
    expectWhole((await bench.trades(symbol)).map(({ id }) => id));
  }
  expect(watcher.notices.some(({ state }) => state === 'repaired')).toBe(true);
  expect(watcher.notices.filter(({ state }) => state === 'lost')).toEqual([]);
  expect(watcher.wrongs).toEqual([]);
});
