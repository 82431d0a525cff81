import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, expect, test } from 'vitest';
import { resolutions } from '../../src/market/resolution.ts';
import { MarketWriter } from '../../src/stores/market-writer.ts';
import { noCounts, RowBatch, storedKinds } from '../../src/stores/row-batch.ts';
import { SqliteHistoryReader } from '../../src/stores/sqlite-history-reader.ts';
import { SqliteHistoryWriter } from '../../src/stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { openMarketDatabase, openMarketReader } from '../../src/stores/sqlite-schema.ts';
import { WriterControl, type WriterStatus } from '../../src/stores/writer-control.ts';
import type { WriterData } from '../../src/threads/writer.ts';
import { doorbell } from '../../src/wire/doorbell.ts';
import { rowWords } from '../../src/wire/row.ts';
import { SegmentReader, SegmentWriter, segmentRingMemory } from '../../src/wire/segment-ring.ts';
import {
  barOf,
  barsFrom,
  instrumentOf,
  sampleTime,
  scratchFolder,
  tradeOf,
} from '../stores/market-samples.ts';
import { ObviousShard, Turn } from './obvious-shard.ts';

const scratch = scratchFolder();
afterAll(scratch.remove);
let files = 0;
const dictionary = [instrumentOf(1, 'BTCUSDT'), instrumentOf(2, 'ETHUSDT')];
const symbol = 'BINANCE:BTCUSDT';
const emptySeed = (instrument: number) => ({ instrument, bars: [], trades: [], minutes: [] });

/** A writer thread over two rings, and all that one needs to look at it. */
async function startWriter(options: Partial<WriterData> = {}, ringBytes = 2 ** 20) {
  const file = options.file ?? scratch.file(`writer-${++files}.db`);
  const db = openMarketDatabase(file);
  new SqliteInstruments(db).enrol(dictionary);
  db.close();
  const bell = doorbell();
  const control = new WriterControl();
  const memories = [segmentRingMemory(ringBytes), segmentRingMemory(ringBytes)];
  const [ring, otherRing] = memories.map((memory) => new SegmentWriter(memory, bell));
  const shared = {
    rings: memories,
    bell: bell.buffer as SharedArrayBuffer,
    file,
    dictionary,
    control: control.memory,
  };
  const worker = new Worker(new URL('../../src/threads/writer.ts', import.meta.url), {
    workerData: { ...shared, ...options },
  });
  expect(await once(worker, 'message')).toEqual([{ ready: true }]);
  const reader = new SqliteHistoryReader(openMarketReader(file), dictionary);
  return {
    file,
    control,
    worker,
    reader,
    ring: ring!,
    otherRing: otherRing!,
    trades: () => reader.trades({ symbol, fromId: 0, toId: 1e9, limit: 1e6 }),
    bars: (resolution: number, of = symbol) =>
      reader.bars({ symbol: of, resolution, from: 0, to: 1e16, limit: 1e6 }),
    flush: () => control.flush(bell),
    async stop(): Promise<number> {
      control.stop(bell);
      const code = await new Promise<number>((resolve) => worker.once('exit', resolve));
      await reader.close();
      return code;
    },
  };
}

function put(ring: SegmentWriter, turn: Turn): boolean {
  const segment = turn.take();
  return segment.length === 0 || ring.write(segment, segment.length, 0);
}

function tradesTurn(from: number, to: number, changes = {}): Turn {
  const turn = new Turn();
  for (let id = from; id <= to; id++) turn.trade(tradeOf(id, changes));
  return turn;
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 5_000) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Kinds of rows whose accounting does not balance. */
function unbalanced({ written, ignored, conflated, refused, waiting, ...status }: WriterStatus): string[] {
  return storedKinds.filter(
    (kind) =>
      written[kind] + ignored[kind] + conflated[kind] + refused[kind] + waiting[kind] !== status.in[kind],
  );
}

test('two shards’ rows reach the file; after a flush all is there, and the accounting balances', async () => {
  const thread = await startWriter();
  const turn = new Turn();
  const otherTurn = new Turn();
  const shards = [new ObviousShard(emptySeed(1), turn), new ObviousShard(emptySeed(2), otherTurn)];
  const trades = Array.from({ length: 5_000 }, (_, i) => tradeOf(i + 1, { time: sampleTime + i * 50_000 }));
  for (const [index, trade] of trades.entries()) {
    shards[0]!.trade(trade, turn);
    shards[1]!.trade({ ...trade, instrument: 2 }, otherTurn);
    if (index % 25 !== 24) continue;
    for (const [shard, of] of [
      [shards[0]!, turn],
      [shards[1]!, otherTurn],
    ] as const)
      shard.forming(of);
    for (const [ring, of] of [
      [thread.ring, turn],
      [thread.otherRing, otherTurn],
    ] as const) {
      const segment = of.take();
      await until(() => ring.write(segment, segment.length, 0), 'room in the ring');
    }
  }
  expect(await thread.flush()).toBe(true);
  const status = thread.control.read();
  expect(unbalanced(status)).toEqual([]);
  expect(status).toMatchObject({ state: 'embedded', failures: 0, malformed: 0, lagMs: 0, lastError: '' });
  expect(status.in).toEqual({ ...noCounts(), trade: 10_000, bar: turn.bars + otherTurn.bars });
  expect([status.written.trade, status.ignored.trade]).toEqual([10_000, 0]);
  expect(status.waiting).toEqual(noCounts());
  expect(status.conflated.bar).toBeGreaterThan(0);
  expect(await thread.trades()).toEqual(trades);
  for (let resolution = 0; resolution < resolutions.length; resolution++) {
    expect(await thread.bars(resolution)).toEqual(barsFrom(trades, resolution));
    expect(await thread.bars(resolution, 'BINANCE:ETHUSDT')).toHaveLength(
      (await thread.bars(resolution)).length,
    );
  }
  expect(await thread.stop()).toBe(0);
  expect(thread.control.state).toBe('stopped');
});

test('rows that are resent are ignored and counted; unknown instruments are refused', async () => {
  const thread = await startWriter();
  for (let times = 0; times < 3; times++) put(thread.ring, tradesTurn(1, 25));
  put(thread.otherRing, tradesTurn(1, 4, { instrument: 9 }));
  await thread.flush();
  const status = thread.control.read();
  expect(unbalanced(status)).toEqual([]);
  expect([status.written.trade, status.ignored.trade, status.refused.trade]).toEqual([25, 50, 4]);
  await thread.stop();
});

test('a commit needs no full batch, and a forming bar no trade after it: quiet streams get to the file by themselves', async () => {
  const thread = await startWriter({ formingMs: 30 });
  put(thread.ring, tradesTurn(1, 1));
  await until(async () => (await thread.trades()).length === 1, 'the trade');
  const turn = new Turn();
  for (const lastId of [1, 2, 3]) turn.bar(barOf(sampleTime, { closed: false, lastId }));
  put(thread.ring, turn);
  await until(async () => (await thread.bars(2))[0]?.lastId === 3, 'the forming bar');
  expect(thread.control.read().conflated.bar).toBe(2);
  await thread.stop();
});

test('a stop writes all there is: the rings’ rest, waiting bars, a half-full batch', async () => {
  const thread = await startWriter({ formingMs: 1e9, commitMs: 1e9 });
  const turn = tradesTurn(1, 3);
  turn.bar(barOf(sampleTime, { closed: false }));
  put(thread.ring, turn);
  put(thread.otherRing, tradesTurn(4, 6));
  expect(await thread.stop()).toBe(0);
  const reader = new SqliteHistoryReader(openMarketReader(thread.file));
  const found = await reader.trades({ symbol, fromId: 0, toId: 9, limit: 9 });
  expect(found.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(await reader.bars({ symbol, resolution: 2, from: 0, to: 1e16, limit: 9 })).toHaveLength(1);
  await reader.close();
});

test('scenario 52, SQLITE_BUSY: the batch is kept, the rings fill and say no, and afterwards nothing is missing', async () => {
  const thread = await startWriter({ busyMs: 10, commitRows: 100 }, 2 ** 16);
  const other = openMarketDatabase(thread.file);
  other.exec('BEGIN IMMEDIATE');
  let sent = 0;
  let refusals = 0;
  while (refusals < 3) {
    if (put(thread.ring, tradesTurn(sent + 1, sent + 50))) sent += 50;
    else if (thread.control.read().failures > refusals) refusals++;
    else await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const stuck = thread.control.read();
  expect(unbalanced(stuck)).toEqual([]);
  expect(stuck).toMatchObject({ state: 'degraded', lastError: 'database is locked' });
  expect(stuck.written.trade).toBe(0);
  expect(stuck.waiting.trade, 'what the thread holds is bounded').toBeLessThanOrEqual(100 * 4 + 32 * 50);
  expect(stuck.lagMs).toBeGreaterThan(0);
  other.exec('ROLLBACK');
  other.close();
  expect(await thread.flush()).toBe(true);
  const healed = thread.control.read();
  expect(unbalanced(healed)).toEqual([]);
  expect(healed).toMatchObject({ state: 'embedded', lagMs: 0 });
  expect([healed.written.trade, healed.ignored.trade]).toEqual([sent, 0]);
  expect((await thread.trades()).map(({ id }) => id)).toEqual(Array.from({ length: sent }, (_, i) => i + 1));
  await thread.stop();
});

test('scenario 52, SQLITE_FULL: degraded until there is room again, then complete', () => {
  const db = openMarketDatabase(scratch.file('full.db'));
  new SqliteInstruments(db).enrol(dictionary);
  const memory = segmentRingMemory(2 ** 20);
  const ring = new SegmentWriter(memory, doorbell());
  const control = new WriterControl();
  const market = new MarketWriter({
    rings: [new SegmentReader(memory)],
    writer: new SqliteHistoryWriter(db, dictionary),
    control,
    instruments: [1, 2],
    quotes: '1s',
    commitRows: 1_000,
    commitMs: 100,
    formingMs: 1_000,
  });
  const pages = db.pragma('page_count', { simple: true }) as number;
  db.pragma(`max_page_count = ${pages + 1}`);
  put(ring, tradesTurn(1, 1_000));
  const waits = [0, 20, 60].map((now) => market.turn(now, false));
  expect(waits).toEqual([20, 40, 80]);
  const status = control.read();
  expect(unbalanced(status)).toEqual([]);
  expect(status).toMatchObject({
    state: 'degraded',
    failures: 3,
    lastError: 'database or disk is full',
    lagMs: 60,
  });
  expect([status.written.trade, status.waiting.trade]).toEqual([0, 1_000]);
  put(ring, tradesTurn(1_001, 1_100));
  market.turn(140, false);
  expect(control.read().in.trade, 'nothing is read while the batch waits').toBe(1_000);
  expect(db.prepare('SELECT count(*) FROM trades').pluck().get()).toBe(0);

  db.pragma('max_page_count = 100000');
  for (let now = 300; now < 310; now++) market.turn(now, true);
  expect(control.read()).toMatchObject({ state: 'embedded', failures: 4 });
  expect(unbalanced(control.read())).toEqual([]);
  expect(db.prepare('SELECT count(*) FROM trades').pluck().get()).toBe(1_100);
  db.close();
});

test('a stop that cannot write gives up after its time, and says how many rows are not in the file', async () => {
  const thread = await startWriter({ busyMs: 5, stopMs: 50 });
  const other = openMarketDatabase(thread.file);
  other.exec('BEGIN IMMEDIATE');
  put(thread.ring, tradesTurn(1, 7));
  const failed = once(thread.worker, 'error') as Promise<[Error]>;
  const code = thread.stop();
  expect((await failed)[0].message).toMatch(/7 rows could not be written: database is locked$/);
  expect(await code).toBe(1);
  other.close();
});

test('a file that cannot be written stops the thread at the start, with one clear sentence', async () => {
  const bell = doorbell();
  const control = new WriterControl();
  const data = { rings: [], bell: bell.buffer as SharedArrayBuffer, dictionary, control: control.memory };
  const start = async (file: string): Promise<string> => {
    const worker = new Worker(new URL('../../src/threads/writer.ts', import.meta.url), {
      workerData: { ...data, file },
    });
    return ((await once(worker, 'error')) as [Error])[0].message;
  };
  expect(await start('/proc/market.db')).toMatch(/^market database \/proc\/market\.db cannot be written: /);
  const empty = scratch.file('empty.db');
  openMarketDatabase(empty).close();
  expect(await start(empty)).toBe(`BINANCE:BTCUSDT is not enrolled in ${empty}`);
  expect(control.state).toBe('starting');
});

test('quotes of a live stream: one a second and instrument', async () => {
  const thread = await startWriter();
  const batch = new RowBatch();
  const quotes = Array.from({ length: 40 }, (_, i) => {
    return {
      instrument: 1,
      version: i + 1,
      time: sampleTime + i * 100_000,
      bid: 1,
      bidSize: 2,
      ask: 3,
      askSize: 4,
    };
  });
  batch.addAll({ trades: [], bars: [], quotes, enigma: [] });
  const segment = new Uint8Array(batch.quote.words.buffer, 0, quotes.length * rowWords.quote * 8);
  thread.ring.write(segment, segment.length, 0);
  await thread.flush();
  const db = openMarketReader(thread.file);
  expect(db.prepare('SELECT version FROM quotes').pluck().all()).toEqual([10, 20, 30, 40]);
  db.close();
  const status = thread.control.read();
  expect(unbalanced(status)).toEqual([]);
  expect([status.written.quote, status.conflated.quote]).toEqual([4, 36]);
  await thread.stop();
});
