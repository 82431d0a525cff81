/** The short decimal texts that venues really send, without a pattern or a new text; `decimal.ts` decides the others. */
import { readDecimal } from './decimal.ts';
import { readLevelSize } from './level-size.ts';
import { refusal } from './refusal.ts';

/** So many digits are always below 2^53. */
const digitsMax = 15;
const zero = 0x30;
const point = 0x2e;
const powers = Float64Array.from({ length: digitsMax + 1 }, (_, i) => 10 ** i);

/** As `readDecimal`: the mantissa (0 or more), or a refusal (negative). */
export function readDecimalText(value: unknown, decimals: number): number {
  if (typeof value !== 'string') return refusal.wrongType;
  const { length } = value;
  if (length === 0 || length > digitsMax + 1) return readDecimal(value, decimals);
  let digits = 0;
  let pointAt = -1;
  for (let i = 0; i < length; i++) {
    const digit = value.charCodeAt(i) - zero;
    if (digit >= 0 && digit <= 9) digits = digits * 10 + digit;
    else if (digit === point - zero && pointAt < 0 && i > 0 && i < length - 1) pointAt = i;
    else return readDecimal(value, decimals);
  }
  if (pointAt < 0 && length > digitsMax) return readDecimal(value, decimals);
  const missing = decimals - (pointAt < 0 ? 0 : length - 1 - pointAt);
  if (missing === 0) return digits;
  if (missing < 0) {
    const cut = powers[-missing]!;
    return digits % cut === 0 ? digits / cut : refusal.tooPrecise;
  }
  // As a product it could pass 2^53 or be rounded.
  return length + missing > digitsMax ? readDecimal(value, decimals) : digits * powers[missing]!;
}

/** The same, and zero is refused. */
export function readPositiveText(value: unknown, decimals: number): number {
  const mantissa = readDecimalText(value, decimals);
  return mantissa === 0 ? refusal.notPositive : mantissa;
}

/** The size of a level or quote, as `readLevelSize`: what is finer than the lot size is cut, and never to nothing. */
export function readLevelSizeText(value: unknown, decimals: number): number {
  const mantissa = readDecimalText(value, decimals);
  return mantissa === refusal.tooPrecise ? readLevelSize(value, decimals) : mantissa;
}
