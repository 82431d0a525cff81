/** Backfill jobs from beginning to end, over real files; killed on the way too. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RestFault } from '../../src/feeds/venue-rest.ts';
import { monthIndex } from '../../src/market/resolution.ts';
import type { Bar } from '../../src/market/tick.ts';
import { BackfillJobs } from '../../src/stores/backfill-jobs.ts';
import { SqliteHistoryReader } from '../../src/stores/sqlite-history-reader.ts';
import { SqliteHistoryWriter } from '../../src/stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { openMarketDatabase, openMarketReader } from '../../src/stores/sqlite-schema.ts';
import { BackfillPace, BackfillRunner, pageEnd } from '../../src/threads/backfill-runner.ts';
import { directCandles } from '../../src/threads/candle-store.ts';
import { barOf, batchOf, dice, instrumentOf, scratchFolder } from './market-samples.ts';
import { candlesBetween, candleVenue } from './venue-candles.ts';

const scratch = scratchFolder();
afterAll(scratch.remove);
let files = 0;
const minute = 60_000_000;
const start = 20_000 * 1_440 * minute;
const dictionary = [instrumentOf(1, 'BTCUSDT'), instrumentOf(2, 'ETHUSDT')];
const { symbol } = dictionary[0]!;
const request = { symbol, resolution: 2, from: start, to: start + 1_000 * minute, replace: false };

const candleBar = (candle: object): Bar =>
  ({
    ...candle,
    instrument: 1,
    resolution: 2,
    firstId: 0,
    lastId: 0,
    revision: 0,
    closed: true,
    incomplete: false,
    backfilled: true,
  }) as Bar;

function openParts(file = scratch.file(`market-${++files}.db`)) {
  const db = openMarketDatabase(file);
  new SqliteInstruments(db).enrol(dictionary);
  const writer = new SqliteHistoryWriter(db, dictionary, 'none');
  const jobs = new BackfillJobs(`${file}.jobs`);
  const venue = candleVenue(dictionary);
  const abort = new AbortController();
  const waits: number[] = [];
  const world = { now: start + 5_000 * minute, troubles: [] as string[] };
  const runner = new BackfillRunner({
    jobs,
    sourceOf: (name) => {
      const instrument = dictionary.find((one) => one.symbol === name);
      return instrument && { instrument, rest: venue.rest };
    },
    store: directCandles(writer, db),
    now: () => world.now,
    // Time passes by waiting only.
    pause: (ms) => {
      waits.push(ms);
      world.now += ms * 1_000;
      return Promise.resolve();
    },
    signal: abort.signal,
    roll: () => 0.5,
    onTrouble: (_, reason) => world.troubles.push(reason),
  });
  const reader = new SqliteHistoryReader(openMarketReader(file), dictionary);
  const bars = (): Promise<Bar[]> => reader.bars({ symbol, resolution: 2, from: 0, to: 1e17, limit: 1e6 });
  const close = async (): Promise<void> => {
    await reader.close();
    await writer.close();
    jobs.close();
  };
  return { file, writer, jobs, venue, abort, waits, world, runner, bars, close };
}

describe('a backfill job', () => {
  let parts: ReturnType<typeof openParts>;
  beforeEach(() => {
    parts = openParts();
  });
  afterEach(() => parts.close());

  test('fetches every candle of its range once, page by page, and is done', async () => {
    parts.jobs.add(request);
    await parts.runner.drain();
    const expected = candlesBetween('BTCUSDT', 2, request.from, request.to).map(candleBar);
    expect(await parts.bars()).toEqual(expected);
    expect(parts.venue.asked).toHaveLength(10);
    expect(parts.jobs.get(1)).toMatchObject({
      state: 'done',
      position: request.to,
      rows: expected.length,
      left: 0,
      replaced: 0,
      error: '',
    });
  });

  test('takes no candle that is not over yet, and waits for it', async () => {
    parts.world.now = start + 8.5 * minute;
    parts.jobs.add({ ...request, to: start + 9 * minute });
    await parts.runner.drain();
    const at = (minutes: number): number => start / minute + minutes;
    expect(parts.venue.asked).toEqual([`BTCUSDT ${at(0)} ${at(8)}`, `BTCUSDT ${at(8)} ${at(9)}`]);
    expect((await parts.bars()).at(-1)?.openTime).toBe(start + 8 * minute);
    expect(parts.jobs.get(1)?.state).toBe('done');
    expect(parts.world.now).toBe(start + 9 * minute + 5_000_000);
  });

  test('leaves own bars alone unless asked, and says of how many', async () => {
    const own = [1, 3, 4, 4_000].map((i) => barOf(start + i * minute, { incomplete: i < 4 }));
    await parts.writer.write(batchOf({ bars: own }));
    parts.jobs.add({ ...request, to: start + 10 * minute });
    await parts.runner.drain();
    expect((await parts.bars()).filter(({ backfilled }) => backfilled !== true)).toEqual(own);
    expect(parts.jobs.get(1)).toMatchObject({ left: 3, replaced: 0 });
    parts.jobs.add({ ...request, to: start + 10 * minute, replace: true });
    await parts.runner.drain();
    expect((await parts.bars()).filter(({ backfilled }) => backfilled !== true)).toEqual(own.slice(2));
    expect(parts.jobs.get(2)).toMatchObject({ left: 1, replaced: 2 });
  });

  test('scenario 10: waits as long as the venue says, and goes on; others run meanwhile', async () => {
    parts.jobs.add(request);
    parts.jobs.add({ ...request, symbol: dictionary[1]!.symbol, to: start + 50 * minute });
    parts.venue.faults.push(new RestFault('limited', '429', 30_000), new RestFault('unreachable', 'gone'));
    await parts.runner.drain();
    expect(parts.jobs.list().map(({ state, error }) => [state, error])).toEqual([
      ['done', ''],
      ['done', ''],
    ]);
    expect(parts.world.troubles).toEqual(['429', 'gone']);
    expect(parts.waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(30_000);
    expect(await parts.bars()).toHaveLength(candlesBetween('BTCUSDT', 2, request.from, request.to).length);
  });

  test('what the venue refuses fails with its words, and can be resumed where it stopped', async () => {
    parts.jobs.add(request);
    parts.jobs.add({ ...request, symbol: 'BINANCE:NOPE' });
    parts.jobs.add({ ...request, resolution: 1 });
    parts.venue.faults.push(new RestFault('refused', 'Invalid symbol.'));
    await parts.runner.drain();
    expect(parts.jobs.list().map(({ state, error }) => [state, error])).toEqual([
      ['failed', 'Invalid symbol.'],
      ['failed', 'BINANCE:NOPE is not known'],
      ['failed', 'BINANCE has no 5s candles'],
    ]);
    parts.jobs.resume(1);
    await parts.runner.drain();
    expect(parts.jobs.get(1)?.state).toBe('done');
  });

  test('paused while it runs, it stops after its page; resumed, nothing is missing or doubled', async () => {
    parts.jobs.add(request);
    const paused: number[] = [];
    parts.venue.before = async () => {
      if (parts.venue.asked.length === 4 && paused.push(1) === 1) parts.jobs.pause(1);
    };
    await parts.runner.drain();
    expect(parts.jobs.get(1)).toMatchObject({ state: 'paused', position: start + 400 * minute });
    parts.jobs.resume(1);
    await parts.runner.drain();
    const expected = candlesBetween('BTCUSDT', 2, request.from, request.to);
    expect(await parts.bars()).toHaveLength(expected.length);
    expect(parts.jobs.get(1)).toMatchObject({ state: 'done', rows: expected.length });
    expect(new Set(parts.venue.asked).size).toBe(parts.venue.asked.length);
  });

  test('broken off, it saves nothing of what is under way', async () => {
    parts.jobs.add(request);
    parts.abort.abort();
    await parts.runner.drain();
    expect([parts.venue.asked, parts.jobs.get(1)?.state]).toEqual([[], 'queued']);
  });
});

test('a page of months ends at a month', () => {
  const january = Date.UTC(2024, 0, 1) * 1_000;
  expect(pageEnd(monthIndex, january, 3)).toBe(Date.UTC(2024, 3, 1) * 1_000);
  expect(pageEnd(monthIndex, january + 5, 3)).toBe(Date.UTC(2024, 4, 1) * 1_000);
});

const at = (position: number) => ({ position, to: 1_000 });
test('the estimate is by measured pace', () => {
  const pace = new BackfillPace();
  pace.observe(at(0), 500);
  expect(pace.left(at(0))).toBeUndefined();
  pace.observe(at(100), 700);
  expect(pace.left(at(100))).toBe(1_800);
});

const kills = Number(process.env['KILLS'] ?? 6);

test('killed (SIGKILL) at any moment, again and again: every candle is there once', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  const roll = dice(seed);
  const { file, jobs, ...parts } = openParts();
  jobs.add({ ...request, to: start + 30_000 * minute });
  await parts.close.call(undefined);
  const script = new URL('./backfill-child.ts', import.meta.url).pathname;
  const run = async (killAfterMs: number): Promise<NodeJS.Signals | number | null> => {
    const child = spawn(process.execPath, [script, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    await Promise.race([once(child.stdout, 'data'), ended]);
    const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    const [code, signal] = await ended;
    clearTimeout(timer);
    return signal ?? code;
  };
  let killed = 0;
  for (let kill = 0; kill < kills; kill++) if ((await run(roll() * 60)) === 'SIGKILL') killed++;
  expect(killed, `SEED=${seed}: most runs were cut`).toBeGreaterThan(kills / 2);
  expect(await run(60_000), `SEED=${seed}`).toBe(0);
  const expected = candlesBetween('BTCUSDT', 2, start, start + 30_000 * minute);
  const reader = new SqliteHistoryReader(openMarketReader(file), dictionary);
  const found = await reader.bars({ symbol, resolution: 2, from: 0, to: 1e17, limit: 1e6 });
  expect(found.length, `SEED=${seed}`).toBe(expected.length);
  expect(found, `SEED=${seed}`).toEqual(expected.map(candleBar));
  await reader.close();
  const again = new BackfillJobs(`${file}.jobs`);
  expect(again.get(1), `SEED=${seed}`).toMatchObject({ state: 'done', rows: expected.length, left: 0 });
  again.close();
});
