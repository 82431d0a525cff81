/** `proto/*.ksy`, compiled and run against the golden vectors and against our own encoders. */
import { readdirSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frameHeader } from '../../src/wire/block.ts';
import { tableCrc32 } from '../../src/wire/crc32.ts';
import { beginFrame, sealFrame } from '../../src/wire/frame-v2.ts';
import { arbitraryFrame } from './arbitrary-frame.ts';
import { asWeSend, fastBlock } from './fast-block.ts';
import { goldenFolder, readGolden, v2AsText } from './golden-files.ts';
import { kaitaiV1, kaitaiV2 } from './kaitai-decoder.ts';
import { encodeFrame } from './obvious-encoder.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
/** What a `.ksy` cannot say: that a block with an unknown flag is left out. */
const beyondKaitai = /unknown flag|unknown resolution/;

describe(`Kaitai Struct (SEED=${seed})`, () => {
  test('says of every sound golden vector what the files say', () => {
    const vectors = readdirSync(goldenFolder).flatMap((file) => readGolden(file.replace('.json', '')));
    const sound = vectors.filter(({ name, frame }) => frame !== undefined && !beyondKaitai.test(name));
    expect(sound.length).toBeGreaterThan(30);
    const read = sound.map(({ protocol, hex }) => (protocol === 'v1' ? kaitaiV1 : kaitaiV2)(bytesOf(hex)));
    expect(read).toEqual(sound.map(({ frame }) => frame));
  });

  test('reads whatever the obvious encoder writes', () => {
    const property = fc.property(arbitraryFrame, (frame) => {
      const bytes = encodeFrame(frame);
      expect(kaitaiV2(bytes)).toEqual(v2AsText(bytes));
    });
    fc.assert(property, { seed, numRuns: 250 });
  });

  test('reads whatever our fast encoders write', () => {
    const bytes = new Uint8Array(65_536);
    const property = fc.property(arbitraryFrame, ({ dictionary, timeBase, blocks }) => {
      beginFrame(bytes, dictionary, timeBase);
      let end: number = frameHeader.blocks;
      for (const block of blocks) {
        const ours = asWeSend(block);
        // A block counts from the base of its own time: those of a later one go into another frame.
        if (Math.floor(ours.time / (2 ** 20 * 1_000)) === timeBase) end = fastBlock(bytes, end, ours);
      }
      sealFrame(bytes, end, tableCrc32);
      const frame = bytes.slice(0, end);
      expect(kaitaiV2(frame)).toEqual(v2AsText(frame));
    });
    fc.assert(property, { seed, numRuns: 250 });
  });
});
