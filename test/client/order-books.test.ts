import { expect, test } from 'vitest';
import { OrderBooks } from '../../src/client/order-books.ts';
import { blockKind } from '../../src/wire/block.ts';
import { type BookBatch, bookBatch } from '../../src/wire/decode-book.ts';
import { dice, seed } from '../market/dice.ts';

type Side = Map<number, number>;

function fill(
  batch: BookBatch,
  bids: readonly (readonly number[])[],
  asks: readonly (readonly number[])[],
): void {
  batch.bidCount = bids.length;
  batch.askCount = asks.length;
  for (const [at, [price, size]] of bids.entries()) [batch.bidPrice[at], batch.bidSize[at]] = [price!, size!];
  for (const [at, [price, size]] of asks.entries()) [batch.askPrice[at], batch.askSize[at]] = [price!, size!];
}

function snapshot(cursor: number, bids: Side, asks: Side): BookBatch {
  const batch = bookBatch();
  const best = (side: Side, direction: number) => [...side].toSorted((a, b) => (a[0] - b[0]) * direction);
  fill(batch, best(bids, -1), best(asks, 1));
  return Object.assign(batch, { instrument: 1, kind: blockKind.bookSnapshot, cursor, previous: cursor });
}

function change(previous: number, cursor: number, bids: number[][], asks: number[][]): BookBatch {
  const batch = bookBatch();
  fill(batch, bids, asks);
  return Object.assign(batch, { instrument: 1, kind: blockKind.bookDelta, cursor, previous });
}

test(`a kept book equals the obvious one after every change, jumps are told, and a snapshot mends them (seed ${seed})`, () => {
  const throws = dice(seed);
  const books = new OrderBooks();
  const [bids, asks]: [Side, Side] = [new Map(), new Map()];
  let cursor = 100;
  let broken = false;
  let told = 0;
  expect(books.take(change(99, cursor, [[1, 1]], []))).toBeUndefined();
  expect(books.get(1)?.live, 'nothing is live before a snapshot').toBe(false);
  books.take(snapshot(cursor, bids, asks));
  for (let step = 0; step < 5_000; step++) {
    const levels = (least: number) =>
      Array.from({ length: throws.whole(0, 4) }, () => [throws.whole(least, least + 40), throws.whole(0, 3)]);
    const [bidChanges, askChanges] = [levels(1_000), levels(1_041)];
    const previous = cursor;
    cursor += throws.whole(1, 5);
    for (const [side, changes] of [
      [bids, bidChanges],
      [asks, askChanges],
    ] as const)
      for (const [price, size] of changes)
        if (size === 0) side.delete(price!);
        else side.set(price!, size!);
    const batch = change(previous, cursor, bidChanges, askChanges);
    if (throws.chance(0.02)) broken ||= true;
    else {
      const jump = books.take(batch);
      if (broken && jump !== undefined) told++;
      if (!broken && throws.chance(0.1)) expect(books.take(batch), 'known already').toBeUndefined();
    }
    if (broken && throws.chance(0.2)) {
      books.take(snapshot(cursor, bids, asks));
      broken = false;
    }
    const book = books.get(1)!;
    if (broken) continue;
    expect(book.live, `step ${step}`).toBe(true);
    expect(book.bids, `step ${step}`).toEqual([...bids].toSorted((a, b) => b[0] - a[0]));
    expect(book.asks, `step ${step}`).toEqual([...asks].toSorted((a, b) => a[0] - b[0]));
  }
  expect(told).toBeGreaterThan(10);
  expect(books.jumps).toBe(told);
});

test('a book that the server calls syncing is not live until its snapshot', () => {
  const books = new OrderBooks();
  books.take(snapshot(5, new Map([[10, 1]]), new Map()));
  books.suspend(1);
  expect(books.get(1)?.live).toBe(false);
  books.take(change(5, 6, [[11, 1]], []));
  expect(books.get(1)?.live).toBe(false);
  books.take(snapshot(9, new Map([[12, 1]]), new Map()));
  expect(books.get(1)).toMatchObject({ live: true, cursor: 9, bids: [[12, 1]] });
});
