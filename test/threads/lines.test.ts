/**
 * Two lines, and sockets that die at any moment. Reduced by default; in full (200 kills, 50,000 messages a second):
 *   TICKWIRE_FULL=1 vitest run test/threads/lines.test.ts --testTimeout 600000
 */
import { expect, test, vi } from 'vitest';
import type { Instrument } from '../../src/market/instrument.ts';
import { decimalOf } from '../../src/market/mantissa.ts';
import { nextBarOpen, resolutions } from '../../src/market/resolution.ts';
import type { Bar, TradeRow } from '../../src/market/tick.ts';
import type { Simulator } from '../../src/simulator/options.ts';
import { dice, seed } from '../market/dice.ts';
import { ExchangeChild } from './exchange-child.ts';
import { pause, ServerBench, startExchange, until } from './server-bench.ts';
import type { Watcher } from './watcher.ts';

const full = process.env['TICKWIRE_FULL'] === '1';
const load = full
  ? { symbols: 20, kills: 200, perSecond: 50_000, seconds: 90 }
  : { symbols: 6, kills: 20, perSecond: 4_000, seconds: 7 };
/** For trades that a busy machine brings late. */
const graceMs = 1_000;
const hows = ['cut', 'close', 'midframe'] as const;
const symbolsOf = ({ venues }: ExchangeChild): string[] =>
  venues.binance!.listing.map(({ symbol }) => `BINANCE:${symbol}`);

interface GapsHealth {
  readonly rest: Readonly<
    Partial<Record<string, { readonly gaps: { readonly repaired: number; readonly requests: number } }>>
  >;
}

const binanceOnly = {
  'coinbase.enabled': false,
  'backpack.enabled': false,
  'exchange.book': 'none',
  'bars.grace': graceMs,
};

test(`scenarios 11 and 12: ${load.kills} kills of either line's sockets under ${load.perSecond} messages/s lose and double nothing; bars are equal but for revisions and corrections (SEED=${seed})`, async () => {
  const exchange = await ExchangeChild.start({
    flood: {
      symbols: load.symbols,
      messages: load.perSecond * load.seconds,
      pace: { perSecond: load.perSecond },
    },
    hold: true,
  });
  const symbols = symbolsOf(exchange);
  const clean = await ServerBench.start(exchange, { settings: binanceOnly });
  await clean.server.subscribed();
  const spared = await open(exchange);
  const killed = await ServerBench.start(exchange, {
    settings: { ...binanceOnly, 'exchange.lines': 2, 'exchange.max_connections': 2 },
  });
  await killed.server.subscribed();
  const channels = ['trades', 'bars:1s', 'bars:1m'];
  const watchers = [await clean.watch(symbols, channels), await killed.watch(symbols, channels)] as const;

  exchange.play();
  const kills = await killSome(exchange, spared, killed);
  const { produced, lateness } = await exchange.finished;
  await Promise.all([clean.server.settle(), killed.server.settle()]);
  await Promise.all([clean.balanced(), killed.balanced()]);

  expect(kills).toBe(load.kills);
  let trades = 0;
  for (const symbol of symbols) {
    const [expected, found] = await Promise.all([clean.trades(symbol), killed.trades(symbol)]);
    expect(found.map(tradeText)).toEqual(expected.map(tradeText));
    trades += found.length;
    for (const [index, watcher] of watchers.entries()) {
      await until(() => watcher.trades(symbol).length >= expected.length, `client ${index} gets ${symbol}`);
      const seen = watcher.trades(symbol);
      expect(seen.toSorted((left, right) => left.id - right.id).map(tradeText)).toEqual(
        expected.map(tradeText),
      );
      const inTime = seen.filter(({ late }) => !late);
      expect(inTime.every(({ id }, at) => at === 0 || id > inTime[at - 1]!.id)).toBe(true);
    }
    for (const resolution of resolutions) {
      const lastTime = expected.at(-1)!.time;
      const [want, have] = await Promise.all([
        clean.bars(symbol, resolution),
        killed.bars(symbol, resolution),
      ]);
      expect(have.map((bar) => judged(bar, lastTime))).toEqual(want.map((bar) => judged(bar, lastTime)));
    }
    // The first is what was traded before; all others, if any, were filled.
    for (const { from, state } of await killed.gaps(symbol))
      expect(state).toBe(from === 0 ? 'lost' : 'repaired');
    // The last word on a bar comes when its grace is over.
    const lastTime = expected.at(-1)!.time;
    await vi.waitFor(() => sameBars(watchers, symbol, lastTime), { timeout: 5_000 });
  }
  expect(trades).toBe(produced.trade);
  for (const { wrongs } of watchers) expect(wrongs).toEqual([]);
  expect(watchers[0].notices).toEqual([]);
  const { repaired, requests } = (await killed.health<GapsHealth>()).rest['binance']!.gaps;
  const told = watchers[1].notices.filter(({ state }) => state === 'gap').length;
  process.stdout.write(
    `${kills} kills, ${trades} trades, ${told} gaps told, ${repaired} trades out of ${requests} requests over REST, ` +
      `the exchange late by ${lateness?.p99Us} µs (p99)\n`,
  );
  // In full, a line that lags on a busy machine looks like a gap for a while; the lines are at fault where REST must fill many.
  if (full) expect(repaired).toBeLessThan(trades / 100);
  else expect({ repaired, told }).toEqual({ repaired: 0, told: 0 });
});

/** Sockets of the venue that are open. */
async function open(exchange: ExchangeChild): Promise<number> {
  const { opened, closed } = (await exchange.report()).connections;
  return opened - closed;
}

/** Kills sockets, one after the other: the next one when the last is back, at a random moment. @returns how many */
async function killSome(exchange: ExchangeChild, spared: number, { server }: ServerBench): Promise<number> {
  const throws = dice(seed);
  let over = false;
  void exchange.finished.then(() => (over = true));
  for (let kills = 0; kills < load.kills; kills++) {
    await pause(throws.whole(0, 80));
    const { connections } = await exchange.report();
    if (over) return kills;
    const sockets = connections.opened - connections.closed - spared;
    await exchange.command({
      kind: 'kill',
      connection: spared + throws.whole(0, sockets - 1),
      how: throws.pick(hows),
    });
    await until(
      async () => (await exchange.report()).connections.opened > connections.opened,
      'it comes back',
    );
    await server.subscribed();
  }
  return load.kills;
}

function tradeText({
  id,
  time,
  price,
  size,
}: {
  id: number;
  time: number;
  price: number;
  size: number;
}): string {
  return `${id} ${time} ${price} ${size}`;
}

/**
 * What does not hang on how fast the machine is: bars whose grace ends after the last trade are closed by the clock of
 * each server in its own time, and a trade that comes later than the grace corrects a bar that was closed without it.
 */
function judged(bar: Bar, lastTime: number): Omit<Bar, 'revision'> & { corrected?: unknown } {
  const { revision: _, closed, ...rest } = bar;
  const ended = nextBarOpen(bar.resolution, bar.openTime) + graceMs * 1_000 <= lastTime;
  return { ...rest, corrected: undefined, closed: ended && closed };
}

function sameBars([left, right]: readonly [Watcher, Watcher], symbol: string, lastTime: number): void {
  for (const resolution of ['1s', '1m'] as const) {
    const [want, have] = [left, right].map((watcher) =>
      watcher.bars(symbol, resolution).map((bar) => judged(bar, lastTime)),
    );
    expect(have).toEqual(want);
  }
}

interface Row {
  readonly id: number;
  readonly price: number;
  readonly size: number;
}
type Levels = readonly (readonly (string | number)[])[];

/** What REST of the simulated venue tells: its newest trades, rising, and its book, best levels first. */
interface VenueRest {
  readonly name: 'coinbase' | 'backpack';
  readonly native: readonly string[];
  readonly kills: number;
  /** Of both symbols: over 50 trades of each, and fewer than the 1,000 of a page. */
  readonly ticksPerSecond: number;
  trades(url: string, native: string): Promise<Row[]>;
  book(url: string, native: string): Promise<{ bids: Levels; asks: Levels }>;
}

async function getJson<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

const coinbaseRest: VenueRest = {
  name: 'coinbase',
  native: ['BTC-USD', 'ETH-USD'],
  kills: 20,
  ticksPerSecond: 1_500,
  trades: async (url, native) => {
    const rows = await getJson<{ trade_id: number; price: string; size: string }[]>(
      `${url}/products/${native}/trades?limit=1000`,
    );
    return rows.toReversed().map(({ trade_id: id, price, size }) => ({ id, price: +price, size: +size }));
  },
  book: (url, native) => getJson(`${url}/products/${native}/book?level=2`),
};

const backpackRest: VenueRest = {
  name: 'backpack',
  native: ['BTC_USDC', 'ETH_USDC'],
  // It confirms nothing: two seconds without a refusal are its consent, after each kill.
  kills: 5,
  ticksPerSecond: 400,
  trades: async (url, native) => {
    const rows = await getJson<{ id: number; price: string; quantity: string }[]>(
      `${url}/api/v1/trades/history?symbol=${native}&limit=1000`,
    );
    return rows.toReversed().map(({ id, price, quantity }) => ({ id, price: +price, size: +quantity }));
  },
  book: async (url, native) => {
    const { bids, asks } = await getJson<{ bids: Levels; asks: Levels }>(
      `${url}/api/v1/depth?symbol=${native}&limit=1000`,
    );
    return { bids: bids.toReversed(), asks };
  },
};

const levelsText = (bids: Levels, asks: Levels): string =>
  [bids, asks].map((side) => side.map(([price, size]) => `${+price!}x${+size!}`).join(' ')).join(' | ');

test.each([coinbaseRest, backpackRest])(
  `scenarios 11 and 12, $name: $kills kills of either line's sockets: every trade is stored once, and the books are the venue's (SEED=${seed})`,
  async (rest) => {
    const { name, native, ticksPerSecond } = rest;
    const simulator = await startExchange({ venues: [name], symbols: 2, ticksPerSecond });
    const { restUrl } = simulator.venues[name]!;
    const bench = await ServerBench.start(simulator, {
      settings: {
        'exchange.enabled': false,
        'coinbase.enabled': name === 'coinbase',
        'backpack.enabled': name === 'backpack',
        [`${name}.lines`]: 2,
        // One socket a line, and long enough away that a line alone would miss trades.
        [`${name}.max_connections`]: 1,
        'exchange.backoffMin': 400,
        'exchange.backoffMax': 400,
      },
    });
    await bench.server.subscribed();
    const symbols = native.map((one) => `${name.toUpperCase()}:${one}`);
    const watcher = await bench.watch(symbols, ['trades', 'book']);
    const isLive = (symbol: string): boolean => watcher.client.book(watcher.idOf(symbol))?.live === true;
    for (const symbol of symbols) await until(() => isLive(symbol), `${symbol}: a book`);
    await killEither(simulator, bench, rest.kills);
    for (const [index, symbol] of symbols.entries()) {
      await expectVenuesBook(watcher, symbol, () => rest.book(restUrl, native[index]!));
      const told = await rest.trades(restUrl, native[index]!);
      await until(
        async () => ((await bench.trades(symbol)).at(-1)?.id ?? 0) >= told.at(-1)!.id,
        `${symbol}: all is stored`,
      );
      expectVenuesTrades(bench.instrument(symbol), await bench.trades(symbol), told);
    }
    await bench.balanced();
    // Health tells of a second ago.
    await pause(1_500);
    const { repaired } = (await bench.health<GapsHealth>()).rest[name]!.gaps;
    expect({ repaired, notices: watcher.notices, wrongs: watcher.wrongs }).toEqual({
      repaired: 0,
      notices: [],
      wrongs: [],
    });
  },
);

/** Kills one socket at a time, of either line; the next one when the last is back. */
async function killEither(simulator: Simulator, { server }: ServerBench, most: number): Promise<void> {
  const throws = dice(seed);
  for (let kills = 0; kills < most; kills++) {
    await pause(throws.whole(0, 80));
    const { opened, closed } = simulator.report().connections;
    const place = throws.whole(0, opened - closed - 1);
    simulator.command({ kind: 'kill', connection: place, how: throws.pick(hows) });
    await until(() => simulator.report().connections.opened > opened, 'it comes back');
    await server.subscribed();
  }
}

/** Both move on: at some moment the venue's book is one that the client has had since, level for level. */
async function expectVenuesBook(
  watcher: Watcher,
  symbol: string,
  told: () => Promise<{ bids: Levels; asks: Levels }>,
): Promise<void> {
  const { client } = watcher;
  const id = watcher.idOf(symbol);
  const numbers = (side: readonly (readonly [number, number])[]): Levels =>
    side.map(([price, size]) => [client.dictionary.priceOf(id, price), client.dictionary.sizeOf(id, size)]);
  const had = new Set<string>();
  client.on('book', ({ instrument, live, bids, asks }) => {
    if (instrument === id && live) had.add(levelsText(numbers(bids), numbers(asks)));
  });
  const all = new Set<string>();
  await until(async () => {
    const { bids, asks } = await told();
    expect(bids.length).toBeGreaterThan(5);
    all.add(levelsText(bids, asks));
    return [...all].some((text) => had.has(text));
  }, `${symbol}: the books meet`);
  expect(client.book(id)?.live).toBe(true);
}

/** From the first that is stored to the newest that the venue told of: the same rows, each once. */
function expectVenuesTrades(instrument: Instrument, stored: readonly TradeRow[], told: readonly Row[]): void {
  const [first, last] = [stored[0]!.id, told.at(-1)!.id];
  const expected = told.filter(({ id }) => id >= first);
  expect(told[0]!.id).toBeLessThanOrEqual(first);
  expect(expected.length).toBeGreaterThan(50);
  const found = stored
    .filter(({ id }) => id <= last)
    .map(({ id, price, size }) => ({
      id,
      price: Number(decimalOf(price, instrument.priceDecimals)),
      size: Number(decimalOf(size, instrument.sizeDecimals)),
    }));
  expect(found).toEqual(expected);
}
