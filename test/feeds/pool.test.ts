/** A feed's pool of sockets against a venue on loopback; timers are turned by hand where nothing else is said. */
import { describe, expect, test } from 'vitest';
import { connectionDefaults } from '../../src/feeds/connection.ts';
import { Feed } from '../../src/feeds/feed.ts';
import { steadyTimers } from '../../src/feeds/timers.ts';
import { tickKind } from '../../src/wire/tick-record.ts';
import { FakeServer, fakeInstruments, fakeVenue } from './fake-venue.ts';
import { dice, HandTimers, seed, until } from './market.ts';
import { allGranted, closers, pause, pooled, range } from './pool-harness.ts';

/** The most times within any span of `withinMs`. */
function mostWithin(times: readonly number[], withinMs: number): number {
  return Math.max(
    0,
    ...times.map((from) => times.filter((time) => time >= from && time < from + withinMs).length),
  );
}

describe('spreading', () => {
  test('groups have sockets of their own, and none has more streams than the venue allows', async () => {
    const { feed, server, timers } = await pooled({
      kinds: ['trade', 'quote'],
      wanted: range(60),
      limited: { streamsPerRequest: 100 },
    });
    await until(() => feed.health().lines[0]!.granted === 120, 'all streams');
    expect(timers.now()).toBe(0);
    expect(
      feed
        .health()
        .connections.map(({ name, streams }) => `${name}: ${streams}`)
        .toSorted(),
    ).toEqual(['FAKE quote 2: 10', 'FAKE quote: 50', 'FAKE trade 2: 10', 'FAKE trade: 50']);
    for (const { streams } of server.sockets) {
      expect(new Set([...streams].map((name) => name.split('.')[0])).size).toBe(1);
    }
  });

  test('where groups outnumber sockets they share; where streams outnumber room, the missing are named', async () => {
    const { feed, server, timers } = await pooled({
      kinds: ['trade', 'quote', 'book'],
      wanted: range(40),
      limited: { streamsPerRequest: 100, streamsPerConnection: 60 },
      feed: { maxConnections: 2 },
    });
    await until(() => feed.health().lines[0]!.granted === 120, 'what fits');
    expect(server.open.length).toBe(2);
    feed.want(41);
    expect(feed.health().lines[0]).toMatchObject({ wanted: 123, granted: 120, missing: 3 });
    expect(feed.health().lines[0]!.missingStreams.map(({ stream }) => stream)).toEqual([
      'trade.41',
      'quote.41',
      'book.41',
    ]);
    feed.unwant(40);
    await until(() => {
      timers.advance(250);
      return server.streams.filter((name) => name.endsWith('.41')).length === 3;
    }, 'its place taken');
    await until(() => allGranted(feed), 'the answers');
    expect(server.streams.filter((name) => name.endsWith('.40'))).toEqual([]);
  });

  test('too many for the connections from the start are refused in words', () => {
    expect(
      () =>
        new Feed({
          venue: fakeVenue(),
          instruments: fakeInstruments(201),
          wsUrl: 'ws://127.0.0.1:1',
          tradesOf: () => 'trade',
          plausible: { around: 'span', from: 0, to: 1 },
          clock: { now: () => 1 },
          timers: new HandTimers(),
          roll: () => 0,
          lines: 1,
          maxConnections: 4,
          limits: connectionDefaults,
          sink: () => undefined,
        }),
    ).toThrow('201 instruments need 5 connections, and 4 are allowed');
  });

  test('scenario 6: 20 connections of two lines die together: attempts are spread, at most 8 in a second', async () => {
    const { feed, server, timers } = await pooled({
      wanted: range(10),
      limited: { streamsPerConnection: 1, connectsPerSecond: 8, connects: { most: 60, withinMs: 300_000 } },
      feed: { lines: 2, maxConnections: 10 },
    });
    // When attempts were let go, to 25 ms of the hand-turned clock.
    const times: number[] = [];
    const note = (): void => {
      while (times.length < feed.health().budget.attempts) times.push(timers.now());
    };
    const settle = async (): Promise<void> => {
      note();
      for (let steps = 0; !allGranted(feed) || server.open.length < 20; steps++) {
        timers.advance(25);
        note();
        await pause(1);
        note();
        if (steps > 8_000) throw new Error(`SEED=${seed}: not back`);
      }
    };
    await settle();
    expect(server.attempts).toBe(20);
    for (const { socket } of server.open) socket.terminate();
    await until(
      () =>
        server.open.length === 0 && feed.health().connections.every(({ state }) => state === 'backing-off'),
      'their end',
    );
    await settle();
    expect(server.attempts).toBe(40);
    expect(times).toHaveLength(40);
    expect(mostWithin(times, 1_000), `SEED=${seed}`).toBeLessThanOrEqual(8);
    expect(new Set(times.slice(20)).size, `SEED=${seed}`).toBeGreaterThan(2);
    expect(feed.health().budget).toMatchObject({ used: 40, most: 60 });
  });
});

test('scenario 10: a legal block (451) is said plainly, once for all connections, and shown', async () => {
  const told: string[] = [];
  const server = await FakeServer.start();
  closers.push(() => server.close());
  server.status = 451;
  const timers = new HandTimers();
  const feed = new Feed({
    venue: fakeVenue('by-id', { streamsPerConnection: 1 }),
    instruments: fakeInstruments(3),
    wsUrl: server.wsUrl,
    tradesOf: () => 'trade',
    plausible: { around: 'span', from: 0, to: 1 },
    clock: { now: () => 1 },
    timers,
    roll: dice(seed),
    lines: 1,
    maxConnections: 4,
    limits: connectionDefaults,
    sink: () => undefined,
    onTrouble: (ending, words) => told.push(`${ending}: ${words}`),
  });
  closers.push(() => feed.close());
  feed.start();
  await until(() => feed.health().connections.every(({ ended }) => ended.blocked === 1), 'the refusals');
  expect(told.length).toBe(1);
  expect(told[0]).toContain('for legal reasons (HTTP 451)');
  expect(feed.health().budget.held).toBe('blocked');
  expect(feed.health().lines[0]!.missingStreams[0]).toEqual({
    stream: 'trade.1',
    reason: 'the connection is backing-off',
  });
  timers.advance(299_000);
  await pause(20);
  expect(server.attempts).toBe(3);
});

describe('wanted and let go live', () => {
  test('over the open socket: asked for within 100 ms, let go, and no socket is restarted', async () => {
    const { feed, server } = await pooled({ wanted: [1], feed: { timers: steadyTimers } });
    await until(() => allGranted(feed), 'the first');
    await pause(300);
    const wished = performance.now();
    feed.want(2);
    await until(() => server.streams.length === 2, 'the second');
    expect(server.sockets[0]!.askedAt[1]! - wished).toBeLessThan(100);
    feed.unwant(1);
    await until(() => server.streams.length === 1, 'one let go');
    expect(server.streams).toEqual(['trade.2']);
    expect(server.attempts).toBe(1);
    expect(feed.want(999)).toBe(false);
  });

  test('a burst of wishes goes out in batches, and is told to the shard once each', async () => {
    const { feed, server, timers, taken } = await pooled({ wanted: [1] });
    await until(() => allGranted(feed), 'the first');
    timers.advance(1_000);
    for (const id of range(30, 2)) feed.want(id);
    for (const id of range(30, 2)) feed.want(id);
    for (let i = 0; i < 4; i++) {
      await pause(15);
      timers.advance(250);
    }
    await until(() => allGranted(feed), 'all');
    expect(server.asked.map(({ params }) => params.length)).toEqual([1, 10, 10, 10]);
    for (const id of range(31)) feed.unwant(id);
    const told = taken.filter(({ kind }) => kind === tickKind.subscribed);
    expect(told.map(({ instrument, id }) => [instrument, id])).toEqual([
      ...range(31).map((id) => [id, 1]),
      ...range(31).map((id) => [id, 0]),
    ]);
    const { account } = feed.health();
    expect([account.own, account.records]).toEqual([62, taken.length]);
  });

  test('a socket without streams is closed, and opened again when it is needed', async () => {
    const { feed, server, timers } = await pooled({ wanted: [1] });
    await until(() => allGranted(feed), 'the first');
    feed.unwant(1);
    timers.advance(10_000);
    await until(() => server.open.length === 0, 'its end');
    expect(feed.health().connections).toEqual([]);
    feed.want(1);
    await until(() => allGranted(feed) && server.open.length === 1, 'its return');
  });

  test('scenario 8: refused streams are named, the others come, and a venue that changes its mind is heard', async () => {
    const { feed, server, timers } = await pooled({ wanted: range(12), limited: { streamsPerRequest: 12 } });
    server.refused.add('trade.5').add('trade.11');
    const turn = async (ms: number): Promise<void> => {
      for (let i = 0; i < ms; i += 250) {
        timers.advance(250);
        for (const { socket } of server.open) socket.ping();
        await pause(4);
      }
    };
    await until(() => server.asked.length === 1, 'the request');
    await turn(5_000);
    const line = feed.health().lines[0]!;
    expect(line).toMatchObject({ wanted: 12, granted: 10, missing: 2 });
    expect(line.missingStreams.map(({ stream }) => stream).toSorted()).toEqual(['trade.11', 'trade.5']);
    expect(line.missingStreams[0]!.reason).toContain('no such stream');
    expect(Object.keys(feed.health().connections[0]!.refusedStreams).length).toBe(2);
    server.refused.clear();
    await turn(62_000);
    expect(feed.health().lines[0]).toMatchObject({ granted: 12, missing: 0 });
    expect(server.attempts).toBe(1);
  });

  test('begun anew: the book’s stream is let go and taken again, on one line', async () => {
    const { feed, server, timers } = await pooled({
      kinds: ['trade', 'book'],
      wanted: [1],
      feed: { lines: 2 },
    });
    await until(() => allGranted(feed), 'both lines');
    timers.advance(1_000);
    expect(feed.resubscribe(1)).toBe(true);
    await until(() => server.asked.some(({ method }) => method === 'UNSUBSCRIBE'), 'let go');
    timers.advance(250);
    await until(() => allGranted(feed), 'taken again');
    const last = server.sockets.flatMap(({ asked }) =>
      asked.slice(1).map(({ method, params }) => [method, params]),
    );
    expect(last).toEqual([
      ['UNSUBSCRIBE', ['book.1']],
      ['SUBSCRIBE', ['book.1']],
    ]);
    expect(feed.resubscribe(7)).toBe(false);
  });
});
