/** Blocks that belong to a connection, not to an instrument: dictionary, heartbeat, error (`proto/frames.md`). */
import type { Instrument } from '../market/instrument.ts';
import { blockKind, blockRecordsMax, kindBits, timeBaseMillis } from './block.ts';
import { beginBlock, endBlock } from './encode-block.ts';
import { putVaruint } from './varint.ts';

const utf8 = new TextEncoder();
const textBytesMax = 255;
/** A dictionary is cut into blocks of at most so many bytes of records, well below a frame's length. */
const dictionaryBytesMax = 32_768;
const headBytesMax = 32;

/**
 * The dictionary blocks for `instruments`, in their order, as many as are needed. Their time is the frame's time
 * base, whichever that is.
 * @throws RangeError for a name of more than 255 bytes
 */
export function dictionaryBlocks(epoch: number, instruments: readonly Instrument[]): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  let records: Uint8Array[] = [];
  let bytes = 0;
  for (const instrument of instruments) {
    const record = dictionaryRecord(instrument);
    if (records.length === blockRecordsMax || bytes + record.length > dictionaryBytesMax) {
      blocks.push(dictionaryBlock(epoch, records, bytes));
      records = [];
      bytes = 0;
    }
    records.push(record);
    bytes += record.length;
  }
  if (records.length > 0) blocks.push(dictionaryBlock(epoch, records, bytes));
  return blocks;
}

function dictionaryBlock(epoch: number, records: readonly Uint8Array[], bytes: number): Uint8Array {
  const body = new Uint8Array(headBytesMax + bytes);
  let end = putVaruint(body, 0, records.length);
  end = putVaruint(body, end, epoch);
  end = putVaruint(body, end, 0);
  for (const record of records) {
    body.set(record, end);
    end += record.length;
  }
  return blockOf(blockKind.dictionary, body.subarray(0, end));
}

function dictionaryRecord(instrument: Instrument): Uint8Array {
  const names = [instrument.symbol, instrument.base, instrument.quote].map((name) => utf8.encode(name));
  const record = new Uint8Array(headBytesMax + names.reduce((sum, name) => sum + name.length, 0));
  let end = putVaruint(record, 0, instrument.id);
  record[end++] = instrument.active ? 1 : 0;
  record[end++] = instrument.priceDecimals;
  record[end++] = instrument.sizeDecimals;
  for (const name of names) {
    if (name.length > textBytesMax)
      throw new RangeError(`a name of ${name.length} bytes: ${instrument.symbol}`);
    record[end++] = name.length;
    record.set(name, end);
    end += name.length;
  }
  return record.subarray(0, end);
}

/** Words of one heartbeat record: kind, instrument, cursor. */
export const heartbeatWords = 3;
/** The most bytes a heartbeat block can take. */
export const heartbeatBytesMax = 48 + blockRecordsMax * 16;

/**
 * A heartbeat of `count` (0 to 512) log streams, `words[i × 3 …]` each. `cursor` counts heartbeats up; `micros` is
 * the server's wall clock. `kind` of a bar stream is `4 + 32 × resolution`, so that each resolution has its own.
 */
export function encodeHeartbeat(
  out: Uint8Array,
  to: number,
  cursor: number,
  micros: number,
  words: Float64Array,
  count: number,
): number {
  const body = beginBlock(out, to, blockKind.heartbeat | kindBits.micros, 0, count);
  let end = putVaruint(out, body, count);
  end = putVaruint(out, end, cursor);
  end = putVaruint(out, end, micros % (timeBaseMillis * 1_000));
  for (let at = 0; at < count * heartbeatWords; at++) end = putVaruint(out, end, words[at]!);
  return endBlock(out, body, end, count);
}

/** An error with its number (`proto/control.md`) and text. Its time is the frame's time base. */
export function errorBlock(code: number, text: string): Uint8Array {
  const encoded = utf8.encode(text);
  const body = new Uint8Array(headBytesMax + encoded.length);
  let end = putVaruint(body, 0, 1);
  end = putVaruint(body, end, code);
  end = putVaruint(body, end, 0);
  end = putVaruint(body, end, encoded.length);
  body.set(encoded, end);
  return blockOf(blockKind.error, body.subarray(0, end + encoded.length));
}

function blockOf(kind: number, body: Uint8Array): Uint8Array {
  const block = new Uint8Array(headBytesMax + body.length);
  block[0] = kind;
  const end = putVaruint(block, putVaruint(block, 1, 0), body.length);
  block.set(body, end);
  return block.subarray(0, end + body.length);
}
