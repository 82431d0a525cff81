/** The fast encoders against the obvious one: the same bytes but for a padded length, and the same values back. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { timeBaseOf } from '../../src/wire/block.ts';
import { FrameReader } from '../../src/wire/decode.ts';
import { type Block, restOfBlocks } from '../../src/wire/decode-frame.ts';
import { heartbeatBytesMax } from '../../src/wire/encode-connection.ts';
import { tickBlockBytesMax } from '../../src/wire/encode-ticks.ts';
import { arbitraryFrame } from './arbitrary-frame.ts';
import { asWeSend, fastBlock } from './fast-block.ts';
import { encodeBlock } from './obvious-encoder.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
/** Kind 1, instrument 5, length 2, count 1, cursor 8, time 8, and a bar's record of 130. */
const stateBytesMax = 155;
/** A block with its length as short as can be: kind, instrument, length, body. */
function withShortLength(bytes: readonly number[]): number[] {
  const head = bytes.findIndex((byte, i) => i > 0 && byte < 128) + 1;
  const body = bytes.findIndex((byte, i) => i >= head && byte < 128) + 1;
  let length = bytes.length - body;
  const short: number[] = [];
  for (; length >= 128; length = Math.floor(length / 128)) short.push((length % 128) + 128);
  return [...bytes.slice(0, head), ...short, length, ...bytes.slice(body)];
}

/** What whoever encodes makes room for. */
function bytesMaxOf(block: Block): number {
  if (block.kind === 'trade' || block.kind === 'quote') return tickBlockBytesMax(block.records.length);
  if (block.kind === 'dictionary' || block.kind === 'error') return Number.POSITIVE_INFINITY;
  return block.kind === 'heartbeat' ? heartbeatBytesMax : stateBytesMax;
}

describe(`fast encoders (SEED=${seed})`, () => {
  test('make the bytes of the obvious encoder, but for a length padded to two bytes, and never too many', () => {
    const seen = new Set<string>();
    const out = new Uint8Array(4_096);
    const property = fc.property(arbitraryFrame, ({ blocks }) => {
      for (const block of blocks.map(asWeSend)) {
        out.fill(0xee);
        const end = fastBlock(out, 3, block);
        seen.add(block.kind);
        const fast = [...out.subarray(3, end)];
        expect(withShortLength(fast)).toEqual(encodeBlock(block, timeBaseOf(block.time)));
        expect(fast.length).toBeLessThanOrEqual(bytesMaxOf(block));
        expect([out[0], out[1], out[2], out[end]]).toEqual([0xee, 0xee, 0xee, 0xee]);
        const reader = new FrameReader();
        reader.openBlocks(out, 3, end, timeBaseOf(block.time));
        expect(restOfBlocks(reader)).toEqual([block]);
        expect(reader.skipped).toBe(0);
      }
    });
    fc.assert(property, { seed, numRuns: 1_000 });
    expect([...seen].toSorted()).toEqual([
      'bar',
      'dictionary',
      'enigma',
      'error',
      'gap',
      'heartbeat',
      'quote',
      'ticker',
      'trade',
    ]);
  });
});
