/** Torn books over REST: a venue that is turned by hand, and a real server that counts weight as Binance does. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { binance } from '../../src/feeds/binance/venue.ts';
import { RestFault, restDefaults, restPriority, type VenueBook } from '../../src/feeds/venue-rest.ts';
import { bookReason } from '../../src/wire/row.ts';
import { HandTimers, now, until } from './market.ts';
import { closers, HandRest, imbalance, plainBook, repairOf, settle } from './repair-venue.ts';

describe('books', () => {
  test('a snapshot: levels, ids, the time of receipt, and how far it is known', async () => {
    const rest = new HandRest();
    const { repair, taken } = repairOf(rest, { bookLevels: 2 });
    repair.bookRequest(1, bookReason.gap);
    await settle();
    const book = {
      instrument: 1,
      isSnapshot: true,
      noVenueTime: true,
      time: now,
      received: now,
      firstUpdate: 1,
      lastUpdate: 1,
      horizons: [0, Number.POSITIVE_INFINITY],
      bids: [
        [100, 1],
        [99, 2],
      ],
      asks: [[101, 3]],
    };
    expect(taken.books).toEqual([book]);
    rest.torn = () => plainBook(9, { whole: false, time: now - 5 });
    repair.bookRequest(1, bookReason.gap);
    await settle();
    const partial = {
      ...book,
      firstUpdate: 9,
      lastUpdate: 9,
      noVenueTime: false,
      time: now - 5,
      horizons: [99, 101],
    };
    expect(taken.books.at(-1)).toEqual(partial);
    // Longer than what is kept: the best levels, also when they come in another order.
    rest.torn = () => plainBook(1, { bids: Float64Array.of(98, 4, 100, 1, 99, 2) });
    repair.bookRequest(1, bookReason.gap);
    await settle();
    expect(taken.books.at(-1)).toEqual({ ...book, horizons: [99, Number.POSITIVE_INFINITY] });
    expect(repair.health().books.reasons[bookReason.gap]).toBe(3);
  });

  test('asked for again: merged while it waits, fetched afterwards when it is under way', async () => {
    const rest = new HandRest();
    const answers: ((book: VenueBook) => void)[] = [];
    rest.torn = () => new Promise((resolve) => answers.push(resolve));
    const { repair, taken } = repairOf(rest, { underWayMax: 1 });
    for (const id of [1, 2, 2, 1, 1]) repair.bookRequest(id, bookReason.gap);
    expect(rest.asked.map(({ id }) => id)).toEqual([1]);
    expect(repair.health().books).toMatchObject({ asked: 5, merged: 2, waiting: 3 });
    for (let i = 0; i < 3; i++) {
      answers[i]!(plainBook(i));
      await settle();
      expect(imbalance(repair)).toBeUndefined();
    }
    expect(rest.asked.map(({ id }) => id)).toEqual([1, 2, 1]);
    expect(taken.books.map((book) => [book.instrument, book.lastUpdate])).toEqual([
      [1, 0],
      [2, 1],
      [1, 2],
    ]);
    expect(repair.health().books).toMatchObject({ given: 3, waiting: 0 });
  });

  test('watched ones first, with more levels, on slots of their own', async () => {
    const rest = new HandRest();
    rest.torn = () => new Promise(() => undefined);
    const { repair } = repairOf(rest, { underWayMax: 2 });
    repair.watch([8, 9]);
    for (const id of [1, 2, 3, 4, 8, 9]) repair.bookRequest(id, bookReason.unknown);
    expect(rest.asked.map(({ id, from, priority }) => [id, from, priority])).toEqual([
      [1, 100, restPriority.book],
      [2, 100, restPriority.book],
      [8, 1_000, restPriority.watchedBook],
      [9, 1_000, restPriority.watchedBook],
    ]);
  });

  test('a failed one is tried again, ever more seldom; a forgotten one is not', async () => {
    const rest = new HandRest();
    const bad = [
      (): Promise<VenueBook> => Promise.reject(new RestFault('refused', 'no')),
      (): VenueBook => plainBook(1, { asks: Float64Array.of(100, 1) }),
      (): VenueBook => plainBook(1, { asks: Float64Array.of(99, 1) }),
      (): Promise<VenueBook> => Promise.reject(new RestFault('unreachable', 'down')),
    ];
    rest.torn = () => (bad.shift() ?? (() => plainBook(5)))();
    const { repair, taken, timers } = repairOf(rest);
    repair.bookRequest(1, bookReason.crossed);
    const times: number[] = [];
    for (let second = 0; second < 40; second++) {
      await settle();
      while (times.length < rest.asked.length) times.push(second);
      timers.advance(1_000);
    }
    expect(times).toEqual([0, 1, 3, 7, 15]);
    expect(taken.books.length).toBe(1);
    expect(repair.health().books).toMatchObject({ failed: 4, given: 1, waiting: 0 });
    rest.torn = () => Promise.reject(new RestFault('unreachable', 'down'));
    repair.bookRequest(2, bookReason.crossed);
    await settle();
    repair.forgetBook(2);
    repair.forgetBook(2);
    repair.bookRequest(601, bookReason.crossed);
    timers.advance(120_000);
    await settle();
    expect(rest.asked.length).toBe(6);
    expect(repair.health().books).toMatchObject({ asked: 3, forgotten: 2, waiting: 0 });
  });
});

function rowOf(id: number): object {
  return { id, price: '1.5', qty: '2', time: now / 1_000, isBuyerMaker: true };
}

describe('over a real server that counts weight as Binance does', () => {
  const limit = 6_000;
  const weights: Record<string, number> = { '100': 5, '500': 25, '1000': 50, '5000': 250 };

  async function venueOf(timers: HandTimers, budget: number) {
    const seen = { refused: 0, order: [] as string[], byMinute: new Map<number, number>() };
    const server = createServer((request, response) => {
      const url = new URL(request.url!, 'http://venue');
      const minute = Math.floor(timers.now() / 60_000);
      const levels = url.searchParams.get('limit')!;
      const isDepth = url.pathname === '/api/v3/depth';
      const used = (seen.byMinute.get(minute) ?? 0) + (isDepth ? weights[levels]! : 25);
      seen.byMinute.set(minute, used);
      const head = { 'x-mbx-used-weight-1m': String(used) };
      if (used > limit) {
        seen.refused++;
        response.writeHead(429, { ...head, 'retry-after': '60' }).end('{}');
        return;
      }
      if (isDepth) seen.order.push(url.searchParams.get('symbol')!);
      const from = Number(url.searchParams.get('fromId'));
      const body = isDepth
        ? { lastUpdateId: 7, bids: [['1.00', '2']], asks: [['1.01', '2']] }
        : Array.from({ length: Number(levels) }, (_, i) => rowOf(from + i));
      response.writeHead(200, head).end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { seen, rest: binance.rest({ ...restDefaults, baseUrl, timers, budget, budgetMs: 60_000 }) };
  }

  test('scenario 18: 566 books at once: watched first, no 429 ever, all given', {
    timeout: 20_000,
  }, async () => {
    const timers = new HandTimers();
    // Half-way through a minute of the server's: our window is not its.
    timers.advance(30_000);
    const { seen, rest } = await venueOf(timers, 4_800);
    const limits = { watchedLevels: 1_000, otherLevels: 500 };
    const { repair, taken } = repairOf(rest, limits, timers);
    const watched = Array.from({ length: 100 }, (_, i) => 5 * (i + 1));
    repair.watch(watched);
    for (let id = 1; id <= 566; id++) repair.bookRequest(id, bookReason.unknown);
    repair.gap(566, 1, 500);
    // Turns the clock only when all that may leave has left and has been answered.
    for (let given = -1; taken.books.length < 566; ) {
      await until(() => taken.books.length > given || rest.budget().waiting > 0, 'an answer');
      given = taken.books.length;
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (taken.books.length === given && rest.budget().waiting > 0) timers.advance(timers.nextIn);
    }
    expect(seen.refused).toBe(0);
    expect(Math.max(...seen.byMinute.values())).toBeLessThanOrEqual(4_800);
    expect(seen.byMinute.size).toBeGreaterThanOrEqual(3);
    expect(taken.ids.length).toBe(500);
    // Four of the others were under way before the first watched one was asked for.
    const isWatched = (name: string): boolean => watched.some((id) => name === `S${id}USDT`);
    const lastWatched = seen.order.findLastIndex(isWatched);
    const othersBefore = seen.order.slice(0, lastWatched).filter((name) => !isWatched(name)).length;
    expect(othersBefore).toBeLessThanOrEqual(4);
    expect(new Set(taken.books.map((book) => book.instrument)).size).toBe(566);
    expect(imbalance(repair)).toBeUndefined();
  });

  test('without the limit the same server does refuse (so the test above would see it)', async () => {
    const timers = new HandTimers();
    const { seen, rest } = await venueOf(timers, 1e9);
    const { repair, taken } = repairOf(rest, { watchedLevels: 1_000, otherLevels: 500 }, timers);
    for (let id = 1; id <= 566; id++) repair.bookRequest(id, bookReason.unknown);
    await until(() => seen.refused > 0, 'a refusal');
    expect(taken.books.length).toBeLessThan(566);
    await until(() => repair.health().pausedMs > 0, 'the pause');
  });

  test('scenario 14: trades by id through Binance’s own call', async () => {
    const timers = new HandTimers();
    const { rest } = await venueOf(timers, 4_800);
    const { repair, taken } = repairOf(rest, {}, timers);
    repair.gap(1, 1_001, 3_500);
    await until(() => taken.trades.length === 2_500, 'all trades');
    expect(taken.ids).toEqual(Array.from({ length: 2_500 }, (_, i) => 1_001 + i));
    expect(rest.budget().used).toBe(75);
    expect(taken.lost).toEqual([]);
  });
});
