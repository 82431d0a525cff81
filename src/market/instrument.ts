/** What can be traded, and the numbers by which it is known inside one dictionary. */

/**
 * One instrument of one venue. `id` is dense within its dictionary (1, 2, 3 …; 0 means "none") and is
 * never given to another instrument. A mantissa with `priceDecimals` 2 and value 6183763 is 61837.63.
 */
export interface Instrument {
  readonly id: number;
  readonly venue: string;
  /** The venue's own name, such as `BTCUSDT`. */
  readonly native: string;
  /** `VENUE:NATIVE`, such as `BINANCE:BTCUSDT`: the canonical name. */
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  /** Decimals of the tick size: what a price mantissa is scaled by. */
  readonly priceDecimals: number;
  /** Decimals of the lot size: what a size mantissa is scaled by. */
  readonly sizeDecimals: number;
  readonly active: boolean;
}

/**
 * The instruments of one run. `epoch` (s since 1970) changes when ids are given anew, `version` rises by one
 * with every change within an epoch. `instruments[i].id === i + 1`.
 */
export interface Dictionary {
  readonly epoch: number;
  readonly version: number;
  readonly instruments: readonly Instrument[];
}

export function canonicalSymbol(venue: string, native: string): string {
  return `${venue}:${native}`;
}
