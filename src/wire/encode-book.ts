/** Order book blocks of frame v2: snapshots, tops and deltas, one a block. Layout: `proto/frames.md`. */
import type { BookChange, BookCopy } from '../market/book.ts';
import { blockKind, bookFlag, kindBits } from './block.ts';
import { beginBlock, endBlock, isMicros, putHead } from './encode-block.ts';
import { putVarint, putVaruint } from './varint.ts';

/** The most bytes that a snapshot, top or delta of so many levels (both sides together) can take. */
export function bookBlockBytesMax(levels: number): number {
  return 64 + levels * 16;
}

/**
 * Writes a book as it was copied, all its levels. At most `bookLevelsMax` a side.
 * @param bits more bits of the kind byte, such as `kindBits.snapshot`
 */
export function encodeBook(
  out: Uint8Array,
  to: number,
  kind: typeof blockKind.bookSnapshot | typeof blockKind.bookTop,
  instrument: number,
  book: BookCopy,
  bits = 0,
): number {
  const { bids, asks, bidCount, askCount, time } = book;
  const fine = isMicros(time);
  const levels = bidCount + askCount;
  const body = beginBlock(out, to, kind | bits | (fine ? kindBits.micros : 0), instrument, levels);
  let end = putHead(out, body, book.lastId, time, fine);
  out[end++] = cutFlags(book);
  end = putVaruint(out, end, bidCount);
  end = putVaruint(out, end, askCount);
  let previous = 0;
  for (let level = 0; level < bidCount; level++) {
    const price = bids[level * 2]!;
    end = level === 0 ? putVaruint(out, end, price) : putVaruint(out, end, previous - price);
    end = putVaruint(out, end, bids[level * 2 + 1]!);
    previous = price;
  }
  previous = bidCount > 0 ? bids[0]! : 0;
  for (let level = 0; level < askCount; level++) {
    const price = asks[level * 2]!;
    end = level === 0 ? putVarint(out, end, price - previous) : putVaruint(out, end, price - previous);
    end = putVaruint(out, end, asks[level * 2 + 1]!);
    previous = price;
  }
  return endBlock(out, body, end, levels);
}

/** Writes a change. At most `bookLevelsMax` levels a side. */
export function encodeBookDelta(out: Uint8Array, to: number, instrument: number, change: BookChange): number {
  const { bids, asks, bidCount, askCount, time, lastId } = change;
  const fine = isMicros(time);
  const levels = bidCount + askCount;
  const kind = fine ? blockKind.bookDelta | kindBits.micros : blockKind.bookDelta;
  const body = beginBlock(out, to, kind, instrument, levels);
  let end = putHead(out, body, lastId, time, fine);
  out[end++] = cutFlags(change);
  end = putVaruint(out, end, lastId - change.previousId);
  end = putVaruint(out, end, lastId - change.firstId);
  end = putVaruint(out, end, bidCount);
  end = putVaruint(out, end, askCount);
  let previous = 0;
  for (let level = 0; level < levels; level++) {
    const side = level < bidCount ? bids : asks;
    const at = (level < bidCount ? level : level - bidCount) * 2;
    const price = side[at]!;
    end = putVarint(out, end, price - previous);
    end = putVaruint(out, end, side[at + 1]!);
    previous = price;
  }
  return endBlock(out, body, end, levels);
}

function cutFlags(book: { readonly bidsWhole: boolean; readonly asksWhole: boolean }): number {
  return (book.bidsWhole ? 0 : bookFlag.bidsCut) | (book.asksWhole ? 0 : bookFlag.asksCut);
}
