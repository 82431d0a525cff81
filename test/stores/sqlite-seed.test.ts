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
