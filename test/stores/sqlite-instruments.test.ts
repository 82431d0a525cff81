import { afterAll, expect, test } from 'vitest';
import { SqliteHistoryReader } from '../../src/stores/sqlite-history-reader.ts';
import { SqliteHistoryWriter } from '../../src/stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { openMarketDatabase, openMarketReader } from '../../src/stores/sqlite-schema.ts';
import { seedsOf } from '../../src/stores/sqlite-seed.ts';
import { instrumentsExam, listed } from './instruments-exam.ts';
import { barOf, batchOf, sampleTime, scratchFolder, tradeOf } from './market-samples.ts';

const scratch = scratchFolder();
afterAll(scratch.remove);
let files = 0;
const openFile = () => openMarketDatabase(scratch.file(`instruments-${++files}.db`));

instrumentsExam('sqlite', () => new SqliteInstruments(openFile()));

test('sqlite: ids outlast the process; the metadata version counts changes', () => {
  const first = openFile();
  new SqliteInstruments(first).enrol([listed('A'), listed('B')]);
  first.close();
  const again = openMarketDatabase(first.name);
  const store = new SqliteInstruments(again);
  expect(store.enrol([listed('B'), listed('C')]).map(({ native }) => native)).toEqual(['A', 'B', 'C']);
  store.enrol([listed('A', { active: false })]);
  const versions = again.prepare('SELECT metadata_version FROM symbolsmap ORDER BY id').pluck().all();
  expect(versions).toEqual([2, 1, 1]);
  again.close();
});

test('sqlite: symbols cannot be deleted, so no id is ever given twice', () => {
  const db = openFile();
  new SqliteInstruments(db).enrol([listed('A')]);
  expect(() => db.exec('DELETE FROM symbolsmap')).toThrow('symbols are never deleted');
  db.close();
});

test('sqlite: when a venue’s tick gets finer, what is stored keeps its value, exactly', async () => {
  const db = openFile();
  const store = new SqliteInstruments(db);
  const dictionary = store.enrol([listed('A', { priceDecimals: 2, sizeDecimals: 3 }), listed('B')]);
  const enigma = {
    instrument: 1,
    time: sampleTime,
    price: 5,
    level: 500_000,
    ath: 7,
    athTime: 0,
    atl: 3,
    atlTime: 0,
  };
  const sums = {
    volume: 2n ** 60n + 1n,
    quoteVolume: 2n ** 70n + 3n,
    takerBuyVolume: 5n,
    takerBuyQuoteVolume: 2n ** 48n - 1n,
  };
  const bar = barOf(sampleTime, sums);
  const other = barOf(sampleTime, { instrument: 2, ...sums });
  const batch = batchOf({ trades: [tradeOf(1)], bars: [bar, other], enigma: [enigma] });
  await new SqliteHistoryWriter(db, dictionary).write(batch);

  // Six more decimals of price and one of size: more than one step of the rescaling.
  const finer = store.enrol([listed('A', { priceDecimals: 8, sizeDecimals: 4 })]);
  const reader = new SqliteHistoryReader(openMarketReader(db.name), finer);
  const [p, s] = [10 ** 6, 10];
  const everything = { resolution: 2, from: 0, to: 1e16, limit: 9 };
  expect(await reader.bars({ symbol: 'BINANCE:A', ...everything })).toEqual([
    {
      ...bar,
      open: bar.open * p,
      high: bar.high * p,
      low: bar.low * p,
      close: bar.close * p,
      volume: sums.volume * BigInt(s),
      takerBuyVolume: sums.takerBuyVolume * BigInt(s),
      quoteVolume: sums.quoteVolume * BigInt(p * s),
      takerBuyQuoteVolume: sums.takerBuyQuoteVolume * BigInt(p * s),
    },
  ]);
  expect(await reader.bars({ symbol: 'BINANCE:B', ...everything })).toEqual([other]);
  const { price, bid, ask, size } = tradeOf(1);
  expect(await reader.trades({ symbol: 'BINANCE:A', fromId: 0, toId: 9, limit: 9 })).toEqual([
    tradeOf(1, { price: price * p, bid: bid * p, ask: ask * p, size: size * s }),
  ]);
  expect(await reader.enigma('BINANCE:A')).toEqual({ ...enigma, price: 5 * p, ath: 7 * p, atl: 3 * p });
  await reader.close();
  db.close();
});

test('sqlite: decimals that would take a price past 2^53 are refused, and nothing changes', async () => {
  const db = openFile();
  const store = new SqliteInstruments(db);
  const dictionary = store.enrol([listed('A')]);
  await new SqliteHistoryWriter(db, dictionary).write(batchOf({ trades: [tradeOf(1, { price: 2 ** 50 })] }));
  expect(() => store.enrol([listed('C'), listed('A', { priceDecimals: 3 })])).toThrow('past 2^53');
  expect(store.enrol([])).toEqual(dictionary);
  db.close();
});

test('sqlite: scenario 23: a whole listing says what is new, changed and gone; a partial one lets the others be', () => {
  const db = openFile();
  const store = new SqliteInstruments(db);
  const first = store.refresh('BINANCE', [listed('A'), listed('B'), listed('C')]);
  expect([first.added.map(({ id }) => id), first.changed, first.gone]).toEqual([[1, 2, 3], [], []]);
  store.enrol([{ ...listed('X'), venue: 'COINBASE', symbol: 'COINBASE:X' }]);
  const next = store.refresh('BINANCE', [listed('D'), listed('B', { priceDecimals: 4 }), listed('A')]);
  expect(next.added).toEqual([{ id: 5, ...listed('D') }]);
  expect(next.changed).toEqual([
    { before: { id: 2, ...listed('B') }, after: { id: 2, ...listed('B', { priceDecimals: 4 }) } },
  ]);
  expect(next.gone).toEqual([{ id: 3, ...listed('C') }]);
  expect(store.enrol([]).map(({ symbol, active }) => [symbol, active])).toEqual([
    ['BINANCE:A', true],
    ['BINANCE:B', true],
    ['BINANCE:C', false],
    ['COINBASE:X', true],
    ['BINANCE:D', true],
  ]);
  const same = store.refresh('BINANCE', [listed('D'), listed('B'), listed('A')]);
  expect([same.added, same.changed, same.gone]).toEqual([[], [], []]);
  db.close();
});

test('sqlite: every change of precision and status is a version that is kept', () => {
  const db = openFile();
  const store = new SqliteInstruments(db);
  store.enrol([listed('A')]);
  store.enrol([listed('A', { priceDecimals: 4 })]);
  store.enrol([listed('A', { priceDecimals: 4, active: false })]);
  store.enrol([listed('A', { priceDecimals: 4, active: false })]);
  store.refresh('BINANCE', [listed('A', { priceDecimals: 4 })]);
  store.refresh('BINANCE', [listed('B')]);
  const versions = store.versions('BINANCE:A');
  expect(versions).toMatchObject([
    { version: 1, priceDecimals: 2, sizeDecimals: 5, status: 'active' },
    { version: 2, priceDecimals: 4, sizeDecimals: 5, status: 'active' },
    { version: 3, priceDecimals: 4, sizeDecimals: 5, status: 'inactive' },
    { version: 4, priceDecimals: 4, sizeDecimals: 5, status: 'active' },
    { version: 5, priceDecimals: 4, sizeDecimals: 5, status: 'gone' },
  ]);
  for (const { since } of versions) expect(since).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  expect(store.versions('BINANCE:NOPE')).toEqual([]);
  db.close();
});

test('sqlite: scenario 23: while it runs, a writer takes a dictionary with finer decimals and new symbols', async () => {
  const db = openFile();
  const store = new SqliteInstruments(db);
  const [a] = store.enrol([listed('A', { priceDecimals: 2, sizeDecimals: 3 })]);
  const writer = new SqliteHistoryWriter(db, [a!]);
  const { merged: _, bid: __, ask: ___, firstId: ____, lastId: _____, ...bad } = tradeOf(3);
  const quarantined = [{ ...bad, reference: 5 }];
  const candle = barOf(sampleTime, { backfilled: true });
  await writer.write(batchOf({ trades: [tradeOf(1)], backfill: [candle], quarantined }));
  const finer = [
    { ...a!, priceDecimals: 4, sizeDecimals: 4 },
    { id: 2, ...listed('B') },
  ];
  writer.adopt(finer);
  await writer.write(batchOf({ trades: [tradeOf(2), tradeOf(1, { instrument: 2 })] }));
  expect(store.enrol([])).toEqual(finer);
  const reader = new SqliteHistoryReader(openMarketReader(db.name), finer);
  const all = { fromId: 0, toId: 9, limit: 9 };
  const { price, bid, ask, size } = tradeOf(1);
  expect(await reader.trades({ symbol: 'BINANCE:A', ...all })).toEqual([
    tradeOf(1, { price: price * 100, bid: bid * 100, ask: ask * 100, size: size * 10 }),
    tradeOf(2),
  ]);
  expect(await reader.trades({ symbol: 'BINANCE:B', ...all })).toEqual([tradeOf(1, { instrument: 2 })]);
  expect(await reader.quarantined('BINANCE:A', 9)).toEqual([
    { ...bad, price: price * 100, size: size * 10, reference: 500 },
  ]);
  const seeds = [...seedsOf(db, finer)];
  expect(seeds[0]?.enigma).toMatchObject({ ath: candle.high * 100, atl: candle.low * 100 });
  expect(store.versions('BINANCE:A')).toHaveLength(2);
  await reader.close();

  expect(() => writer.adopt([a!])).toThrow('has 2 and 3 decimals in the dictionary, 4 and 4 in');
  expect(() => writer.adopt([{ ...a!, priceDecimals: 12, sizeDecimals: 4 }])).toThrow('past 2^53');
  await writer.write(batchOf({ trades: [tradeOf(9)] }));
  expect(store.enrol([])).toEqual(finer);
  db.close();
});
