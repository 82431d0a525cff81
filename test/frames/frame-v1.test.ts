/** Frame v1 is document 002's, byte for byte: its own decoder reads it, and ours refuses what is broken. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tableCrc32 } from '../../src/wire/crc32.ts';
import { FrameFault } from '../../src/wire/decode-fault.ts';
import {
  decodeV1,
  putV1,
  sealV1,
  v1Batch,
  v1Bytes,
  v1HeaderBytes,
  v1RecordsMax,
} from '../../src/wire/frame-v1.ts';
import { obviousCrc32 } from './obvious-encoder.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

interface Update {
  symbolId: number;
  price: number;
  volume: number;
}

/** Document 002's decoder, as it is printed there (the variables that it never reads are left in). */
function decodeBinary(buffer: ArrayBuffer): Update[] {
  const view = new DataView(buffer);
  const crc32 = view.getUint32(0, true);
  const count = view.getUint16(4, true);
  expect(crc32).toBe(obviousCrc32(new Uint8Array(buffer, 4)));

  const updates = [];
  let offset = 6;

  for (let i = 0; i < count; i++) {
    const symbolId = view.getUint16(offset, true);
    const price = view.getFloat64(offset + 2, true);
    const volume = view.getFloat64(offset + 10, true);

    updates.push({ symbolId, price, volume });
    offset += 18;
  }

  return updates;
}

function encode(updates: readonly Update[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(v1Bytes(updates.length));
  let at = v1HeaderBytes;
  for (const { symbolId, price, volume } of updates) at = putV1(bytes, at, symbolId, price, volume);
  expect(sealV1(bytes, updates.length, tableCrc32)).toBe(at);
  return bytes;
}

function decode(bytes: Uint8Array): Update[] | string {
  const batch = v1Batch();
  try {
    decodeV1(bytes, batch);
  } catch (error) {
    if (!(error instanceof FrameFault) || batch.count !== 0) throw error;
    return error.reason;
  }
  return Array.from({ length: batch.count }, (_, i) => ({
    symbolId: batch.symbolId[i]!,
    price: batch.price[i]!,
    volume: batch.volume[i]!,
  }));
}

const update = fc.record({
  symbolId: fc.nat(65_535),
  price: fc.double({ noNaN: true }),
  volume: fc.double({ noNaN: true }),
});
const updates = fc.array(update, { maxLength: 60 });

describe(`frame v1 (SEED=${seed})`, () => {
  test("document 002's decoder and ours read what was written", () => {
    const property = fc.property(updates, (written) => {
      const bytes = encode(written);
      expect(bytes.length).toBe(6 + 18 * written.length);
      expect(decodeBinary(bytes.buffer)).toEqual(written);
      expect(decode(bytes)).toEqual(written);
    });
    fc.assert(property, { seed, numRuns: 500 });
  });

  test('the longest frame is the last that fits in 65,536 bytes', () => {
    const most = Array.from({ length: v1RecordsMax }, (_, i) => ({ symbolId: i, price: i, volume: i }));
    expect(decode(encode(most))).toEqual(most);
    expect(v1Bytes(v1RecordsMax + 1)).toBeGreaterThan(65_536);
    expect(decode(new Uint8Array(65_537))).toBe('too-long');
  });

  test('scenario 39: every truncation and every single-bit flip is a typed error', () => {
    const property = fc.property(fc.array(update, { maxLength: 5 }), (written) => {
      const bytes = encode(written);
      for (let length = 0; length < bytes.length; length++) {
        expect(decode(bytes.subarray(0, length))).toBe(length < 6 ? 'too-short' : 'bad-crc');
      }
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(decode(bytes)).toBe('bad-crc');
        bytes[bit >> 3]! ^= 1 << (bit & 7);
      }
    });
    fc.assert(property, { seed, numRuns: 50 });
  });

  test('scenario 39: a count that disagrees with the length is refused though the CRC fits', () => {
    const bytes = encode([{ symbolId: 1, price: 2, volume: 3 }]);
    for (const count of [0, 2, 3, 255, 256, 257, 65_535]) {
      const other = bytes.slice();
      new DataView(other.buffer).setUint16(4, count, true);
      new DataView(other.buffer).setUint32(0, tableCrc32(other, 4, other.length), true);
      expect(decode(other)).toBe('bad-length');
    }
  });
});
