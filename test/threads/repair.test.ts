import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { GapNotice } from '../../src/market/tick.ts';
import { klinesOf, textsOf } from './klines.ts';
import { type Exchange, pause, ServerBench, startExchange, until } from './server-bench.ts';

const btc = 'BINANCE:BTCUSDT';
const market = { symbols: 3, ticksPerSecond: 300 } as const;
const quiet = { 'coinbase.enabled': false, 'backpack.enabled': false };

/** Ids of the notices of one kind, each once, rising. */
function idsOf(notices: readonly GapNotice[], state: GapNotice['state']): number[] {
  const ids = notices
    .filter((notice) => notice.state === state)
    .flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
  return [...new Set(ids)].toSorted((left, right) => left - right);
}

function isWhole(ids: readonly number[]): boolean {
  return ids.every((id, index) => index === 0 || id === ids[index - 1]! + 1);
}

const storedIds = async (bench: ServerBench, symbol: string): Promise<number[]> =>
  (await bench.trades(symbol)).map(({ id }) => id);

/** Stored and, for a client, last told bars of the seconds that were wholly seen, beside those of the venue. */
async function compareBars(bench: ServerBench, restUrl: string, symbol: string): Promise<number> {
  const [first] = await bench.trades(symbol);
  const since = (Math.floor(first!.time / 1e6) + 1) * 1e6;
  const bars = (await bench.bars(symbol, '1s')).filter(({ openTime, closed }) => openTime >= since && closed);
  const expected = await klinesOf(restUrl, symbol.split(':')[1]!, since, bars.at(-1)!.openTime);
  expect(textsOf(bars, bench.instrument(symbol))).toEqual(expected);
  expect(bars.filter(({ incomplete }) => incomplete)).toEqual([]);
  return bars.length;
}

test('scenarios 12, 13 and 14: what comes twice, in disorder or not at all ends, on all venues, as the clean run would', async () => {
  const simulator = await startExchange({ ...market, venues: ['binance', 'coinbase', 'backpack'] });
  const bench = await ServerBench.start(simulator);
  await bench.server.subscribed();
  const lossy = [
    { venue: 'binance', native: 'BTCUSDT', symbol: btc },
    { venue: 'coinbase', native: 'BTC-USD', symbol: 'COINBASE:BTC-USD' },
    { venue: 'backpack', native: 'BTC_USDC', symbol: 'BACKPACK:BTC_USDC' },
  ] as const;
  const watcher = await bench.watch(
    lossy.map(({ symbol }) => symbol),
    ['trades', 'bars:1s'],
  );
  await pause(1_000);
  for (const { venue, native: symbol } of lossy) {
    simulator.command({ kind: 'duplicate', venue, symbol, count: 5 });
    simulator.command({ kind: 'reorder', venue, symbol, count: 1 });
  }
  await pause(1_000);
  expect(watcher.notices).toEqual([]);
  for (const { venue, native: symbol } of lossy) {
    simulator.command({ kind: 'restDelay', venue, ms: 800 });
    simulator.command({ kind: 'drop', venue, symbol, count: 4 });
  }
  for (const { symbol } of lossy) {
    await until(() => idsOf(watcher.gapNotices(symbol), 'gap').length > 0, `${symbol}: the gap is told`);
    const missing = idsOf(watcher.gapNotices(symbol), 'gap');
    expect(missing).toHaveLength(4);
    await until(
      () => idsOf(watcher.gapNotices(symbol), 'repaired').length === missing.length,
      `${symbol}: the repair is told`,
    );
    expect(idsOf(watcher.gapNotices(symbol), 'repaired')).toEqual(missing);
    expect(watcher.gapNotices(symbol)[0]!.state).toBe('gap');
    expect(idsOf(watcher.gapNotices(symbol), 'lost')).toEqual([]);
    expect(watcher.barUpdates(symbol, '1s').some(({ incomplete }) => incomplete)).toBe(true);
    const late = watcher.trades(symbol).filter((trade) => trade.late);
    expect(late.map(({ id }) => id)).toEqual(missing);
  }
  await pause(2_000);
  await bench.balanced();
  expect(simulator.report().commands).toMatchObject({ duplicate: 5, reorder: 1, drop: 4 });
  for (const { symbol } of lossy) {
    const ids = await storedIds(bench, symbol);
    expect(isWhole(ids)).toBe(true);
    const seen = watcher.trades(symbol).map(({ id }) => id);
    expect(new Set(seen).size).toBe(seen.length);
    expect(isWhole(seen.toSorted((left, right) => left - right))).toBe(true);
    const gaps = (await bench.gaps(symbol)).filter(({ from }) => from > 0);
    expect(gaps.every(({ state }) => state === 'repaired')).toBe(true);
  }
  for (const symbol of [btc, 'BINANCE:ETHUSDT', 'BINANCE:SOLUSDT'])
    expect(await compareBars(bench, simulator.restUrl, symbol)).toBeGreaterThan(3);
  await expectClientBars(bench, watcher, simulator.restUrl);
  expect(watcher.wrongs).toEqual([]);
});

/** The last word on each bar that the client saw begin and end is the venue's. */
async function expectClientBars(
  bench: ServerBench,
  watcher: Awaited<ReturnType<ServerBench['watch']>>,
  restUrl: string,
): Promise<void> {
  const [, ...bars] = watcher.bars(btc, '1s').filter(({ closed }) => closed);
  const expected = await klinesOf(restUrl, 'BTCUSDT', bars[0]!.openTime, bars.at(-1)!.openTime);
  expect(textsOf(bars, bench.instrument(btc))).toEqual(expected);
}

test('scenario 14: where REST refuses, the ids are told as lost, and their bars stay incomplete', async () => {
  const simulator = await startExchange({ ...market, venues: ['binance'] });
  const proxy = await refusing(simulator, '/api/v3/historicalTrades');
  const bench = await ServerBench.start(proxy, { settings: { ...quiet, 'repair.attempts': 2 } });
  await bench.server.subscribed();
  const watcher = await bench.watch([btc], ['trades', 'bars:1s']);
  await pause(1_500);
  simulator.command({ kind: 'drop', symbol: 'BTCUSDT', count: 3 });
  await until(() => idsOf(watcher.gapNotices(btc), 'lost').length > 0, 'the loss is told');
  expect(idsOf(watcher.gapNotices(btc), 'lost')).toEqual(idsOf(watcher.gapNotices(btc), 'gap'));
  expect(idsOf(watcher.gapNotices(btc), 'repaired')).toEqual([]);
  await pause(1_500);
  await bench.balanced();
  const [gap] = (await bench.gaps(btc)).filter(({ from }) => from > 0);
  expect(gap).toMatchObject({ state: 'lost' });
  const ids = new Set(await storedIds(bench, btc));
  expect(idsOf(watcher.gapNotices(btc), 'lost').some((id) => ids.has(id))).toBe(false);
  const second = Math.floor(gap!.toTime / 1e6) * 1e6;
  const touched = (await bench.bars(btc, '1s')).filter(({ openTime }) => openTime === second);
  expect(touched).toMatchObject([{ closed: true, incomplete: true }]);
  expect(watcher.bars(btc, '1s').find(({ openTime }) => openTime === second)).toMatchObject({
    closed: true,
    incomplete: true,
  });
  expect(watcher.wrongs).toEqual([]);
});

test('scenario 14: a server that ends with a gap open repairs it in its next life, and what came meanwhile', async () => {
  const simulator = await startExchange({ ...market, venues: ['binance'] });
  const bench = await ServerBench.start(simulator, { settings: quiet });
  await bench.server.subscribed();
  const watcher = await bench.watch([btc], ['trades']);
  await pause(1_500);
  simulator.command({ kind: 'restDelay', ms: 60_000 });
  simulator.command({ kind: 'drop', symbol: 'BTCUSDT', count: 3 });
  await until(() => idsOf(watcher.gapNotices(btc), 'gap').length === 3, 'the gap is told');
  const open = idsOf(watcher.gapNotices(btc), 'gap');
  await pause(500);
  await bench.stopServer();
  expect((await bench.gaps(btc)).some(({ from, state }) => from === open[0] && state === 'gap')).toBe(true);
  const before = (await storedIds(bench, btc)).at(-1)!;
  simulator.command({ kind: 'restDelay', ms: 0 });
  await pause(1_500);

  await bench.startServer();
  await bench.server.subscribed();
  await until(
    async () => isWhole(await storedIds(bench, btc)) && (await storedIds(bench, btc)).at(-1)! > before,
    'all ids are stored',
  );
  await until(
    async () => (await bench.gaps(btc)).every(({ from, state }) => from === 0 || state === 'repaired'),
    'the gaps are closed',
  );
  const gaps = (await bench.gaps(btc)).filter(({ from }) => from > 0);
  expect(gaps.some(({ from, to }) => from <= before + 1 && before + 1 <= to)).toBe(true);
  await pause(2_500);
  await bench.balanced();
  expect(await compareBars(bench, simulator.restUrl, btc)).toBeGreaterThan(3);
});

/** The exchange with a REST that refuses all requests of one path. */
async function refusing(exchange: Exchange, path: string): Promise<Exchange> {
  const { restUrl } = exchange.venues.binance!;
  const proxy = createServer((request, response) => {
    if (request.url?.startsWith(path) === true) {
      response.writeHead(400, { 'Content-Type': 'application/json' });
      response.end('{"code":-1100,"msg":"refused by order of the test"}');
      return;
    }
    void passOn(`${restUrl}${request.url}`, response);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const { binance } = exchange.venues;
  return {
    venues: { binance: { ...binance!, restUrl: `http://127.0.0.1:${port}` } },
    close: () => exchange.close(),
  };
}

async function passOn(url: string, response: ServerResponse): Promise<void> {
  try {
    const answer = await fetch(url);
    const text = await answer.text();
    response.writeHead(answer.status, { 'Content-Type': 'application/json' });
    response.end(text);
  } catch {
    response.destroy();
  }
}
