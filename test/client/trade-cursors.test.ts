/** Trade ids checked for completeness, against sets of ids. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TradeCursors } from '../../src/client/trade-cursors.ts';
import { blockKind } from '../../src/wire/block.ts';
import { FrameReader } from '../../src/wire/decode.ts';
import { tradeBatch } from '../../src/wire/decode-batch.ts';
import type { Block } from '../../src/wire/decode-frame.ts';
import { readGap } from '../../src/wire/decode-records.ts';
import { frameOf, gapOf, tradesOf } from './sample-blocks.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const batch = tradeBatch();

/** Feeds frames through; gives back the ids that jumps name. */
function jumpedIds(cursors: TradeCursors, frames: readonly Block[][]): number[] {
  const reader = new FrameReader();
  return frames.flatMap((blocks) => {
    reader.open(frameOf(...blocks));
    while (reader.next()) {
      if (reader.kind !== blockKind.trade) cursors.gap(readGap(reader));
      else if (reader.trades(batch)) cursors.trades(batch);
    }
    return cursors
      .judge()
      .flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
  });
}

describe(`trade cursors (SEED=${seed})`, () => {
  test('unbroken ids are no jump, wherever frames are cut', () => {
    expect(
      jumpedIds(new TradeCursors(), [[tradesOf([5, 6, 7])], [tradesOf([8])], [tradesOf([9, 10])]]),
    ).toEqual([]);
  });

  test('missing ids are a jump unless a notice names them, in the same frame after the trades even', () => {
    expect(jumpedIds(new TradeCursors(), [[tradesOf([5, 8])]])).toEqual([6, 7]);
    expect(jumpedIds(new TradeCursors(), [[tradesOf([5])], [gapOf('gap', 6, 7)], [tradesOf([8])]])).toEqual(
      [],
    );
    expect(jumpedIds(new TradeCursors(), [[tradesOf([5, 9]), gapOf('gap', 6, 7)]])).toEqual([8]);
    expect(
      jumpedIds(new TradeCursors(), [[tradesOf([5])], [gapOf('gap', 8, 8)], [tradesOf([6, 7, 9])]]),
    ).toEqual([]);
  });

  test('repaired trades come late with old ids: no jump and no repetition', () => {
    const cursors = new TradeCursors();
    const frames = [
      [tradesOf([5])],
      [gapOf('gap', 6, 7), tradesOf([8])],
      [tradesOf([-6, -7])],
      [tradesOf([9])],
    ];
    expect(jumpedIds(cursors, frames)).toEqual([]);
    expect([cursors.repeated, cursors.last(1)]).toEqual([0, 9]);
  });

  test('a trade that comes twice is counted, but not when it is part of a snapshot', () => {
    const cursors = new TradeCursors();
    jumpedIds(cursors, [[tradesOf([5, 6])], [tradesOf([5, 6], { snapshot: true })], [tradesOf([6, 7])]]);
    expect([cursors.repeated, cursors.last(1)]).toEqual([1, 7]);
  });

  test('instruments are judged apart, and a forgotten one begins anew', () => {
    const cursors = new TradeCursors();
    expect(jumpedIds(cursors, [[tradesOf([5]), tradesOf([90], { instrument: 2 })], [tradesOf([6])]])).toEqual(
      [],
    );
    cursors.forget(1);
    expect(jumpedIds(cursors, [[tradesOf([50]), tradesOf([92], { instrument: 2 })]])).toEqual([91]);
  });

  test('whatever is dropped and whatever of it is announced: jumps name exactly the rest', () => {
    const fate = fc.constantFrom('sent', 'sent', 'sent', 'silent', 'announced');
    const property = fc.property(fc.array(fate, { minLength: 1, maxLength: 60 }), fc.nat(3), (fates, cut) => {
      const frames: Block[][] = [[tradesOf([100])]];
      fates.forEach((what, i) => {
        const id = 101 + i;
        const block = what === 'sent' ? tradesOf([id]) : gapOf('gap', id, id);
        if (what === 'silent') return;
        if (i % (cut + 1) === 0) frames.push([block]);
        else frames.at(-1)!.push(block);
      });
      frames.push([tradesOf([101 + fates.length])]);
      const silent = fates.flatMap((what, i) => (what === 'silent' ? [101 + i] : []));
      expect(jumpedIds(new TradeCursors(), frames)).toEqual(silent);
    });
    fc.assert(property, { seed, numRuns: 500 });
  });
});
