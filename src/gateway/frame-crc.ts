/** The faster CRC-32 for each length: the table for small frames, zlib's from some 160 bytes (see `bench/wire`). */
import { crc32 as zlibCrc32 } from 'node:zlib';
import { tableCrc32 } from '../wire/crc32.ts';

const tableBytesMax = 160;

export function frameCrc32(bytes: Uint8Array, from: number, to: number): number {
  return to - from <= tableBytesMax ? tableCrc32(bytes, from, to) : zlibCrc32(bytes.subarray(from, to));
}
