/**
 * Question: how many bytes and how much CPU does an update cost on the wire, beside JSON and its usual relatives?
 * Formats alternate within each round; what they decoded is compared; binary decodes check the CRC.
 */
import { crc32 as zlibCrc32 } from 'node:zlib';
import CRC32 from 'crc-32';
import { tableCrc32 } from '../src/wire/crc32.ts';
import { type BenchResult, machine, median } from './result.ts';
import {
  bytesOf,
  type Encoded,
  type Format,
  json,
  jsonDeflate,
  messagePack,
  Sums,
  v1,
  v2,
} from './wire-formats.ts';
import { type MarketUpdate, mixWords, oneInstrument, twentyInstruments } from './wire-input.ts';

interface Size {
  readonly rounds: number;
  /** Updates of one pass; of formats as slow as deflate, a fifth of them. */
  readonly updates: number;
  /** CPU time of one format in one round, ms. */
  readonly roundMs: number;
}

type Metrics = Record<string, number | string>;

/** One format with its frames, and what each round measured, in ns per update. */
interface Contender {
  readonly format: Format;
  readonly prepared: unknown[];
  readonly frames: Encoded[];
  readonly updates: number;
  readonly bytes: number;
  readonly encode: number[];
  readonly decode: number[];
  sink: number;
}

const goals = {
  v2_trade_bytes_vs_json_50: { is: '≤', value: 0.08 },
  v2_quote_bytes_vs_json_50: { is: '≤', value: 0.1 },
  v2_mixed_bytes_vs_json_50: { is: '≤', value: 0.15 },
  v1_bytes_vs_json_50: { is: '≤', value: 0.28 },
  v1_decode_speedup_50: { is: '≥', value: 16 },
  v2_decode_speedup_50: { is: '≥', value: 16 },
} as const;

export async function run({ tiny = false }: { tiny?: boolean } = {}): Promise<BenchResult> {
  const size: Size = tiny
    ? { rounds: 5, updates: 200, roundMs: 1 }
    : { rounds: 9, updates: 15_000, roundMs: 25 };
  const { words, trades, quotes } = oneInstrument(size.updates);
  const mixed = twentyInstruments(size.updates);
  const metrics: Metrics = {};
  const ratios: Record<string, number> = {};
  for (const perFrame of [1, 10, 50]) {
    const [tradeJson, ...tradePeers] = compete(trades, perFrame, size, [
      json,
      v2(unitsOf(trades)),
      v1,
      messagePack,
      jsonDeflate,
    ]);
    const [quoteJson, ...quotePeers] = compete(quotes, perFrame, size, [
      json,
      v2(unitsOf(quotes)),
      messagePack,
      jsonDeflate,
    ]);
    report(metrics, `trade_${perFrame}`, [tradeJson!, ...tradePeers]);
    report(metrics, `quote_${perFrame}`, [quoteJson!, ...quotePeers]);
    if (perFrame < 50) continue;
    const mix = compete(mixed, perFrame, size, [json, v2(unitsOf(mixed)), messagePack, jsonDeflate]);
    report(metrics, `mixed_${perFrame}`, mix);
    ratios['v2_trade_bytes_vs_json_50'] = bytesRatio(tradePeers[0]!, tradeJson!);
    ratios['v2_quote_bytes_vs_json_50'] = bytesRatio(quotePeers[0]!, quoteJson!);
    ratios['v2_mixed_bytes_vs_json_50'] = bytesRatio(mix[1]!, mix[0]!);
    ratios['v1_bytes_vs_json_50'] = bytesRatio(tradePeers[1]!, tradeJson!);
    for (const peer of tradePeers.slice(0, 2)) {
      const speedups = peer.decode.map((ns, round) => tradeJson!.decode[round]! / ns);
      ratios[`${peer.format.name}_decode_speedup_50`] = rounded(median(speedups), 1);
      metrics[`${peer.format.name}_decode_speedup_50_range`] = range(speedups);
    }
  }
  Object.assign(metrics, crcMetrics(size));
  const input = `${words}; mixed: ${size.updates} trades and quotes of ${mixWords}. JSON trades have symbol, id, price, size, side, time; v1 only symbol, price, size`;
  return { bench: 'wire', machine: machine(), input, metrics, ratios, goals };
}

/** Lets the formats encode and decode the same updates in turns. */
function compete(
  updates: readonly MarketUpdate[],
  perFrame: number,
  size: Size,
  formats: readonly Format[],
): Contender[] {
  const contenders = formats.map((format) => contender(format, updates, perFrame));
  compareSums(contenders);
  for (const one of contenders) {
    encodePass(one, size.roundMs);
    decodePass(one, size.roundMs);
  }
  for (let round = 0; round < size.rounds; round++) {
    for (const one of contenders) {
      one.encode.push(encodePass(one, size.roundMs));
      one.decode.push(decodePass(one, size.roundMs));
    }
  }
  return contenders;
}

function contender(format: Format, updates: readonly MarketUpdate[], perFrame: number): Contender {
  const slices: MarketUpdate[][] = [];
  for (let from = 0; from + perFrame <= updates.length; from += perFrame)
    slices.push(updates.slice(from, from + perFrame));
  const prepared = slices.map((slice) => format.prepare(slice));
  const frames = prepared.map((one) => format.encode(one));
  const count = slices.length * perFrame;
  const bytes = frames.reduce((sum, frame) => sum + bytesOf(frame), 0) / count;
  return { format, prepared, frames, updates: count, bytes, encode: [], decode: [], sink: 0 };
}

/** Every format must have read the same: ids and counts exactly, decimals up to what doubles lose in adding. */
function compareSums(contenders: readonly Contender[]): void {
  const [expected, ...others] = contenders.map(({ format, frames }) => {
    const sums = new Sums();
    for (const frame of frames) format.decode(frame, sums);
    return { name: format.name, sums };
  });
  for (const { name, sums } of others) {
    const fields =
      name === 'v1'
        ? (['prices', 'sizes'] as const)
        : (['ids', 'prices', 'sizes', 'times', 'sells'] as const);
    for (const field of fields) {
      const [is, should] = [sums[field], expected!.sums[field]];
      if (Math.abs(is - should) > Math.abs(should) * 1e-9)
        throw new Error(`${name} read ${field} ${is}, not ${should}`);
    }
  }
}

function encodePass(one: Contender, ms: number): number {
  return nanosPerUpdate(one, ms, (i) => {
    one.sink += one.format.encode(one.prepared[i]).length;
  });
}

function decodePass(one: Contender, ms: number): number {
  const sums = new Sums();
  const nanos = nanosPerUpdate(one, ms, (i) => one.format.decode(one.frames[i]!, sums));
  one.sink += sums.prices;
  return nanos;
}

/**
 * Goes over all frames again and again until so much CPU time is used; ns of CPU per update. CPU time, of all threads
 * (the collector's too), is what an update costs, and other programs on the machine disturb it less than the clock.
 */
function nanosPerUpdate(
  { frames, updates }: Pick<Contender, 'frames' | 'updates'>,
  ms: number,
  work: (frame: number) => void,
): number {
  const perFrame = updates / frames.length;
  let done = 0;
  let used = 0;
  const start = cpuMicros();
  // The CPU clock is asked every 256 frames: it costs as much as some small ones.
  for (let frame = 0; used < ms * 1_000; ) {
    for (let burst = 0; burst < 256; burst++) {
      work(frame);
      if (++frame === frames.length) frame = 0;
    }
    done += 256;
    used = cpuMicros() - start;
  }
  return (used * 1_000) / (done * perFrame);
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function unitsOf(updates: readonly MarketUpdate[]): [price: number, size: number][] {
  const units: [number, number][] = [];
  for (const { instrument, priceDecimals, sizeDecimals } of updates)
    units[instrument] = [10 ** priceDecimals, 10 ** sizeDecimals];
  return units;
}

function report(metrics: Metrics, key: string, contenders: readonly Contender[]): void {
  for (const { format, bytes, encode, decode } of contenders) {
    metrics[`${key}_${format.name}_bytes`] = rounded(bytes, 2);
    metrics[`${key}_${format.name}_encode_ns`] = `${rounded(median(encode), 1)} (${range(encode)})`;
    metrics[`${key}_${format.name}_decode_ns`] = `${rounded(median(decode), 1)} (${range(decode)})`;
  }
}

/** Which CRC-32 for which length: ns per call. */
function crcMetrics(size: Size): Metrics {
  const metrics: Metrics = {};
  const kinds = {
    table: (bytes: Uint8Array) => tableCrc32(bytes, 4, bytes.length),
    zlib: (bytes: Uint8Array) => zlibCrc32(bytes.subarray(4)),
    'crc-32': (bytes: Uint8Array) => CRC32.buf(bytes.subarray(4)) >>> 0,
  };
  for (const length of [20, 60, 200, 300, 1_000]) {
    const frames = Array.from({ length: 64 }, (_, i) =>
      Uint8Array.from({ length }, (_byte, at) => (i * 167 + at * 31 + (at >> 3)) & 255),
    );
    const times: Record<string, number[]> = {};
    const sums = new Set<number>();
    for (let round = 0; round <= size.rounds; round++) {
      for (const [name, crc] of Object.entries(kinds)) {
        let sum = 0;
        const nanos = nanosPerUpdate({ frames, updates: frames.length }, size.roundMs / 5, (i) => {
          sum ^= crc(frames[i]!);
        });
        sums.add(frames.reduce((all, bytes) => all ^ crc(bytes), 0));
        // The first round is for warming up.
        if (round > 0) (times[name] ??= []).push(nanos + sum * 0);
      }
    }
    if (sums.size !== 1) throw new Error(`CRCs of ${length} bytes differ`);
    for (const [name, values] of Object.entries(times))
      metrics[`crc_${length}_${name}_ns`] = rounded(median(values), 0);
  }
  return metrics;
}

function bytesRatio(ours: Contender, theirs: Contender): number {
  return rounded(ours.bytes / theirs.bytes, 4);
}

function range(values: readonly number[]): string {
  return `${rounded(Math.min(...values), 1)}–${rounded(Math.max(...values), 1)}`;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
