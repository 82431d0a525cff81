import { afterAll, expect, test } from 'vitest';
import type { MarketBatch } from '../../src/market/history.ts';
import { resolutions } from '../../src/market/resolution.ts';
import type { Bar } from '../../src/market/tick.ts';
import { SqliteHistoryWriter } from '../../src/stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { openMarketDatabase } from '../../src/stores/sqlite-schema.ts';
import { seedsOf } from '../../src/stores/sqlite-seed.ts';
import { examDictionary } from './history-exam.ts';
import { barOf, barsFrom, batchOf, sampleTime, scratchFolder, tradeOf } from './market-samples.ts';

const scratch = scratchFolder();
afterAll(scratch.remove);
let files = 0;

async function seeded(batch: Partial<MarketBatch>, tradesMax?: number) {
  const db = openMarketDatabase(scratch.file(`seed-${++files}.db`));
  new SqliteInstruments(db).enrol(examDictionary);
  await new SqliteHistoryWriter(db, examDictionary).write(batchOf(batch));
  try {
    return [...seedsOf(db, examDictionary, tradesMax)];
  } finally {
    db.close();
  }
}
const minute = 60_000_000;
const day = 1_440 * minute;

test('an empty file gives an empty seed for each instrument, under its dictionary id', async () => {
  expect(await seeded({})).toEqual(
    [2, 1].map((instrument) => ({ instrument, bars: [], trades: [], minutes: [] })),
  );
});

test('the newest bar of each resolution, and Enigma', async () => {
  const enigma = { instrument: 1, time: 5, price: 5, level: 500_000, ath: 7, athTime: 1, atl: 3, atlTime: 2 };
  const bars = [0, 3, 9].flatMap((resolution) =>
    [0, 1, 2].map((i) => barOf(sampleTime + i * day, { resolution, lastId: 3 + i })),
  );
  const [other, seed] = await seeded({ bars, enigma: [enigma] });
  expect(seed?.bars).toEqual([bars[2], bars[5], bars[8]]);
  expect(seed?.enigma).toEqual(enigma);
  expect(other).toEqual({ instrument: 2, bars: [], trades: [], minutes: [] });
});

/** A forming bar of each resolution that knows of trades up to `lastId`. */
function barsUpTo(lastId: number): Bar[] {
  return resolutions.map((_, resolution) => barOf(sampleTime, { resolution, lastId, closed: false }));
}

test('trades that at least one of the newest bars does not know of, rising by id', async () => {
  const trades = Array.from({ length: 20 }, (_, i) => tradeOf(i + 1));
  const [, level] = await seeded({ trades, bars: barsUpTo(15) });
  expect(level?.trades).toEqual(trades.slice(15));
  const [, lagging] = await seeded({ trades, bars: [...barsUpTo(12), ...barsUpTo(15).slice(0, 2)] });
  expect(lagging?.trades).toEqual(trades.slice(12));
  const [, complete] = await seeded({ trades, bars: barsUpTo(20) });
  expect(complete?.trades).toEqual([]);
});

// A run was killed when an instrument's first 1s bar had been written as closed, but no longer one as forming: the
// seed held only the trades after that bar, and the first 5s and 1m bars lacked the others for good.
test('a resolution without any bar lacks all trades', async () => {
  const trades = Array.from({ length: 20 }, (_, i) => tradeOf(i + 1));
  const [, seed] = await seeded({ trades, bars: barsUpTo(15).slice(0, 1) });
  expect(seed?.trades).toEqual(trades);
  const [, without] = await seeded({ trades });
  expect(without?.trades).toEqual(trades);
});

test('aggregates have ids of their own: what a bar knows is told by their last id', async () => {
  const trades = Array.from({ length: 9 }, (_, i) =>
    tradeOf(i + 1, { firstId: i * 10 + 1_000, lastId: i * 10 + 1_009, merged: 10 }),
  );
  const [, seed] = await seeded({ trades, bars: barsUpTo(1_059) });
  expect(seed?.trades).toEqual(trades.slice(6));
});

test('the minutes of the 24 hours before the newest one, without it', async () => {
  const opens = [
    sampleTime - day - minute,
    sampleTime - day,
    sampleTime - 2 * minute,
    sampleTime - minute,
    sampleTime,
  ];
  const bars: Bar[] = opens.map((open) => barOf(open));
  const [, seed] = await seeded({ bars: [...bars, barOf(sampleTime - minute, { resolution: 1 })] });
  expect(seed?.minutes).toEqual(bars.slice(1, 4));
});

test('more trades than a crash can leave behind is an error that says so', async () => {
  const trades = Array.from({ length: 11 }, (_, i) => tradeOf(i + 1));
  await expect(seeded({ trades }, 10)).rejects.toThrow(
    'BINANCE:BTCUSDT: more than 10 trades are newer than its bars',
  );
  expect((await seeded({ trades }, 11))[1]?.trades).toEqual(trades);
});

test('an instrument that is not enrolled is an error', () => {
  const db = openMarketDatabase(scratch.file('none.db'));
  expect(() => [...seedsOf(db, examDictionary)]).toThrow('BINANCE:ETHUSDT is not enrolled');
  db.close();
});

test('bars of a stream and its seed agree', async () => {
  const trades = Array.from({ length: 300 }, (_, i) => tradeOf(i + 1, { time: sampleTime + i * 400_000 }));
  const newest = resolutions.map((_, resolution) => barsFrom(trades, resolution).at(-1));
  const [, seed] = await seeded({
    trades,
    bars: resolutions.flatMap((_, resolution) => barsFrom(trades, resolution)),
  });
  expect(seed?.bars).toEqual(newest);
  expect(seed?.minutes).toEqual(barsFrom(trades, 2).slice(0, -1));
  expect(seed?.trades).toEqual([]);
});

const gap = (state: 'gap' | 'repaired' | 'lost', from: number, to: number) => ({
  instrument: 1,
  state,
  from,
  to,
  time: sampleTime + 99e3,
});
const times = (before: number, after: number) => ({
  fromTime: tradeOf(before).time,
  toTime: tradeOf(after).time,
});
test('gaps that are still open come back with their times, closed and lost ones do not', async () => {
  const gaps = [gap('gap', 3, 8), gap('repaired', 5, 5), gap('lost', 8, 8), gap('gap', 20, 21)];
  const [other, seed] = await seeded({ trades: [1, 2, 5, 9].map((id) => tradeOf(id)), gaps });
  expect(seed?.openGaps).toEqual([
    { from: 3, to: 4, ...times(2, 5) },
    { from: 6, to: 7, ...times(5, 9) },
    { from: 20, to: 21, fromTime: tradeOf(9).time, toTime: sampleTime + 99_000 },
  ]);
  expect(other).not.toHaveProperty('openGaps');
});

const candle = (open: number, resolution: number): Bar =>
  barOf(open, { resolution, backfilled: true, firstId: 0, lastId: 0 });
test('a run goes on from its own bars, never from the venue’s candles; these still count for 24 hours', async () => {
  const trades = Array.from({ length: 20 }, (_, i) => tradeOf(i + 1));
  const backfill = resolutions.map((_, resolution) => candle(sampleTime + 40 * day, resolution));
  const earlier = candle(sampleTime - 2 * minute, 2);
  const [, seed] = await seeded({ trades, bars: barsUpTo(15), backfill: [...backfill, earlier] });
  expect(seed?.bars).toEqual(barsUpTo(15));
  expect(seed?.trades).toEqual(trades.slice(15));
  expect(seed?.minutes).toEqual([earlier]);
});

test('all-time high and low are of all that is stored, each with its date', async () => {
  const daily = (days: number, changes: Partial<Bar>): Bar =>
    barOf(sampleTime - days * day, { resolution: 7, backfilled: true, firstId: 0, lastId: 0, ...changes });
  const candles = [daily(900, { high: 900 }), daily(50, {}), daily(30, { low: 20 }), daily(9, { low: 21 })];
  const [, first] = await seeded({ backfill: candles });
  const dates = { athTime: sampleTime - 900 * day, atlTime: sampleTime - 30 * day };
  const extremes = { ath: 900, atl: 20, ...dates };
  expect(first?.enigma).toEqual({
    instrument: 1,
    time: sampleTime - 9 * day,
    price: 120,
    level: 113636,
    ...extremes,
  });
  // What the shard left is its own; older and newer extremes of the stored bars come on top.
  const left = { instrument: 1, time: 5, price: 460, level: 0, ath: 700, athTime: 1, atl: 10, atlTime: 2 };
  const [, later] = await seeded({ backfill: candles, enigma: [left] });
  expect(later?.enigma).toEqual({ ...left, ...extremes, atl: 10, atlTime: 2, level: 505_618 });
  const own = barOf(sampleTime, { resolution: 7, high: 1_000, low: 5 });
  const [, lived] = await seeded({ backfill: candles, bars: [own], enigma: [left] });
  expect(lived?.enigma).toMatchObject({ ath: 1_000, athTime: sampleTime, atl: 5, atlTime: sampleTime });
});

test('a candle with a bad print counts as if it had none: Coinbase’s bitcoin once fell to 0.06', async () => {
  const prices = { open: 1_000, close: 1_100, resolution: 7, backfilled: true, firstId: 0, lastId: 0 };
  const [, seed] = await seeded({ backfill: [barOf(sampleTime, { ...prices, low: 6, high: 11_001 })] });
  expect(seed?.enigma).toMatchObject({ ath: 1_100, atl: 1_000 });
  const [, crash] = await seeded({ backfill: [barOf(sampleTime, { ...prices, low: 100, high: 11_000 })] });
  expect(crash?.enigma).toMatchObject({ ath: 11_000, atl: 100 });
});
