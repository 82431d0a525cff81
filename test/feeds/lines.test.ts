/** Sockets that die at random moments, with real timers: what one or two lines of them bring, judged by plain sets of ids. */
import { afterEach, describe, expect, test } from 'vitest';
import { connectionDefaults } from '../../src/feeds/connection.ts';
import { Feed, type FeedOptions } from '../../src/feeds/feed.ts';
import { steadyTimers } from '../../src/feeds/timers.ts';
import type { VenueLimits } from '../../src/feeds/venue.ts';
import { tickField, tickFlag, tickKind } from '../../src/wire/tick-record.ts';
import { FakeServer, type FakeSocket, fakeInstruments, fakeVenue, type Mode } from './fake-venue.ts';
import { feedImbalance } from './feed-books.ts';
import { dice, seed, until } from './market.ts';

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const quick = {
  ...connectionDefaults,
  answerMs: 200,
  consentMs: 60,
  overlapMs: 20,
  retry: { firstMs: 10, mostMs: 100 },
  refusedRetry: { firstMs: 20, mostMs: 100 },
  backoff: { firstMs: 10, mostMs: 100, healthyMs: 60_000 },
};

interface Trade {
  readonly id: number;
  readonly lineB: boolean;
}

async function lined(
  instruments: number,
  changes: Partial<FeedOptions> & {
    limited?: Partial<VenueLimits>;
    mode?: Mode;
    kinds?: readonly string[];
  } = {},
) {
  const { limited, mode = 'by-id', kinds, ...more } = changes;
  const server = await FakeServer.start(mode);
  closers.push(() => server.close());
  /** By instrument. */
  const trades: Trade[][] = Array.from({ length: instruments + 1 }, () => []);
  const feed = new Feed({
    venue: fakeVenue(
      mode,
      { requestGapMs: 5, connects: { most: 10_000, withinMs: 1_000 }, ...limited },
      kinds,
    ),
    instruments: fakeInstruments(instruments),
    wsUrl: server.wsUrl,
    tradesOf: () => 'trade',
    plausible: { around: 'receipt', pastMicros: 1e9, futureMicros: 1e9 },
    clock: { now: () => 1 },
    timers: steadyTimers,
    roll: dice(seed),
    lines: 1,
    maxConnections: 4,
    limits: quick,
    balance: { balanceMs: 50, busyRate: 1e9 },
    sink: ({ halves, words }, count) => {
      for (let i = 0; i < count; i++) {
        const head = halves[i * 16]!;
        if ((head & 0xff) !== tickKind.trade) continue;
        trades[halves[i * 16 + tickField.instrument]!]!.push({
          id: words[i * 8 + tickField.id]!,
          lineB: (head & tickFlag.lineB) !== 0,
        });
      }
    },
    ...more,
  });
  closers.push(() => feed.close());
  feed.start();
  return { server, feed, trades };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const isOld = ({ connectedAt }: FakeSocket): boolean => performance.now() - connectedAt > 900;
const rising = (ids: readonly number[]): boolean => ids.every((id, i) => i === 0 || id > ids[i - 1]!);
const allGranted = (feed: Feed): boolean => feed.health().lines.every(({ missing }) => missing === 0);

test('scenario 11: one of four sockets dies under load: its symbols miss what came meanwhile, the others nothing, all keep their order', async () => {
  const { server, feed, trades } = await lined(8, { limited: { streamsPerConnection: 2 } });
  await until(() => allGranted(feed), 'all streams');
  const dead = server.sockets[1]!;
  const touched = new Set([...dead.streams].map((name) => Number(name.split('.')[1])));
  for (let id = 1; id <= 2_000; id++) {
    for (const one of range(8)) server.tell(`trade.${one}`, `T ${one} ${id}`);
    if (id === 1_000) dead.socket.terminate();
    if (id % 20 === 0) await pause(1);
  }
  await until(() => allGranted(feed), 'its return');
  for (const one of range(8)) server.tell(`trade.${one}`, `T ${one} 2001`);
  await until(() => range(8).every((one) => trades[one]!.at(-1)?.id === 2_001), 'the last trade');
  expect(server.attempts).toBe(5);
  for (const one of range(8)) {
    const ids = trades[one]!.map(({ id }) => id);
    expect(rising(ids), `symbol ${one}`).toBe(true);
    if (!touched.has(one)) expect(ids.length).toBe(2_001);
  }
  expect(touched.size).toBe(2);
  expect(feedImbalance(feed.health().account)).toBeUndefined();
});

test('scenario 12: two lines bring each trade twice, over different sockets, the second one marked', async () => {
  const { server, feed, trades } = await lined(6, { lines: 2, limited: { streamsPerConnection: 2 } });
  await until(() => allGranted(feed) && server.open.length === 6, 'both lines');
  for (let id = 1; id <= 50; id++) for (const one of range(6)) server.tell(`trade.${one}`, `T ${one} ${id}`);
  await until(() => range(6).every((one) => trades[one]!.length === 100), 'all trades');
  for (const one of range(6)) {
    for (const lineB of [false, true]) {
      expect(trades[one]!.filter((trade) => trade.lineB === lineB).map(({ id }) => id)).toEqual(range(50));
    }
    expect(server.open.filter(({ streams }) => streams.has(`trade.${one}`)).length).toBe(2);
  }
  expect(feed.health().lines.map(({ granted, connections }) => [granted, connections])).toEqual([
    [6, 3],
    [6, 3],
  ]);
});

test('scenario 12: with two lines, killing either at random moments loses nothing and keeps every line’s order', async () => {
  const roll = dice(seed);
  const { server, feed, trades } = await lined(4, { lines: 2, limited: { streamsPerConnection: 2 } });
  await until(() => allGranted(feed), 'both lines');
  let id = 0;
  let kills = 0;
  while (kills < 40) {
    for (let n = 1 + Math.floor(roll() * 50); n > 0; n--) {
      id++;
      for (const one of range(4)) server.tell(`trade.${one}`, `T ${one} ${id}`);
    }
    await pause(1);
    // The other line must be whole at the moment of the kill: two at once is a gap, which REST repairs.
    const granted = feed.health().lines.map(({ missing }) => missing === 0);
    if (!granted.every(Boolean) || roll() < 0.3) continue;
    const victims = server.open;
    victims[Math.floor(roll() * victims.length)]!.socket.terminate();
    kills++;
    await pause(1);
  }
  await until(() => allGranted(feed), 'both lines again');
  await until(() => range(4).every((one) => trades[one]!.some((trade) => trade.id === id)), 'the last trade');
  await pause(20);
  for (const one of range(4)) {
    const seen = new Set(trades[one]!.map((trade) => trade.id));
    expect(
      range(id).filter((each) => !seen.has(each)),
      `SEED=${seed}, symbol ${one}`,
    ).toEqual([]);
    for (const lineB of [false, true]) {
      const ids = trades[one]!.filter((trade) => trade.lineB === lineB).map((trade) => trade.id);
      expect(rising(ids), `SEED=${seed}`).toBe(true);
    }
  }
});

test('scenario 1: one line, and a venue that cuts each socket when it is old: overlap loses nothing', async () => {
  const { server, feed, trades } = await lined(4, { limited: { lifetimeMs: 400, streamsPerConnection: 2 } });
  await until(() => allGranted(feed), 'all streams');
  let cut = 0;
  let id = 0;
  for (const end = performance.now() + 2_000; performance.now() < end; ) {
    id++;
    for (const one of range(4)) server.tell(`trade.${one}`, `T ${one} ${id}`);
    for (const one of server.open.filter(isOld)) {
      one.socket.terminate();
      cut++;
    }
    await pause(1);
  }
  await until(() => range(4).every((one) => trades[one]!.some((trade) => trade.id === id)), 'the last trade');
  for (const one of range(4)) {
    const seen = new Set(trades[one]!.map((trade) => trade.id));
    expect(range(id).filter((each) => !seen.has(each))).toEqual([]);
  }
  expect(server.attempts).toBeGreaterThanOrEqual(8);
  expect(cut).toBe(0);
  expect(feed.health().connections.every(({ ended }) => ended.lifetime >= 3)).toBe(true);
});

describe('at random: wanted, let go, killed, refused, shut down', () => {
  test.each([
    ['by-id', 0],
    ['by-list', 1],
    ['by-error', 2],
    ['by-id', 3],
  ] as const)('%s: in the end the venue delivers just what is wanted (%i)', async (mode, i) => {
    const own = seed + i;
    const roll = dice(own);
    const { server, feed } = await lined(30, {
      mode,
      wanted: [],
      kinds: ['trade', 'quote'],
      lines: i === 3 ? 2 : 1,
      maxConnections: 6,
      limited: { streamsPerConnection: 12, streamsPerRequest: 4 },
    });
    const wanted = new Set<number>();
    for (let step = 0; step < 250; step++) {
      const id = 1 + Math.floor(roll() * 30);
      const what = roll();
      if (what < 0.45) {
        wanted.add(id);
        feed.want(id);
      } else if (what < 0.75) {
        wanted.delete(id);
        feed.unwant(id);
      } else if (what < 0.8) server.open.at(Math.floor(roll() * server.open.length))?.socket.terminate();
      else if (what < 0.85) server.refused.add(`trade.${id}`);
      else if (what < 0.9) server.refused.delete(`trade.${id}`);
      else if (what < 0.93) server.open.at(Math.floor(roll() * server.open.length))?.socket.send('X');
      else if (what < 0.95) feed.resubscribe(id);
      else if (what < 0.97) server.status = server.status === 101 ? 503 : 101;
      if (roll() < 0.3) await pause(roll() * 8);
    }
    server.refused.clear();
    server.status = 101;
    const expected = [...wanted].flatMap((id) => [`quote.${id}`, `trade.${id}`]);
    const both = i === 3 ? [...expected, ...expected] : expected;
    const why = (): string => JSON.stringify(feed.health().lines);
    await until(
      () =>
        allGranted(feed) &&
        server.streams.join() === both.toSorted().join() &&
        feed.health().connections.every(({ replacing }) => !replacing),
      `SEED=${own}`,
    ).catch((error: unknown) => {
      throw new Error(
        `${String(error)} ${why()} venue: ${server.streams.join()} wanted: ${both.toSorted().join()}`,
      );
    });
    expect(feed.health().lines[0]).toMatchObject({ wanted: expected.length, granted: expected.length });
    for (const { streams } of server.open) expect(streams.size).toBeLessThanOrEqual(12);
  });
});
