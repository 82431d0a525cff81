import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, expect, test } from 'vitest';
import { resolutions } from '../../src/market/resolution.ts';
import { SqliteHistoryReader } from '../../src/stores/sqlite-history-reader.ts';
import { openMarketReader } from '../../src/stores/sqlite-schema.ts';
import { barsFrom, dice, scratchFolder } from '../stores/market-samples.ts';
import { streamInstruments, streamTrade, streamTrades } from './writer-stream.ts';

const scratch = scratchFolder();
afterAll(scratch.remove);
const kills = Number(process.env['KILLS'] ?? 8);
const everything = { from: 0, to: Number.MAX_SAFE_INTEGER, limit: 1e6 };

async function run(file: string, seed: number, killAfterMs: number): Promise<NodeJS.Signals | number> {
  const script = new URL('./writer-child.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, file, String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  await Promise.race([once(child.stdout, 'data'), ended]);
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const [code, signal] = await ended;
  clearTimeout(timer);
  return signal ?? code ?? -1;
}

test('killed (SIGKILL) again and again while it writes, the file ends as a clean run’s', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  const roll = dice(seed);
  const file = scratch.file('market.db');
  let killed = 0;
  for (let kill = 0; kill < kills; kill++) {
    if ((await run(file, seed, roll() * 120)) === 'SIGKILL') killed++;
  }
  expect(killed, `SEED=${seed}: most runs were cut`).toBeGreaterThan(kills / 2);
  expect(await run(file, seed, 60_000), `SEED=${seed}: the last run ends by itself`).toBe(0);

  const reader = new SqliteHistoryReader(openMarketReader(file), streamInstruments);
  for (const { id, symbol } of streamInstruments) {
    const trades = Array.from({ length: streamTrades }, (_, i) => streamTrade(seed, id, i + 1));
    const kept = await reader.trades({ symbol, fromId: 0, toId: 1e9, limit: 1e6 });
    expect(kept, `SEED=${seed}`).toEqual(trades);
    for (let resolution = 0; resolution < resolutions.length; resolution++) {
      const bars = await reader.bars({ symbol, resolution, ...everything });
      expect(bars, `SEED=${seed}: ${symbol} ${resolutions[resolution]}`).toEqual(
        barsFrom(trades, resolution),
      );
    }
  }
  await reader.close();
});
