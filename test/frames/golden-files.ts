/** The files of `proto/golden`: frames as hex, what they say as text. `GOLDEN=write` writes them anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableCrc32 } from '../../src/wire/crc32.ts';
import { decodeFrame } from '../../src/wire/decode-frame.ts';
import { decodeV1, putV1, sealV1, v1Batch, v1Bytes, v1HeaderBytes } from '../../src/wire/frame-v1.ts';
import type { GoldenFrame } from './golden-block.ts';
import { goldenV2 } from './golden-frames.ts';
import { resealed } from './obvious-encoder.ts';

export const goldenFolder = join(import.meta.dirname, '../../proto/golden');

/** One vector: a frame, and either its values (whole numbers as decimal text, doubles as shortest text) or its fault. */
export interface GoldenVector {
  readonly name: string;
  readonly protocol: 'v1' | 'v2';
  readonly hex: string;
  readonly frame?: unknown;
  readonly fault?: string;
}

/** Numbers as text, so that no reader loses a digit. */
export function asText(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(asText);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asText(inner)]));
}

/** What our decoder makes of a v1 frame. */
export function v1AsText(bytes: Uint8Array): unknown {
  const batch = v1Batch();
  decodeV1(bytes, batch);
  const records = Array.from({ length: batch.count }, (_, i) => {
    return { symbolId: batch.symbolId[i]!, price: batch.price[i]!, volume: batch.volume[i]! };
  });
  return asText({ records });
}

export function v2AsText(bytes: Uint8Array): unknown {
  return asText(decodeFrame(bytes));
}

type V1Record = readonly [symbolId: number, price: number, volume: number];

function v1Frame(...records: V1Record[]): Uint8Array {
  const bytes = new Uint8Array(v1Bytes(records.length));
  let at = v1HeaderBytes;
  for (const record of records) at = putV1(bytes, at, ...record);
  sealV1(bytes, records.length, tableCrc32);
  return bytes;
}

function recounted(bytes: Uint8Array, count: number): Uint8Array {
  const other = bytes.slice();
  other[4] = count;
  return resealed(other);
}

function damaged(bytes: Uint8Array): Uint8Array {
  const other = bytes.slice();
  other[9]! ^= 16;
  return other;
}

const record: V1Record = [1, 61_837.63, 0.02];
const goldenV1: readonly GoldenFrame[] = [
  { name: 'one record', bytes: v1Frame(record) },
  { name: 'no record', bytes: v1Frame() },
  {
    name: 'the largest and smallest numbers',
    bytes: v1Frame([65_535, Number.MAX_VALUE, Number.MIN_VALUE], [0, 0, 1e-7]),
  },
  {
    name: 'fifty records',
    bytes: v1Frame(...Array.from({ length: 50 }, (_, i): V1Record => [i + 1, 100 + i / 8, i / 1_000])),
  },
  { name: 'one byte too few for a header', fault: 'too-short', bytes: v1Frame().subarray(0, 5) },
  { name: 'a bit flipped', fault: 'bad-crc', bytes: damaged(v1Frame(record)) },
  { name: 'more records than bytes', fault: 'bad-length', bytes: recounted(v1Frame(record), 2) },
  { name: 'fewer records than bytes', fault: 'bad-length', bytes: recounted(v1Frame(record, record), 1) },
];

function vectors(protocol: 'v1' | 'v2', frames: readonly GoldenFrame[]): GoldenVector[] {
  const read = protocol === 'v1' ? v1AsText : v2AsText;
  return frames.map(({ name, bytes, fault }) => {
    const hex = Buffer.from(bytes).toString('hex');
    return { name, protocol, hex, ...(fault === undefined ? { frame: read(bytes) } : { fault }) };
  });
}

/** All files as they should be, by name. */
export function expectedFiles(): Record<string, GoldenVector[]> {
  const v2 = Object.entries(goldenV2).map(([name, frames]) => [name, vectors('v2', frames)] as const);
  return { v1: vectors('v1', goldenV1), ...Object.fromEntries(v2) };
}

export function readGolden(name: string): GoldenVector[] {
  return JSON.parse(readFileSync(join(goldenFolder, `${name}.json`), 'utf8')) as GoldenVector[];
}

if (process.env['GOLDEN'] === 'write') {
  for (const [name, list] of Object.entries(expectedFiles())) {
    writeFileSync(join(goldenFolder, `${name}.json`), `${JSON.stringify(list, null, 1)}\n`);
  }
}
