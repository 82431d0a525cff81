/** Scenario 23, end to end: symbols that come, go and change while the server runs, over real sockets. */
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { decimalOf } from '../../src/market/mantissa.ts';
import type { Simulator } from '../../src/simulator/options.ts';
import { wishRefresh } from '../../src/threads/refresh-wish.ts';
import { pause, ServerBench, startExchange, until } from './server-bench.ts';

const symbol = 'BINANCE:BTCUSDT';
const settings = { 'coinbase.enabled': false, 'backpack.enabled': false };
const market = { symbols: 4, ticksPerSecond: 400, seed: 7 } as const;

interface Health {
  readonly metadata: {
    readonly version: number;
    readonly rescales: number;
    readonly changes: number;
    readonly early: number;
    readonly listedSecondsAgo: Readonly<Record<string, number | null>>;
  };
}

/** What the exchange itself sends of a symbol's trades: price and size by id. */
async function tapped(exchange: Simulator, native: string): Promise<Map<number, string>> {
  const sent = new Map<number, string>();
  const socket = new WebSocket(`${exchange.wsUrl}/ws/${native.toLowerCase()}@trade`);
  onTestFinished(() => socket.terminate());
  socket.on('message', (data: Buffer) => {
    const { e, t, p, q } = JSON.parse(data.toString()) as Record<string, string> & { t: number };
    if (e === 'trade') sent.set(t, `${plain(p!)} ${plain(q!)}`);
  });
  await new Promise((resolve) => socket.once('open', resolve));
  return sent;
}

/** A decimal text without the zeros that say nothing. */
function plain(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Trades and bars as a client reads them at the moment they come. */
function reading({ client }: Awaited<ReturnType<ServerBench['watch']>>) {
  const trades = new Map<number, string>();
  const closes = new Map<number, string>();
  const ids = new Set<number>();
  let decimals = 0;
  client.on('trades', (batch) => {
    const { dictionary } = client;
    if (dictionary.get(batch.instrument)?.symbol !== symbol) return;
    ids.add(batch.instrument);
    decimals = dictionary.get(batch.instrument)!.priceDecimals;
    for (let i = 0; i < batch.count; i++) {
      const price = plain(dictionary.priceText(batch.instrument, batch.price[i]!));
      trades.set(batch.id[i]!, `${price} ${plain(dictionary.sizeText(batch.instrument, batch.size[i]!))}`);
    }
  });
  client.on('bar', (bar) => {
    if (client.dictionary.get(bar.instrument)?.symbol === symbol)
      closes.set(bar.lastId, plain(client.dictionary.priceText(bar.instrument, bar.close)));
  });
  return { trades, closes, ids, decimals: () => decimals };
}

async function asked<T>(bench: ServerBench, path: string): Promise<T> {
  return (await (await fetch(`${bench.url}/api/v1${path}`)).json()) as T;
}

/** As it was told last: once a second. */
async function metadataOf(bench: ServerBench): Promise<Health['metadata']> {
  let metadata: Health['metadata'] | undefined;
  await until(async () => {
    ({ metadata } = await bench.health<Partial<Health>>());
    return metadata !== undefined;
  }, 'health');
  return metadata!;
}

test('scenario 23: a finer tick mid-session: every price is right before and after, for clients, REST and stores', async () => {
  const exchange = await startExchange(market);
  const bench = await ServerBench.start(exchange, { settings });
  const sent = await tapped(exchange, 'BTCUSDT');
  const watcher = await bench.watch(['BTCUSDT'], ['trades', 'quotes', 'bars:1s', 'bars:1m', 'book']);
  const seen = reading(watcher);
  await until(() => seen.trades.size > 20, 'trades before');
  const before = seen.decimals();
  const [oldest] = await bench.trades(symbol);
  const id = bench.instrument(symbol).id;

  const { opened } = exchange.report().connections;
  exchange.command({ kind: 'tickSize', symbol: 'BTCUSDT', tickSize: '0.0001' });
  await until(async () => (await metadataOf(bench)).rescales === 1, 'the burst is seen and the listing read');
  const changedAt = seen.trades.size;
  await until(() => seen.decimals() === 4 && seen.trades.size > changedAt + 50, 'trades after');
  expect(before).toBe(2);

  // Refused until the listing was read: fetched over REST since, or on their way.
  const last = Math.max(...seen.trades.keys());
  const first = Math.min(...seen.trades.keys());
  const missing = (): number[] =>
    [...sent.keys()].filter((one) => one >= first && one <= last && !seen.trades.has(one));
  await until(() => missing().length === 0, 'refused trades are repaired');
  for (const [trade, text] of seen.trades)
    if (sent.has(trade)) expect(`${trade} ${text}`).toBe(`${trade} ${sent.get(trade)}`);
  for (const [trade, close] of seen.closes)
    if (sent.has(trade)) expect(`${trade} ${close}`).toBe(`${trade} ${sent.get(trade)!.split(' ')[0]}`);
  await until(() => [...seen.closes.keys()].some((one) => one > last), 'bars go on');
  expect([...seen.ids]).toEqual([id]);
  expect(watcher.wrongs).toEqual([]);

  const bars = await asked<{ bars: { close: number; lastId: number }[] }>(
    bench,
    '/symbols/BTCUSDT/bars?resolution=1m',
  );
  const { price } = await asked<{ price: number }>(bench, '/symbols/BTCUSDT/price');
  const reference = oldest!.price / 100;
  for (const { close } of bars.bars) expect(close / reference).toBeGreaterThan(0.8);
  for (const { close } of bars.bars) expect(close / reference).toBeLessThan(1.2);
  expect(price / reference).toBeGreaterThan(0.8);
  expect(price / reference).toBeLessThan(1.2);
  await until(
    async () => 'bids' in (await asked<object>(bench, '/symbols/BTCUSDT/book?depth=1')),
    'the book is live',
  );
  const book = await asked<{ bids: [number, number][] }>(bench, '/symbols/BTCUSDT/book?depth=1');
  expect(book.bids[0]![0] / reference).toBeLessThan(1.2);
  expect(book.bids[0]![0] / reference).toBeGreaterThan(0.8);

  expect(bench.instrument(symbol)).toMatchObject({ id, priceDecimals: 4 });
  const rows = await bench.trades(symbol);
  for (const row of rows)
    if (sent.has(row.id)) expect(plain(decimalOf(row.price, 4))).toBe(sent.get(row.id)!.split(' ')[0]);
  expect(rows.find((row) => row.id === oldest!.id)?.price).toBe(oldest!.price * 100);
  await bench.balanced();
  const { version, early, listedSecondsAgo } = await metadataOf(bench);
  expect({ version, early }).toEqual({ version: 2, early: 1 });
  expect(exchange.report().connections.opened, 'no socket was cut because of it').toBe(opened);
  expect(listedSecondsAgo['binance']).toBeLessThan(60);

  await bench.stopServer();
  await bench.startServer();
  const again = await bench.watch(['BTCUSDT']);
  const later = reading(again);
  await until(() => later.trades.size > 10, 'trades after the restart');
  for (const [trade, text] of later.trades) if (sent.has(trade)) expect(text).toBe(sent.get(trade));
  expect([...later.ids]).toEqual([id]);
}, 90_000);

test('scenario 23: renamed: another symbol with an id of its own; the old one is inactive and its id is not reused', async () => {
  const exchange = await startExchange(market);
  const bench = await ServerBench.start(exchange, { settings: { ...settings, 'demand.anySymbol': true } });
  const watcher = await bench.watch(['BTCUSDT']);
  await until(() => watcher.trades(symbol).length > 5, 'trades');
  const old = bench.instrument(symbol);
  exchange.command({ kind: 'rename', symbol: 'BTCUSDT', base: 'XBT' });
  wishRefresh(bench.folder);
  await until(() => watcher.client.dictionary.find(symbol)?.active === false, 'the client is told');
  const renamed = bench.instrument('BINANCE:XBTUSDT');
  expect(renamed.id).toBe(market.symbols + 1);
  expect(bench.instrument(symbol)).toEqual({ ...old, active: false });
  const other = await bench.watch(['XBTUSDT']);
  await until(() => other.trades('BINANCE:XBTUSDT').length > 5, 'trades of the new one');
  expect(other.idOf('BINANCE:XBTUSDT')).toBe(renamed.id);
  await until(async () => (await metadataOf(bench)).version === 2, 'the version in health');
  const symbols = await asked<{ symbol: string; is_active: boolean }[]>(bench, '/symbols');
  expect(symbols.find((one) => one.symbol === symbol)?.is_active).toBe(false);
  await bench.balanced();
  const rows = await bench.trades('BINANCE:XBTUSDT');
  expect(rows.length).toBeGreaterThan(0);

  exchange.command({ kind: 'rename', symbol: 'XBTUSDT', base: 'BTC' });
  wishRefresh(bench.folder);
  const count = watcher.trades(symbol).length;
  await until(() => watcher.trades(symbol).length > count + 5, 'the old one is taken again, under its id');
  expect(watcher.idOf(symbol)).toBe(old.id);
}, 60_000);

test('scenario 23: delisted: inactive, its streams are let go, and nothing is stale because of it', async () => {
  const exchange = await startExchange(market);
  const bench = await ServerBench.start(exchange, { settings });
  await bench.server.subscribed();
  exchange.command({ kind: 'delist', symbol: 'BTCUSDT', gone: true });
  wishRefresh(bench.folder);
  await until(async () => (await metadataOf(bench)).changes === 1, 'the change');
  interface Feeds {
    readonly feeds: { readonly binance: { readonly wanted: number } };
    readonly streams: { readonly staleTrades: number };
  }
  await until(
    async () => (await bench.health<Feeds>()).feeds.binance.wanted === market.symbols - 1,
    'its streams go',
  );
  await pause(1_500);
  expect((await bench.health<Feeds>()).streams.staleTrades).toBe(0);
  expect(bench.instrument(symbol).active).toBe(false);
}, 60_000);

test('scenario 23: finer ticks at three venues at once: trades, books and the index go on at the right price', async () => {
  const exchange = await startExchange({ ...market, venues: ['binance', 'coinbase', 'backpack'] });
  const bench = await ServerBench.start(exchange, {
    settings: { 'index.definitions': ['BTCUSD = BINANCE:BTCUSDT * 0.5 + COINBASE:BTC-USD * 0.5'] },
  });
  const own = [symbol, 'COINBASE:BTC-USD', 'BACKPACK:BTC_USDC', 'INDEX:BTCUSD'];
  const watcher = await bench.watch(own, ['trades', 'quotes', 'bars:1s', 'book']);
  const { client } = watcher;
  const prices = new Map<string, number[]>(own.map((one) => [one, []]));
  const tell = (instrument: number, price: number): void =>
    void prices
      .get(client.dictionary.get(instrument)!.symbol)!
      .push(client.dictionary.priceOf(instrument, price));
  client.on('trades', (batch) => {
    for (let i = 0; i < batch.count; i++) tell(batch.instrument, batch.price[i]!);
  });
  client.on('bar', (bar) => tell(bar.instrument, bar.close));
  client.on('book', (book) => {
    if (book.bestBid) tell(book.instrument, book.bestBid[0]);
  });
  await until(() => own.every((one) => prices.get(one)!.length > 10), 'all of them before');
  const decimals = (one: string): number => client.dictionary.find(one)!.priceDecimals;
  const before = own.map(decimals);
  exchange.command({ kind: 'tickSize', symbol: 'BTCUSDT', tickSize: '0.0001' });
  wishRefresh(bench.folder);
  await until(() => own.slice(0, 3).every((one, i) => decimals(one) === before[i]! + 2), 'the finer ticks');
  const changed = own.map((one) => prices.get(one)!.length);
  await until(() => own.every((one, i) => prices.get(one)!.length > changed[i]! + 30), 'all of them after');
  expect(own.map(decimals)[3], 'the index keeps its own').toBe(before[3]);
  const reference = prices.get(symbol)![0]!;
  for (const one of own) {
    const wrong = prices.get(one)!.filter((price) => Math.abs(price / reference - 1) > 0.2);
    expect(wrong, one).toEqual([]);
  }
  for (const [i, one] of own.entries()) {
    const { price } = await asked<{ price: number }>(bench, `/symbols/${encodeURIComponent(one)}/price`);
    expect(Math.abs(price / reference - 1), one).toBeLessThan(0.2);
    if (i === 3) continue;
    type Book = { readonly bids?: readonly [number, number][] };
    let book: Book = {};
    await until(async () => {
      book = await asked<Book>(bench, `/symbols/${encodeURIComponent(one)}/book?depth=1`);
      return book.bids !== undefined;
    }, `the book of ${one}`);
    expect(Math.abs(book.bids![0]![0] / reference - 1), one).toBeLessThan(0.2);
  }
  expect(watcher.wrongs).toEqual([]);
  await bench.balanced();
}, 90_000);
