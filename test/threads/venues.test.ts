import { expect, test } from 'vitest';
import { pause, ServerBench, startExchange, until } from './server-bench.ts';
import type { Watcher } from './watcher.ts';

const everyVenue = ['binance', 'coinbase', 'backpack'] as const;

interface StreamsHealth {
  readonly status: string;
  readonly streams: Readonly<Record<'staleTrades' | 'staleQuotes' | 'staleBooks' | 'syncingBooks', number>>;
}

interface BooksHealth extends StreamsHealth {
  readonly rest: {
    readonly binance: { readonly books: { readonly given: number; readonly waiting: number } };
  };
}

function isWhole(ids: readonly number[]): boolean {
  return ids.length > 0 && ids.every((id, index) => index === 0 || id === ids[index - 1]! + 1);
}

test('scenarios 3 and 27: a symbol that falls silent is stale and live again; trades that only heartbeats tell of are fetched', async () => {
  const simulator = await startExchange({ venues: everyVenue, symbols: 3, ticksPerSecond: 300 });
  const bench = await ServerBench.start(simulator);
  await bench.server.subscribed();
  const silent = 'BINANCE:ETHUSDT';
  const tails = ['BINANCE:SOLUSDT', 'COINBASE:BTC-USD'];
  const others = ['BINANCE:BTCUSDT', 'COINBASE:ETH-USD', 'BACKPACK:BTC_USDC'];
  const watcher = await bench.watch([silent, ...tails, ...others], ['trades', 'quotes', 'book']);
  // With ten seconds of arrivals, three times the longest pause is expected, a second or more; stale is twice that.
  await pause(10_000);
  simulator.command({ kind: 'mute', symbol: 'ETHUSDT', forMs: 10_000 });
  simulator.command({ kind: 'mute', symbol: 'SOLUSDT', of: 'trade', forMs: 8_000 });
  simulator.command({ kind: 'mute', venue: 'coinbase', symbol: 'BTC-USD', of: 'trade', forMs: 8_000 });
  const stored = await Promise.all(tails.map((symbol) => bench.trades(symbol)));
  for (const channel of ['trades', 'quotes', 'book'])
    await until(() => watcher.states(silent, channel).includes('stale'), `${silent}: ${channel} are stale`);
  await until(async () => (await bench.health<StreamsHealth>()).status === 'degraded', 'health tells of it');
  for (const [index, symbol] of tails.entries()) {
    await until(() => watcher.states(symbol, 'trades').includes('stale'), `${symbol}: trades are missing`);
    expect(watcher.states(symbol, 'quotes')).toEqual([]);
    await until(async () => (await bench.trades(symbol)).length > stored[index]!.length, 'they are fetched');
  }
  for (const channel of ['trades', 'quotes', 'book'])
    await until(() => watcher.states(silent, channel).at(-1) === 'live', `${silent}: ${channel} are live`);
  for (const symbol of tails)
    await until(() => watcher.states(symbol, 'trades').at(-1) === 'live', `${symbol}: trades are live`);
  await until(async () => (await bench.health<StreamsHealth>()).status === 'ok', 'all is well');
  for (const symbol of [silent, ...tails]) {
    await until(() => watcher.gapNotices(symbol).some(({ state }) => state === 'gap'), `${symbol}: a gap`);
    await until(async () => isWhole((await bench.trades(symbol)).map(({ id }) => id)), `${symbol} is whole`);
    expect(watcher.gapNotices(symbol).filter(({ state }) => state === 'lost')).toEqual([]);
  }
  for (const symbol of others) {
    for (const channel of ['trades', 'quotes', 'book'])
      expect(watcher.states(symbol, channel)).not.toContain('stale');
    expect(watcher.gapNotices(symbol)).toEqual([]);
  }
  await bench.balanced();
  expect(watcher.wrongs).toEqual([]);
});

interface BookAnswer {
  readonly lastId: number;
  readonly bids: readonly (readonly [price: number, size: number])[];
  readonly asks: readonly (readonly [price: number, size: number])[];
}
interface DepthAnswer {
  readonly lastUpdateId: number;
  readonly bids: readonly (readonly [price: string, size: string])[];
  readonly asks: readonly (readonly [price: string, size: string])[];
}

const numbers = (levels: readonly (readonly (string | number)[])[]): number[][] =>
  levels.slice(0, 20).map((level) => level.map(Number));

async function getJson<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

/** At some moment the venue's book, ours over HTTP and the client's stand at the same id: they must be the same book. */
async function expectSameBook(
  bench: ServerBench,
  restUrl: string,
  native: string,
  watcher: Watcher,
): Promise<void> {
  const symbol = `BINANCE:${native}`;
  await until(async () => {
    const venue = await getJson<DepthAnswer>(`${restUrl}/api/v3/depth?symbol=${native}&limit=20`);
    const ours = await getJson<BookAnswer>(`${bench.url}/api/v1/symbols/${symbol}/book?depth=20`);
    const { bids, asks, cursor, live } = watcher.client.book(watcher.idOf(symbol))!;
    if (!live || venue.lastUpdateId !== ours.lastId || cursor !== ours.lastId) return false;
    const { dictionary } = watcher.client;
    const id = watcher.idOf(symbol);
    const levels = (side: typeof bids): number[][] =>
      side.slice(0, 20).map(([price, size]) => [dictionary.priceOf(id, price), dictionary.sizeOf(id, size)]);
    for (const found of [ours, { bids: levels(bids), asks: levels(asks) }]) {
      expect(numbers(found.bids)).toEqual(numbers(venue.bids));
      expect(numbers(found.asks)).toEqual(numbers(venue.asks));
    }
    return true;
  }, `${symbol}: the books meet`);
}

test('scenario 16: books that miss a change, or cross, are made anew, alone, and never served crossed', async () => {
  const simulator = await startExchange({ venues: everyVenue, symbols: 2, ticksPerSecond: 200 });
  const bench = await ServerBench.start(simulator);
  await bench.server.subscribed();
  const broken = [
    { venue: 'binance', native: 'BTCUSDT', symbol: 'BINANCE:BTCUSDT' },
    { venue: 'backpack', native: 'BTC_USDC', symbol: 'BACKPACK:BTC_USDC' },
  ] as const;
  const crossing = [...broken, { venue: 'coinbase', native: 'BTC-USD', symbol: 'COINBASE:BTC-USD' }] as const;
  const whole = ['BINANCE:ETHUSDT', 'COINBASE:ETH-USD'];
  const watcher = await bench.watch([...crossing.map(({ symbol }) => symbol), ...whole], ['book', 'bookTop']);
  const isLive = (symbol: string): boolean => watcher.client.book(watcher.idOf(symbol))?.live === true;
  for (const { symbol } of crossing) await until(() => isLive(symbol), `${symbol}: a book`);
  await expectSameBook(bench, simulator.restUrl, 'BTCUSDT', watcher);

  const madeAnew = async (disturb: () => void): Promise<void> => {
    const voids = (symbol: string): number =>
      watcher.states(symbol, 'book').filter((state) => state === 'syncing').length;
    const before = broken.map(({ symbol }) => voids(symbol));
    disturb();
    for (const [index, { symbol }] of broken.entries()) {
      await until(() => voids(symbol) > before[index]!, `${symbol}: it is void`);
      await until(() => isLive(symbol), `${symbol}: it is made anew`);
    }
    await expectSameBook(bench, simulator.restUrl, 'BTCUSDT', watcher);
  };
  await madeAnew(() => {
    for (const { venue, native: symbol } of broken)
      simulator.command({ kind: 'drop', venue, symbol, of: 'depth', count: 1 });
  });
  await madeAnew(() => {
    for (const { venue, native: symbol } of crossing)
      simulator.command({ kind: 'crossed', venue, symbol, count: 20 });
  });
  await pause(1_000);
  for (const { symbol } of crossing) await until(() => isLive(symbol), `${symbol}: it lives`);
  await expectSameBook(bench, simulator.restUrl, 'BTCUSDT', watcher);
  for (const symbol of whole) expect(watcher.states(symbol, 'book')).not.toContain('syncing');
  await bench.balanced();
  expect(watcher.wrongs).toEqual([]);
});

test('scenario 18: 60 books at once are asked for within the limit of REST: no 429', async () => {
  const weight = { most: 250, withinMs: 2_000 };
  const simulator = await startExchange({
    venues: ['binance'],
    symbols: 60,
    ticksPerSecond: 600,
    limits: {
      binance: {
        connects: { most: 0, withinMs: 0 },
        incomingPerSecond: 0,
        restBudget: weight.most,
        restWindowMs: weight.withinMs,
      },
    },
  });
  const bench = await ServerBench.start(simulator, {
    settings: {
      'coinbase.enabled': false,
      'backpack.enabled': false,
      'exchange.restBudget': weight.most * 0.8,
      'exchange.restBudgetWindow': weight.withinMs,
    },
  });
  await bench.server.subscribed();
  const symbols = simulator.listing.map(({ symbol }) => symbol);
  const last = `BINANCE:${symbols.at(-1)}`;
  const watcher = await bench.watch([last], ['book']);
  const given = async (count: number): Promise<boolean> => {
    const { rest, streams: told } = await bench.health<BooksHealth>();
    return rest.binance.books.given >= count && rest.binance.books.waiting === 0 && told.syncingBooks === 0;
  };
  const isLive = (): boolean => watcher.client.book(watcher.idOf(last))?.live === true;
  await until(() => given(symbols.length), 'all books are there', 40_000);
  expect(isLive()).toBe(true);
  for (const symbol of symbols) simulator.command({ kind: 'drop', symbol, of: 'depth', count: 1 });
  await until(() => watcher.states(last, 'book').includes('syncing'), 'the watched one is void');
  await until(isLive, 'the watched one is there again');
  await until(() => given(2 * symbols.length), 'all books are there again', 40_000);
  expect(simulator.report().requests.refused).toBe(0);
  expect(bench.log.filter((line) => line.includes('429'))).toEqual([]);
  await bench.balanced();
});

test('scenario 21: prices 100 times away are listed, told as quarantined, and count nowhere', async () => {
  const simulator = await startExchange({ venues: everyVenue, symbols: 2, ticksPerSecond: 200 });
  const bench = await ServerBench.start(simulator);
  await bench.server.subscribed();
  const hit = [
    { venue: 'binance', native: 'BTCUSDT', symbol: 'BINANCE:BTCUSDT' },
    { venue: 'coinbase', native: 'BTC-USD', symbol: 'COINBASE:BTC-USD' },
    { venue: 'backpack', native: 'BTC_USDC', symbol: 'BACKPACK:BTC_USDC' },
  ] as const;
  const watcher = await bench.watch(
    hit.map(({ symbol }) => symbol),
    ['trades', 'bars:1s', 'bars:1m', 'enigma'],
  );
  for (const { symbol } of hit)
    await until(() => watcher.trades(symbol).length > 5, `${symbol}: a price to judge by`);
  for (const { venue, native: symbol } of hit)
    simulator.command({ kind: 'price', venue, symbol, factor: 100, count: 2 });
  for (const { symbol } of hit) {
    await until(
      () => watcher.trades(symbol).filter(({ quarantined }) => quarantined).length === 2,
      `${symbol}: two are told as quarantined`,
    );
  }
  await pause(2_000);
  await bench.balanced();
  for (const { symbol } of hit) {
    const ids = watcher.trades(symbol).flatMap(({ id, quarantined }) => (quarantined ? [id] : []));
    const listed = await bench.quarantined(symbol);
    expect(listed.map(({ id }) => id)).toEqual(ids);
    for (const { price, reference } of listed) expect(price / reference).toBeGreaterThan(50);
    const stored = await bench.trades(symbol);
    expect(stored.filter(({ id }) => ids.includes(id))).toEqual([]);
    const usual = stored[0]!.price;
    for (const resolution of ['1s', '1m', '1d'] as const)
      for (const bar of await bench.bars(symbol, resolution))
        if (bar.backfilled !== true) expect(bar.high / usual).toBeLessThan(2);
    for (const bar of [...watcher.bars(symbol, '1s'), ...watcher.bars(symbol, '1m')])
      expect(bar.high / usual).toBeLessThan(2);
    expect(watcher.gapNotices(symbol)).toEqual([]);
  }
  expect(watcher.wrongs).toEqual([]);
});
