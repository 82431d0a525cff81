/** A recording in one process under its own clock: the same bytes each time, the same bars with any number of shards. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { decimalOf } from '../../src/market/mantissa.ts';
import { resolutions } from '../../src/market/resolution.ts';
import type { Bar } from '../../src/market/tick.ts';
import { type OfflineResult, replayOffline } from '../../src/threads/offline-replay.ts';

const data = '../shared/data';
const btc = `${data}/binance-spot-btcusdt-2024-08-08.tsv.gz`;
const ten = `${data}/coinbase-10products-2021-04-17.tsv.gz`;
const folder = mkdtempSync(join(tmpdir(), 'tickwire-offline-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const replay = (file: string, shards: number, onBar?: (bar: Bar) => void): Promise<OfflineResult> => {
  const { config } = loadConfig({ flags: { 'workers.count': shards }, environment: {} });
  return replayOffline({ file, config, ...(onBar === undefined ? {} : { onBar }) });
};

/** Columns of the independent bars: prices, volume, quote volume, count, those the taker bought, first and last id. */
const barColumns = [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12];

const text = (mantissa: number | bigint, decimals: number): string =>
  `${decimalOf(mantissa, decimals)}${'0'.repeat(8 - decimals)}`;

/** The same of a bar of ours, in the file's words: this recording's prices have 2 decimals and its sizes 6, the file's all 8. */
function barTexts(bar: Bar): string[] {
  return [
    ...[bar.open, bar.high, bar.low, bar.close].map((price) => text(price, 2)),
    text(bar.volume, 6),
    text(bar.quoteVolume, 8),
    `${bar.count}`,
    text(bar.takerBuyVolume, 6),
    text(bar.takerBuyQuoteVolume, 8),
    `${bar.firstId}`,
    `${bar.lastId}`,
  ];
}

function partOf(file: string, keep: (line: string, index: number) => boolean): string {
  const lines = gunzipSync(readFileSync(file)).toString().split('\n').filter(keep);
  const path = join(folder, `${lines.length}.tsv.gz`);
  writeFileSync(path, gzipSync(`${lines.join('\n')}\n`));
  return path;
}

describe.skipIf(!existsSync(btc))('Binance BTCUSDT 2024-08-08 (skipped without ../shared/data)', () => {
  test('twice the same bytes; the bars of a minute equal the independent ones', async () => {
    const bars = new Map<number, Bar>();
    const minute = resolutions.indexOf('1m');
    const first = await replay(btc, 1, (bar) => {
      if (bar.resolution === minute && bar.closed) bars.set(bar.openTime, bar);
    });
    expect(await replay(btc, 1)).toEqual(first);
    expect(first.feed).toMatchObject({ messages: 99_573, accepted: 99_573 });
    expect(first.counts).toMatchObject({ trades: 19_904, tradesPassed: 19_904, bookCrossed: 0, bookGaps: 0 });
    expect(first.books).toEqual({ snapshots: 1, made: 1, refused: 0 });
    const reference = readFileSync(btc.replace('.tsv.gz', '.bars-60000ms.csv'), 'utf8')
      .trim()
      .split('\n')
      .slice(1);
    const rows = new Map(reference.map((row) => [Number(row.split(',')[0]) * 1_000, row.split(',')]));
    expect(bars.size).toBeGreaterThan(8);
    for (const [open, bar] of bars) {
      const row = rows.get(open)!;
      expect(barTexts(bar)).toEqual(barColumns.map((column) => row[column]));
    }
  });

  test('missing trades are told as lost, since a recording has nothing else', async () => {
    let trades = 0;
    const file = partOf(btc, (line, index) => {
      if (index > 8_000) return false;
      return !line.includes('@trade') || ++trades % 500 !== 250;
    });
    const result = await replay(file, 1);
    expect(result.requests.gaps).toBeGreaterThan(0);
    expect(result.counts['idsLost']).toBe(result.counts['gapIds']);
    expect(result.counts['idsLost']).toBe(Math.floor((trades + 250) / 500));
  });
});

describe.skipIf(!existsSync(ten))('Coinbase, ten products (skipped without ../shared/data)', () => {
  test('with any number of shards the same bars, and twice the same bytes', async () => {
    const [one, three, again] = [await replay(ten, 1), await replay(ten, 3), await replay(ten, 3)];
    expect(again).toEqual(three);
    expect(three.shards).toBe(3);
    expect(three.bars).toEqual(one.bars);
    expect(three.rows.counts).toEqual(one.rows.counts);
    expect(three.blocks.sha256).not.toBe(one.blocks.sha256);
    expect(one.venue).toBe('COINBASE');
    expect(one.counts).toMatchObject({ trades: 107, bookSnapshotsTaken: 10, bookApplied: 9_719 });
  });
});
