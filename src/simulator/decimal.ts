/** Decimal strings as the venue writes them, and exact whole numbers as we count them. */
const decimalsShown = 8;

/** A decimal as a whole mantissa and how many digits of it stand behind the point; trailing zeros cut. */
export interface Decimal {
  readonly mantissa: number;
  readonly decimals: number;
}

/** Undefined when it is no plain decimal or does not fit a whole number of 2^53. */
export function parseDecimal(text: unknown): Decimal | undefined {
  if (typeof text !== 'string') return undefined;
  const match = /^(\d{1,30})(?:\.(\d{1,30}))?$/.exec(text);
  if (match === null) return undefined;
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  const mantissa = Number(match[1] + fraction);
  return Number.isSafeInteger(mantissa) ? { mantissa, decimals: fraction.length } : undefined;
}

/** A mantissa with `decimals` digits behind the point, written with at least eight of them. */
export function formatDecimal(mantissa: number | bigint, decimals: number): string {
  const negative = mantissa < 0;
  const digits = (negative ? -mantissa : mantissa).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).padEnd(decimalsShown, '0');
  return `${negative ? '-' : ''}${whole}.${fraction}`;
}

/** As the venue shows sums: eight digits behind the point, what is finer is cut off. */
export function formatSum(mantissa: bigint, decimals: number): string {
  if (decimals <= decimalsShown) return formatDecimal(mantissa, decimals);
  return formatDecimal(mantissa / 10n ** BigInt(decimals - decimalsShown), decimalsShown);
}

/** The whole number that `decimal` is when counted in units of 10^-decimals. */
export function rescaled(decimal: Decimal, decimals: number): number {
  return decimal.mantissa * 10 ** (decimals - decimal.decimals);
}
