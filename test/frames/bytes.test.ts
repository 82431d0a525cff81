/** How many bytes frame v2 takes beside compact JSON with the same fields: the goals of the wire, counted. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesOf, json, Sums, v2 } from '../../bench/wire-formats.ts';
import { type MarketUpdate, oneInstrument, twentyInstruments } from '../../bench/wire-input.ts';

const recording = '../shared/data/binance-spot-btcusdt-2024-08-08.tsv.gz';
const perFrame = 50;
const instruments = 20;

/** Bytes of all frames over bytes of the same updates as JSON. Both are read again: neither may have left anything out. */
function shareOfJson(frames: readonly (readonly MarketUpdate[])[]): number {
  const units: [number, number][] = [];
  for (const { instrument, priceDecimals, sizeDecimals } of frames.flat())
    units[instrument] = [10 ** priceDecimals, 10 ** sizeDecimals];
  const [binary, text] = [v2(units), json].map((format) => {
    const sums = new Sums();
    let bytes = 0;
    for (const frame of frames) {
      const encoded = format.encode(format.prepare(frame));
      bytes += bytesOf(encoded);
      format.decode(encoded, sums);
    }
    return { sums, bytes };
  });
  for (const field of ['ids', 'times', 'sells', 'prices', 'sizes'] as const)
    expect(binary!.sums[field] / (text!.sums[field] || 1), field).toBeCloseTo(
      text!.sums[field] === 0 ? 0 : 1,
      9,
    );
  return binary!.bytes / text!.bytes;
}

function framesOf(updates: readonly MarketUpdate[]): MarketUpdate[][] {
  return Array.from({ length: Math.floor(updates.length / perFrame) }, (_, i) =>
    updates.slice(i * perFrame, (i + 1) * perFrame),
  );
}

/** Frames in which every instrument has two or three updates: from the market's order, without those above its share. */
function evenFrames(updates: readonly MarketUpdate[]): MarketUpdate[][] {
  const frames: MarketUpdate[][] = [];
  let frame: MarketUpdate[] = [];
  let taken = new Map<number, number>();
  for (const update of updates) {
    const share = update.instrument % 2 === 0 ? 3 : 2;
    const had = taken.get(update.instrument) ?? 0;
    if (had === share) continue;
    taken.set(update.instrument, had + 1);
    if (frame.push(update) < perFrame) continue;
    frames.push(frame);
    frame = [];
    taken = new Map();
  }
  return frames;
}

const countOf = (frame: readonly MarketUpdate[]): number =>
  new Set(frame.map(({ instrument }) => instrument)).size;

describe.skipIf(!existsSync(recording))(
  'frames of 50 of the recorded session (skipped without ../shared/data)',
  () => {
    const { trades, quotes } = oneInstrument(15_000);

    test('trades take at most 8 % of JSON', () => {
      expect(trades).toHaveLength(15_000);
      expect(shareOfJson(framesOf(trades))).toBeLessThanOrEqual(0.08);
    });

    test('quotes take at most 10 % of JSON', () => {
      expect(quotes).toHaveLength(15_000);
      expect(shareOfJson(framesOf(quotes))).toBeLessThanOrEqual(0.1);
    });
  },
);

describe("frames of 50 of the simulator's market, trades and quotes of 20 instruments", () => {
  test('in the order of arrival they take at most 15 % of JSON', () => {
    const frames = framesOf(twentyInstruments(15_000));
    expect(shareOfJson(frames)).toBeLessThanOrEqual(0.15);
  });

  test('with all 20 in each frame, two or three updates of each, they still take at most 15 %', () => {
    const frames = evenFrames(twentyInstruments(60_000));
    expect(frames.length).toBeGreaterThan(100);
    expect(frames.every((frame) => countOf(frame) === instruments)).toBe(true);
    expect(shareOfJson(frames)).toBeLessThanOrEqual(0.15);
  });
});
