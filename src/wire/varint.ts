/** Variable-length numbers of frame v2 (`proto/frames.md`): LEB128 up to 2^53 − 1, and zig-zag for signed ones. */

export const varuintBytesMax = 8;

/** Writes 0 ≤ `value` < 2^53 at `at`; returns the index after it. */
export function putVaruint(bytes: Uint8Array, at: number, value: number): number {
  // Above 31 bits the operators | and >>> would cut: take seven bits at a time by division there.
  while (value >= 0x80000000) {
    const rest = Math.floor(value / 128);
    bytes[at++] = value - rest * 128 + 128;
    value = rest;
  }
  let small = value | 0;
  while (small >= 128) {
    bytes[at++] = (small & 127) | 128;
    small >>>= 7;
  }
  bytes[at++] = small;
  return at;
}

/** Writes −2^52 ≤ `value` < 2^52 at `at`; returns the index after it. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  return putVaruint(bytes, at, value >= 0 ? value * 2 : -value * 2 - 1);
}

/** Writes a two-limb sum (`market/amount.ts`). */
export function putAmount(bytes: Uint8Array, at: number, low: number, high: number): number {
  return putVaruint(bytes, putVaruint(bytes, at, low), high);
}
