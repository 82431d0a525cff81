/** `tickwire backfill` while another Tickwire has the data folder, and after that one has died. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runBackfill } from '../../src/cli/backfill.ts';
import { FolderShare } from '../../src/cli/backfill-folder.ts';
import type { BackfillArguments } from '../../src/cli/backfill-options.ts';
import { FolderLock } from '../../src/cli/folder-lock.ts';
import type { Config } from '../../src/config/load.ts';
import { RestFault, type VenueRest } from '../../src/feeds/venue-rest.ts';
import { BackfillJobs } from '../../src/stores/backfill-jobs.ts';
import { SqliteHistoryReader } from '../../src/stores/sqlite-history-reader.ts';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { openMarketDatabase, openMarketReader } from '../../src/stores/sqlite-schema.ts';
import { openLog } from '../../src/telemetry/log.ts';
import { removeFolder, temporaryFolder } from '../demo/demo-process.ts';
import { instrumentOf } from '../stores/market-samples.ts';
import { candlesBetween, candleVenue } from '../stores/venue-candles.ts';
import { Program, root } from './program.ts';

/** 2024-08-09 12:34 */
const now = 1_723_206_840_000_000;
const range = { interval: '1m', from: '2024-08-09T06:00:00', to: '2024-08-09T12:00:00' } as const;
const from = Date.UTC(2024, 7, 9, 6) * 1_000;
const to = Date.UTC(2024, 7, 9, 12) * 1_000;
const candles = candlesBetween('BTCUSDT', 2, from, to).length;
const [btc, eth] = ['BTCUSDT', 'ETHUSDT'].map((native) => {
  const { id: _, ...one } = instrumentOf(0, native);
  return one;
}) as [Omit<ReturnType<typeof instrumentOf>, 'id'>, Omit<ReturnType<typeof instrumentOf>, 'id'>];

let folder: string;
let running: Program[];
let aborts: AbortController[];
let works: Promise<void>[];
beforeEach(() => {
  folder = temporaryFolder();
  [running, aborts, works] = [[], [], []];
});
afterEach(async () => {
  for (const abort of aborts) abort.abort();
  for (const program of running) {
    program.signal('SIGKILL');
    await program.ended();
  }
  await Promise.allSettled(works);
  removeFolder(folder);
  process.exitCode = undefined;
});

/** One command, with a terminal of its own. */
function start(args: Partial<BackfillArguments>, rest: VenueRest) {
  const abort = new AbortController();
  aborts.push(abort);
  const terminal = { said: '', abort, done: Promise.resolve() };
  terminal.done = runBackfill(
    { words: [], ...args },
    { dataDir: folder } as Config,
    openLog({ level: 'silent' }),
    {
      out: { write: () => true },
      progress: { write: (text: string) => (terminal.said += text) },
      signal: abort.signal,
      rests: () => new Map([['BINANCE', rest]]),
      now: () => now + performance.now() * 1_000,
      lockEveryMs: 50,
    },
  );
  works.push(terminal.done);
  return terminal;
}

async function until(holds: () => boolean, what: () => string): Promise<void> {
  for (const end = Date.now() + 20_000; !holds(); ) {
    if (Date.now() > end) throw new Error(what());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Another Tickwire, of which only the lock is seen. */
async function holder(): Promise<Program> {
  const file = pathToFileURL(join(root, 'src/cli/folder-lock.ts')).href;
  const held = new Program(
    ['--input-type=module'],
    `import { FolderLock } from '${file}';
     globalThis.lock = FolderLock.inside(${JSON.stringify(folder)});
     console.log('held');
     setInterval(() => undefined, 1000);`,
  );
  running.push(held);
  await held.says(/held/);
  return held;
}

async function storedBars(symbol: string): Promise<number> {
  const reader = new SqliteHistoryReader(openMarketReader(join(folder, 'market.db')));
  const bars = await reader.bars({ symbol, resolution: 2, from: 0, to: 1e17, limit: 1e6 });
  await reader.close();
  return bars.length;
}

test('the other one is killed: who followed it takes the folder and does the work, its jobs too', async () => {
  const other = await holder();
  const jobs = new BackfillJobs(join(folder, 'jobs.db'));
  jobs.add({ symbol: btc.symbol, resolution: 2, from, to, replace: false });
  jobs.next();
  const venue = candleVenue([btc, eth]);
  const follower = start({ ...range, symbol: 'ETHUSDT' }, venue.rest);
  await until(
    () => follower.said.includes('takes over'),
    () => follower.said,
  );
  // Many times as long as it waits before it asks for the lock.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(follower.said).toContain('another Tickwire has this data folder and takes over job 2\n');
  expect(venue.asked).toEqual([]);
  expect(jobs.list().map(({ state }) => state)).toEqual(['running', 'queued']);
  other.signal('SIGKILL');
  await other.ended();
  await follower.done;
  expect(follower.said).toContain('the other Tickwire is gone: this one goes on\n');
  expect(follower.said).toContain('job 2 done: BINANCE:ETHUSDT 1m');
  expect(jobs.list().map(({ state }) => state)).toEqual(['done', 'done']);
  expect([await storedBars(btc.symbol), await storedBars(eth.symbol)]).toEqual([candles, candles]);
  jobs.close();
  FolderLock.inside(folder).release();
});

test('a server that is started anew comes before those that follow: the folder must be free twice in a row', () => {
  const server = FolderLock.inside(folder);
  const share = new FolderShare(folder);
  expect([share.isAlone, share.takeOver()]).toEqual([false, false]);
  server.release();
  expect(share.takeOver()).toBe(false);
  const anew = FolderLock.inside(folder);
  expect(share.takeOver()).toBe(false);
  anew.release();
  expect([share.takeOver(), share.takeOver(), share.isAlone]).toEqual([false, true, true]);
  expect(() => FolderLock.inside(folder)).toThrow('in use');
  share.release();
  FolderLock.inside(folder).release();
});

test('a follower that is told to end leaves its job to others', async () => {
  await holder();
  const follower = start({ ...range, symbol: 'ETHUSDT' }, candleVenue([btc, eth]).rest);
  await until(
    () => follower.said.includes('takes over'),
    () => follower.said,
  );
  follower.abort.abort();
  await follower.done;
  expect(follower.said).toContain('1 job is not done: a server on this data folder goes on with them');
});

test('a symbol that the other one did not enrol is looked up where the venue lists it, and the other one fetches it', async () => {
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
  const first = candleVenue([btc, eth], 100, () => mayAnswer);
  const one = start({ ...range, symbol: 'BTCUSDT' }, first.rest);
  await until(
    () => first.asked.length > 0,
    () => one.said,
  );
  const second = candleVenue([btc, eth]);
  await expect(start({ ...range, symbol: 'NOPE' }, second.rest).done).rejects.toThrow('no symbol "NOPE"');
  const two = start({ ...range, symbol: 'ETHUSDT' }, second.rest);
  await until(
    () => two.said.includes('takes over job 2'),
    () => two.said,
  );
  answer();
  await Promise.all([one.done, two.done]);
  expect(two.said).toContain(`job 2 done: BINANCE:ETHUSDT 1m, 2024-08-09 06:00:00 to 2024-08-09 12:00:00`);
  expect([await storedBars(btc.symbol), await storedBars(eth.symbol)]).toEqual([candles, candles]);
  expect(second.asked).toEqual([]);
});

test('a job for a symbol that is not enrolled waits until the venue lists it again', async () => {
  const db = openMarketDatabase(join(folder, 'market.db'));
  new SqliteInstruments(db).enrol([btc]);
  db.close();
  const jobs = new BackfillJobs(join(folder, 'jobs.db'));
  jobs.add({ symbol: btc.symbol, resolution: 2, from, to, replace: false });
  jobs.add({ symbol: eth.symbol, resolution: 2, from, to, replace: false });
  jobs.add({ symbol: 'BINANCE:NOPE', resolution: 2, from, to, replace: false });
  jobs.pause(1);
  const { rest } = candleVenue([btc, eth]);
  let listings = 0;
  const late: VenueRest = {
    ...rest,
    instruments: () =>
      ++listings <= 2 ? Promise.reject(new RestFault('unreachable', 'gone')) : rest.instruments(),
  };
  const one = start({ words: ['resume', '1'] }, late);
  await one.done;
  expect(jobs.list().map(({ state, error }) => [state, error])).toEqual([
    ['done', ''],
    ['done', ''],
    ['failed', 'BINANCE:NOPE is not known'],
  ]);
  expect(await storedBars(eth.symbol)).toBe(candles);
  jobs.close();
});
