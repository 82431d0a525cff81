/** The Enigma level and its Fibonacci prices (document 002; design, section 4). */

export const levelScale = 10_000;
export const levelMax = 100 * levelScale;

/** Fibonacci ratios in tenths of a per cent, from the all-time low upwards. */
export const fibonacciTenths = [0, 236, 382, 500, 618, 786, 1000] as const;
/** Their names in JSON. */
export const fibonacciNames = ['0', '23.6', '38.2', '50', '61.8', '78.6', '100'] as const;

/**
 * `clamp((price − atl) / (ath − atl) × 100, 0, 100)` in units of 1/10,000 per cent, rounded half up.
 * When ath = atl there is no range yet: the level is 50 % at that price, 100 % above and 0 % below.
 */
export function enigmaLevel(price: number, ath: number, atl: number): number {
  if (ath <= atl) return price > ath ? levelMax : price < atl ? 0 : levelMax / 2;
  if (price >= ath) return levelMax;
  if (price <= atl) return 0;
  const scaled = (price - atl) * levelMax;
  // One rounding, not two, where the product is exact: ties are then seen as ties.
  return Math.round(
    scaled <= Number.MAX_SAFE_INTEGER ? scaled / (ath - atl) : ((price - atl) / (ath - atl)) * levelMax,
  );
}

/** The seven Fibonacci prices, as mantissas, each rounded half up to the instrument's decimals. */
export function fibonacciPrices(ath: number, atl: number): number[] {
  const range = BigInt(Math.max(0, ath - atl));
  return fibonacciTenths.map((tenths) => atl + Number((range * BigInt(tenths) * 2n + 1_000n) / 2_000n));
}
