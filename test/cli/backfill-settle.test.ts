/** A backfill job is done when its last candle was asked for, and not before that candle is over and has settled. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readBackfill } from '../../src/cli/backfill-arguments.ts';
import type { Bar } from '../../src/market/tick.ts';
import { BackfillJobs } from '../../src/stores/backfill-jobs.ts';
import { BackfillRunner } from '../../src/threads/backfill-runner.ts';
import { removeFolder, temporaryFolder } from '../demo/demo-process.ts';
import { instrumentOf } from '../stores/market-samples.ts';
import { candlesBetween, candleVenue } from '../stores/venue-candles.ts';

const second = 1_000_000;
const minute = 60 * second;
/** 2024-08-09 12:34 */
const noon = 1_723_206_840_000_000;
const [btc, eth] = [instrumentOf(1, 'BTCUSDT'), instrumentOf(2, 'ETHUSDT')];

let folder: string;
let jobs: BackfillJobs;
beforeEach(() => {
  folder = temporaryFolder();
  jobs = new BackfillJobs(join(folder, 'jobs.db'));
});
afterEach(() => {
  jobs.close();
  removeFolder(folder);
});

/** Time passes by waiting only. */
function worldAt(now: number) {
  const bars: Bar[] = [];
  const venue = candleVenue([btc, eth]);
  const world = { now, bars, asked: venue.asked, done: new Map<number, number>(), notes: new Set<string>() };
  const runner = new BackfillRunner({
    jobs,
    sourceOf: (symbol) => ({ instrument: symbol === btc.symbol ? btc : eth, rest: venue.rest }),
    store: (more) => {
      bars.push(...more);
      return Promise.resolve({ replaced: 0, left: 0 });
    },
    now: () => world.now,
    pause: (ms) => {
      for (const { error } of jobs.list()) world.notes.add(error);
      world.now += ms * 1_000;
      return Promise.resolve();
    },
    signal: new AbortController().signal,
    roll: () => 0.5,
    onPage: ({ id, state }) => {
      if (state === 'done') world.done.set(id, world.now);
    },
  });
  return { world, runner };
}

/** How many candles were asked for. */
const minutesOf = (asked: readonly string[]): number =>
  asked.map((text) => text.split(' ')).reduce((sum, [, from, to]) => sum + Number(to) - Number(from), 0);

test.each([0, 2, 4.999, 5, 30])(
  'begun %d s into a minute, it asks for all of its candles',
  async (seconds) => {
    const now = noon + seconds * second;
    const command = readBackfill({ words: [], symbol: 'BTCUSDT', interval: '1m', days: '2' }, now);
    if (command.name !== 'add') throw new Error('no job');
    jobs.add({ symbol: btc.symbol, resolution: 2, from: command.from, to: command.to, replace: false });
    const { world, runner } = worldAt(now);
    await runner.drain();
    expect(minutesOf(world.asked)).toBe(2_880);
    expect(world.bars.map(({ openTime }) => openTime)).toEqual(
      candlesBetween('BTCUSDT', 2, noon - 2_880 * minute, noon).map(({ openTime }) => openTime),
    );
    expect(jobs.get(1)).toMatchObject({ state: 'done', position: noon, rows: world.bars.length, error: '' });
    // No wait where the last candle has settled.
    expect(world.done.get(1)).toBe(Math.max(now, noon + 5 * second));
  },
);

test('an end in the future is waited for, candle by candle; other jobs run meanwhile', async () => {
  const now = noon + 30 * second;
  const [from, to] = [noon - 10 * minute, noon + 3 * minute];
  jobs.add({ symbol: btc.symbol, resolution: 2, from, to, replace: false });
  jobs.add({ symbol: eth.symbol, resolution: 2, from, to: noon, replace: false });
  const { world, runner } = worldAt(now);
  await runner.drain();
  expect(world.asked).toEqual([
    `BTCUSDT ${from / minute} ${noon / minute}`,
    `ETHUSDT ${from / minute} ${noon / minute}`,
    ...[0, 1, 2].map((i) => `BTCUSDT ${noon / minute + i} ${noon / minute + i + 1}`),
  ]);
  expect([world.done.get(1), world.done.get(2)]).toEqual([to + 5 * second, now]);
  expect([...world.notes]).toEqual(['its next candle is not over yet, or may still change', '']);
});
