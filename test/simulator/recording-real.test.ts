import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { get, play, sharedData, simulate } from './client.ts';

const realFile = join(sharedData, 'binance-spot-btcusdt-2024-08-08.tsv.gz');
const fourFile = join(sharedData, 'binance-spot-4symbols-2021-10-12.tsv.gz');
const coinbaseFile = join(sharedData, 'coinbase-10products-2021-04-17.tsv.gz');
const barsFile = (ms: number): string => join(sharedData, `binance-spot-btcusdt-2024-08-08.bars-${ms}ms.csv`);

function payloads(file: string): string[] {
  return gunzipSync(readFileSync(file))
    .toString()
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => text.slice(text.indexOf('\t') + 1));
}

function written(side: readonly [number, string][]): string[][] {
  return side.slice(0, 50).map(([price, size]) => [price.toFixed(8), size]);
}

describe.skipIf(!existsSync(realFile))('the real recordings in ../shared/data', () => {
  test('BTCUSDT of 2024-08-08 arrives byte for byte, and its klines equal the bars beside it in every field', async () => {
    const simulator = await simulate({ recording: { file: realFile, speed: 'max' }, hold: true });
    const messages = await play(simulator);
    expect(messages).toEqual(payloads(realFile).filter((text) => text.startsWith('{"stream"')));
    expect(messages).toHaveLength(99_573);
    expect(simulator.listing).toHaveLength(1);
    expect(simulator.listing[0]).toMatchObject({
      symbol: 'BTCUSDT',
      tickSize: '0.01000000',
      stepSize: '0.00000100',
    }); // some sizes deep in its book have six digits
    for (const [interval, ms] of [
      ['1s', 1_000],
      ['1m', 60_000],
      ['5m', 300_000],
    ] as const) {
      const expected = readFileSync(barsFile(ms), 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map((text) => text.split(',').slice(0, 11));
      const { body } = await get(
        simulator,
        `/api/v3/klines?symbol=BTCUSDT&interval=${interval}&startTime=0&limit=1000`,
      );
      expect(body.map((row: unknown[]) => row.slice(0, 11).map(String))).toEqual(expected);
    }
    const { body: newest } = await get(simulator, '/api/v3/klines?symbol=BTCUSDT&interval=1s&limit=10');
    expect(newest).toHaveLength(10);
  });

  test('its book, asked for at the end, equals the final book beside it', async () => {
    const simulator = await simulate({ recording: { file: realFile, speed: 'max' }, hold: true });
    simulator.start();
    await simulator.finished;
    const expected = JSON.parse(
      readFileSync(realFile.replace('.tsv.gz', '.final-book.json'), 'utf8'),
    ) as Record<'bids' | 'asks', [number, string][]>;
    const { body } = await get(simulator, '/api/v3/depth?symbol=BTCUSDT&limit=50');
    expect([body.bids, body.asks]).toEqual([written(expected.bids), written(expected.asks)]);
  });

  test('four symbols of 2021 arrive byte for byte', async () => {
    const simulator = await simulate({ recording: { file: fourFile, speed: 'max' }, hold: true });
    expect(await play(simulator)).toEqual(payloads(fourFile).filter((text) => text.startsWith('{"stream"')));
    expect(simulator.listing.map(({ symbol, base, quote }) => [symbol, base, quote])).toEqual(
      expect.arrayContaining([
        ['NKNUSDT', 'NKN', 'USDT'],
        ['BLZETH', 'BLZ', 'ETH'],
        ['LRCBTC', 'LRC', 'BTC'],
        ['RUNEEUR', 'RUNE', 'EUR'],
      ]),
    );
  });

  test('a recording of another exchange is refused', async () => {
    await expect(startSimulator({ recording: { file: coinbaseFile, speed: 1 } })).rejects.toThrow(
      /holds no message of a Binance combined stream/,
    );
  });
});
