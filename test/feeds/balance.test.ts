/** Streams that change sockets, and order books that follow them; timers are turned by hand. */
import { describe, expect, test } from 'vitest';
import { connectionDefaults } from '../../src/feeds/connection.ts';
import { MessageRates } from '../../src/feeds/message-rates.ts';
import { streamsToMove } from '../../src/feeds/rebalance.ts';
import { tickFlag, tickKind } from '../../src/wire/tick-record.ts';
import { feedImbalance } from './feed-books.ts';
import { dice, seed, until } from './market.ts';
import { allGranted, pause, pooled, range, type Taken } from './pool-harness.ts';

describe('balance', () => {
  test('a new stream goes to the socket with the least measured rate', async () => {
    const { feed, server, timers } = await pooled({
      wanted: range(6),
      limited: { streamsPerConnection: 3, streamsPerRequest: 10 },
      feed: { maxConnections: 3 },
    });
    await until(() => allGranted(feed) && server.open.length === 2, 'both sockets');
    for (let i = 0; i < 30; i++) {
      for (const id of [1, 2, 3]) server.tell(`trade.${id}`, `T ${id} ${i}`);
    }
    await until(() => feed.health().account.messages === 90 + 2, 'the messages');
    feed.unwant(1);
    feed.unwant(4);
    timers.advance(10_000);
    await until(() => feed.health().account.control === 4, 'room on both');
    feed.want(7);
    await until(() => server.streams.length === 5, 'the new one');
    expect([...server.sockets[1]!.streams]).toContain('trade.7');
    expect(feed.health().connections[0]!.rate).toBeCloseTo(9);
  });

  test('a busy socket’s streams move to a new one: asked for there first, let go here after; nothing is lost', async () => {
    const { feed, server, timers, taken } = await pooled({
      wanted: range(10),
      feed: { balance: { busyRate: 10 }, maxConnections: 2 },
    });
    await until(() => allGranted(feed), 'all');
    let id = 0;
    const round = (): void => {
      id++;
      for (const one of range(10)) server.tell(`trade.${one}`, `T ${one} ${id}`);
    };
    for (let i = 0; i < 100; i++) round();
    await until(() => taken.filter(({ kind }) => kind === tickKind.trade).length === 1_000, 'the messages');
    timers.advance(10_000);
    await until(() => server.open.length === 2 && server.sockets[1]!.streams.size > 0, 'the second socket');
    expect(server.sockets[0]!.streams.size).toBe(10);
    round();
    await pause(20);
    timers.advance(connectionDefaults.overlapMs);
    await until(() => server.sockets[0]!.streams.size < 10, 'the old ones let go');
    round();
    await until(
      () => taken.filter((one) => one.id === 102 && one.kind === tickKind.trade).length >= 10,
      'the last round',
    );
    for (const one of range(10)) {
      const ids = taken.filter((t) => t.kind === tickKind.trade && t.instrument === one).map((t) => t.id);
      expect([...new Set(ids)]).toEqual(range(102));
    }
    expect(server.streams.length).toBe(10);
    expect(feed.health().lines[0]).toMatchObject({
      granted: 10,
      missing: 0,
      moved: server.sockets[1]!.streams.size,
    });
  });

  test('which streams move: never more than levels the two, and none for a small difference', () => {
    const roll = dice(seed);
    for (let round = 0; round < 200; round++) {
      const streams = new Map(range(1 + Math.floor(roll() * 30)).map((i) => [`s${i}`, roll() ** 4 * 1_000]));
      const rate = [...streams.values()].reduce((a, b) => a + b, 0);
      const quiet = roll() * rate * 1.2;
      const moved = streamsToMove({ rate, streams }, { rate: quiet }, 50);
      const sum = moved.reduce((all, name) => all + streams.get(name)!, 0);
      expect(quiet + sum, `SEED=${seed}`).toBeLessThanOrEqual(Math.max(quiet, rate - sum + 1e-6));
      if (rate - quiet < 20) expect(moved).toEqual([]);
    }
    expect(streamsToMove({ rate: 100, streams: new Map([['only', 100]]) }, { rate: 0 }, 50)).toEqual([]);
  });

  test('rates follow what is counted', () => {
    const rates = new MessageRates();
    expect(rates.of(3)).toBeUndefined();
    for (let i = 0; i < 500; i++) rates.note(i % 2 === 0 ? 3 : 1_000);
    rates.settle(10);
    expect([rates.of(3), rates.of(1_000), rates.of(4), rates.total]).toEqual([25, 25, 0, 50]);
    rates.settle(10);
    expect(rates.of(3)).toBe(12.5);
  });
});

describe('order books whose changes have no ids', () => {
  test('follow the socket whose snapshot came last, and are void when that ends: `cut`', async () => {
    const { feed, server, taken, timers } = await pooled({
      kinds: ['book'],
      wanted: [1, 2],
      feed: { lines: 2 },
    });
    await until(() => allGranted(feed), 'both lines');
    const [a, b] = server.sockets;
    a!.socket.send('C 1');
    a!.socket.send('S 1');
    a!.socket.send('C 1');
    b!.socket.send('S 1');
    b!.socket.send('S 2');
    b!.socket.send('C 1');
    const books = (): Taken[] => taken.filter(({ kind }) => kind === tickKind.book || kind === tickKind.cut);
    await until(() => books().length === 5, 'the books');
    expect(feed.health().account.ignored.notFollowed).toBe(1);
    b!.socket.terminate();
    await until(() => books().length === 7, 'the cut');
    expect(books().slice(5)).toEqual(
      [1, 2].map((instrument) => ({
        kind: tickKind.cut,
        flags: tickFlag.lineB | tickFlag.noVenueTime,
        instrument,
        id: 0,
      })),
    );
    timers.advance(1_000);
    await until(() => server.open.length === 2, 'its return');
    expect(feedImbalance(feed.health().account)).toBeUndefined();
  });

  test('scenario 19: a message that cannot be read voids the books of its socket, since it may have been a change', async () => {
    const { feed, server, taken } = await pooled({ kinds: ['book'], wanted: [1, 2] });
    await until(() => allGranted(feed), 'the streams');
    const [socket] = server.sockets;
    for (const text of ['S 1', 'S 2', 'C 1', '?', 'C 1']) socket!.socket.send(text);
    await until(() => feed.health().account.messages >= 5, 'all messages');
    const kinds = taken.filter(({ kind }) => kind === tickKind.book || kind === tickKind.cut);
    expect(kinds.map(({ kind, instrument }) => [kind, instrument])).toEqual([
      [tickKind.book, 1],
      [tickKind.book, 2],
      [tickKind.book, 1],
      [tickKind.cut, 1],
      [tickKind.cut, 2],
    ]);
    expect(feed.health().account.ignored.notFollowed).toBe(1);
  });

  test('during a replacement the old socket’s changes are dropped once the new one has told the book', async () => {
    const { feed, server, taken, timers } = await pooled({ kinds: ['book'], wanted: [1] });
    await until(() => allGranted(feed), 'the stream');
    timers.advance(5_000);
    server.sockets[0]!.socket.send('S 1');
    server.sockets[0]!.socket.send('X');
    await until(() => server.sockets[1]?.streams.size === 1, 'the replacement');
    server.sockets[1]!.socket.send('S 1');
    await until(() => taken.filter(({ kind }) => kind === tickKind.book).length === 2, 'its snapshot');
    server.sockets[0]!.socket.send('C 1');
    server.sockets[1]!.socket.send('C 1');
    await until(() => feed.health().account.ignored.notFollowed === 1, 'the dropped change');
    await until(() => taken.filter(({ kind }) => kind === tickKind.book).length === 3, 'the kept change');
    await pause(20);
    timers.advance(connectionDefaults.overlapMs);
    await until(() => server.open.length === 1, 'the end of the old socket');
    expect(taken.filter(({ kind }) => kind === tickKind.cut)).toEqual([]);
  });
});
