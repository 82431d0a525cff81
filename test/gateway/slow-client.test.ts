/**
 * Clients that stand still: a bare TCP socket that does the handshake, subscribes and reads no more. The kernel's
 * buffers on both sides fill up (a few MB on loopback), then uWebSockets', then ours.
 */
import { expect, test } from 'vitest';
import { blockKind } from '../../src/wire/block.ts';
import { FrameReader } from '../../src/wire/decode.ts';
import { tradeBatch } from '../../src/wire/decode-batch.ts';
import { type Block, decodeFrame } from '../../src/wire/decode-frame.ts';
import {
  balance,
  clientFrame,
  rawSocket,
  serverFrames,
  sleep,
  startGateway,
  TestClient,
  type TestGateway,
  until,
} from './harness.ts';

const subscribe = (channels: string[], symbols = ['BTCUSDT', 'ETHUSDT']): Buffer =>
  clientFrame(1, Buffer.from(JSON.stringify({ type: 'subscribe', symbols, channels, id: 1 })));

async function stillClient(
  gateway: TestGateway,
  channels: string[],
  query?: string,
): Promise<Awaited<ReturnType<typeof rawSocket>>> {
  const raw = await rawSocket(gateway.port, query);
  raw.socket.write(subscribe(channels));
  await until(() => Buffer.concat(raw.bytes).includes('"subscribed"'), 'the acknowledgement');
  raw.socket.pause();
  return raw;
}

/** Counts the live trades of instrument 1 in frames, fast. */
class Tally {
  trades = 0;
  bytes = 0;
  readonly #reader = new FrameReader();
  readonly #batch = tradeBatch();
  #at = 0;

  /** Takes in what has come since the last call. Ids must follow each other from 1 on. */
  take(received: readonly unknown[]): number {
    for (; this.#at < received.length; this.#at++) {
      const frame = received[this.#at];
      if (frame instanceof Uint8Array) this.#frame(frame);
    }
    return this.trades;
  }

  #frame(frame: Uint8Array): void {
    this.bytes += frame.length;
    this.#reader.open(frame);
    while (this.#reader.next()) {
      if (this.#reader.kind !== blockKind.trade || this.#reader.snapshot) continue;
      this.#reader.trades(this.#batch);
      for (let index = 0; index < this.#batch.count; index++) {
        if (this.#batch.id[index] !== ++this.trades)
          throw new Error(`${this.#batch.id[index]} instead of ${this.trades}`);
      }
    }
  }
}

/** Sends until `enough`, paced by what `reader` has received; resolves when it has all, each trade once and in order. */
async function flood(
  gateway: TestGateway,
  reader: TestClient,
  enough: () => boolean,
): Promise<Tally & { sent: number }> {
  const tally = new Tally();
  gateway.feed.sizeBase = 2 ** 50;
  let sent = 0;
  for (let round = 1; !enough(); round++) {
    for (let block = 0; block < 20; block++, sent += 500) gateway.feed.trades(1, 1 + sent, 500);
    gateway.feed.quote(1, round).quote(2, round);
    await gateway.feed.flush();
    await until(() => tally.take(reader.received) > sent - 40_000, 'the reader to keep up');
    if (tally.bytes > 64e6) throw new Error('64 MB did not fill the socket');
  }
  await until(() => tally.take(reader.received) === sent, 'all trades');
  return Object.assign(tally, { sent });
}

const rising = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const framesOf = (frames: [number, Buffer][]): Uint8Array[] =>
  frames.flatMap(([opcode, payload]) => (opcode === 2 ? [new Uint8Array(payload)] : []));
const blocksOf = (raw: Buffer): Block[] =>
  serverFrames(raw).flatMap(([opcode, payload]) =>
    opcode === 2 ? decodeFrame(new Uint8Array(payload)).blocks : [],
  );

/** All bytes, once none have come for a while. */
async function settled(bytes: readonly Buffer[]): Promise<Buffer> {
  for (let before = -1; before !== bytes.length; ) {
    before = bytes.length;
    await sleep(150);
  }
  return Buffer.concat(bytes);
}

test('scenario 35: a slow client on state streams holds a bounded amount and gets the last values when it drains; nobody else notices', async () => {
  const gateway = await startGateway({ limits: { softBytes: 16_384 } });
  const reader = await TestClient.open(gateway.port);
  await reader.subscribe(['BTCUSDT', 'ETHUSDT'], ['trades', 'quotes']);
  const still = await stillClient(gateway, ['quotes', 'bars:1s']);

  // Blocks of 200 quotes, until the still client's are conflated: the kernel takes a few MB first.
  const size = 200;
  let rounds = 0;
  let conflated = 0;
  while (conflated < 500) {
    for (let round = 0; round < 50; round++, rounds++) {
      gateway.feed
        .quotes(1, 1 + rounds * size, size)
        .quotes(2, 1 + rounds * size, size)
        .trades(1, 1 + rounds);
    }
    await gateway.feed.flush();
    ({ conflated } = (await gateway.account()).delivery.state);
    expect(rounds, 'rounds until the kernel is full').toBeLessThan(20_000);
  }
  const last = rounds * size;
  // A forming bar that is still waiting when its closed one comes: the closed one is log, and only it arrives.
  gateway.feed.bar(2, 0, 1_723_161_255_000_000, 5, false);
  await gateway.feed.flush();
  gateway.feed.bar(2, 0, 1_723_161_255_000_000, 6, true);
  await gateway.feed.flush();
  // A late correction of an older bar must not take the place of the forming one that waits.
  gateway.feed.bar(1, 0, 1_723_161_255_000_000, 7, false).bar(1, 0, 1_723_161_254_000_000, 8, true, 1);
  await gateway.feed.flush();
  const during = await gateway.account();
  expect(during.connections.open).toBe(2);
  expect(during.delivery.state.waiting, 'two quotes and a forming bar').toBe(3);
  expect(during.delivery.log.waiting, 'a closed and a corrected bar').toBe(2);
  expect(balance(during.delivery.state)).toBe(0);

  still.socket.resume();
  await until(async () => (await gateway.account()).delivery.state.waiting === 0, 'the drain');
  await gateway.feed.quote(1, last + 1).flush();
  const all = await settled(still.bytes);
  const blocks = blocksOf(all);
  const cursors = (instrument: number): number[] =>
    blocks.flatMap((block) =>
      block.kind === 'quote' && block.instrument === instrument ? [block.cursor] : [],
    );
  expect(cursors(1).slice(-2)).toEqual([last - size + 1, last + 1]);
  expect(cursors(2).at(-1)).toBe(last - size + 1);
  expect(cursors(1), 'rising, none twice').toEqual([...new Set(cursors(1))].toSorted((a, b) => a - b));
  const bars = blocks.flatMap((block) => (block.kind === 'bar' ? block.records : []));
  expect(bars.map(({ instrument, close, closed }) => [instrument, close, closed])).toEqual([
    [2, 6, true],
    [1, 8, true],
    [1, 7, false],
  ]);

  // The other client got every single quote and trade.
  const received = reader.blocks;
  const ids = received.flatMap((block) => (block.kind === 'trade' ? block.records.map(({ id }) => id) : []));
  expect(ids).toEqual(rising(rounds));
  const versions = received.flatMap((block) =>
    block.kind === 'quote' && block.instrument === 1 ? block.records.map(({ version }) => version) : [],
  );
  expect(versions).toEqual(rising(last + 1));
  const { accounting } = await gateway.close();
  for (const name of ['state', 'log', 'extra'] as const)
    expect(balance(accounting.delivery[name]), name).toBe(0);
  // What the still client received and what was conflated is what was due: two quote blocks a round, one after, four bars.
  const got = blocks.filter(({ kind }) => kind === 'quote' || kind === 'bar').length;
  expect(got + accounting.delivery.state.conflated).toBe(rounds * 2 + 1 + 4);
  expect(accounting.delivery.log.dropped).toEqual({
    tooSlow: 0,
    disconnected: 0,
    goingAway: 0,
    misbehaved: 0,
  });
});

test('scenario 36, first half: a still client on a log stream is closed with 4008 and "resume", all before it in order; others get all', async () => {
  const gateway = await startGateway({ limits: { outboxBytes: 262_144 } });
  const reader = await TestClient.open(gateway.port);
  await reader.subscribe(['BTCUSDT', 'ETHUSDT'], ['trades', 'quotes']);
  const still = await stillClient(gateway, ['trades', 'quotes']);
  let closedAt = '';
  const watch = setInterval(
    () =>
      void gateway.account().then(({ connections }) => (closedAt = connections.closed['4008'] ? 'yes' : '')),
    50,
  );
  const sent = await flood(gateway, reader, () => closedAt !== '');
  clearInterval(watch);
  expect(sent.bytes).toBeGreaterThan(1_000_000);

  still.socket.resume();
  const frames = await until(() => {
    const all = serverFrames(Buffer.concat(still.bytes));
    return all.at(-1)?.[0] === 8 && all;
  }, 'the close frame');
  const [, close] = frames.at(-1)!;
  expect(close.readUInt16BE(0)).toBe(4008);
  expect(JSON.parse(close.subarray(2).toString())).toMatchObject({ code: 4008, resume: true });
  // A gapless start of the stream, or the tally throws: what comes after it is what resuming is for.
  const got = new Tally().take(framesOf(frames));
  expect(got).toBeGreaterThan(0);

  const account = await gateway.account();
  expect(account.delivery.log.dropped.tooSlow).toBeGreaterThan(0);
  expect(account.connections.closed).toEqual({ '4008': 1 });
  const { accounting } = await gateway.close();
  for (const name of ['state', 'log', 'extra'] as const)
    expect(balance(accounting.delivery[name]), name).toBe(0);
  // Blocks of 500 trades: those the still client got, and those that were dropped, are all.
  expect(got / 500 + accounting.delivery.log.dropped.tooSlow).toBeLessThanOrEqual(sent.sent / 500);
});

test('a slow client that comes back in time misses no log block', async () => {
  const gateway = await startGateway({ limits: { outboxBytes: 32 * 1_048_576 } });
  const reader = await TestClient.open(gateway.port);
  await reader.subscribe(['BTCUSDT'], ['trades']);
  const still = await stillClient(gateway, ['trades']);
  let waiting = 0;
  const watch = setInterval(
    () => void gateway.account().then(({ delivery }) => (waiting = delivery.log.waiting)),
    50,
  );
  const sent = await flood(gateway, reader, () => waiting > 100);
  clearInterval(watch);
  still.socket.resume();
  await until(async () => (await gateway.account()).delivery.log.waiting === 0, 'the drain');
  expect(new Tally().take(framesOf(serverFrames(await settled(still.bytes))))).toBe(sent.sent);
  const { accounting } = await gateway.close();
  expect(accounting.delivery.log.dropped.tooSlow).toBe(0);
  expect(balance(accounting.delivery.log)).toBe(0);
});

test('a still v1 client is closed with 4008 too, and every record is accounted for', async () => {
  const gateway = await startGateway({ limits: { outboxBytes: 65_536 } });
  const still = await stillClient(gateway, ['trades'], '');
  let trades = 0;
  for (;;) {
    for (let block = 0; block < 20; block++, trades += 500) gateway.feed.trades(1, 1 + trades, 500);
    await gateway.feed.flush();
    const { connections, v1Records } = await gateway.account();
    expect(balance(v1Records)).toBe(0);
    if (connections.closed['4008'] === 1) break;
    expect(trades).toBeLessThan(2_000_000);
  }
  still.socket.resume();
  const frames = await until(() => {
    const all = serverFrames(Buffer.concat(still.bytes));
    return all.at(-1)?.[0] === 8 && all;
  }, 'the close frame');
  expect(frames.at(-1)![1].readUInt16BE(0)).toBe(4008);
  const records = frames.reduce(
    (sum, [opcode, payload]) => sum + (opcode === 2 ? payload.readUInt16LE(4) : 0),
    0,
  );
  const { v1Records } = (await gateway.close()).accounting;
  expect(v1Records.delivered).toBe(records);
  expect(v1Records.dropped.tooSlow).toBe(v1Records.due - records);
});
