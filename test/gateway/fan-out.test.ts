/** The fan-out with pretended sockets, judged by an obvious model; random from a printed seed. */

import { expect, test } from 'vitest';
import { BookShelf } from '../../src/gateway/book-shelf.ts';
import { FanOut, streamOf } from '../../src/gateway/fan-out.ts';
import { Interest } from '../../src/gateway/interest.ts';
import { KnownInstruments } from '../../src/gateway/known-instruments.ts';
import { gatewayLimits } from '../../src/gateway/limits.ts';
import { type Outbox, V2Outbox } from '../../src/gateway/v2-outbox.ts';
import { channel } from '../../src/wire/block-message.ts';
import { type Block, decodeFrame } from '../../src/wire/decode-frame.ts';
import { doorbell } from '../../src/wire/doorbell.ts';
import { SegmentReader, segmentRingMemory } from '../../src/wire/segment-ring.ts';
import { balance } from './harness.ts';
import { dictionaryOf, MarketFeed, startMicros } from './market-feed.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

/** A linear congruential generator: the same seed, the same throws. */
function dice(start: number): (sides: number) => number {
  let state = start >>> 0;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

/** A socket whose kernel takes `room` bytes; the rest is buffered until `drain`. */
class PretendedSocket {
  readonly sent: Uint8Array[] = [];
  room = Number.POSITIVE_INFINITY;
  buffered = 0;

  send(bytes: Uint8Array): number {
    this.sent.push(bytes.slice());
    const taken = Math.min(this.buffered === 0 ? this.room : 0, bytes.length);
    this.room -= taken;
    this.buffered += bytes.length - taken;
    return this.buffered > 0 ? 0 : 1;
  }

  getBufferedAmount(): number {
    return this.buffered;
  }

  get blocks(): Block[] {
    return this.sent.flatMap((bytes) => decodeFrame(bytes).blocks);
  }
}

/** Nobody listens to what is wanted. */
const nobody = (): Interest => new Interest(64, () => undefined);
const noBooks = new BookShelf([]);

interface Client {
  readonly socket: PretendedSocket;
  readonly outbox: V2Outbox;
  /** What it must have in the end: trades per instrument, as [id, time], and the version of the last quote. */
  readonly trades: Map<number, [id: number, time: number][]>;
  readonly lastQuote: Map<number, number>;
}

test(`however sockets stall: log blocks arrive all and in order, state arrives at its last value, every count adds up (SEED=${seed})`, async () => {
  const roll = dice(seed);
  const bell = doorbell();
  const memory = segmentRingMemory(1 << 20);
  const feed = new MarketFeed(memory, bell);
  const limits = { ...gatewayLimits, softBytes: 2_000 };
  const fanOut = new FanOut(
    [new SegmentReader(memory)],
    new KnownInstruments(dictionaryOf(6)),
    limits,
    nobody(),
    noBooks,
    () => expect.unreachable(),
  );
  const clients = Array.from({ length: 5 }, (): Client => {
    const socket = new PretendedSocket();
    return { socket, outbox: new V2Outbox(fanOut.room, socket), trades: new Map(), lastQuote: new Map() };
  });
  const nextId = [0, 1, 1, 1, 1, 1, 1];
  let conflatedOnce = false;
  for (let turn = 0; turn < 1_500; turn++) {
    const client = clients[roll(clients.length)]!;
    const instrument = 1 + roll(6);
    const stream = streamOf(instrument, roll(2));
    const action = roll(20);
    if (action < 3) fanOut.v2.add(stream, client.outbox);
    else if (action === 3 && !client.outbox.slow) fanOut.v2.remove(stream, client.outbox);
    else if (action < 6) client.socket.room = roll(3_000);
    else if (action < 9) {
      client.socket.buffered = Math.floor(client.socket.buffered / (1 + roll(3)));
      if (roll(3) === 0) client.socket.buffered = 0;
      if (roll(4) === 0) client.socket.room = Number.POSITIVE_INFINITY;
      client.outbox.drained();
    }
    for (let block = roll(12); block >= 0; block--) {
      const on = 1 + roll(6);
      const count = 1 + roll(30);
      const id = nextId[on]!;
      nextId[on] = id + count;
      // Now and then a block of another time base.
      const time = startMicros + (roll(10) === 0 ? 1_200_000_000 : 0);
      const isTrade = roll(2) === 0;
      if (isTrade) feed.trades(on, id, count, time);
      else feed.quote(on, id, time);
      for (const one of clients) {
        if (!one.outbox.places.has(streamOf(on, isTrade ? channel.trades : channel.quotes))) continue;
        if (isTrade) {
          const ids = one.trades.get(on) ?? [];
          for (let index = 0; index < count; index++) ids.push([id + index, time]);
          one.trades.set(on, ids);
        } else one.lastQuote.set(on, id);
      }
    }
    await feed.flush();
    while (fanOut.drain());
    const waiting = new Float64Array(3);
    for (const one of clients) one.outbox.waiting(waiting);
    const { state, log } = fanOut.delivery.account(waiting);
    expect([balance(state), balance(log)], `turn ${turn}`).toEqual([0, 0]);
    conflatedOnce ||= state.conflated > 0;
  }
  expect(conflatedOnce).toBe(true);
  for (const { socket, outbox } of clients) {
    socket.room = Number.POSITIVE_INFINITY;
    socket.buffered = 0;
    outbox.drained();
  }
  fanOut.endTurn();
  for (const { socket, trades, lastQuote } of clients) {
    const { blocks } = socket;
    for (const [instrument, ids] of trades) {
      const got = blocks.flatMap((block) =>
        block.kind === 'trade' && block.instrument === instrument
          ? block.records.map(({ id, time }) => [id, time])
          : [],
      );
      expect(got).toEqual(ids);
    }
    for (const [instrument, version] of lastQuote) {
      const quotes = blocks.flatMap((block) =>
        block.kind === 'quote' && block.instrument === instrument ? [block.cursor] : [],
      );
      expect(quotes.at(-1)).toBe(version);
      expect(quotes).toEqual([...new Set(quotes)].toSorted((a, b) => a - b));
    }
    expect(Math.max(0, ...socket.sent.map(({ length }) => length))).toBeLessThanOrEqual(65_536);
  }
  const waiting = new Float64Array(3);
  for (const { outbox } of clients) outbox.waiting(waiting);
  expect([...waiting]).toEqual([0, 0, 0]);
});

test('a turn costs one write a client, whatever number of its streams moved; nobody else is touched', async () => {
  const bell = doorbell();
  const memory = segmentRingMemory(1 << 20);
  const feed = new MarketFeed(memory, bell);
  const fanOut = new FanOut(
    [new SegmentReader(memory)],
    new KnownInstruments(dictionaryOf(30)),
    gatewayLimits,
    nobody(),
    noBooks,
    () => undefined,
  );
  const sockets = Array.from({ length: 10 }, () => new PretendedSocket());
  for (const [index, socket] of sockets.entries()) {
    const outbox = new V2Outbox(fanOut.room, socket);
    for (let instrument = 1; instrument <= 20; instrument++)
      fanOut.v2.add(streamOf(instrument + (index === 9 ? 10 : 0), 0), outbox);
  }
  for (let instrument = 1; instrument <= 10; instrument++)
    feed.trades(instrument, 1, 2).trades(instrument, 3, 2);
  await feed.flush();
  fanOut.drain();
  expect(sockets.map(({ sent }) => sent.length)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
  expect(sockets[0]!.blocks.map(({ instrument }) => instrument)).toHaveLength(20);
});

test('uWebSockets dropping a frame would close the client with 4008 and count it', async () => {
  const memory = segmentRingMemory(1 << 16);
  const feed = new MarketFeed(memory, doorbell());
  const closed: Outbox[] = [];
  const fanOut = new FanOut(
    [new SegmentReader(memory)],
    new KnownInstruments(dictionaryOf(2)),
    gatewayLimits,
    nobody(),
    noBooks,
    (outbox) => closed.push(outbox),
  );
  const outbox = new V2Outbox(fanOut.room, { send: () => 2, getBufferedAmount: () => 0 });
  fanOut.v2.add(streamOf(1, channel.trades), outbox);
  await feed.trades(1, 1).flush();
  fanOut.drain();
  await feed.trades(1, 2).flush();
  fanOut.drain();
  expect(closed).toEqual([outbox]);
  expect(outbox.doomed).toBe(4008);
  const { log } = fanOut.delivery.account(new Float64Array(3));
  expect(log).toMatchObject({ due: 2, delivered: 0, dropped: { tooSlow: 2 } });
});
