/** Scenario 23: rows of before and after a change of decimals, from the shards and from REST, in any order. */
import { afterAll, expect, test } from 'vitest';
import { decimalOf } from '../../src/market/mantissa.ts';
import { MarketQueries } from '../../src/stores/market-queries.ts';
import { MarketWriter } from '../../src/stores/market-writer.ts';
import { SharedBooks } from '../../src/stores/memory-books.ts';
import { latestPricesMemory, SharedLatestPrices } from '../../src/stores/memory-latest.ts';
import { decimalsRow, StoredDecimals } from '../../src/stores/rescaled-rows.ts';
import { RowBatch } from '../../src/stores/row-batch.ts';
import { SqliteHistoryReader } from '../../src/stores/sqlite-history-reader.ts';
import { SqliteHistoryWriter } from '../../src/stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { hasRoomForDecimals } from '../../src/stores/sqlite-rescale.ts';
import { openMarketDatabase, openMarketReader } from '../../src/stores/sqlite-schema.ts';
import { WriterControl } from '../../src/stores/writer-control.ts';
import { doorbell } from '../../src/wire/doorbell.ts';
import { rowHead, rowKind } from '../../src/wire/row.ts';
import { SegmentReader, SegmentWriter, segmentRingMemory } from '../../src/wire/segment-ring.ts';
import { barOf, batchOf, instrumentOf, sampleTime, scratchFolder, tradeOf } from './market-samples.ts';

const scratch = scratchFolder();
afterAll(scratch.remove);
let files = 0;
const btc = instrumentOf(1, 'BTCUSDT');
const finer = { ...btc, priceDecimals: btc.priceDecimals + 2, sizeDecimals: btc.sizeDecimals + 1 };
const dictionary = [btc, instrumentOf(2, 'ETHUSDT')];
const symbol = btc.symbol;
const minute = 60_000_000;

function open() {
  const file = scratch.file(`rescaled-${++files}.db`);
  const db = openMarketDatabase(file);
  new SqliteInstruments(db).enrol(dictionary);
  const bell = doorbell();
  const memories = [segmentRingMemory(2 ** 16), segmentRingMemory(2 ** 16), segmentRingMemory(2 ** 16)];
  const [shard, other, fetched] = memories.map((memory) => new SegmentWriter(memory, bell));
  const rescaled: number[] = [];
  const market = new MarketWriter({
    rings: memories.map((memory) => new SegmentReader(memory)),
    writer: new SqliteHistoryWriter(db, dictionary),
    control: new WriterControl(),
    instruments: dictionary.map(({ id }) => id),
    quotes: '1s',
    commitRows: 1e3,
    commitMs: 1e9,
    formingMs: 1e9,
    decimals: new StoredDecimals(dictionary),
    onRescaled: ({ id }) => rescaled.push(id),
  });
  const reader = new SqliteHistoryReader(openMarketReader(file), dictionary);
  let now = 0;
  return {
    db,
    file,
    market,
    rescaled,
    shard: shard!,
    other: other!,
    fetched: fetched!,
    /** Turns until nothing moves. */
    run: (everything = true): void => {
      for (let turn = 0; turn < 20; turn++) market.turn(++now, everything);
    },
    prices: async (of = symbol) =>
      (await reader.trades({ symbol: of, fromId: 0, toId: 99, limit: 99 })).map(({ price }) => price),
    bars: () => reader.bars({ symbol, resolution: 2, from: 0, to: 1e17, limit: 99 }),
    counted: () => reader.counted(symbol, () => reader.trades({ symbol, fromId: 0, toId: 99, limit: 99 })),
    close: async (): Promise<void> => {
      await reader.close();
      db.close();
    },
  };
}

let sequence = 0;
function put(ring: SegmentWriter, words: readonly number[]): void {
  const bytes = new Uint8Array(Float64Array.from(words).buffer);
  expect(ring.write(bytes, bytes.length, ++sequence)).toBe(true);
}

function tradeWords(id: number, price: number, instrument = 1): number[] {
  const batch = new RowBatch(1);
  batch.addAll(batchOf({ trades: [tradeOf(id, { price, instrument })] }));
  return [...batch.trade.words.subarray(0, batch.trade.width)];
}

function candleWords(i: number, close: number): number[] {
  const batch = new RowBatch(1);
  const candle = barOf(sampleTime + i * minute, { firstId: 0, lastId: 0, backfilled: true, close });
  batch.addAll(batchOf({ backfill: [candle] }));
  return [...batch.backfill.words.subarray(0, batch.backfill.width)];
}

const marker = (instrument = 1, prices = 2, sizes = 1): number[] => [
  rowHead(rowKind.rescale, instrument),
  prices,
  sizes,
  2,
];

test('rows before the marker are stored by the old decimals and scaled, rows after it are stored as they are', async () => {
  const { shard, other, run, prices, rescaled, counted, close } = open();
  put(shard, tradeWords(1, 100));
  put(other, tradeWords(1, 7, 2));
  put(shard, [...marker(), ...tradeWords(2, 10_001)]);
  put(shard, tradeWords(3, 10_002));
  put(other, tradeWords(2, 8, 2));
  run();
  expect(await prices()).toEqual([10_000, 10_001, 10_002]);
  expect(await prices('BINANCE:ETHUSDT')).toEqual([7, 8]);
  expect(rescaled).toEqual([1]);
  const { decimals, found } = await counted();
  expect(decimals).toEqual({ priceDecimals: finer.priceDecimals, sizeDecimals: finer.sizeDecimals });
  expect(found[0]!.price).toBe(10_000);
  await close();
});

test('a file that is busy at the marker: nothing behind it is read, and all is right when it can be written again', async () => {
  const { shard, market, run, prices, close, db, file, rescaled } = open();
  db.pragma('busy_timeout = 0');
  put(shard, tradeWords(1, 100));
  run();
  put(shard, [...marker(), ...tradeWords(2, 10_001)]);
  const locker = openMarketDatabase(file, 0);
  locker.exec('BEGIN IMMEDIATE');
  run();
  expect(market.isFailing).toBe(true);
  expect(market.hasInput).toBe(true);
  expect(rescaled).toEqual([]);
  locker.exec('ROLLBACK');
  locker.close();
  run();
  expect(market.isFailing).toBe(false);
  expect(await prices()).toEqual([10_000, 10_001]);
  await close();
});

test('candles that were fetched by the old decimals are scaled, those by the new ones wait for the marker', async () => {
  const { shard, fetched, market, run, bars, close } = open();
  put(fetched, [...decimalsRow(btc), ...candleWords(0, 500)]);
  run();
  put(fetched, [...decimalsRow(finer), ...candleWords(1, 60_000)]);
  run();
  expect((await bars()).map(({ close: price }) => price)).toEqual([500]);
  expect(market.hasInput, 'ahead of the stores').toBe(true);
  put(shard, marker());
  put(fetched, [...decimalsRow(btc), ...candleWords(2, 700), ...candleWords(3, 800)]);
  run();
  const all = await bars();
  expect(all.map(({ close: price }) => price)).toEqual([50_000, 60_000, 70_000, 80_000]);
  const [first, second] = [all[0]!, all[1]!];
  expect(first.volume).toBe(second.volume * 10n);
  expect(all[2]!.quoteVolume).toBe(first.quoteVolume);
  expect(all[3]!.takerBuyQuoteVolume).toBe(first.takerBuyQuoteVolume);
  await close();
});

test('whether more decimals leave room is told beforehand, with room for prices to rise', async () => {
  const { db, shard, run, close } = open();
  put(shard, tradeWords(1, 1e9));
  run();
  expect(hasRoomForDecimals(db, 1, 4, 0)).toBe(true);
  expect(hasRoomForDecimals(db, 1, 6, 0)).toBe(false);
  await close();
});

test('REST answers by the decimals of what it reads: stores and shards change over at moments of their own', async () => {
  const { file, shard, run, close } = open();
  put(shard, tradeWords(1, 100));
  run();
  const reader = new SqliteHistoryReader(openMarketReader(file), dictionary);
  const latest = new SharedLatestPrices(latestPricesMemory(2));
  const queries = new MarketQueries(dictionary, reader, latest, new SharedBooks([]));
  const asked = async (kind: string): Promise<string> =>
    new TextDecoder().decode((await queries.answer(kind, { symbol, instrument: 1 })).body);
  const price = decimalOf(100, btc.priceDecimals);
  const same = (text: string): void => expect(text).toMatch(new RegExp(`"price":${price}0*[,}]`));
  const put1 = (mantissa: number, scale: number): void =>
    latest.put({
      instrument: 1,
      price: mantissa,
      bid: 0,
      ask: 0,
      bidSize: 0,
      askSize: 0,
      size: 1,
      tradeId: 1,
      time: 1,
      scale,
    });
  put1(100, 0);
  same(await asked('trades'));
  same(await asked('price'));
  // First the shard, then the stores, and the dictionary last of all.
  put1(10_000, 2 + 64);
  same(await asked('trades'));
  same(await asked('price'));
  put(shard, marker());
  run();
  same(await asked('trades'));
  queries.adopt([finer, dictionary[1]!]);
  same(await asked('trades'));
  same(await asked('price'));
  await reader.close();
  await close();
});
