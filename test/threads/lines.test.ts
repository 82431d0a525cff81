/**
 * Two lines, and sockets that die at any moment. Reduced by default; in full (200 kills, 50,000 messages a second):
 *   TICKWIRE_FULL=1 vitest run test/threads/lines.test.ts --testTimeout 600000
 */
import { expect, test } from 'vitest';
import { nextBarOpen, resolutions } from '../../src/market/resolution.ts';
import type { Bar } from '../../src/market/tick.ts';
import { dice, seed } from '../market/dice.ts';
import { ExchangeChild } from './exchange-child.ts';
import { pause, ServerBench, until } from './server-bench.ts';
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
  readonly rest: {
    readonly binance: { readonly gaps: { readonly repaired: number; readonly requests: number } };
  };
}

const binanceOnly = {
  'coinbase.enabled': false,
  'backpack.enabled': false,
  'exchange.book': 'none',
  'bars.grace': graceMs,
};

test(`scenarios 11 and 12: ${load.kills} kills of either line's sockets under ${load.perSecond} messages/s lose and double nothing (SEED=${seed})`, async () => {
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
    sameBars(watchers, symbol, expected.at(-1)!.time);
  }
  expect(trades).toBe(produced.trade);
  for (const { wrongs } of watchers) expect(wrongs).toEqual([]);
  expect(watchers[0].notices).toEqual([]);
  // A line that lags on a busy machine looks like a gap for a while; the lines are at fault where REST must fill many.
  const { repaired, requests } = (await killed.health<GapsHealth>()).rest.binance.gaps;
  const told = watchers[1].notices.filter(({ state }) => state === 'gap').length;
  process.stdout.write(
    `${kills} kills, ${trades} trades, ${told} gaps told, ${repaired} trades out of ${requests} requests over REST, ` +
      `the exchange late by ${lateness?.p99Us} µs (p99)\n`,
  );
  expect(repaired).toBeLessThan(trades / 100);
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
