import { writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { BackfillJobs, type BackfillRequest } from '../../src/stores/backfill-jobs.ts';
import { scratchFolder } from './market-samples.ts';

const scratch = scratchFolder();
afterAll(scratch.remove);
let files = 0;
const newFile = (): string => scratch.file(`jobs-${++files}.db`);
const request: BackfillRequest = { symbol: 'BINANCE:A', resolution: 2, from: 100, to: 300, replace: true };
const page = { rows: 5, replaced: 1, left: 2 };

test('a job is kept with all that is known of it, for whoever opens the file', () => {
  const file = newFile();
  const jobs = new BackfillJobs(file, () => 77);
  const expected = { id: 1, ...request, position: 100, state: 'queued', created: 77, updated: 77 };
  const job = jobs.add(request);
  expect(job).toEqual({ ...expected, rows: 0, replaced: 0, left: 0, error: '' });
  const other = new BackfillJobs(file);
  expect(other.list()).toEqual([job]);
  expect([other.get(1), other.get(2)]).toEqual([job, undefined]);
  other.close();
  jobs.close();
});

test('one job runs until its end, then the oldest that waits', () => {
  const jobs = new BackfillJobs(newFile());
  jobs.add(request);
  jobs.add({ ...request, replace: false });
  expect(jobs.next()).toMatchObject({ id: 1, state: 'running' });
  expect(jobs.next()).toMatchObject({ id: 1, state: 'running' });
  expect(jobs.next(new Set([1]))).toMatchObject({ id: 2, state: 'running', replace: false });
  expect(jobs.advance(1, 200, page)).toMatchObject({ state: 'running', position: 200, ...page });
  expect(jobs.advance(1, 300, page)).toMatchObject({ state: 'done', rows: 10, replaced: 2, left: 4 });
  expect(jobs.next()?.id).toBe(2);
  jobs.fail(2, 'no such thing');
  expect(jobs.get(2)).toMatchObject({ state: 'failed', error: 'no such thing' });
  expect(jobs.next()).toBeUndefined();
  jobs.close();
});

test('paused and resumed by another process: the page under way still counts; what is over stays over', () => {
  const file = newFile();
  const [runner, other] = [new BackfillJobs(file), new BackfillJobs(file)];
  runner.add(request);
  runner.next();
  expect(other.pause(1)?.state).toBe('paused');
  expect(runner.next()).toBeUndefined();
  expect(runner.advance(1, 200, page)).toMatchObject({ state: 'paused', position: 200 });
  expect(other.resume(1)?.state).toBe('queued');
  expect(runner.next()).toMatchObject({ state: 'running', position: 200 });
  runner.fail(1, 'away');
  expect(other.pause(1)?.state).toBe('failed');
  expect(other.resume(1)).toMatchObject({ state: 'queued', error: '' });
  runner.advance(1, 300, page);
  expect([other.pause(1)?.state, other.resume(1)?.state, other.resume(9)]).toEqual([
    'done',
    'done',
    undefined,
  ]);
  runner.close();
  other.close();
});

test('a file that is no database is one clear sentence', () => {
  const file = newFile();
  writeFileSync(file, 'this is no database, whatever its name says\n'.repeat(200));
  expect(() => new BackfillJobs(file)).toThrow(/^jobs database .* cannot be used: file is not a database$/);
});
