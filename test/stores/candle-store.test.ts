/** Candles through the writer thread's ring, beside a shard's rows. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, expect, test } from 'vitest';
import { MarketWriter } from '../../src/stores/market-writer.ts';
import { RowBatch, storedKinds } from '../../src/stores/row-batch.ts';
import { SqliteHistoryReader } from '../../src/stores/sqlite-history-reader.ts';
import { SqliteHistoryWriter } from '../../src/stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { openMarketDatabase, openMarketReader } from '../../src/stores/sqlite-schema.ts';
import { WriterControl } from '../../src/stores/writer-control.ts';
import { RingCandles } from '../../src/threads/candle-store.ts';
import type { WriterData } from '../../src/threads/writer.ts';
import { doorbell } from '../../src/wire/doorbell.ts';
import { SegmentReader, SegmentWriter, segmentRingMemory } from '../../src/wire/segment-ring.ts';
import { barOf, batchOf, instrumentOf, sampleTime, scratchFolder, tradeOf } from './market-samples.ts';

const scratch = scratchFolder();
afterAll(scratch.remove);
let files = 0;
const minute = 60_000_000;
const dictionary = [instrumentOf(1, 'BTCUSDT')];
const symbol = 'BINANCE:BTCUSDT';
const candleOf = (i: number) =>
  barOf(sampleTime + i * minute, { firstId: 0, lastId: 0, backfilled: true, high: 141 });

function enrolledFile(): string {
  const file = scratch.file(`candles-${++files}.db`);
  const db = openMarketDatabase(file);
  new SqliteInstruments(db).enrol(dictionary);
  db.close();
  return file;
}

test('what is stored is durable when told, what was left or replaced is told, and the accounts balance', async () => {
  const file = enrolledFile();
  const bell = doorbell();
  const control = new WriterControl();
  // A small ring: a page does not fit at once.
  const memory = segmentRingMemory(2 ** 16);
  const shardMemory = segmentRingMemory(2 ** 16);
  const workerData: WriterData = {
    rings: [shardMemory, memory],
    bell: bell.buffer as SharedArrayBuffer,
    file,
    dictionary,
    control: control.memory,
  };
  const worker = new Worker(new URL('../../src/threads/writer.ts', import.meta.url), { workerData });
  await once(worker, 'message');
  const own = new RowBatch();
  own.addAll(batchOf({ bars: [0, 1, 2].map((i) => barOf(sampleTime + i * minute, { incomplete: i > 0 })) }));
  const rows = new Uint8Array(own.bar.words.buffer, 0, own.bar.count * own.bar.width * 8);
  new SegmentWriter(shardMemory, bell).write(rows, rows.length, 1);
  await control.flush(bell);

  const abort = new AbortController();
  const candles = new RingCandles(new SegmentWriter(memory, bell), control, abort.signal);
  const reader = new SqliteHistoryReader(openMarketReader(file), dictionary);
  const stored = async () =>
    (await reader.bars({ symbol, resolution: 2, from: 0, to: 1e17, limit: 1e6 })).filter(
      (bar) => bar.backfilled === true,
    );
  const all = Array.from({ length: 1_000 }, (_, i) => candleOf(i));
  const [first, again] = await Promise.all([candles.store(all, false), candles.store(all, true)]);
  expect(first).toEqual({ replaced: 0, left: 3 });
  expect(again).toEqual({ replaced: 1, left: 2 });
  expect(await stored()).toEqual([all[1], ...all.slice(3)]);
  const status = control.read();
  expect(status.in.backfill).toBe(candles.rows);
  expect([status.written.backfill, status.ignored.backfill]).toEqual([998, 1_002]);
  for (const kind of storedKinds) {
    const { written, ignored, conflated, refused, waiting } = status;
    const out = [written, ignored, conflated, refused, waiting].reduce((sum, of) => sum + of[kind], 0);
    expect(out, kind).toBe(status.in[kind]);
  }
  control.stop(bell);
  await once(worker, 'exit');
  const pending = candles.store([candleOf(2_000)], false);
  abort.abort(new Error('closing'));
  await expect(pending).rejects.toThrow('closing');
  await reader.close();
});

test('scenario 23: another dictionary while it runs: rows before it keep the old decimals, rows after have the new', async () => {
  const file = enrolledFile();
  const db = openMarketDatabase(file);
  const bell = doorbell();
  const memory = segmentRingMemory(2 ** 16);
  const ring = new SegmentWriter(memory, bell);
  const control = new WriterControl();
  const market = new MarketWriter({
    rings: [new SegmentReader(memory)],
    writer: new SqliteHistoryWriter(db, dictionary),
    control,
    instruments: [1],
    quotes: '1s',
    commitRows: 1e3,
    commitMs: 1e9,
    formingMs: 1e9,
  });
  const put = (price: number, id: number, instrument = 1): void => {
    const batch = new RowBatch(1);
    const forming = barOf(sampleTime, { closed: false, lastId: id, instrument, close: price });
    batch.addAll(batchOf({ trades: [tradeOf(id, { price, instrument })], bars: [forming] }));
    for (const { words, width } of [batch.trade, batch.bar])
      ring.write(new Uint8Array(words.buffer, 0, width * 8), width * 8, id);
  };
  put(100, 1);
  const finer = [{ ...dictionary[0]!, priceDecimals: 4 }, instrumentOf(2, 'NEWUSDT')];
  expect(market.adopt(finer, 0)).toBe(true);
  put(10_001, 2);
  put(5, 3, 2);
  market.turn(1, true);
  const reader = new SqliteHistoryReader(openMarketReader(file), finer);
  const all = { fromId: 0, toId: 9, limit: 9 };
  expect((await reader.trades({ symbol, ...all })).map(({ price }) => price)).toEqual([10_000, 10_001]);
  expect(await reader.trades({ symbol: 'BINANCE:NEWUSDT', ...all })).toHaveLength(1);
  expect((await reader.bars({ symbol, resolution: 2, from: 0, to: 1e17, limit: 9 }))[0]?.close).toBe(10_001);
  expect(control.read().refused.trade).toBe(0);

  const other = openMarketDatabase(file, 0);
  other.exec('BEGIN IMMEDIATE');
  put(10_002, 4);
  db.pragma('busy_timeout = 0');
  expect(market.adopt([{ ...finer[0]!, priceDecimals: 5 }, finer[1]!], 2), 'kept for later').toBe(false);
  other.exec('ROLLBACK');
  other.close();
  market.turn(3, true);
  expect((await reader.trades({ symbol, ...all })).at(-1)?.price).toBe(10_002);
  await reader.close();
  db.close();
});
