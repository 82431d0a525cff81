/** The head of a block, written before its length is known (`proto/frames.md`). */
import { timeBaseMillis } from './block.ts';
import { putVaruint } from './varint.ts';

/**
 * Blocks of up to so many records get a one-byte length, longer ones a two-byte length that may be padded.
 * A short block that turns out longer than 127 bytes is moved by one byte: rare, and right.
 */
const shortRecords = 6;

/** Writes kind and instrument and leaves room for the length; returns where the body starts. */
export function beginBlock(
  out: Uint8Array,
  at: number,
  kind: number,
  instrument: number,
  records: number,
): number {
  out[at] = kind;
  return putVaruint(out, at + 1, instrument) + (records > shortRecords ? 2 : 1);
}

/** Fills in the length of the body `from` ≤ index < `end`; returns the end of the block. */
export function endBlock(out: Uint8Array, body: number, end: number, records: number): number {
  const length = end - body;
  if (records > shortRecords) {
    if (length > 0x3fff) {
      // Only numbers near their bounds make a block that long.
      out.copyWithin(body + 1, body, end);
      putVaruint(out, body - 2, length);
      return end + 1;
    }
    out[body - 2] = (length & 127) | 128;
    out[body - 1] = length >>> 7;
    return end;
  }
  if (length < 128) {
    out[body - 1] = length;
    return end;
  }
  out.copyWithin(body + 1, body, end);
  putVaruint(out, body - 1, length);
  return end + 1;
}

/** Whether a time needs µs; a block of one record is in ms else. */
export function isMicros(micros: number): boolean {
  return Math.floor(micros / 1_000) * 1_000 !== micros;
}

/** Writes the head of a body of one record: count 1, cursor and time (µs); returns where the record starts. */
export function putHead(
  out: Uint8Array,
  body: number,
  cursor: number,
  micros: number,
  inMicros: boolean,
): number {
  const base = Math.floor(micros / (timeBaseMillis * 1_000)) * timeBaseMillis * 1_000;
  out[body] = 1;
  const end = putVaruint(out, body + 1, cursor);
  return putVaruint(out, end, inMicros ? micros - base : Math.floor((micros - base) / 1_000));
}
