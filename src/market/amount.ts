/**
 * Sums that may pass 2^53 (a day's quote volume does) are kept as two limbs: value = high × 2^48 + low,
 * with 0 ≤ low < 2^48. A limb pair holds up to 2^101, exactly.
 */

export const limb = 2 ** 48;

const half = 2 ** 26;
const fastProductMax = 2 ** 52;

/** Adds an integer 0 ≤ `value` < 2^53 to the limbs at `sums[at]` (low) and `sums[at + 1]` (high). */
export function addTo(sums: Float64Array, at: number, value: number): void {
  // A value of more than one limb is cut first, so that low + value stays below 2^53.
  if (value >= limb) {
    const high = Math.floor(value / limb);
    sums[at + 1]! += high;
    value -= high * limb;
  }
  const low = sums[at]! + value;
  if (low >= limb) {
    sums[at] = low - limb;
    sums[at + 1]! += 1;
  } else sums[at] = low;
}

/** Adds price × size, exact while the sum is below 2^101. Both are integers, 0 ≤ x < 2^53. */
export function addProductTo(sums: Float64Array, at: number, price: number, size: number): void {
  const product = price * size;
  if (product < fastProductMax) {
    addTo(sums, at, product);
    return;
  }
  const priceHigh = Math.floor(price / half);
  const priceLow = price - priceHigh * half;
  const sizeHigh = Math.floor(size / half);
  const sizeLow = size - sizeHigh * half;
  // price × size = ph·sh·2^52 + (ph·sl + pl·sh)·2^26 + pl·sl, and 2^52 is 16 high limbs.
  sums[at + 1]! += priceHigh * sizeHigh * 16;
  addShifted(sums, at, priceHigh * sizeLow);
  addShifted(sums, at, priceLow * sizeHigh);
  addTo(sums, at, priceLow * sizeLow);
}

/** Adds value × 2^26: the part above 2^22 of value belongs to the high limb. */
function addShifted(sums: Float64Array, at: number, value: number): void {
  const cut = limb / half;
  const high = Math.floor(value / cut);
  sums[at + 1]! += high;
  addTo(sums, at, (value - high * cut) * half);
}

/** Adds one limb pair to another: target[at…] += source[from…]. */
export function addLimbs(target: Float64Array, at: number, source: Float64Array, from: number): void {
  target[at + 1]! += source[from + 1]!;
  addTo(target, at, source[from]!);
}

/** The whole value, for text and tests. */
export function amountOf(low: number, high: number): bigint {
  return BigInt(high) * BigInt(limb) + BigInt(low);
}

/** The limbs of a whole value: [low, high]. */
export function limbsOf(value: bigint): [low: number, high: number] {
  return [Number(value % BigInt(limb)), Number(value / BigInt(limb))];
}
