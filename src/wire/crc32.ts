/** CRC-32 (IEEE) by table. Small inputs are fastest so; `node:zlib`'s wins above some 200 bytes (`bench/wire`). */

/** CRC-32 of `bytes` from `from` to `to`. */
export type Crc32 = (bytes: Uint8Array, from: number, to: number) => number;

// Four tables: four bytes a step ("slicing by four").
const tables = Array.from({ length: 4 }, () => new Int32Array(256));
const [t0, t1, t2, t3] = tables as [Int32Array, Int32Array, Int32Array, Int32Array];
for (let index = 0; index < 256; index++) {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  t0[index] = value;
}
for (let index = 0; index < 256; index++) {
  t1[index] = (t0[index]! >>> 8) ^ t0[t0[index]! & 255]!;
  t2[index] = (t1[index]! >>> 8) ^ t0[t1[index]! & 255]!;
  t3[index] = (t2[index]! >>> 8) ^ t0[t2[index]! & 255]!;
}

/** CRC-32 by table: runs anywhere, the browser included. */
export function tableCrc32(bytes: Uint8Array, from: number, to: number): number {
  let crc = -1;
  let at = from;
  for (const fours = to - 3; at < fours; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = t3[crc & 255]! ^ t2[(crc >>> 8) & 255]! ^ t1[(crc >>> 16) & 255]! ^ t0[crc >>> 24]!;
  }
  for (; at < to; at++) crc = t0[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
