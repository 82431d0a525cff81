/**
 * Decimal text to scaled integer and back. All money in Tickwire is an integer mantissa with the
 * instrument's decimals: 61837.63 with 2 decimals is 6183763.
 */

const decimalText = /^(\d{1,30})(?:\.(\d{1,30}))?$/;

/**
 * The mantissa of a plain, unsigned decimal text, exact or not at all.
 * @returns NaN when the text is no plain decimal number, has a non-zero digit past `decimals`, or passes 2^53.
 */
export function mantissaOf(text: string, decimals: number): number {
  const match = decimalText.exec(text);
  if (match === null) return Number.NaN;
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > decimals) return Number.NaN;
  const mantissa = Number(match[1] + fraction.padEnd(decimals, '0'));
  return mantissa <= Number.MAX_SAFE_INTEGER ? mantissa : Number.NaN;
}

/** The decimal text of a mantissa, with exactly `decimals` digits after the point: (6183763, 2) is `61837.63`. */
export function decimalOf(mantissa: number | bigint, decimals: number): string {
  const negative = mantissa < 0;
  const digits = (negative ? -mantissa : mantissa).toString().padStart(decimals + 1, '0');
  const cut = digits.length - decimals;
  const text = decimals === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`;
  return negative ? `-${text}` : text;
}

/** The nearest double of a mantissa: for frame v1, JSON numbers and pixels only, never to compute with. */
export function doubleOf(mantissa: number, decimals: number): number {
  return mantissa / 10 ** decimals;
}

/** How many decimals a step such as `0.01000000` has: 2. */
export function decimalsOfStep(step: string): number {
  const point = step.indexOf('.');
  return point < 0 ? 0 : step.slice(point + 1).replace(/0+$/, '').length;
}
