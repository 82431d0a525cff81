import { afterAll, expect, test } from 'vitest';
import { SqliteHistoryReader } from '../../src/stores/sqlite-history-reader.ts';
import { SqliteHistoryWriter } from '../../src/stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { openMarketDatabase, openMarketReader } from '../../src/stores/sqlite-schema.ts';
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
