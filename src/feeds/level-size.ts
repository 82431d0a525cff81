/**
 * The size of a level or quote. Unlike a trade's it may be finer than the lot size: Binance's recorded books have sizes
 * such as 191.38900600 at a lot size of 0.00001. It is cut to the instrument's decimals, and never to nothing: size 0
 * would take the level away.
 */
import { readDecimal } from './decimal.ts';
import { refusal } from './refusal.ts';

/** The mantissa (0 or more), or a refusal (negative). */
export function readLevelSize(value: unknown, decimals: number): number {
  const exact = readDecimal(value, decimals);
  if (exact !== refusal.tooPrecise) return exact;
  const [whole, fraction = ''] = (value as string).split('.') as [string, string?];
  const mantissa = Math.max(1, Number(whole + fraction.slice(0, decimals)));
  return mantissa <= Number.MAX_SAFE_INTEGER ? mantissa : refusal.tooBig;
}
