/** Small books and changes for tests that go rule by rule. */
import { expect } from 'vitest';
import { bookState } from '../../src/market/book.ts';
import type { Level } from '../compute/obvious-book.ts';
import { BookShard, type BookUpdate } from './book-bench.ts';

export const time = 1_723_161_255_343_000;
export const rules = { books: { levels: 1_000, topLevels: 20, lowWater: 0, requestMicros: 1_000_000 } };

export function change(firstId: number, lastId: number, bids: Level[] = [], asks: Level[] = []): BookUpdate {
  return { instrument: 1, snapshot: false, firstId, lastId, time: time + lastId * 1_000, bids, asks };
}
export function snapshot(lastId: number, bids: Level[], asks: Level[]): BookUpdate {
  return { ...change(lastId, lastId, bids, asks), snapshot: true };
}
export const bids: Level[] = [
  [100, 5],
  [99, 6],
];
export const asks: Level[] = [
  [101, 7],
  [103, 8],
];

/** A shard whose book 1 is live at id 10. */
export function live(books: Partial<typeof rules.books> = {}): BookShard {
  const shard = new BookShard({ instruments: 2, rules: { books: { ...rules.books, ...books } } });
  shard.clock(time);
  shard.update(change(9, 10));
  shard.update(snapshot(10, bids, asks));
  expect(shard.view(1)).toMatchObject({ state: bookState.live, lastId: 10, bids, asks });
  return shard;
}

export const stateOf = (shard: BookShard): number => shard.view(1).state;
