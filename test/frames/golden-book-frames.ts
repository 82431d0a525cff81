/** Golden vectors of order books, states of streams, and quarantined trades. */
import type { Block, BlockHead, WireBook, WireBookDelta } from '../../src/wire/decode-frame.ts';
import type { StreamStatus } from '../../src/wire/decode-records.ts';
import { block, type GoldenFrame, sound, timeBase } from './golden-block.ts';

const most = Number.MAX_SAFE_INTEGER;
const time = timeBase * 2 ** 20 * 1_000 + 123_000;
const update = 50_093_239_300;
const head: BlockHead = { instrument: 1, cursor: update, time, snapshot: false, micros: false, received: 0 };
const book: WireBook = {
  instrument: 1,
  bidsWhole: true,
  asksWhole: true,
  bids: [
    [6_183_763, 378_826],
    [6_183_762, 100],
    [6_183_000, 5],
  ],
  asks: [
    [6_183_764, 154_698],
    [6_183_790, 1],
  ],
};
const delta: WireBookDelta = { ...book, previous: update - 12, firstUpdate: update - 11 };
const status: StreamStatus = { instrument: 1, channel: 14, state: 'syncing', since: time - 250_000, time };

const snapshotOf = (record: WireBook, rest: Partial<BlockHead> = {}): Block => {
  return { ...head, ...rest, kind: 'bookSnapshot', records: [record] };
};
const topOf = (record: WireBook, rest: Partial<BlockHead> = {}): Block => {
  return { ...head, ...rest, kind: 'bookTop', records: [record] };
};
const deltaOf = (record: WireBookDelta, rest: Partial<BlockHead> = {}): Block => {
  return { ...head, ...rest, kind: 'bookDelta', records: [record] };
};
const statusOf = (record: StreamStatus, rest: Partial<BlockHead> = {}): Block => {
  return { ...head, time: record.time, ...rest, kind: 'status', records: [record] };
};

export const bookFrames: readonly GoldenFrame[] = [
  sound('a book snapshot', snapshotOf(book)),
  sound(
    'snapshots: empty, one side only, both sides cut',
    snapshotOf({ ...book, bids: [], asks: [] }),
    snapshotOf({ ...book, bids: [] }, { snapshot: true }),
    snapshotOf({ ...book, asks: [], bidsWhole: false }, { micros: true, time: time + 7 }),
    snapshotOf({ ...book, bidsWhole: false, asksWhole: false }, { received: time - 5 }),
  ),
  sound(
    'a book of the largest numbers',
    snapshotOf(
      {
        ...book,
        bids: [
          [most, most],
          [0, 0],
        ],
        asks: [[most, 1]],
      },
      { cursor: most },
    ),
  ),
  sound('book tops', topOf({ ...book, bidsWhole: false, asksWhole: false }), topOf(book, { snapshot: true })),
  sound('a book delta', deltaOf(delta)),
  sound(
    'deltas: nothing, removals, out of order, asks only, ids that overlap',
    deltaOf({ ...delta, bids: [], asks: [] }),
    deltaOf({
      ...delta,
      bids: [
        [6_183_763, 0],
        [6_183_765, 7],
        [6_183_000, 0],
      ],
    }),
    deltaOf(
      { ...delta, bids: [], asksWhole: false, firstUpdate: update - 40 },
      { micros: true, time: time + 1 },
    ),
    deltaOf({ ...delta, previous: update - 1, firstUpdate: update }),
  ),
  sound(
    'a delta of the largest numbers',
    deltaOf(
      { ...delta, previous: 0, firstUpdate: 0, bids: [[2 ** 52 - 1, most]], asks: [[0, 0]] },
      { cursor: most },
    ),
  ),
  sound(
    'states of streams',
    statusOf(status),
    statusOf({ ...status, state: 'live', since: time, channel: 15 }, { cursor: 0 }),
    statusOf({ ...status, state: 'stale', since: time + 90, channel: 0, time: time + 5 }, { micros: true }),
  ),
  sound('quarantined trades', {
    ...head,
    cursor: 9,
    kind: 'trade',
    records: [
      {
        instrument: 1,
        id: 9,
        time,
        price: 5,
        size: 1,
        takerSold: false,
        merged: 1,
        late: false,
        quarantined: true,
      },
      { instrument: 1, id: 10, time, price: 6_183_763, size: 1, takerSold: true, merged: 1, late: false },
    ],
  }),
  sound(
    'a book with an unknown flag: its block is skipped',
    block(6, 1, [1, 5, 0, 4, 9, 9]),
    block(7, 1, [1, 5, 0, 0x80]),
    block(17, 1, [1, 5, 0, 4]),
    snapshotOf(book),
  ),
  sound(
    'a status with an unknown flag of channel or state: its block is skipped',
    block(18, 1, [1, 5, 0, 16, 0, 0]),
    block(18, 1, [1, 5, 0, 14, 3, 0, 0, 0]),
    statusOf(status),
  ),
];
