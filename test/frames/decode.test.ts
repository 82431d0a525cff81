/** The v2 decoder against the obvious encoder, and against everything that may go wrong with bytes. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frameHeader } from '../../src/wire/block.ts';
import { tableCrc32 } from '../../src/wire/crc32.ts';
import { FrameFault, frameFaultReasons } from '../../src/wire/decode-fault.ts';
import { decodeFrame, type Frame } from '../../src/wire/decode-frame.ts';
import { sealFrame } from '../../src/wire/frame-v2.ts';
import { arbitraryFrame } from './arbitrary-frame.ts';
import { encodeFrame, obviousCrc32, varuint } from './obvious-encoder.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

/** Decodes or says why not; anything but a typed fault is a crash and fails the test. */
function outcome(bytes: Uint8Array): Frame | string {
  try {
    return decodeFrame(bytes);
  } catch (error) {
    if (!(error instanceof FrameFault) || !frameFaultReasons.includes(error.reason)) throw error;
    return error.reason;
  }
}

function sealed(bytes: Uint8Array): Uint8Array {
  if (bytes.length >= frameHeader.blocks) sealFrame(bytes, bytes.length, tableCrc32);
  return bytes;
}

/** The same frame in the middle of other bytes. */
function amid(bytes: Uint8Array, filler: number): Uint8Array {
  const larger = new Uint8Array(bytes.length + 128).fill(filler);
  larger.set(bytes, 64);
  return larger.subarray(64, 64 + bytes.length);
}

/** Decodes through a window that notes every index that is asked for and is not one of the frame's. */
function indexesOutside(bytes: Uint8Array): string[] {
  const outside: string[] = [];
  const watched = new Proxy(bytes, {
    get(target, key) {
      if (typeof key === 'string' && /^-?\d/.test(key) && !(Number(key) < target.length)) outside.push(key);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  try {
    decodeFrame(watched, () => tableCrc32(bytes, frameHeader.magic, bytes.length));
  } catch (error) {
    if (!(error instanceof FrameFault)) throw error;
  }
  return outside;
}

/** What comes out may depend on the frame's own bytes only: a length that was trusted would show here. */
function outcomeAmid(bytes: Uint8Array): Frame | string {
  const amidZeros = outcome(amid(bytes, 0));
  expect(outcome(amid(bytes, 0xff))).toEqual(amidZeros);
  return amidZeros;
}

/** Every number of a frame, wherever it sits. */
function numbersOf(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersOf) : [];
}

describe(`frame v2 (SEED=${seed})`, () => {
  test('what the obvious encoder writes reads back the same', () => {
    const property = fc.property(arbitraryFrame, (frame) => {
      expect(outcomeAmid(encodeFrame(frame))).toEqual(frame);
    });
    fc.assert(property, { seed, numRuns: 1_500 });
  });

  test('every truncation is a typed error', () => {
    const property = fc.property(arbitraryFrame, (frame) => {
      const whole = encodeFrame(frame);
      for (let length = 0; length < whole.length; length++) {
        expect(outcome(whole.subarray(0, length))).toBe(
          length < frameHeader.blocks ? 'too-short' : 'bad-crc',
        );
      }
    });
    fc.assert(property, { seed, numRuns: 60 });
  });

  test('scenario 39: every single-bit flip is a typed error', () => {
    const property = fc.property(arbitraryFrame, (frame) => {
      const bytes = encodeFrame(frame);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(outcome(bytes)).toBe('bad-crc');
        bytes[bit >> 3]! ^= 1 << (bit & 7);
      }
    });
    fc.assert(property, { seed, numRuns: 30 });
  });

  test('scenario 39: with the CRC made to fit, a truncation or flip is a typed error or stays within the frame', () => {
    const property = fc.property(arbitraryFrame, (frame) => {
      const whole = encodeFrame(frame);
      for (let length = frameHeader.blocks; length < whole.length; length++) {
        const cut = outcomeAmid(sealed(whole.slice(0, length)));
        // Only a cut between two blocks leaves a sound frame, and then one of fewer blocks.
        const blocks = typeof cut === 'object' ? cut.blocks : [];
        expect(blocks).toEqual(frame.blocks.slice(0, blocks.length));
      }
      for (let bit = 32; bit < whole.length * 8; bit++) {
        const flipped = whole.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        const read = outcomeAmid(sealed(flipped));
        for (const value of numbersOf(read)) expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
      }
    });
    fc.assert(property, { seed, numRuns: 3 });
  });

  test('random blocks in a sound frame are a typed error or stay within the frame', () => {
    const header = encodeFrame({ dictionary: 1, timeBase: 1_643_000, blocks: [] });
    const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 9, 12, 16, 127, 128, 255));
    const property = fc.property(fc.array(byte, { maxLength: 120 }), (bytes) => {
      const read = outcomeAmid(sealed(Uint8Array.from([...header, ...bytes])));
      for (const value of numbersOf(read)) expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
    });
    fc.assert(property, { seed, numRuns: 10_000 });
  });

  test('no byte outside the frame is ever asked for', () => {
    const header = encodeFrame({ dictionary: 1, timeBase: 1_643_000, blocks: [] });
    const anyBytes = fc.array(fc.oneof(fc.nat(255), fc.constantFrom(1, 4, 12, 16, 128, 255)), {
      maxLength: 60,
    });
    const property = fc.property(arbitraryFrame, anyBytes, fc.nat(), (frame, bytes, cut) => {
      const whole = encodeFrame(frame);
      expect(indexesOutside(sealed(whole.slice(0, Math.max(16, cut % whole.length))))).toEqual([]);
      expect(indexesOutside(sealed(Uint8Array.from([...header, ...bytes])))).toEqual([]);
    });
    fc.assert(property, { seed, numRuns: 1_500 });
  });

  test('a frame of more than 65,536 bytes is refused before its CRC is looked at', () => {
    // Kind 31, instrument 1, a length of three bytes: 16 + 5 + 65,515 bytes.
    const raw = [31, 1, ...varuint(65_515), ...new Uint8Array(65_515)];
    const longest = encodeFrame({ dictionary: 1, timeBase: 1, blocks: [{ raw }] });
    expect(longest.length).toBe(65_536);
    expect(outcome(longest)).toMatchObject({ blocks: [], skipped: 1 });
    expect(outcome(new Uint8Array(65_537))).toBe('too-long');
  });

  test('random bytes are a typed error', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(typeof outcomeAmid(bytes)).toBe('string');
    });
    fc.assert(property, { seed, numRuns: 2_000 });
  });

  test('the CRC is the IEEE one, by table as bit by bit', () => {
    expect(tableCrc32(new TextEncoder().encode('123456789'), 0, 9)).toBe(0xcbf43926);
    const property = fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(tableCrc32(bytes, 0, bytes.length)).toBe(obviousCrc32(bytes));
    });
    fc.assert(property, { seed, numRuns: 300 });
  });
});
