import { expect, test } from 'vitest';
import type { Ending } from '../../src/feeds/ending.ts';
import { pause, ServerBench, startExchange, until } from './server-bench.ts';
import type { Watcher } from './watcher.ts';

const market = { venues: ['binance'], symbols: 6, ticksPerSecond: 300 } as const;
const quiet = { 'coinbase.enabled': false, 'backpack.enabled': false };

interface FeedsHealth {
  readonly feeds: { readonly binance: { readonly connections: readonly ConnectionHealth[] } };
}
interface ConnectionHealth {
  readonly ended: Readonly<Record<Ending, number>>;
}

async function connections(bench: ServerBench): Promise<readonly ConnectionHealth[]> {
  return (await bench.health<FeedsHealth>()).feeds.binance.connections;
}

async function ended(bench: ServerBench, ending: Ending): Promise<number> {
  return (await connections(bench)).reduce((sum, connection) => sum + connection.ended[ending], 0);
}

/** No socket went before we let it go. Health tells of a second ago. */
async function expectLetGoInTime(bench: ServerBench): Promise<void> {
  await pause(1_500);
  expect({ cut: await ended(bench, 'cut'), closed: await ended(bench, 'closed') }).toEqual({
    cut: 0,
    closed: 0,
  });
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

test('scenario 1: one line, sockets that the venue cuts when they are old are replaced before: nothing is missing', async () => {
  const simulator = await startExchange({
    ...market,
    limits: { binance: { lifetimeMs: 5_000, connects: { most: 0, withinMs: 0 }, incomingPerSecond: 0 } },
  });
  // They are replaced at an age of 2.4 to 2.85 s, and the old one is read on for 300 ms more.
  const bench = await ServerBench.start(simulator, {
    settings: {
      ...quiet,
      'exchange.lifetime': 3_000,
      'exchange.overlap': 300,
      'exchange.max_connections': 2,
    },
  });
  await bench.server.subscribed();
  const symbols = simulator.listing.map(({ symbol }) => `BINANCE:${symbol}`);
  const watcher = await bench.watch(symbols, ['trades', 'bars:1s']);
  expect(await connections(bench)).toHaveLength(2);
  // Later than the venue would have cut the first ones.
  await until(
    async () => (await connections(bench)).every(({ ended: { lifetime } }) => lifetime >= 2),
    'each is replaced twice',
  );
  await expectLetGoInTime(bench);
  await bench.balanced();
  await expectNothingLost(bench, watcher, symbols);
  expect(simulator.report().connections.cut).toEqual({});
});

test('scenario 2: one line, a server that says it shuts down is left before it does: nothing is missing', async () => {
  const simulator = await startExchange(market);
  const bench = await ServerBench.start(simulator, {
    settings: {
      ...quiet,
      'exchange.lifetime': 0,
      'exchange.overlap': 300,
      'exchange.max_connections': 2,
    },
  });
  await bench.server.subscribed();
  const symbols = simulator.listing.map(({ symbol }) => `BINANCE:${symbol}`);
  const watcher = await bench.watch(symbols, ['trades', 'bars:1s']);
  await pause(500);
  simulator.command({ kind: 'shutdown', connection: 'all', afterMs: 2_500 });
  await until(
    async () => (await connections(bench)).every(({ ended: told }) => told['venue-shutdown'] === 1),
    'both are let go',
  );
  // Later than the venue would have closed them.
  await pause(1_500);
  await expectLetGoInTime(bench);
  await bench.balanced();
  await expectNothingLost(bench, watcher, symbols);
  expect(await ended(bench, 'venue-shutdown')).toBe(2);
  expect(simulator.report().connections.cut).toEqual({});
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
