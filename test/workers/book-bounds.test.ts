/** Order books at their bounds: full sides, full buffers, and venues that number no changes. */
import { describe, expect, test } from 'vitest';
import { bookState } from '../../src/market/book.ts';
import { bookReason } from '../../src/wire/row.ts';
import { tickFlag, tickKind } from '../../src/wire/tick-record.ts';
import type { Level } from '../compute/obvious-book.ts';
import { BookShard, type BookUpdate, bookRecords, ClientBook } from './book-bench.ts';
import { asks, bids, change, live, rules, snapshot, stateOf, time } from './book-samples.ts';

function noIds(update: BookUpdate, lineB = false): BookUpdate {
  return { ...update, noIds: true, firstId: 0, lastId: 0, lineB };
}

describe('what an order book has room for', () => {
  test('a full side gives up its worst levels, and a client hears which', () => {
    const shard = live({ levels: 64, topLevels: 5 });
    const client = new ClientBook();
    const many = Array.from({ length: 90 }, (_, i): Level => [1_000 - i * 2, 1 + i]);
    for (const block of shard.update(snapshot(20, many, [[2_000, 1]])).blocks) client.take(block);
    expect(shard.view(1)).toMatchObject({ bids: many.slice(0, 64), bidsWhole: false, asksWhole: true });
    for (let i = 0; i < 40; i++)
      for (const block of shard.update(
        change(21 + i, 21 + i, [
          [1_001 + i, 5],
          [900 - i, 1],
          [873, i % 2],
        ]),
      ).blocks)
        client.take(block);
    const view = shard.view(1);
    expect(view.bids.length).toBeGreaterThanOrEqual(62);
    expect(client.levels).toEqual({ bids: view.bids, asks: view.asks });
    expect(shard.counts()['bookLevelsEvicted']).toBeGreaterThan(30);
  });

  test('the buffer of a book that waits is bounded: the oldest changes go, and an old snapshot fits no more', () => {
    const shard = new BookShard({ instruments: 1, rules });
    const levels = Array.from({ length: 300 }, (_, i): Level => [100 + i, 1]);
    for (let id = 1; id <= 40; id++) shard.update(change(id, id, [], levels));
    expect(shard.counts()['bookBufferDropped']).toBeGreaterThan(20);
    shard.update(snapshot(1, bids, []));
    expect(stateOf(shard)).toBe(bookState.syncing);
    shard.update(snapshot(35, [[99, 1]], []));
    expect(shard.view(1)).toMatchObject({ state: bookState.live, lastId: 40 });
    expect(shard.unaccounted()).toBe(0);
  });
});

describe('books of a venue without ids', () => {
  const first = noIds({ ...snapshot(0, bids, asks), time });

  test('it follows the line whose snapshot came last, and counts from its µs upwards', () => {
    const shard = new BookShard({ instruments: 1, rules });
    shard.update(first);
    expect(shard.view(1)).toMatchObject({ state: bookState.live, lastId: time });
    shard.update(noIds(change(0, 0, [[100, 1]])));
    shard.update(noIds(change(0, 0, [[100, 9]]), true));
    expect(shard.view(1)).toMatchObject({
      lastId: time + 1,
      bids: [
        [100, 1],
        [99, 6],
      ],
    });
    shard.update({ ...first, lineB: true });
    shard.update(noIds(change(0, 0, [[100, 1]])));
    shard.update(noIds(change(0, 0, [[100, 9]]), true));
    expect(shard.view(1)).toMatchObject({
      lastId: time + 3,
      bids: [
        [100, 9],
        [99, 6],
      ],
    });
    expect(shard.counts()).toMatchObject({ bookDuplicates: 2, bookSnapshotsTaken: 2 });
    expect(shard.unaccounted()).toBe(0);
  });

  test('the end of that line voids it; the end of the other does not', () => {
    const shard = new BookShard({ instruments: 1, rules });
    shard.update(first);
    shard.record(tickKind.cut, 1, tickFlag.lineB);
    expect(shard.turn().requests).toEqual([]);
    shard.record(tickKind.cut, 1);
    expect(shard.turn().requests).toMatchObject([{ reason: bookReason.cut }]);
    shard.update(noIds(change(0, 0, [[100, 1]])));
    expect(shard.view(1)).toMatchObject({ state: bookState.syncing, bids: [] });
    expect(shard.counts()).toMatchObject({ bookVoid: 1, bookCuts: 1 });
    // A clock that lags: the count still rises.
    shard.update({ ...first, time: time - 5_000_000 });
    expect(shard.view(1)).toMatchObject({ state: bookState.live, lastId: time + 1 });
    expect(shard.unaccounted()).toBe(0);
  });

  test('a torn change voids it', () => {
    const shard = new BookShard({ instruments: 1, rules });
    shard.update(first);
    shard.push(bookRecords(noIds(change(0, 0, [[98, 1]], [[104, 1]]))), (index) => index === 1);
    shard.update(noIds(change(0, 0, [[97, 1]])));
    expect(shard.view(1)).toMatchObject({ state: bookState.syncing, bids: [] });
    expect(shard.counts()).toMatchObject({ bookTorn: 1, bookVoid: 1 });
  });

  test('an instrument that is let go has no book any more', () => {
    const shard = new BookShard({ instruments: 1, rules });
    shard.update(first);
    shard.record(tickKind.subscribed, 1);
    shard.turn();
    expect(shard.view(1)).toMatchObject({ state: bookState.empty, bids: [], asks: [] });
    expect(shard.unaccounted()).toBe(0);
  });
});
