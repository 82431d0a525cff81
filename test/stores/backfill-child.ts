/** A process that runs the backfill jobs beside a market's file; the crash test kills it. Argument: the file. */
import { BackfillJobs } from '../../src/stores/backfill-jobs.ts';
import { SqliteHistoryWriter } from '../../src/stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { openMarketDatabase } from '../../src/stores/sqlite-schema.ts';
import { BackfillRunner } from '../../src/threads/backfill-runner.ts';
import { directCandles } from '../../src/threads/candle-store.ts';
import { candleVenue } from './venue-candles.ts';

const file = process.argv[2]!;
const db = openMarketDatabase(file);
const dictionary = new SqliteInstruments(db).enrol([]);
const jobs = new BackfillJobs(`${file}.jobs`);
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const { rest } = candleVenue(dictionary, 300, () => wait(Math.random() * 3));
const runner = new BackfillRunner({
  jobs,
  sourceOf: (symbol) => ({ instrument: dictionary.find((one) => one.symbol === symbol)!, rest }),
  store: directCandles(new SqliteHistoryWriter(db, dictionary, 'none'), db),
  now: () => Date.now() * 1_000,
  pause: wait,
  signal: new AbortController().signal,
  roll: Math.random,
});
process.stdout.write('ready\n');
await runner.drain();
db.close();
jobs.close();
