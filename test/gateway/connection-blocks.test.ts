/** The blocks of a connection's own, judged by the obvious encoder and read back by the decoder. */
import { expect, test } from 'vitest';
import { frameBytesMax } from '../../src/wire/block.ts';
import { FrameReader } from '../../src/wire/decode.ts';
import { type Block, restOfBlocks } from '../../src/wire/decode-frame.ts';
import {
  dictionaryBlocks,
  encodeHeartbeat,
  errorBlock,
  heartbeatBytesMax,
} from '../../src/wire/encode-connection.ts';
import { encodeBlock } from '../frames/obvious-encoder.ts';
import { dictionaryOf, startMicros } from './market-feed.ts';

const timeBase = Math.floor(startMicros / (2 ** 20 * 1_000));
const baseMicros = timeBase * 2 ** 20 * 1_000;

function read(bytes: Uint8Array): Block[] {
  const reader = new FrameReader();
  reader.openBlocks(bytes, 0, bytes.length, timeBase);
  const blocks = restOfBlocks(reader);
  expect(reader.skipped).toBe(0);
  return blocks;
}

const own = { instrument: 0, time: baseMicros, snapshot: false, micros: false, received: 0 } as const;

test('a dictionary is as the format says, cut into blocks that fit a frame', () => {
  const { instruments, epoch } = dictionaryOf(1_300);
  const blocks = dictionaryBlocks(epoch, instruments);
  expect(blocks.every(({ length }) => length < frameBytesMax / 2 + 100)).toBe(true);
  const records = blocks.flatMap((block) =>
    read(block).flatMap((one) => (one.kind === 'dictionary' ? one.records : [])),
  );
  expect(records).toEqual(
    instruments.map(({ id, active, priceDecimals, sizeDecimals, symbol, base, quote }) => ({
      id,
      active,
      priceDecimals,
      sizeDecimals,
      symbol,
      base,
      quote,
    })),
  );
  for (const block of blocks) {
    const [decoded] = read(block);
    expect(decoded).toMatchObject({ kind: 'dictionary', cursor: epoch, time: baseMicros });
    expect([...block]).toEqual(encodeBlock(decoded!, timeBase));
  }
  const long = { ...instruments[0]!, base: 'B'.repeat(255), active: false };
  const most = dictionaryBlocks(
    epoch,
    Array.from({ length: 600 }, () => long),
  );
  expect(Math.max(...most.map(({ length }) => length))).toBeLessThan(frameBytesMax);
  expect(most.flatMap(read).flatMap(({ records: all }) => [...all])).toHaveLength(600);
  expect(() => dictionaryBlocks(epoch, [{ ...long, quote: 'Q'.repeat(256) }])).toThrow(RangeError);
  expect(dictionaryBlocks(epoch, [])).toEqual([]);
});

test('a heartbeat of 0 to 512 cursors is as the format says', () => {
  const out = new Uint8Array(heartbeatBytesMax);
  for (const count of [0, 1, 6, 7, 512]) {
    const records = Array.from({ length: count }, (_, i) => ({
      kind: i % 2 === 0 ? 1 : 4 + 32 * 9,
      instrument: 4_000_000_000 + i,
      cursor: Number.MAX_SAFE_INTEGER - i,
    }));
    const words = Float64Array.from(
      records.flatMap(({ kind, instrument, cursor }) => [kind, instrument, cursor]),
    );
    const end = encodeHeartbeat(out, 0, 77, startMicros + 1, words, count);
    const [block] = read(out.subarray(0, end));
    expect(block).toEqual({
      ...own,
      kind: 'heartbeat',
      cursor: 77,
      time: startMicros + 1,
      micros: true,
      records,
    });
    // From seven records on the length has two bytes, whether it needs them or not.
    const obvious = encodeBlock(block!, timeBase);
    expect(end - obvious.length).toBe(count === 7 && obvious.length < 128 ? 1 : 0);
  }
});

test('an error is its number and its text', () => {
  const block = errorBlock(4_008, 'zu langsam: später wieder');
  const expected: Block = { ...own, kind: 'error', cursor: 4_008, records: ['zu langsam: später wieder'] };
  expect(read(block)).toEqual([expected]);
  expect([...block]).toEqual(encodeBlock(expected, timeBase));
});
