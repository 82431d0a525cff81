/** The fast encoders against the obvious one: the same bytes but for a padded length, and the same values back. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bookLevelsMax, frameBytesMax, frameHeader, timeBaseOf } from '../../src/wire/block.ts';
import { tableCrc32 } from '../../src/wire/crc32.ts';
import { FrameReader } from '../../src/wire/decode.ts';
import { type Block, decodeFrame, restOfBlocks, type WireLevel } from '../../src/wire/decode-frame.ts';
import { bookBlockBytesMax } from '../../src/wire/encode-book.ts';
import { heartbeatBytesMax } from '../../src/wire/encode-connection.ts';
import { tickBlockBytesMax } from '../../src/wire/encode-ticks.ts';
import { beginFrame, sealFrame } from '../../src/wire/frame-v2.ts';
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
  if (block.kind === 'bookSnapshot' || block.kind === 'bookTop' || block.kind === 'bookDelta') {
    const [book] = block.records;
    return bookBlockBytesMax(book!.bids.length + book!.asks.length);
  }
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
  });

  test('a book of as many levels as may be, each of the largest numbers, fits in a frame', () => {
    const out = new Uint8Array(frameBytesMax);
    const far = 2 ** 51;
    const side = (way: 1 | -1): WireLevel[] =>
      Array.from({ length: bookLevelsMax }, (_, i) => [
        far + way * (i + 1) * 2 ** 40,
        Number.MAX_SAFE_INTEGER - i,
      ]);
    const book = { instrument: 2 ** 32 - 1, bidsWhole: true, asksWhole: true, bids: side(-1), asks: side(1) };
    const head = {
      cursor: Number.MAX_SAFE_INTEGER,
      time: 1_723_161_255_343_001,
      snapshot: false,
      micros: true,
    };
    const block: Block = {
      ...head,
      instrument: book.instrument,
      received: 0,
      kind: 'bookSnapshot',
      records: [book],
    };
    const end = fastBlock(out, frameHeader.blocks, block);
    expect(end).toBeLessThanOrEqual(frameBytesMax);
    beginFrame(out, 1, timeBaseOf(block.time));
    sealFrame(out, end, tableCrc32);
    expect(decodeFrame(out.subarray(0, end)).blocks).toEqual([block]);
  });
});
