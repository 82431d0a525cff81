/** Decimal text to mantissa with a reason when it is refused: the obvious way, judge of `scan-number.ts`. */
import { refusal } from './refusal.ts';

const digitsMax = 40;
const plain = /^\d+(?:\.\d+)?$/;
const plainNegative = /^-\d+(?:\.\d+)?$/;

/** The mantissa (0 or more), or a refusal (negative). */
export function readDecimal(value: unknown, decimals: number): number {
  if (typeof value !== 'string') return refusal.wrongType;
  // One more for the point: longer texts need not be looked at.
  if (value.length > digitsMax + 1) return /^[\d.]+$/.test(value) ? refusal.tooLong : refusal.badNumber;
  if (!plain.test(value)) return plainNegative.test(value) ? refusal.notPositive : refusal.badNumber;
  const [whole, fraction = ''] = value.split('.') as [string, string?];
  if (whole.length + fraction.length > digitsMax) return refusal.tooLong;
  const kept = fraction.replace(/0+$/, '');
  if (kept.length > decimals) return refusal.tooPrecise;
  const mantissa = Number(whole + kept.padEnd(decimals, '0'));
  return mantissa <= Number.MAX_SAFE_INTEGER ? mantissa : refusal.tooBig;
}

/** The same, and zero is refused. */
export function readPositive(value: unknown, decimals: number): number {
  const mantissa = readDecimal(value, decimals);
  return mantissa === 0 ? refusal.notPositive : mantissa;
}

/** A whole number, 0 ≤ n < 2^53, or a refusal (negative). */
export function readWhole(value: unknown): number {
  if (typeof value !== 'number') return refusal.wrongType;
  if (!Number.isSafeInteger(value)) return refusal.badNumber;
  return value < 0 ? refusal.badNumber : value;
}
