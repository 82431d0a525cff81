/** Contract: the latest price of each instrument, for whoever asks between ticks. */

export interface LatestPrice {
  readonly instrument: number;
  /** Mantissa of the last trade's price; 0 when none yet. */
  readonly price: number;
  readonly bid: number;
  readonly ask: number;
  readonly bidSize: number;
  readonly askSize: number;
  /** Size of the last trade. */
  readonly size: number;
  /** Id of the last trade. */
  readonly tradeId: number;
  /** µs of the newest of trade and quote. */
  readonly time: number;
  /** By how many digits prices (and sizes, times 64) have grown since the run began; absent when by none. */
  readonly scale?: number;
}

/** The digits that a `scale` stands for. */
export function scaleDigits(scale: number): { readonly price: number; readonly size: number } {
  return { price: scale % 64, size: Math.floor(scale / 64) };
}

export interface LatestPrices {
  /** The newest put wins; puts never wait and never fail. */
  put(latest: LatestPrice): void;
  /** Undefined when nothing was ever put for the instrument. */
  get(instrument: number): Promise<LatestPrice | undefined>;
}
