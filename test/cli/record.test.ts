/** `tickwire record` from the simulator over real sockets, and what a slow, full or killed disk does to it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { constants, gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { runRecord } from '../../src/cli/record.ts';
import { loadConfig } from '../../src/config/load.ts';
import { RecordingFiles, type RecordingFilesOptions } from '../../src/feeds/recording-files.ts';
import { steadyTimers } from '../../src/feeds/timers.ts';
import type { Simulator } from '../../src/simulator/options.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { openLog } from '../../src/telemetry/log.ts';
import { replayOffline } from '../../src/threads/offline-replay.ts';
import { node, root } from './program.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tickwire-record-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

const filesOf = (): string[] => readdirSync(folder).toSorted();
const linesOf = (name: string): string[] =>
  gunzipSync(readFileSync(join(folder, name)), { finishFlush: constants.Z_SYNC_FLUSH })
    .toString()
    .split('\n')
    .filter((line) => line !== '');

async function market(): Promise<{ simulator: Simulator; flags: Record<string, unknown> }> {
  const simulator = await startSimulator({ symbols: 2, ticksPerSecond: 400, seed: 5 });
  onTestFinished(() => simulator.close());
  const flags = {
    'exchange.ws_endpoint': simulator.wsUrl,
    'exchange.rest_endpoint': simulator.restUrl,
    'coinbase.enabled': false,
    'backpack.enabled': false,
  };
  return { simulator, flags };
}

describe('over real sockets', () => {
  test('the trades in the replayed recording are those that the exchange sent; twice the same bytes', async () => {
    const { simulator, flags } = await market();
    const { config } = loadConfig({ flags, environment: {} });
    const symbols = simulator.listing.map(({ symbol }) => symbol).join(',');
    let said = '';
    await runRecord({ symbols, out: folder, for: '5s' }, config, openLog({ level: 'silent' }), {
      out: { write: (text: string) => (said += text) },
      progress: { write: () => true },
      signal: new AbortController().signal,
    });
    const { sent } = simulator.report();
    const [name = ''] = filesOf();
    expect(name).toMatch(/^BINANCE-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.tsv\.gz$/);
    expect(filesOf()).toHaveLength(1);
    const lines = linesOf(name);
    expect(said).toContain(`${lines.length} lines written`);
    // The exchange goes on for a moment after the last line was taken: what it sent then went to a closing socket.
    const trades = lines.filter((line) => line.includes('@trade"')).length;
    expect(trades).toBeGreaterThan(50);
    expect(sent.trade - trades).toBeLessThanOrEqual(20);
    const file = join(folder, name);
    const first = await replayOffline({ file, config });
    expect(first.counts).toMatchObject({ tradesPassed: trades, gaps: 0, bookGaps: 0, bookSnapshotsTaken: 2 });
    expect(first.books).toMatchObject({ snapshots: 2, refused: 0 });
    expect(await replayOffline({ file, config })).toEqual(first);
  });

  test('killed with SIGKILL in the middle, all but the last second can be read', async () => {
    const { simulator, flags } = await market();
    const sets = Object.entries(flags).flatMap(([key, value]) => ['--set', `${key}=${String(value)}`]);
    const symbols = simulator.listing.map(({ symbol }) => symbol).join(',');
    const child = spawn(node, ['src/main.ts', 'record', '--out', folder, '--symbols', symbols, ...sets], {
      cwd: root,
      stdio: 'ignore',
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    for (let i = 0; i < 100 && filesOf().length === 0; i++) await sleep(100);
    await sleep(3_000);
    child.kill('SIGKILL');
    const [name = ''] = filesOf();
    expect(name).toMatch(/\.tsv\.gz\.part$/);
    expect(linesOf(name).length).toBeGreaterThan(400);
    const { config } = loadConfig({ environment: {} });
    const result = await replayOffline({ file: join(folder, name), config });
    expect(result.counts['tradesPassed']).toBeGreaterThan(50);
    expect(result.feed.messages - result.feed.accepted - result.feed.control).toBe(0);
  });
});

/** Files with a disk of the test's, and what they told. */
function filesWith(given: Partial<RecordingFilesOptions>): { files: RecordingFiles; told: string[] } {
  const told: string[] = [];
  const files = new RecordingFiles({
    folder,
    name: 'TEST',
    queueBytes: 1_000_000,
    timers: steadyTimers,
    wallMs: Date.now,
    onFull: () => told.push('full'),
    onRoom: () => told.push('room'),
    onFile: () => told.push('file'),
    onTrouble: (error) => told.push(error === undefined ? 'well' : error.message),
    ...given,
  });
  return { files, told };
}
const message = (i: number): Buffer => Buffer.from(`{"i":${i},"text":"${'x'.repeat(980)}"}`);

describe('files', () => {
  test('rotate by time, each whole and with its own lines; a line break becomes a space', async () => {
    let now = Date.UTC(2024, 7, 8, 23, 54, 15);
    const { files, told } = filesWith({ rotateMs: 10_000, wallMs: () => now });
    files.write(1_723_161_255_000_001, Buffer.from('{"a":\n1}'));
    now += 10_000;
    files.write(2, Buffer.from('{"b":2}'));
    now += 1_000;
    files.write(3, Buffer.from('{"c":3}'));
    await files.close();
    expect(filesOf()).toEqual(['TEST-2024-08-08T23-54-15Z.tsv.gz', 'TEST-2024-08-08T23-54-25Z.tsv.gz']);
    expect(filesOf().map(linesOf)).toEqual([
      ['1723161255000001000\t{"a": 1}'],
      ['2000\t{"b":2}', '3000\t{"c":3}'],
    ]);
    expect(told).toEqual(['file', 'file']);
    expect(files.account()).toMatchObject({ lines: 3, written: 3, unwritten: 0, lineBreaks: 1, files: 2 });
  });

  test('rotate by size', async () => {
    const { files } = filesWith({ rotateBytes: 2_048, queueBytes: 100_000_000 });
    for (let i = 0; i < 5_000; i++) {
      files.write(i, message(i));
      if (i % 1_000 === 0) await sleep(50);
    }
    await files.close();
    expect(filesOf().length).toBeGreaterThan(1);
    expect(filesOf().flatMap(linesOf)).toHaveLength(5_000);
  });

  test('a slow disk: what waits is bounded by pausing, and nothing is lost', async () => {
    const stored: Uint8Array[] = [];
    const { files, told } = filesWith({
      open: () =>
        Promise.resolve({
          write: async (bytes: Uint8Array) => {
            await sleep(30);
            stored.push(bytes);
          },
          finish: () => Promise.resolve(),
        }),
    });
    for (let i = 0, paused = 0; i < 5_000; ) {
      if (told.at(-1) === 'full') {
        paused++;
        expect(paused).toBeLessThan(10_000);
        await sleep(1);
      } else files.write(i, message(i++));
      expect(files.account().waitingBytes).toBeLessThan(1_002_000);
    }
    await files.close();
    expect(told.filter((word) => word === 'full').length).toBeGreaterThan(2);
    expect(told.filter((word) => word === 'room')).toHaveLength(
      told.filter((word) => word === 'full').length,
    );
    expect(gunzipSync(Buffer.concat(stored)).toString().split('\n')).toHaveLength(5_001);
    expect(files.account()).toMatchObject({ lines: 5_000, written: 5_000, waiting: 0, unwritten: 0 });
  });

  test('a full disk: it is tried again, and what it does not take before the end is counted', async () => {
    let isFull = true;
    const stored: Uint8Array[] = [];
    const { files, told } = filesWith({
      open: () =>
        Promise.resolve({
          write: (bytes: Uint8Array) => {
            if (isFull) return Promise.reject(new Error('ENOSPC'));
            stored.push(bytes);
            return Promise.resolve();
          },
          finish: () => Promise.resolve(),
        }),
    });
    for (let i = 0; told.at(-1) !== 'full'; i++) files.write(i, message(i));
    const { lines } = files.account();
    for (let i = 0; i < 300 && told.at(-1) !== 'ENOSPC'; i++) await sleep(20);
    expect(told).toEqual(['file', 'full', 'ENOSPC']);
    isFull = false;
    for (let i = 0; i < 300 && files.account().waiting > 0; i++) await sleep(20);
    expect(told).toContain('well');
    expect(files.account()).toMatchObject({ lines, unwritten: 0 });
    isFull = true;
    files.write(1, message(1));
    await files.close();
    expect(files.account()).toMatchObject({ lines: lines + 1, written: lines, waiting: 0, unwritten: 1 });
    expect(gunzipSync(Buffer.concat(stored)).toString().split('\n')).toHaveLength(lines + 1);
  });
});
