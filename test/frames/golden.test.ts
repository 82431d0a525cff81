/** The golden vectors: made by the obvious encoder, read by our decoders and by Python's. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameFault, frameFaultReasons } from '../../src/wire/decode-fault.ts';
import {
  expectedFiles,
  type GoldenVector,
  goldenFolder,
  readGolden,
  v1AsText,
  v2AsText,
} from './golden-files.ts';
import { resealed } from './obvious-encoder.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const names = readdirSync(goldenFolder).map((file) => file.replace('.json', ''));
const bytesOf = ({ hex }: GoldenVector): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** What a decoder makes of a vector: its values as text, or its fault. */
function outcome(vector: GoldenVector): unknown {
  try {
    return vector.protocol === 'v1' ? v1AsText(bytesOf(vector)) : v2AsText(bytesOf(vector));
  } catch (error) {
    return error instanceof FrameFault ? error.reason : error;
  }
}

describe('golden vectors', () => {
  test('are what the obvious encoder makes (GOLDEN=write makes them anew)', () => {
    expect(Object.fromEntries(names.map((name) => [name, readGolden(name)]))).toEqual(expectedFiles());
  });

  test.each(names)('%s: our decoder says what the file says', (name) => {
    for (const vector of readGolden(name)) {
      expect({ name: vector.name, read: outcome(vector) }).toEqual({
        name: vector.name,
        read: vector.fault ?? vector.frame,
      });
    }
  });

  test('hold every kind in use and every fault', () => {
    const all = names.flatMap(readGolden);
    const blocks = all.flatMap(
      ({ frame }) => (frame as { blocks?: { kind: string }[] } | undefined)?.blocks ?? [],
    );
    const kinds = new Set(blocks.map(({ kind }) => kind));
    expect([...kinds].toSorted()).toEqual([
      'bar',
      'bookDelta',
      'bookSnapshot',
      'bookTop',
      'dictionary',
      'enigma',
      'error',
      'gap',
      'heartbeat',
      'quote',
      'status',
      'ticker',
      'trade',
    ]);
    const faults = new Set(all.map(({ fault }) => fault));
    // A frame that is too long is too long for a golden file: the decoders' own tests have it.
    expect(frameFaultReasons.filter((reason) => !faults.has(reason))).toEqual(['too-long']);
  });
});

const script = join(import.meta.dirname, '../../proto/python/tickwire_frames.py');
const hasPython = spawnSync('python3', ['--version']).status === 0;

describe.skipIf(!hasPython)('the Python decoder (skipped when there is no python3)', () => {
  test.each(['v1', 'v2'] as const)('says of every %s vector what the files say', (protocol) => {
    const vectors = names.flatMap(readGolden).filter((vector) => vector.protocol === protocol);
    const read = printedByPython(protocol, vectors.map(bytesOf));
    expect(read.map(doublesAsOurs)).toEqual(
      vectors.map(({ fault, frame }) => (fault === undefined ? frame : { fault })),
    );
  });

  test(`says what our decoder says of frames with a byte changed, and the CRC made to fit (SEED=${seed})`, () => {
    const vectors = names
      .flatMap(readGolden)
      .filter(({ protocol, hex }) => protocol === 'v2' && hex.length > 32);
    const sample = fc.sample(fc.tuple(fc.constantFrom(...vectors), fc.nat(), fc.nat(255)), {
      seed,
      numRuns: 600,
    });
    const changed = sample.map(([vector, where, byte]) => {
      const bytes = bytesOf(vector);
      bytes[4 + (where % (bytes.length - 4))] = byte;
      return { ...vector, hex: Buffer.from(resealed(bytes)).toString('hex') };
    });
    const ours = changed.map(outcome).map((read) => (typeof read === 'string' ? { fault: read } : read));
    expect(printedByPython('v2', changed.map(bytesOf))).toEqual(ours);
  });

  test('refuses what is too long, and finds out by itself which protocol it is', () => {
    const [v1, v2] = [readGolden('v1')[0]!, readGolden('v2-trade')[0]!];
    const read = printedByPython(undefined, [new Uint8Array(65_537), bytesOf(v1), bytesOf(v2)]);
    expect(read).toEqual([{ fault: 'too-long' }, v1.frame, v2.frame]);
  });

  test('has the CRC of the check value', () => {
    const code = 'import tickwire_frames as t; print(hex(t.crc32(b"123456789")))';
    const printed = execFileSync('python3', ['-B', '-c', code], {
      cwd: join(script, '..'),
      encoding: 'utf8',
    });
    expect(printed.trim()).toBe('0xcbf43926');
  });
});

/** What the script prints: one line of JSON per file. */
function printedByPython(protocol: 'v1' | 'v2' | undefined, frames: readonly Uint8Array[]): unknown[] {
  const folder = mkdtempSync(join(tmpdir(), 'tickwire-frames-'));
  try {
    const files = frames.map((_, i) => join(folder, `${i}.bin`));
    frames.forEach((bytes, i) => writeFileSync(files[i]!, bytes));
    const chosen = protocol === undefined ? [] : [`--${protocol}`];
    const { stdout } = spawnSync('python3', ['-B', script, ...chosen, ...files], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Python writes doubles its own way (`1e-07`): the same double in our way. */
function doublesAsOurs(frame: unknown): unknown {
  const { records } = frame as { records?: { price: string; volume: string }[] };
  if (records === undefined) return frame;
  return {
    records: records.map((one) => ({
      ...one,
      price: doubleAsOurs(one.price),
      volume: doubleAsOurs(one.volume),
    })),
  };
}

function doubleAsOurs(text: string): string {
  return String(Number(text));
}
