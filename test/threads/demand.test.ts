import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { redisInstalled, startRedis } from '../stores/redis-server.ts';
import { type Exchange, pause, ServerBench, startExchange, until } from './server-bench.ts';
import { type VenueProxy, watchedVenue } from './venue-proxy.ts';

const settings = {
  'coinbase.enabled': false,
  'backpack.enabled': false,
  'exchange.symbols': ['BTCUSDT'],
  'demand.linger': 1_000,
};

/** An exchange that lists four symbols, of which the configuration takes one. */
async function watchedExchange(): Promise<{ exchange: Exchange; proxy: VenueProxy }> {
  const simulator = await startExchange({ venues: ['binance'], symbols: 4, ticksPerSecond: 300 });
  const { binance } = simulator.venues;
  const proxy = await watchedVenue(binance!.wsUrl);
  const exchange: Exchange = {
    venues: { binance: { ...binance!, wsUrl: proxy.wsUrl } },
    close: () => simulator.close(),
  };
  return { exchange, proxy };
}

/** Every naming of a stream of the symbol in a SUBSCRIBE. */
function streamsAskedFor({ asked }: VenueProxy, symbol: string): string[] {
  return asked
    .map(({ text }) => JSON.parse(text) as { readonly method: string; readonly params?: readonly string[] })
    .flatMap(({ method, params = [] }) => (method === 'SUBSCRIBE' ? params : []))
    .filter((stream) => stream.startsWith(`${symbol.toLowerCase()}@`));
}

/** Requests of a kind that name the symbol. */
function requests({ asked }: VenueProxy, method: 'SUBSCRIBE' | 'UNSUBSCRIBE', symbol: string): number[] {
  return asked
    .filter(({ text }) => text.includes(`"${method}"`) && text.includes(`"${symbol.toLowerCase()}@trade"`))
    .map(({ atMs }) => atMs);
}

test('a symbol that nobody takes is subscribed to with the first wish, once, and let go a while after the last', async () => {
  const { exchange, proxy } = await watchedExchange();
  const bench = await ServerBench.start(exchange, { settings, core: [] });
  await bench.server.subscribed();
  expect(requests(proxy, 'SUBSCRIBE', 'BTCUSDT')).toHaveLength(1);
  expect(requests(proxy, 'SUBSCRIBE', 'ETHUSDT')).toHaveLength(0);

  const before = await bench.watch(['BINANCE:BTCUSDT']);
  // The venue allows a request each 210 ms: the last one is that long ago.
  await pause(300);
  const dataAt: number[] = [];
  const noteEth = ({ instrument }: { readonly instrument: number }): void => {
    if (instrument === before.idOf('BINANCE:ETHUSDT')) dataAt.push(performance.now());
  };
  before.client.on('trades', noteEth);
  before.client.on('quotes', noteEth);
  const wishedAt = performance.now();
  const wish = before.client.subscribe(['BINANCE:ETHUSDT'], { channels: ['trades', 'quotes', 'book'] });
  await until(() => requests(proxy, 'SUBSCRIBE', 'ETHUSDT').length > 0, 'SUBSCRIBE leaves');
  const [leftAt] = requests(proxy, 'SUBSCRIBE', 'ETHUSDT');
  await wish;
  await until(() => before.quotes('BINANCE:ETHUSDT').length > 0, 'quotes come');
  await until(() => before.trades('BINANCE:ETHUSDT').length > 0, 'trades come');
  await until(() => before.client.book(before.idOf('BINANCE:ETHUSDT'))?.live === true, 'the book comes');
  process.stdout.write(`SUBSCRIBE left ${(leftAt! - wishedAt).toFixed(1)} ms after the wish\n`);
  expect(leftAt!).toBeGreaterThan(wishedAt);
  expect(leftAt! - wishedAt).toBeLessThan(2_000);
  expect(dataAt[0]!).toBeGreaterThan(leftAt!);
  const named = streamsAskedFor(proxy, 'ETHUSDT');
  expect(named.filter((stream) => stream === 'ethusdt@trade')).toHaveLength(1);
  expect(new Set(named).size).toBe(named.length);

  const second = await bench.watch(['BINANCE:ETHUSDT']);
  await before.client.unsubscribe(['BINANCE:ETHUSDT']);
  await pause(1_500);
  expect(requests(proxy, 'SUBSCRIBE', 'ETHUSDT')).toHaveLength(1);
  expect(requests(proxy, 'UNSUBSCRIBE', 'ETHUSDT')).toHaveLength(0);
  const lettingAt = performance.now();
  second.close();
  await until(() => requests(proxy, 'UNSUBSCRIBE', 'ETHUSDT').length > 0, 'it is unsubscribed');
  expect(requests(proxy, 'UNSUBSCRIBE', 'ETHUSDT')[0]! - lettingAt).toBeGreaterThan(990);
  expect(requests(proxy, 'UNSUBSCRIBE', 'BTCUSDT')).toHaveLength(0);
  const again = await bench.watch(['BINANCE:ETHUSDT']);
  await until(() => requests(proxy, 'SUBSCRIBE', 'ETHUSDT').length === 2, 'it is subscribed to again');
  const { length } = again.trades('BINANCE:ETHUSDT');
  await until(() => again.trades('BINANCE:ETHUSDT').length > length + 5, 'trades come again');
  await until(
    async () =>
      (await bench.gaps('BINANCE:ETHUSDT')).every(({ from, state }) => from === 0 || state === 'repaired'),
    'what was traded meanwhile is fetched',
  );
  await bench.balanced();
  for (const { wrongs } of [before, again]) expect(wrongs).toEqual([]);
});

test.skipIf(!redisInstalled)('a watch list in a real Redis does the same', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const lists = new Redis({ port: redis.port, host: '127.0.0.1' });
  onTestFinished(() => lists.disconnect());
  const { exchange, proxy } = await watchedExchange();
  const bench = await ServerBench.start(exchange, {
    settings: {
      ...settings,
      'cache.redis.enabled': true,
      'cache.redis.addr': `127.0.0.1:${redis.port}`,
      'demand.reconcileEvery': 100,
    },
    core: [],
  });
  await bench.server.subscribed();
  await lists.sadd('marketwatch:one', 'SOLUSDT', 'NOSUCHTHING');
  await until(() => requests(proxy, 'SUBSCRIBE', 'SOLUSDT').length > 0, 'SUBSCRIBE leaves');
  await until(async () => (await bench.trades('BINANCE:SOLUSDT')).length > 0, 'trades are stored');
  await lists.del('marketwatch:one');
  await until(() => requests(proxy, 'UNSUBSCRIBE', 'SOLUSDT').length > 0, 'it is let go');
  expect(requests(proxy, 'SUBSCRIBE', 'SOLUSDT')).toHaveLength(1);
  expect(requests(proxy, 'SUBSCRIBE', 'XRPUSDT')).toHaveLength(0);
  await bench.balanced();
});
