/** Order books of a shard against the obvious book, and rule by rule. */
import { describe, expect, test } from 'vitest';
import { resyncReason } from '../../src/compute/books.ts';
import { bookState } from '../../src/market/book.ts';
import { bookReason } from '../../src/wire/row.ts';
import { tickWords } from '../../src/wire/tick-record.ts';
import { type Level, ObviousBook } from '../compute/obvious-book.ts';
import { dice, seed } from '../market/dice.ts';
import { BookShard, type BookUpdate, bookRecords, ClientBook } from './book-bench.ts';
import { BookMarket } from './book-market.ts';
import { asks, bids, change, live, rules, snapshot, stateOf, time } from './book-samples.ts';

describe(`order books (SEED=${seed})`, () => {
  test('scenarios 12, 16, 17: two lines that lose, repeat, swap and tear: the obvious book at every turn', () => {
    const seen = { live: 0, syncing: 0, torn: 0, requests: 0, healed: 0, duplicates: 0 };
    for (let round = 0; round < 12; round++) {
      const roll = dice(seed + round);
      const shard = new BookShard({ instruments: 2, rules });
      const market = new BookMarket(roll, 1);
      const [obvious, client] = [new ObviousBook(), new ClientBook()];
      const limit = roll.chance(0.5) ? undefined : 50;
      let [lineA, lineB]: [BookUpdate[], BookUpdate[]] = [[], []];
      const answers: { at: number; update: BookUpdate }[] = [];
      for (let step = 0; step < 250; step++) {
        const update = market.next();
        const quiet = roll.pick([0.02, 0.02, 0.3]);
        if (!roll.chance(quiet)) lineA.push(update);
        if (!roll.chance(quiet)) lineB.push({ ...update, lineB: true });
        if (roll.chance(0.1)) lineA = lineA.toReversed();
        const due: BookUpdate[] = [];
        if (!roll.chance(0.2)) due.push(...lineA.splice(0));
        if (!roll.chance(0.4)) due.push(...lineB.splice(0));
        while (answers[0] !== undefined && answers[0].at <= step) due.push(answers.shift()!.update);
        for (const one of due) {
          if (roll.chance(0.03) && one.bids.length + one.asks.length > 0) {
            const records = bookRecords(one);
            const missing = roll.whole(1, records.words.length / tickWords - 1);
            shard.push(records, (index) => index === missing);
            shard.clock(market.time);
            shard.clock(market.time);
            if (!one.snapshot) obvious.torn(one.lastId);
            seen.torn++;
          } else {
            shard.push(bookRecords(one));
            obvious.take(one);
          }
        }
        if (roll.chance(0.3)) shard.clock(market.time);
        const before = stateOf(shard);
        const { blocks, requests } = shard.turn();
        for (const block of blocks) client.take(block);
        if (requests.length > 0)
          answers.push({ at: step + roll.whole(0, 4), update: market.snapshot(limit) });
        seen.requests += requests.length;

        const view = shard.view(1);
        const isLive = view.state === bookState.live;
        expect({ round, step, isLive }).toEqual({ round, step, isLive: obvious.live });
        expect(client.isCrossed).toBe(false);
        expect(client.holes).toBe(0);
        if (isLive) {
          const plain = { bids: obvious.bids.levels, asks: obvious.asks.levels };
          expect({ bids: view.bids, asks: view.asks, lastId: view.lastId }).toEqual({
            ...plain,
            lastId: obvious.lastId,
          });
          expect({ ...client.levels, state: client.state, cursor: client.cursor }).toEqual({
            ...plain,
            state: 'live',
            cursor: view.lastId,
          });
          if (before === bookState.syncing && !due.some((one) => one.snapshot)) seen.healed++;
        } else if (client.state !== undefined) expect(client.state).toBe('syncing');
        seen[isLive ? 'live' : 'syncing']++;
        expect(shard.unaccounted()).toBe(0);
      }
      seen.duplicates += shard.counts()['bookDuplicates']!;
    }
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(10);
  });

  test('Binance rules 4 and 5: a snapshot older than the first change is asked for again, an older change dropped', () => {
    const shard = new BookShard({ instruments: 1, rules });
    const asked = shard.update(change(11, 12, [[98, 1]])).requests;
    expect(asked).toEqual([{ instrument: 1, reason: bookReason.unknown, lastId: 0 }]);
    shard.update(change(13, 15, [[97, 1]]));
    expect(shard.update(snapshot(9, bids, asks)).requests).toHaveLength(1);
    expect(stateOf(shard)).toBe(bookState.syncing);
    // U ≤ 13 + 1 ≤ u: the second change holds it, the first is dropped.
    shard.update(snapshot(13, bids, asks));
    expect(shard.view(1)).toMatchObject({ state: bookState.live, lastId: 15, bids: [...bids, [97, 1]] });
    expect(shard.counts()).toMatchObject({ bookSnapshotsOld: 1, bookDuplicates: 1, bookApplied: 1 });
    expect(shard.unaccounted()).toBe(0);
  });

  test('scenario 16: a hole in the ids makes the book invalid; clients hear of it, it is asked for, and no other is touched', () => {
    const shard = live();
    shard.update({ ...change(5, 6), instrument: 2 });
    shard.update({ ...snapshot(6, bids, asks), instrument: 2 });
    const { blocks, requests } = shard.update(change(12, 13, [[100, 1]]));
    expect(requests).toEqual([{ instrument: 1, reason: bookReason.gap, lastId: 10 }]);
    expect(blocks).toMatchObject([
      { kind: 'status', instrument: 1, records: [{ channel: 14, state: 'syncing' }] },
      { kind: 'status', instrument: 1, records: [{ channel: 15, state: 'syncing' }] },
    ]);
    expect([stateOf(shard), shard.view(2).state]).toEqual([bookState.syncing, bookState.live]);
    const after = shard.update(snapshot(12, bids, asks));
    expect(after.blocks.map(({ kind }) => kind)).toEqual(['status', 'status', 'bookSnapshot', 'bookTop']);
    expect(shard.view(1)).toMatchObject({
      state: bookState.live,
      lastId: 13,
      bids: [
        [100, 1],
        [99, 6],
      ],
    });
  });

  test('scenario 16: what is missing comes on the other line: the book goes on without a snapshot', () => {
    const shard = live();
    shard.update(change(12, 13, [[98, 2]]));
    expect(stateOf(shard)).toBe(bookState.syncing);
    shard.update({ ...change(11, 11, [[100, 0]]), lineB: true });
    expect(shard.view(1)).toMatchObject({
      state: bookState.live,
      lastId: 13,
      bids: [
        [99, 6],
        [98, 2],
      ],
    });
    expect(shard.counts()['bookSnapshotsTaken']).toBe(1);
  });

  test('scenario 16: a crossed book is neither served nor told; a change that uncrosses it makes it live again', () => {
    const shard = live();
    const crossing = shard.update(change(11, 11, [[102, 1]]));
    expect(crossing).toEqual({ blocks: [], requests: [] });
    expect(stateOf(shard)).toBe(bookState.syncing);
    const { blocks } = shard.update(change(12, 12, [], [[101, 0]]));
    expect(blocks.map(({ kind }) => kind)).toEqual(['bookSnapshot', 'bookTop']);
    expect(shard.view(1)).toMatchObject({
      state: bookState.live,
      bids: [[102, 1], ...bids],
      asks: [[103, 8]],
    });
  });

  test('scenario 16: a book that stays crossed is void after 16 changes, or a second, and asked for anew', () => {
    const shard = live();
    const requests = Array.from(
      { length: 17 },
      (_, i) => shard.update(change(11 + i, 11 + i, [[102, 1]])).requests,
    );
    expect(requests.flat()).toEqual([{ instrument: 1, reason: bookReason.crossed, lastId: 27 }]);
    expect(shard.view(1)).toMatchObject({ state: bookState.syncing, bids: [], asks: [] });
    const other = live();
    other.update(change(11, 11, [[102, 1]]));
    other.clock(time + 11_000 + 1_000_000);
    expect(other.turn().requests).toMatchObject([{ reason: bookReason.crossed }]);
    expect(other.unaccounted()).toBe(0);
  });

  test('scenario 17: taking away levels that are not there is normal', () => {
    const shard = live();
    shard.update(change(11, 11, [[50, 0]], [[101.5 * 2, 0]]));
    expect(shard.view(1)).toMatchObject({ state: bookState.live, lastId: 11, bids, asks });
    expect(shard.counts()['bookLevelsUnknown']).toBe(2);
  });

  test('scenario 12: the second copy of a change is one change', () => {
    const shard = live();
    const update = change(11, 11, [[100, 1]]);
    expect(shard.update(update).blocks.filter(({ kind }) => kind === 'bookDelta')).toHaveLength(1);
    expect(shard.update({ ...update, lineB: true }).blocks).toEqual([]);
    expect(shard.counts()).toMatchObject({ bookDuplicates: 2, bookApplied: 1 });
  });

  test('scenario 15: ids of a change may span many updates; that is no hole, and one below the last is dropped', () => {
    const shard = live();
    shard.update(change(11, 5_000, [[100, 1]]));
    shard.update(change(8, 9, [[100, 9]]));
    expect(shard.view(1)).toMatchObject({
      state: bookState.live,
      lastId: 5_000,
      bids: [
        [100, 1],
        [99, 6],
      ],
    });
    expect(shard.counts()['bookGaps']).toBe(0);
  });

  test('the reasons of the books are those of the rows', () => {
    expect(resyncReason).toEqual(bookReason);
  });

  test('a request without an answer is made again after a while', () => {
    const shard = new BookShard({ instruments: 1, rules });
    shard.clock(time);
    shard.update(change(11, 12));
    shard.clock(time + 12_000 + 999_999);
    expect(shard.turn().requests).toEqual([]);
    shard.clock(time + 12_000 + 1_000_000);
    expect(shard.turn().requests).toHaveLength(1);
  });

  test('a change that lost records is torn: at the next change, or the second clock; the ids tell the rest', () => {
    const torn = change(
      11,
      11,
      [[100, 1]],
      [
        [101, 1],
        [102, 1],
        [104, 1],
      ],
    );
    const shard = live();
    shard.push(bookRecords(torn), (index) => index === 2);
    expect(shard.turn().requests).toEqual([]);
    // Its copy on the other line is whole.
    const copy = shard.update({ ...torn, lineB: true });
    expect(copy.requests).toMatchObject([{ reason: bookReason.torn }]);
    expect(shard.view(1)).toMatchObject({ state: bookState.live, lastId: 11 });
    shard.push(bookRecords(change(12, 12, [[100, 2]])), (index) => index === 1);
    shard.clock(time);
    shard.clock(time);
    expect(shard.turn().requests).toMatchObject([{ reason: bookReason.torn }]);
    expect(stateOf(shard)).toBe(bookState.syncing);
    expect(shard.unaccounted()).toBe(0);
  });

  test('levels without their change are stray, and change nothing', () => {
    const shard = live();
    shard.push(bookRecords(change(11, 11, [[100, 1]])), (index) => index === 0);
    shard.turn();
    expect(shard.view(1)).toMatchObject({ lastId: 10, bids });
    expect(shard.counts()['bookLevelsStray']).toBe(1);
  });

  test('a side that runs low asks for more while it is served; the snapshot that comes is brought up to date', () => {
    const shard = live({ lowWater: 3 });
    const deep = { bidHorizon: 97, askHorizon: 106 };
    const whole: [Level[], Level[]] = [
      [
        [100, 5],
        [99, 6],
        [98, 1],
        [97, 1],
      ],
      [
        [101, 7],
        [103, 8],
        [105, 1],
        [106, 1],
      ],
    ];
    shard.update({ ...snapshot(20, ...whole), ...deep });
    expect(
      shard.update(
        change(21, 21, [
          [100, 0],
          [99, 0],
        ]),
      ).requests,
    ).toEqual([]);
    expect(shard.update(change(22, 22, [[98, 0]])).requests).toEqual([
      { instrument: 1, reason: bookReason.thin, lastId: 22 },
    ]);
    shard.update(change(23, 23, [[96, 9]], [[101, 1]]));
    expect(shard.view(1)).toMatchObject({ state: bookState.live, bids: [[97, 1]], bidsWhole: false });
    // Older than what the book has come to: changes since are applied to it again.
    const { blocks } = shard.update({
      ...snapshot(
        22,
        [
          [97, 1],
          [95, 4],
          [94, 4],
        ],
        asks,
      ),
      bidHorizon: 94,
    });
    expect(blocks.map(({ kind }) => kind)).toEqual(['bookSnapshot', 'bookTop']);
    expect(shard.view(1)).toMatchObject({
      state: bookState.live,
      lastId: 23,
      bids: [
        [97, 1],
        [96, 9],
        [95, 4],
        [94, 4],
      ],
      asks: [
        [101, 1],
        [103, 8],
      ],
    });
    expect(shard.unaccounted()).toBe(0);
  });

  test('when the last known level of a side goes, the book is not served until a snapshot comes', () => {
    const shard = live();
    shard.update({ ...snapshot(20, bids, asks), bidHorizon: 99 });
    shard.update(
      change(21, 21, [
        [100, 0],
        [98, 4],
      ]),
    );
    expect(shard.update(change(22, 22, [[99, 0]])).requests).toMatchObject([{ reason: bookReason.thin }]);
    expect(stateOf(shard)).toBe(bookState.syncing);
  });
});
