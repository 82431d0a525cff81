/** Frame v2 around its blocks: header and seal. The layout is in `proto/frames.md`. */
import { frameHeader } from './block.ts';
import type { Crc32 } from './crc32.ts';

/** Writes everything of the header but the CRC; blocks go from `at + frameHeader.blocks` on. */
export function beginFrame(bytes: Uint8Array, dictionaryVersion: number, timeBase: number, at = 0): void {
  bytes[at + 4] = 0x54;
  bytes[at + 5] = 0x57;
  bytes[at + 6] = 2;
  bytes[at + 7] = 0;
  putUint32(bytes, at + frameHeader.dictionary, dictionaryVersion);
  putUint32(bytes, at + frameHeader.timeBase, timeBase);
}

/** Writes the CRC of a frame that begins at `at` and is `length` bytes long. */
export function sealFrame(bytes: Uint8Array, length: number, crc32: Crc32, at = 0): void {
  putUint32(bytes, at + frameHeader.crc, crc32(bytes, at + frameHeader.magic, at + length));
}

export function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
