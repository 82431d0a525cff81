/**
 * Numbers read straight from bytes, four digits at a time. All functions give the position after the number, or -1
 * when it is not of the plain kind they know: then the obvious reader decides. The value goes to `out[at]`.
 */

const zeroDigits = 0x30303030;
const point = 0x2e;
const wholeDigitsMax = 9;
const fractionDigits = 8;
const fractionLongMax = 16;

const powers = Float64Array.from({ length: 23 }, (_, i) => 10 ** i);
/** By decimals kept of four digits: the bytes that must be zero digits. */
const cutMasks = Int32Array.of(-1, ~0xff, ~0xffff, ~0xffffff, 0);

/** A top bit in each byte of `digits` (ASCII with the zero digit taken off) from the first that is no digit. */
export function notDigits(digits: number): number {
  // A byte of 10 or more gets its top bit by adding 0x76; one of 0x80 or more has it already.
  return ((digits + 0x76767676) | digits) & 0x80808080;
}

/** The value of four digits, the first one in the lowest byte. */
export function valueOfFour(digits: number): number {
  const pairs = (Math.imul(digits, 10) + (digits >>> 8)) & 0x00ff00ff;
  return Math.imul(pairs & 0xff, 100) + (pairs >>> 16);
}

/**
 * A whole number without sign or leading zero, 0 ≤ n < 2^53. `end` bounds what may be read; at least 17 bytes must
 * remain, which is so wherever a whole number stands in the messages we know.
 */
export function scanWhole(view: DataView, from: number, end: number, out: Float64Array, at: number): number {
  if (from + 17 > end) return -1;
  let digits = view.getInt32(from, true) ^ zeroDigits;
  const zeroFirst = (digits & 0xff) === 0;
  let none = notDigits(digits);
  let p = from;
  let value = 0;
  while (none === 0) {
    value = value * 10_000 + valueOfFour(digits);
    p += 4;
    if (p === from + 16) break;
    digits = view.getInt32(p, true) ^ zeroDigits;
    none = notDigits(digits);
  }
  if (p === from + 16) {
    const next = view.getUint8(p) - 0x30;
    if (next >= 0 && next <= 9) return -1;
  }
  // The digits before the first other byte move up, and zeros come in below as leading digits.
  const count = p === from + 16 ? 0 : (31 - Math.clz32(none & -none)) >>> 3;
  if (count > 0) {
    value = value * powers[count]! + valueOfFour(digits << (32 - 8 * count));
    p += count;
  }
  if (p === from || value > Number.MAX_SAFE_INTEGER || (zeroFirst && p > from + 1)) return -1;
  out[at] = value;
  return p;
}

/**
 * A plain decimal such as `61837.63000000`, as a mantissa with `decimals` (0 to 22): at most nine digits before the
 * point. Eight digits after it, which Binance always sends, are read fastest.
 */
export function scanDecimal(
  view: DataView,
  from: number,
  end: number,
  decimals: number,
  out: Float64Array,
  at: number,
): number {
  if (from + 8 > end) return scanLongDecimal(view, from, end, decimals, out, at);
  let digits = view.getInt32(from, true) ^ zeroDigits;
  let none = notDigits(digits);
  let p = from;
  let whole = 0;
  if (none === 0) {
    whole = valueOfFour(digits);
    p += 4;
    digits = view.getInt32(p, true) ^ zeroDigits;
    none = notDigits(digits);
  }
  const count = (31 - Math.clz32(none & -none)) >>> 3;
  if (none !== 0 && count > 0) {
    whole = (whole * powers[count]! + valueOfFour(digits << (32 - 8 * count))) | 0;
    p += count;
  }
  if (none !== 0 && p !== from && p + 1 + fractionDigits <= end && view.getUint8(p) === point) {
    const high = view.getInt32(p + 1, true) ^ zeroDigits;
    const low = view.getInt32(p + 5, true) ^ zeroDigits;
    if (decimals <= 4) {
      // Kept digits move up as above; all the others must be zeros.
      if ((low | (high & cutMasks[decimals]!) | notDigits(high)) === 0) {
        out[at] = whole * powers[decimals]! + valueOfFour(high << (32 - 8 * decimals));
        return p + 1 + fractionDigits;
      }
    } else if (
      decimals <= fractionDigits &&
      (notDigits(high) | notDigits(low) | (low & cutMasks[decimals - 4]!)) === 0
    ) {
      const kept = valueOfFour(high) * powers[decimals - 4]! + valueOfFour(low << (32 - 8 * (decimals - 4)));
      const mantissa = whole * powers[decimals]! + kept;
      if (mantissa > Number.MAX_SAFE_INTEGER) return -1;
      out[at] = mantissa;
      return p + 1 + fractionDigits;
    }
  }
  return scanLongDecimal(view, from, end, decimals, out, at);
}

/** The same digit by digit, for up to nine digits before the point and any number after it. */
function scanLongDecimal(
  view: DataView,
  from: number,
  end: number,
  decimals: number,
  out: Float64Array,
  at: number,
): number {
  let p = from;
  let whole = 0;
  for (; p < end; p++) {
    const digit = view.getUint8(p) - 0x30;
    if (digit < 0 || digit > 9) break;
    whole = whole * 10 + digit;
  }
  if (p === from || p - from > wholeDigitsMax) return -1;
  let fraction = 0;
  let count = 0;
  if (p < end && view.getUint8(p) === point) {
    const first = ++p;
    for (; p < end; p++) {
      const digit = view.getUint8(p) - 0x30;
      if (digit < 0 || digit > 9) break;
      if (count < decimals) {
        fraction = fraction * 10 + digit;
        count++;
      } else if (digit !== 0) return -1;
    }
    if (p === first || p - first > fractionLongMax) return -1;
  }
  const mantissa = whole * powers[decimals]! + fraction * powers[decimals - count]!;
  if (mantissa > Number.MAX_SAFE_INTEGER) return -1;
  out[at] = mantissa;
  return p;
}
