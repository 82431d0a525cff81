/** A real session, parsed here with JSON.parse: the bars of its trades equal the ones computed independently, in every field. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { addTrade, type BarListener, formingBar } from '../../src/compute/bars.ts';
import { minutesLength, shardMemory } from '../../src/compute/shard-memory.ts';
import { barAt, barWords } from '../../src/market/bar-words.ts';
import { decimalOf, mantissaOf } from '../../src/market/mantissa.ts';
import { nextBarOpen, resolutions } from '../../src/market/resolution.ts';
import type { Bar } from '../../src/market/tick.ts';

const recording = '../shared/data/binance-spot-btcusdt-2024-08-08';
const here = existsSync(`${recording}.tsv.gz`);
/** 8 decimals, as the exchange writes them. */
const decimals = 8;

interface TradeMessage {
  data: { e?: string; t: number; T: number; p: string; q: string; m: boolean };
}

function barsOfRecording(): Bar[] {
  const memory = shardMemory(1, new Float64Array(minutesLength(1)));
  const bars: Bar[] = [];
  const listener: BarListener = {
    bar: (_row, resolution, words, at) => bars.push(barAt(words, at, 1, resolution)),
    minute: () => undefined,
    beyond: () => undefined,
  };
  for (const line of gunzipSync(readFileSync(`${recording}.tsv.gz`))
    .toString()
    .split('\n')) {
    if (!line.includes('"e":"trade"')) continue;
    const { data } = JSON.parse(line.slice(line.indexOf('\t') + 1)) as TradeMessage;
    const trade = {
      time: data.T * 1_000,
      price: mantissaOf(data.p, decimals),
      size: mantissaOf(data.q, decimals),
      firstId: data.t,
      lastId: data.t,
      takerSold: data.m,
    };
    addTrade(memory, 0, trade, 0, listener);
  }
  const words = new Float64Array(barWords);
  for (let resolution = 0; resolution < resolutions.length; resolution++) {
    formingBar(memory, 0, resolution, words);
    bars.push(barAt(words, 0, 1, resolution));
  }
  return bars;
}

function csvLine(bar: Bar): string {
  const price = (mantissa: number): string => decimalOf(mantissa, decimals);
  const worth = (sum: bigint): string => decimalOf(sum, 2 * decimals).slice(0, -decimals);
  return [
    bar.openTime / 1_000,
    price(bar.open),
    price(bar.high),
    price(bar.low),
    price(bar.close),
    decimalOf(bar.volume, decimals),
    nextBarOpen(bar.resolution, bar.openTime) / 1_000 - 1,
    worth(bar.quoteVolume),
    bar.count,
    decimalOf(bar.takerBuyVolume, decimals),
    worth(bar.takerBuyQuoteVolume),
    bar.firstId,
    bar.lastId,
  ].join(',');
}

function worthOf(bars: readonly Bar[], resolution: number): bigint {
  return bars
    .filter((bar) => bar.resolution === resolution)
    .reduce((total, bar) => total + bar.quoteVolume, 0n);
}

describe.skipIf(!here)(`a real session (${recording}.tsv.gz, when it is there)`, () => {
  const bars = here ? barsOfRecording() : [];
  for (const [name, ms] of [
    ['1s', 1_000],
    ['5s', 5_000],
    ['1m', 60_000],
    ['5m', 300_000],
  ] as const) {
    test(`${name} bars equal bars-${ms}ms.csv`, () => {
      const [, ...expected] = readFileSync(`${recording}.bars-${ms}ms.csv`, 'utf8').trim().split('\n');
      const ours = bars.filter((bar) => bar.resolution === resolutions.indexOf(name));
      expect(ours.map(csvLine)).toEqual(expected);
      expect(ours.every((bar, index) => bar.closed === index < ours.length - 1)).toBe(true);
    });
  }

  test('longer bars hold what the five-minute bars hold', () => {
    for (let resolution = 0; resolution < resolutions.length; resolution++)
      expect(worthOf(bars, resolution)).toBe(worthOf(bars, 0));
  });
});
