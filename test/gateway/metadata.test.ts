/** Scenario 23 at the gateway: instruments that change while clients are connected. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BookShelf } from '../../src/gateway/book-shelf.ts';
import { deliveryClass } from '../../src/gateway/delivery.ts';
import { FanOut, streamOf } from '../../src/gateway/fan-out.ts';
import { Interest } from '../../src/gateway/interest.ts';
import { KnownInstruments } from '../../src/gateway/known-instruments.ts';
import { gatewayLimits } from '../../src/gateway/limits.ts';
import { V2Outbox } from '../../src/gateway/v2-outbox.ts';
import { bookState, bookTable, openBooks } from '../../src/market/book.ts';
import { channel } from '../../src/wire/block-message.ts';
import { decodeFrame } from '../../src/wire/decode-frame.ts';
import { doorbell } from '../../src/wire/doorbell.ts';
import { dictionaryBlocks } from '../../src/wire/encode-connection.ts';
import { SegmentReader, segmentRingMemory } from '../../src/wire/segment-ring.ts';
import { balance, startGateway, TestClient, type TestGateway, until } from './harness.ts';
import { dictionaryOf, MarketFeed } from './market-feed.ts';

/** What a client gets, as `version of the dictionary: block`. */
function story(frames: TestClient['frames']): string[] {
  return frames.flatMap(({ dictionary, blocks }) =>
    blocks.flatMap((block) => {
      if (block.kind === 'heartbeat') return [];
      const facts =
        block.kind === 'dictionary'
          ? block.records.map(
              ({ id, priceDecimals, active }) => `${id} by ${priceDecimals}${active ? '' : ' gone'}`,
            )
          : block.kind === 'trade'
            ? block.records.map(({ id }) => id)
            : [block.cursor];
      return [`${dictionary}: ${block.snapshot ? 'snapshot ' : ''}${block.kind} ${facts.join(', ')}`];
    }),
  );
}

describe('the gateway thread', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ instrumentsMax: 12, limits: { heartbeatMs: 60_000 } });
  });
  afterAll(async () => {
    const { code, accounting } = await gateway.close();
    expect(code).toBe(0);
    for (const name of ['state', 'log', 'extra'] as const)
      expect(balance(accounting.delivery[name]), name).toBe(0);
    expect(accounting.received.unknownStream).toBe(0);
  });

  test('decimals grow in the stream: the dictionary comes between the last old block and the first new one', async () => {
    const client = await TestClient.open(gateway.port);
    const other = await TestClient.open(gateway.port);
    const old = await TestClient.open(gateway.port, 'v1');
    await client.subscribe(['BTCUSDT']);
    await other.subscribe(['ETHUSDT'], ['trades']);
    await old.subscribe(['BTCUSDT']);
    await gateway.feed.trades(1, 1, 2).quote(1, 5).trades(2, 1).flush();
    await gateway.feed.rescale(1, 2, 1, 8).trades(1, 3, 2).trades(2, 2).flush();
    await until(() => client.tradeIds(1).length >= 4 && other.tradeIds(2).length >= 2, 'all');
    expect(story(client.frames)).toEqual([
      '7: dictionary 1 by 2',
      '7: trade 1, 2',
      '7: quote 5',
      '8: dictionary 1 by 4',
      '8: trade 3, 4',
    ]);
    expect(story(other.frames)).toEqual(['7: dictionary 2 by 2', '7: trade 1', '8: trade 2']);
    const symbols = await until(() => {
      const texts = old.texts.filter(({ type }) => type === 'symbols');
      return texts.length === 2 && texts;
    }, 'the symbols of v1 again');
    expect(symbols.map(({ version }) => version)).toEqual([7, 8]);
    expect(symbols[1]).toMatchObject({ symbols: [{ id: 1, priceDecimals: 4, sizeDecimals: 4 }] });

    const late = await TestClient.open(gateway.port);
    await late.subscribe(['BTCUSDT']);
    await until(() => late.frames.length > 0, 'its snapshot');
    expect(story(late.frames), 'the quote was counted by the old decimals').toEqual([
      '8: dictionary 1 by 4',
      '8: snapshot trade 3, 4',
    ]);
    for (const one of [client, other, old, late]) await one.close();
  });

  test('symbols come and go by message: told to those who are subscribed; new ones can be subscribed to', async () => {
    const client = await TestClient.open(gateway.port);
    await client.subscribe(['ETHUSDT'], ['trades']);
    const { epoch, instruments } = dictionaryOf(9);
    const changed = instruments.map((one) => (one.id === 2 ? { ...one, active: false } : one));
    gateway.tell({ kind: 'dictionary', dictionary: { epoch, version: 9, instruments: changed } });
    await until(() => story(client.frames).length === 3, 'the change');
    expect(story(client.frames).at(-1)).toBe('9: dictionary 2 by 2 gone');
    await client.subscribe(['X8USDT'], ['trades']);
    await client.subscribe(['BTCUSDT'], ['trades']);
    await gateway.feed.trades(9, 1).flush();
    await until(() => client.tradeIds(9).length > 0, 'a trade of the new one');
    const entries = story(client.frames).filter((text) => text.includes('dictionary'));
    expect(entries.slice(-2), 'decimals are those that the stream has come to').toEqual([
      '9: dictionary 9 by 2',
      '9: dictionary 1 by 4',
    ]);
    await client.close();
  });
});

test('a slow client gets what waited by the old version, then the dictionary, then what is new', async () => {
  const memory = segmentRingMemory(1 << 18);
  const feed = new MarketFeed(memory, doorbell());
  const known = new KnownInstruments(dictionaryOf(2));
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
  const fanOut = new FanOut(
    [new SegmentReader(memory)],
    known,
    { ...gatewayLimits, softBytes: 0 },
    new Interest(2, () => undefined),
    new BookShelf([]),
    () => expect.unreachable(),
  );
  const outbox = new V2Outbox(fanOut.room, socket);
  fanOut.onRescaled = (instrument) => {
    fanOut.room.dictionaryVersion = known.dictionary.version;
    outbox.adoptVersion();
    for (const block of dictionaryBlocks(1, [instrument])) outbox.appendOwn(block, block.length, 0);
  };
  for (const on of [channel.trades, channel.quotes]) fanOut.v2.add(streamOf(1, on), outbox);
  socket.waiting = 1;
  await feed.trades(1, 1).flush();
  fanOut.drain();
  expect(outbox.slow).toBe(true);
  await feed.trades(1, 2).quote(1, 2).flush();
  fanOut.drain();
  await feed.rescale(1, 1, 0, 8).trades(1, 3).flush();
  fanOut.drain();
  await feed.trades(1, 4).flush();
  fanOut.drain();
  socket.waiting = 0;
  outbox.drained();
  fanOut.endTurn();
  expect(story(socket.frames.map((bytes) => decodeFrame(bytes)))).toEqual([
    '7: trade 1',
    '7: trade 2',
    '8: dictionary 1 by 3',
    '8: trade 3',
    '8: trade 4',
  ]);
  const waiting = new Float64Array(3);
  outbox.waiting(waiting);
  const account = fanOut.delivery.account(waiting);
  expect([balance(account.state), balance(account.log), balance(account.extra)]).toEqual([0, 0, 0]);
  expect(account.state.conflated, 'the marked quote was of the old decimals').toBe(1);
  expect(waiting[deliveryClass.extra]).toBe(0);
});

test('a book that its shard counts by other decimals than the stream has come to is not read', () => {
  const table = bookTable(1, 4);
  openBooks(table).words[0] = bookState.live;
  let scale = 0;
  const known = new KnownInstruments(dictionaryOf(1));
  const shelf = new BookShelf([table], (id) => scale === known.scaleOf(id));
  expect(shelf.snapshot(1)).toBe(true);
  scale = 2 + 64;
  expect(shelf.snapshot(1)).toBe(false);
  known.rescale(1, 2, 1, 8);
  expect(shelf.snapshot(1)).toBe(true);
});
