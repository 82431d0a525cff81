import { describe, expect, test } from 'vitest';
import { BookShelf } from '../../src/gateway/book-shelf.ts';
import { FanOut, streamOf } from '../../src/gateway/fan-out.ts';
import { Interest } from '../../src/gateway/interest.ts';
import { KnownInstruments } from '../../src/gateway/known-instruments.ts';
import { gatewayLimits } from '../../src/gateway/limits.ts';
import { V2Outbox } from '../../src/gateway/v2-outbox.ts';
import { bookState, bookStride, bookTable, bookWord, bookWords, openBooks } from '../../src/market/book.ts';
import { channel } from '../../src/wire/block-message.ts';
import { decodeFrame } from '../../src/wire/decode-frame.ts';
import { doorbell } from '../../src/wire/doorbell.ts';
import { SegmentReader, segmentRingMemory } from '../../src/wire/segment-ring.ts';
import { dictionaryOf, MarketFeed } from './market-feed.ts';

const levels = 20;
const time = 1_795_231_221_900_000;

/** Puts a book into shared memory as a shard does, without its lock: nobody reads meanwhile. */
function put(table: SharedArrayBuffer, row: number, lastId: number, state: number = bookState.live): void {
  const { words } = openBooks(table);
  const at = row * bookStride(levels);
  words[at + bookWord.state] = state;
  words[at + bookWord.lastId] = lastId;
  words[at + bookWord.time] = time;
  words[at + bookWord.bids] = 2;
  words[at + bookWord.asks] = 1;
  // All bids are known, asks up to 101.
  words[at + bookWord.askHorizon] = 101;
  words.set([98, 5, 99, 7], at + bookWords);
  words.set([101, 3], at + bookWords + levels * 2);
}

function bench() {
  const tables = [bookTable(2, levels), bookTable(2, levels)];
  const memory = segmentRingMemory(1 << 18);
  const feed = new MarketFeed(memory, doorbell());
  const wishes: string[] = [];
  const interest = new Interest(8, (id, wanted) => wishes.push(`${wanted ? '+' : '-'}${id}`));
  const fanOut = new FanOut(
    [new SegmentReader(memory)],
    new KnownInstruments(dictionaryOf(4)),
    { ...gatewayLimits, softBytes: 0 },
    interest,
    new BookShelf(tables),
    () => undefined,
  );
  const socket = {
    waiting: 0,
    frames: [] as Uint8Array[],
    send(bytes: Uint8Array): number {
      this.frames.push(bytes.slice());
      return this.waiting > 0 ? 0 : 1;
    },
    getBufferedAmount(): number {
      return this.waiting;
    },
  };
  const outbox = new V2Outbox(fanOut.room, socket);
  const blocks = () => socket.frames.splice(0).flatMap((bytes) => decodeFrame(bytes).blocks);
  return { tables, feed, fanOut, socket, outbox, blocks, interest, wishes };
}

describe('order books at the gateway', () => {
  test('a new subscriber gets the book as the shard has it now, best first, marked as snapshot', () => {
    const { tables, fanOut, outbox, blocks } = bench();
    put(tables[0]!, 1, 77); // instrument 3: shard 0 of 2, row 1
    outbox.appendSnapshot(streamOf(3, channel.book));
    fanOut.endTurn();
    expect(blocks()).toMatchObject([
      {
        kind: 'bookSnapshot',
        instrument: 3,
        snapshot: true,
        cursor: 77,
        time,
        records: [
          {
            bids: [
              [99, 7],
              [98, 5],
            ],
            asks: [[101, 3]],
            bidsWhole: true,
            asksWhole: false,
          },
        ],
      },
    ]);
  });

  test('scenario 16: a book that waits for its snapshot is not shown', () => {
    const { tables, fanOut, outbox, blocks } = bench();
    put(tables[0]!, 1, 77, bookState.syncing);
    outbox.appendSnapshot(streamOf(3, channel.book));
    outbox.appendSnapshot(streamOf(4, channel.book));
    fanOut.endTurn();
    expect(blocks()).toEqual([]);
  });

  test('a slow client gets the whole book in place of the changes that it missed; every count adds up', async () => {
    const { tables, feed, fanOut, socket, outbox, blocks } = bench();
    const stream = streamOf(3, channel.book);
    fanOut.v2.add(stream, outbox);
    const change = async (id: number): Promise<void> => {
      await feed.bookDelta(3, id).flush();
      fanOut.drain();
    };
    await change(1);
    socket.waiting = 100;
    await change(2);
    for (let id = 3; id <= 60; id++) await change(id);
    expect(blocks().map(({ cursor }) => cursor)).toEqual([1, 2]);
    put(tables[0]!, 1, 60);
    socket.waiting = 0;
    outbox.drained();
    fanOut.endTurn();
    await change(61);
    expect(blocks().map(({ kind, cursor }) => [kind, cursor])).toEqual([
      ['bookSnapshot', 60],
      ['bookDelta', 61],
    ]);
    const waiting = new Float64Array(3);
    outbox.waiting(waiting);
    const { due, delivered, conflated, dropped } = fanOut.delivery.account(waiting).log;
    expect({ due, delivered, conflated, dropped: dropped.tooSlow }).toEqual({
      due: 61,
      delivered: 4,
      conflated: 57,
      dropped: 0,
    });
  });
});

describe('what clients want', () => {
  test('the hub is told of the first wish and of the last, and of a glance at once and over', () => {
    const { interest, wishes } = bench();
    interest.enter(3);
    interest.enter(3);
    interest.leave(3);
    interest.glance(3);
    interest.leave(3);
    interest.glance(4);
    expect(wishes).toEqual(['+3', '-3', '+4', '-4']);
  });
});
