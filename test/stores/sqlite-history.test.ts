import { afterAll, expect, test } from 'vitest';
import type { Quote } from '../../src/market/tick.ts';
import { SqliteHistoryReader } from '../../src/stores/sqlite-history-reader.ts';
import { type QuotesKept, SqliteHistoryWriter } from '../../src/stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { openMarketDatabase, openMarketReader } from '../../src/stores/sqlite-schema.ts';
import { examDictionary, type HistoryStore, historyExam } from './history-exam.ts';
import { barOf, batchOf, sampleTime, scratchFolder, tradeOf } from './market-samples.ts';
import { repairsExam } from './repairs-exam.ts';

const scratch = scratchFolder();
afterAll(scratch.remove);
let files = 0;
const newFile = (): string => scratch.file(`market-${++files}.db`);

function openStore(file: string, quotes: QuotesKept = '1s'): HistoryStore {
  const db = openMarketDatabase(file);
  // Enrolled in the dictionary's order, so that lasting ids and dictionary ids differ.
  new SqliteInstruments(db).enrol(examDictionary);
  const writer = new SqliteHistoryWriter(db, examDictionary, quotes);
  const reader = new SqliteHistoryReader(openMarketReader(file), examDictionary);
  return { writer, reader, close: () => Promise.all([reader.close(), writer.close()]).then(() => undefined) };
}

historyExam('sqlite', async () => openStore(newFile()));
repairsExam('sqlite', async () => openStore(newFile()));

test('sqlite: a file that is opened again has everything', async () => {
  const file = newFile();
  const first = openStore(file);
  const big = barOf(sampleTime, { quoteVolume: 2n ** 70n });
  await first.writer.write(batchOf({ trades: [tradeOf(1)], bars: [big] }));
  await first.close();
  const second = openStore(file);
  const symbol = 'BINANCE:BTCUSDT';
  expect(await second.reader.bars({ symbol, resolution: 2, from: 0, to: 1e16, limit: 9 })).toEqual([big]);
  expect(await second.reader.trades({ symbol, fromId: 0, toId: 9, limit: 9 })).toEqual([tradeOf(1)]);
  await second.close();
});

test('sqlite: a reader sees a batch whole or not at all, and never waits for the writer', async () => {
  const file = newFile();
  const store = openStore(file);
  const other = openMarketDatabase(file);
  const query = { symbol: 'BINANCE:BTCUSDT', fromId: 0, toId: 9, limit: 9 };
  const insert = other.prepare('INSERT INTO trades VALUES (2, ?, 1, 1, 1, 1, 1, 1, 0, 1, NULL, NULL)');
  other.exec('BEGIN IMMEDIATE');
  insert.run(1);
  expect(await store.reader.trades(query)).toEqual([]);
  insert.run(2);
  other.exec('COMMIT');
  expect((await store.reader.trades(query)).map(({ id }) => id)).toEqual([1, 2]);
  other.close();
  await store.close();
});

test('sqlite: the ohlcv views give decimals under document 002’s names', async () => {
  const file = newFile();
  const store = openStore(file);
  await store.writer.write(batchOf({ bars: [barOf(sampleTime, { volume: 2n ** 50n })] }));
  const db = openMarketReader(file);
  const row = db
    .prepare('SELECT exchange, symbol, time, open, high, low, close, volume, trade_count FROM ohlcv_1m')
    .get();
  expect(row).toEqual({
    exchange: 'BINANCE',
    symbol: 'BINANCE:BTCUSDT',
    time: sampleTime / 1e6,
    open: 1,
    high: 1.4,
    low: 0.9,
    close: 1.2,
    volume: 2 ** 50 / 1e5,
    trade_count: 3,
  });
  db.close();
  await store.close();
});

const quoteOf = (version: number, millis: number): Quote => {
  const time = sampleTime + millis * 1_000;
  return { instrument: 1, version, time, bid: 10, bidSize: 1, ask: 11, askSize: 2 };
};

test.each([
  ['none', []],
  ['1s', [3, 5]],
  ['all', [1, 2, 3, 4, 5]],
] as const)('sqlite: quotes %s keeps versions %j, in any order and again', async (kept, versions) => {
  const file = newFile();
  const store = openStore(file, kept);
  const quotes = [quoteOf(1, 0), quoteOf(2, 999), quoteOf(3, 999), quoteOf(4, 1_000), quoteOf(5, 1_500)];
  await store.writer.write(batchOf({ quotes }));
  await store.writer.write(batchOf({ quotes: quotes.toReversed() }));
  const db = openMarketReader(file);
  expect(db.prepare('SELECT version FROM quotes ORDER BY version').pluck().all()).toEqual(versions);
  db.close();
  await store.close();
});

test('sqlite: a dictionary whose decimals are not the stored ones is refused', () => {
  const db = openMarketDatabase(newFile());
  new SqliteInstruments(db).enrol(examDictionary);
  const wrong = examDictionary.map((instrument) => ({ ...instrument, priceDecimals: 3 }));
  expect(() => new SqliteHistoryWriter(db, wrong)).toThrow(
    'BINANCE:ETHUSDT has 3 and 5 decimals in the dictionary, 2 and 5 in',
  );
  const unknown = [{ ...examDictionary[0]!, symbol: 'BINANCE:NEW' }];
  expect(() => new SqliteHistoryWriter(db, unknown)).toThrow('BINANCE:NEW is not enrolled');
  db.close();
});
