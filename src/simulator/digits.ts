/** Numbers written with exactly the digits of their tick or step, or with as few as they need. */
export function padded(mantissa: number | bigint, decimals: number): string {
  const negative = mantissa < 0;
  const digits = (negative ? -mantissa : mantissa).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const text = decimals === 0 ? whole : `${whole}.${digits.slice(-decimals)}`;
  return negative ? `-${text}` : text;
}

export function trimmed(mantissa: number | bigint, decimals: number): string {
  const text = padded(mantissa, decimals);
  return decimals === 0 ? text : text.replace(/\.?0+$/, '');
}

/** One tick or step: 0.01 for two decimals. */
export function increment(decimals: number): string {
  return decimals === 0 ? '1' : `0.${'1'.padStart(decimals, '0')}`;
}

const millionths = 1_000_000n;

/** A decimal text times a factor (to six digits), with as many digits as it had; other text stays as it is. */
export function multiplied(text: string, factor: number): string {
  const [whole = '', fraction = ''] = text.split('.');
  if (!/^\d+$/.test(whole) || !/^\d*$/.test(fraction)) return text;
  const product = (BigInt(whole + fraction) * BigInt(Math.round(factor * 1e6))) / millionths;
  return padded(product, fraction.length);
}

/** A decimal with exactly so many digits behind the point; digits that are cut are zeros. */
export function exactly(text: string, decimals: number): string {
  const [whole = '0', fraction = ''] = text.split('.');
  return decimals === 0 ? whole : `${whole}.${fraction.padEnd(decimals, '0').slice(0, decimals)}`;
}
