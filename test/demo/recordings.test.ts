/** Recordings that are not played as fast as it goes, or hold aggregate trades only: they end, and the accounts balance. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connect, type TickwireClient } from '../../src/client/client.ts';
import { DemoProcess, removeFolder, temporaryFolder } from './demo-process.ts';
import { until } from './watching.ts';

const data = join(import.meta.dirname, '../../../shared/data');
const session = join(data, 'binance-spot-btcusdt-2024-08-08.tsv.gz');
const aggregates = join(data, 'binance-spot-4symbols-2021-10-12.tsv.gz');
const coinbase = join(data, 'coinbase-10products-2021-04-17.tsv.gz');
const sessionTrades = 19_904;

let folder: string;
let running: DemoProcess | undefined;
let client: TickwireClient | undefined;

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  client?.close();
  running?.kill();
  removeFolder(folder);
});

async function start(...given: string[]): Promise<DemoProcess> {
  running = await DemoProcess.start(['--port', '0', '--data', folder, '--set', 'workers.count=2', ...given]);
  return running;
}

/** The lines of the accounting at the end; each balances, and none has anything left. */
async function accounting(demo: DemoProcess, withinMs: number): Promise<string[]> {
  await demo.says(/all \d+ stages balance ✓|✗/, withinMs);
  const lines = demo.stdout.split('\n').filter((line) => /[✓✗]$/.test(line));
  const stages = lines.filter((line) => line.includes('='));
  expect(stages.filter((line) => !line.endsWith('✓') || /(waiting|held) (?!0\b)/.test(line))).toEqual([]);
  expect(lines.at(-1)).toBe(`all ${stages.length} stages balance ✓`);
  expect(stages.map((line) => line.split(':')[0])).toEqual(
    expect.arrayContaining(['feeds', 'hub', 'shards', 'trades', 'quotes', 'clients log']),
  );
  return stages;
}

describe.skipIf(!existsSync(session))('the recorded session (skipped without ../shared/data)', () => {
  test('at 50 times its speed: a client gets every trade once, it ends by itself, the accounts balance', async () => {
    const demo = await start('--recording', session, '--speed', '50', '--exit');
    expect(demo.stdout).toContain('50 times the recorded speed');
    const ids: number[] = [];
    const opened = connect(demo.socketUrl);
    client = opened;
    opened.on('trades', ({ id, count }) => {
      for (let i = 0; i < count; i++) ids.push(id[i]!);
    });
    await opened.subscribe(['BTCUSDT'], { channels: ['trades'] });
    const stages = await accounting(demo, 45_000);
    expect(stages.find((line) => line.startsWith('trades:'))).toMatch(/passed 19,904 \+ duplicate 0 /);
    await until(() => ids.length >= sessionTrades, 10_000, `all trades: ${ids.length} have come`);
    expect(ids).toHaveLength(sessionTrades);
    expect(new Set(ids).size).toBe(sessionTrades);
    expect(await demo.ended()).toBe(0);
    expect(demo.stderr).toBe('');
  });
});

describe.skipIf(!existsSync(aggregates))('four symbols (skipped without ../shared/data)', () => {
  test('whose only trades are two aggregates: both are stored and come over REST, nothing waits', async () => {
    const demo = await start('--recording', aggregates, '--speed', 'max', '--wait', '0');
    const stages = await accounting(demo, 20_000);
    expect(stages.find((line) => line.startsWith('trades:'))).toMatch(/trades 2 .*passed 2 /);
    const stored = stages.find((line) => /^store(d)? trade/.test(line));
    expect(stored).toMatch(/rows 2 = written 2 /);
    const trades = async (symbol: string): Promise<unknown> =>
      await (await fetch(`${demo.url}api/v1/symbols/${symbol}/trades?limit=5`)).json();
    expect(await trades('NKNUSDT')).toMatchObject({
      symbol: 'BINANCE:NKNUSDT',
      trades: [{ price: 0.3528, size: 58, side: 'buy', firstId: 19_862_790, lastId: 19_862_790 }],
    });
    expect(await trades('LRCBTC')).toMatchObject({
      trades: [{ price: 0.000_006_38, size: 177, side: 'buy', firstId: 12_368_013, lastId: 12_368_013 }],
    });
    expect(await trades('BLZETH')).toMatchObject({ trades: [] });
    expect(await demo.stop()).toBe(0);
    expect(demo.stderr).toBe('');
  });
});

describe.skipIf(!existsSync(coinbase))('ten products of Coinbase (skipped without ../shared/data)', () => {
  test('are told by their first lines; their 97 matches and 10 last matches and all books play; it ends by itself', async () => {
    const demo = await start('--recording', coinbase, '--speed', 'max', '--wait', '0', '--exit');
    const stages = await accounting(demo, 30_000);
    expect(stages.find((line) => line.startsWith('books:'))).toMatch(/changes 9,719 \+ snapshots 10 /);
    expect(stages.find((line) => line.startsWith('trades:'))).toMatch(/passed 107 /);
    expect(await demo.ended()).toBe(0);
  });
});
