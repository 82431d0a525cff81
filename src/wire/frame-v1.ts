/** Frame v1, document 002's: crc32 u32, count u16, then 18 bytes a trade (`proto/frames.md`). Little-endian. */
import { frameBytesMax } from './block.ts';
import { type Crc32, tableCrc32 } from './crc32.ts';
import { FrameFault } from './decode-fault.ts';

export const v1HeaderBytes = 6;
export const v1RecordBytes = 18;
/** The most records that fit in a frame. */
export const v1RecordsMax = Math.floor((frameBytesMax - v1HeaderBytes) / v1RecordBytes);

const double = new DataView(new ArrayBuffer(8));
const doubleBytes = new Uint8Array(double.buffer);

/** Bytes of a frame of `count` records. */
export function v1Bytes(count: number): number {
  return v1HeaderBytes + count * v1RecordBytes;
}

/** Writes one record at `at` (the first one goes to `v1HeaderBytes`); returns the index after it. */
export function putV1(
  bytes: Uint8Array,
  at: number,
  symbolId: number,
  price: number,
  volume: number,
): number {
  bytes[at] = symbolId;
  bytes[at + 1] = symbolId >>> 8;
  putDouble(bytes, at + 2, price);
  putDouble(bytes, at + 10, volume);
  return at + v1RecordBytes;
}

/** Writes count and CRC of a frame whose records are in place; returns its length. */
export function sealV1(bytes: Uint8Array, count: number, crc32: Crc32): number {
  const length = v1Bytes(count);
  bytes[4] = count;
  bytes[5] = count >>> 8;
  const crc = crc32(bytes, 4, length);
  bytes[0] = crc;
  bytes[1] = crc >>> 8;
  bytes[2] = crc >>> 16;
  bytes[3] = crc >>> 24;
  return length;
}

function putDouble(bytes: Uint8Array, at: number, value: number): void {
  double.setFloat64(0, value, true);
  for (let i = 0; i < 8; i++) bytes[at + i] = doubleBytes[i]!;
}

/** The records of one v1 frame, column by column, for 0 ≤ i < `count`; reused, frame after frame. */
export interface V1Batch {
  count: number;
  readonly symbolId: Uint16Array;
  readonly price: Float64Array;
  readonly volume: Float64Array;
}

export function v1Batch(): V1Batch {
  return {
    count: 0,
    symbolId: new Uint16Array(v1RecordsMax),
    price: new Float64Array(v1RecordsMax),
    volume: new Float64Array(v1RecordsMax),
  };
}

/** @throws FrameFault `too-short`, `too-long`, `bad-crc` or `bad-length` */
export function decodeV1(bytes: Uint8Array, batch: V1Batch, crc32: Crc32 = tableCrc32): void {
  const { length } = bytes;
  batch.count = 0;
  if (length < v1HeaderBytes) throw new FrameFault('too-short', `${length} bytes`);
  if (length > frameBytesMax) throw new FrameFault('too-long', `${length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  if (crc32(bytes, 4, length) !== view.getUint32(0, true))
    throw new FrameFault('bad-crc', `frame of ${length} bytes`);
  const count = view.getUint16(4, true);
  if (length !== v1Bytes(count)) throw new FrameFault('bad-length', `${count} records in ${length} bytes`);
  const { symbolId, price, volume } = batch;
  for (let i = 0, at = v1HeaderBytes; i < count; i++, at += v1RecordBytes) {
    symbolId[i] = view.getUint16(at, true);
    price[i] = view.getFloat64(at + 2, true);
    volume[i] = view.getFloat64(at + 10, true);
  }
  batch.count = count;
}
