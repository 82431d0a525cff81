/** `tickwire backfill`, with a venue that only has candles, alone and beside a server. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UsageFault } from '../../src/cli/arguments.ts';
import { runBackfill } from '../../src/cli/backfill.ts';
import { readBackfill, textOf } from '../../src/cli/backfill-arguments.ts';
import type { BackfillArguments } from '../../src/cli/backfill-options.ts';
import { BackfillProgress, durationText } from '../../src/cli/backfill-progress.ts';
import { FolderLock } from '../../src/cli/folder-lock.ts';
import type { Config } from '../../src/config/load.ts';
import { RestFault } from '../../src/feeds/venue-rest.ts';
import { type BackfillJob, BackfillJobs } from '../../src/stores/backfill-jobs.ts';
import { SqliteHistoryReader } from '../../src/stores/sqlite-history-reader.ts';
import { SqliteHistoryWriter } from '../../src/stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { openMarketDatabase, openMarketReader } from '../../src/stores/sqlite-schema.ts';
import { openLog } from '../../src/telemetry/log.ts';
import { BackfillRunner } from '../../src/threads/backfill-runner.ts';
import { directCandles } from '../../src/threads/candle-store.ts';
import { pause } from '../../src/threads/listing.ts';
import { removeFolder, temporaryFolder } from '../demo/demo-process.ts';
import { barOf, batchOf, instrumentOf } from '../stores/market-samples.ts';
import { candlesBetween, candleVenue } from '../stores/venue-candles.ts';

const minute = 60_000_000;
const day = 1_440 * minute;
/** 2024-08-09 12:34 */
const now = 1_723_206_840_000_000;
const listed = ['BTCUSDT', 'ETHUSDT'].map((native) => {
  const { id: _, ...one } = instrumentOf(0, native);
  return one;
});
const range = { interval: '1m', from: '2024-08-08', to: '2024-08-09' } as const;

let folder: string;
let shown: string;
let said: string;
let venue: ReturnType<typeof candleVenue>;
let abort: AbortController;
beforeEach(() => {
  folder = temporaryFolder();
  [shown, said] = ['', ''];
  venue = candleVenue(listed);
  abort = new AbortController();
});
afterEach(() => {
  removeFolder(folder);
  process.exitCode = undefined;
});

const run = (args: Partial<BackfillArguments>): Promise<void> =>
  runBackfill({ words: [], ...args }, { dataDir: folder } as Config, openLog({ level: 'silent' }), {
    out: { write: (text: string) => (shown += text) },
    progress: { write: (text: string) => (said += text) },
    signal: abort.signal,
    rests: () => new Map([['BINANCE', venue.rest]]),
    now: () => now,
  });

async function storedBars(symbol: string): Promise<number> {
  const reader = new SqliteHistoryReader(openMarketReader(join(folder, 'market.db')));
  const bars = await reader.bars({ symbol, resolution: 2, from: 0, to: 1e17, limit: 1e6 });
  await reader.close();
  return bars.length;
}
const dayCandles = candlesBetween('BTCUSDT', 2, now - (now % day) - day, now - (now % day)).length;

describe('without a server', () => {
  test('fetches what is asked for itself, and tells how far it is and what it came to', async () => {
    await run({ ...range, symbol: 'btcusdt,BINANCE:ETHUSDT' });
    expect([await storedBars('BINANCE:BTCUSDT'), await storedBars('BINANCE:ETHUSDT')]).toEqual([
      dayCandles,
      dayCandles,
    ]);
    const lines = said.trimEnd().split('\n');
    expect(lines[0]).toMatch(
      /^job 1: BINANCE:BTCUSDT 1m: \d+ %, at 2024-08-08 .* candles.*; 1 more after it$/,
    );
    expect(lines.slice(-2)).toEqual([
      `job 1 done: BINANCE:BTCUSDT 1m, 2024-08-08 to 2024-08-09: ${dayCandles} candles`,
      `job 2 done: BINANCE:ETHUSDT 1m, 2024-08-08 to 2024-08-09: ${dayCandles} candles`,
    ]);
    expect(process.exitCode).toBeUndefined();
    FolderLock.inside(folder).release();
  });

  test('own bars are never overwritten without saying so', async () => {
    const db = openMarketDatabase(join(folder, 'market.db'));
    const dictionary = new SqliteInstruments(db).enrol(listed);
    const open = Date.UTC(2024, 7, 8) * 1_000;
    const own = [3, 4, 9_000].map((i) => barOf(open + i * minute, { incomplete: i === 4 }));
    await new SqliteHistoryWriter(db, dictionary).write(batchOf({ bars: own }));
    db.close();
    await run({ ...range, symbol: 'BTCUSDT' });
    expect(said).toContain('; own bars left as they are: 2\n');
    await run({ ...range, symbol: 'BTCUSDT', replace: true });
    expect(said).toContain('; own bars left as they are: 1; own incomplete bars replaced: 1\n');
  });

  test('--all is every known, active symbol', async () => {
    await expect(run({ ...range, all: true })).rejects.toThrow('no symbol is known yet');
    await run({ ...range, symbol: 'ETHUSDT' });
    venue.asked.length = 0;
    await run({ ...range, all: true });
    expect(new Set(venue.asked.map((text) => text.split(' ')[0]))).toEqual(new Set(['ETHUSDT']));
  });

  test('a job that fails says why, and the exit code too; resume goes on with it', async () => {
    venue.faults.push(new RestFault('refused', 'Invalid interval.'));
    await run({ ...range, symbol: 'BTCUSDT' });
    expect(said).toContain('job 1 failed: ');
    expect(said).toContain('failed at 2024-08-08: Invalid interval.\n');
    expect(process.exitCode).toBe(1);
    process.exitCode = undefined;
    await run({ words: ['resume', '1'] });
    expect(await storedBars('BINANCE:BTCUSDT')).toBe(dayCandles);
    expect(process.exitCode).toBeUndefined();
    await run({ words: ['resume', '1'] });
    expect(shown).toBe('job 1 is done\n');
  });

  test('a signal ends it after the page under way; resume goes on from there', async () => {
    venue = candleVenue(listed, 100, async () => {
      if (venue.asked.length === 4) abort.abort();
    });
    await run({ ...range, symbol: 'BTCUSDT' });
    expect(said).toContain('1 job is not done');
    abort = new AbortController();
    venue.asked.length = 10;
    await run({ words: ['resume', '1'] });
    expect(await storedBars('BINANCE:BTCUSDT')).toBe(dayCandles);
  });

  test('the venue does not list its instruments: what is known is enough', async () => {
    await run({ ...range, symbol: 'BTCUSDT' });
    Object.assign(venue.rest, { instruments: () => Promise.reject(new RestFault('unreachable', 'gone')) });
    await run({ ...range, symbol: 'BTCUSDT' });
    expect(said).toContain('job 2 done');
    await expect(run({ ...range, symbol: 'ETHUSDT' })).rejects.toThrow('no symbol "ETHUSDT" is known');
  });
});

describe('an index', () => {
  const index = { ...listed[0]!, venue: 'INDEX', native: 'BTCUSD', symbol: 'INDEX:BTCUSD', quote: 'USD' };
  const enrolIndex = (): void => {
    const db = openMarketDatabase(join(folder, 'market.db'));
    new SqliteInstruments(db).enrol([index]);
    db.close();
  };

  test('has no candles of a venue: it is refused, and no job is made', async () => {
    const refusal = 'is an index: no exchange has candles of it';
    await expect(run({ ...range, symbol: 'INDEX:BTCUSD' })).rejects.toThrow(refusal);
    enrolIndex();
    for (const symbol of ['INDEX:BTCUSD', 'index:btc-usd', 'BTC/USD', 'BTCUSDT,INDEX:BTCUSD'])
      await expect(run({ ...range, symbol })).rejects.toThrow(refusal);
    await run({ words: ['list'] });
    expect(shown).toBe('there are no backfill jobs\n');
  });

  test('is not meant by a name that it has in common with what is traded', async () => {
    venue = candleVenue([{ ...index, venue: 'BINANCE', symbol: 'BINANCE:BTC-USD', native: 'BTC-USD' }]);
    enrolIndex();
    await run({ ...range, symbol: 'BTCUSD' });
    expect(said).toContain('job 1 done: BINANCE:BTC-USD 1m');
  });
});

test('with a server on the folder it only queues, follows, pauses and resumes: the server does the work', async () => {
  const lock = FolderLock.inside(folder);
  const db = openMarketDatabase(join(folder, 'market.db'));
  const dictionary = new SqliteInstruments(db).enrol(listed);
  const jobs = new BackfillJobs(join(folder, 'jobs.db'));
  const server = new AbortController();
  const own = candleVenue(listed);
  const runner = new BackfillRunner({
    jobs,
    sourceOf: () => ({
      instrument: dictionary[0]!,
      rest: own.rest,
    }),
    store: directCandles(new SqliteHistoryWriter(db, dictionary, 'none'), db),
    now: () => now,
    pause,
    signal: server.signal,
    roll: () => 0,
  });
  abort.abort();
  await run({ ...range, symbol: 'BTC/USDT' });
  expect(said).toContain('another Tickwire has this data folder and takes over job 1\n1 job is not done');
  await run({ words: ['pause', '1'] });
  expect(shown).toBe('job 1 is paused\n');
  const running = runner.run();
  abort = new AbortController();
  await run({ words: ['resume', '1'] });
  expect(said).toContain(`job 1 done: BINANCE:BTCUSDT 1m, 2024-08-08 to 2024-08-09: ${dayCandles} candles\n`);
  expect(venue.asked).toEqual([]);
  await expect(run({ ...range, symbol: 'NOPE' })).rejects.toThrow('no symbol "NOPE" is known');
  shown = '';
  await run({ words: ['list'] });
  const table = shown.split('\n').map((line) => line.split(/ {2,}/));
  expect(table[0]?.slice(0, 4)).toEqual(['ID', 'STATE', 'SYMBOL', 'INTERVAL']);
  expect(table[1]).toEqual([
    '1',
    'done',
    'BINANCE:BTCUSDT',
    '1m',
    '2024-08-08',
    '2024-08-09',
    '100 %',
    String(dayCandles),
    '0',
    '0',
  ]);
  server.abort();
  await running;
  jobs.close();
  db.close();
  lock.release();
});

describe('what is typed', () => {
  test.each<[Partial<BackfillArguments>, string]>([
    [{ ...range }, 'backfill takes --symbol'],
    [{ ...range, symbol: 'A', all: true }, 'backfill takes --symbol'],
    [{ symbol: 'A', interval: '1m', from: '2026-02-31' }, '--from takes a day or time'],
    [{ symbol: 'A', interval: '1m', from: '2023-02-29T10:00:00Z' }, '--from takes a day or time'],
    [{ symbol: 'A', interval: '1m', from: '2024-00-10' }, '--from takes a day or time'],
    [{ symbol: 'A', interval: '1m', from: '2024-13-01' }, '--from takes a day or time'],
    [{ ...range, symbol: 'A', to: '2024-06-31' }, '--to takes a day or time'],
    [{ ...range, symbol: 'A', interval: '2m' }, '--interval takes one of 1s, 5s, 1m'],
    [{ symbol: 'A', interval: '1m' }, 'either --days N or --from'],
    [{ ...range, symbol: 'A', days: '3' }, 'either --days N or --from'],
    [{ symbol: 'A', interval: '1m', days: '3', to: '2024-01-01' }, '--to belongs to --from'],
    [{ symbol: 'A', interval: '1m', days: '0' }, '--days takes a number'],
    [{ symbol: 'A', interval: '1m', days: 'three' }, '--days takes a number'],
    [{ symbol: 'A', interval: '1m', from: '8.8.2024' }, '--from takes a day or time'],
    [{ symbol: 'A', interval: '1m', from: '2024-08-08', to: 'now' }, '--to takes a day or time'],
    [{ symbol: 'A', interval: '1m', from: '2024-08-08', to: '2024-08-07' }, 'there is no 1m candle between'],
    [{ symbol: 'A', interval: '1m', from: '2034-08-08' }, 'there is no 1m candle between'],
    [{ words: ['stop'] }, '"backfill stop" is no command'],
    [{ words: ['pause'] }, 'backfill pause takes the number of a job'],
    [{ words: ['pause', '1x'] }, 'backfill pause takes the number of a job'],
    [{ words: ['pause', '1', '2'] }, '"2" is one word too many'],
    [{ words: ['list', '1'] }, '"1" is one word too many'],
  ])('%j is refused', (args, text) => {
    expect(() => readBackfill({ words: [], ...args }, now)).toThrow(UsageFault);
    expect(() => readBackfill({ words: [], ...args }, now)).toThrow(text);
  });

  test('days end at the last candle that is over; times are UTC unless they say', () => {
    const add = { name: 'add', symbols: ['A'], replace: false };
    expect(readBackfill({ words: [], symbol: 'A', interval: '1h', days: '2' }, now)).toEqual({
      ...add,
      resolution: 5,
      from: now - 34 * minute - 2 * day,
      to: now - 34 * minute,
    });
    const from = '2024-08-08T10:30:30';
    for (const text of [from, `${from}Z`, '2024-08-08T12:30:30+02:00']) {
      const read = readBackfill({ words: [], symbol: 'A', interval: '1m', from: text }, now);
      expect(read).toMatchObject({ from: Date.UTC(2024, 7, 8, 10, 30) * 1_000, to: now });
    }
    expect(readBackfill({ words: [], symbol: 'A', interval: '1d', from: '2024-02-29' }, now)).toMatchObject({
      from: Date.UTC(2024, 1, 29) * 1_000,
    });
  });

  test('there is no such job', async () => {
    await expect(run({ words: ['pause', '7'] })).rejects.toThrow('there is no job 7');
  });
});

test('on a terminal one line is updated in place, and sentences stay', () => {
  let [text, at] = ['', 0];
  const out = { isTTY: true, columns: 60, write: (more: string) => (text += more) };
  const progress = new BackfillProgress(out, () => at);
  const job = {
    id: 1,
    symbol: 'X:A',
    resolution: 2,
    from: 0,
    to: 1e9,
    position: 0,
    rows: 0,
    error: '',
  } as BackfillJob;
  progress.show(job, 0);
  at = 1_000;
  progress.show({ ...job, position: 1e8, rows: 9 }, 2);
  progress.say('over');
  expect(text.split('\r').slice(1)).toEqual([
    'job 1: X:A 1m: 0 %, at 1970-01-01, 0 candles\u{1b}[K',
    'job 1: X:A 1m: 10 %, at 1970-01-01 00:01:40, 9 candles, abo\u{1b}[K',
    '\u{1b}[Kover\n',
  ]);
});

test('times and durations as people write them', () => {
  expect([textOf(0), textOf(90_000_000)]).toEqual(['1970-01-01', '1970-01-01 00:01:30']);
  expect([1, 99_000, 101_000, 12_000_000].map(durationText)).toEqual(['1 s', '99 s', '2 min', '3 h 20 min']);
});
