/**
 * The market's words as plain objects. Objects are for stores, clients and tests: on the tick path the same
 * things travel as fixed binary records (`wire/tick-record.ts`) and blocks (`wire/block.ts`).
 * All times are µs since 1970; all prices and sizes are mantissas with the instrument's decimals.
 */

export interface Trade {
  readonly instrument: number;
  /** The venue's own trade id (or aggregate-trade id): the cursor of the trade stream. */
  readonly id: number;
  readonly time: number;
  readonly price: number;
  readonly size: number;
  /** Taker side: true when the taker sold (the buyer was the maker). */
  readonly takerSold: boolean;
  /** How many trades of the venue it stands for: 1, or more for an aggregate. */
  readonly merged: number;
}

/** A trade as it is kept: with receive time and the quote of that moment (0 when there was none). */
export interface TradeRow extends Trade {
  readonly received: number;
  readonly bid: number;
  readonly ask: number;
  /** First and last id of the venue's trades it stands for: both equal `id` for a plain trade. */
  readonly firstId: number;
  readonly lastId: number;
}

/** Top of book. `version` is the venue's update id. */
export interface Quote {
  readonly instrument: number;
  readonly version: number;
  readonly time: number;
  readonly bid: number;
  readonly bidSize: number;
  readonly ask: number;
  readonly askSize: number;
}

/** An OHLCV bar. Sums are whole numbers at `sizeDecimals` (volumes) and `priceDecimals + sizeDecimals` (quote volumes). */
export interface Bar {
  readonly instrument: number;
  /** Index in `resolutions`. */
  readonly resolution: number;
  readonly openTime: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: bigint;
  readonly quoteVolume: bigint;
  readonly takerBuyVolume: bigint;
  readonly takerBuyQuoteVolume: bigint;
  /** Trades in it. */
  readonly count: number;
  readonly firstId: number;
  readonly lastId: number;
  /** 0 when first closed; rises by one with each correction. */
  readonly revision: number;
  readonly closed: boolean;
  /** True while ids are known to be missing from it. */
  readonly incomplete: boolean;
  /** True when it is the venue's own candle, not made from trades: it has no ids (0). */
  readonly backfilled?: boolean;
}

/** Rolling 24 hours, by whole minutes. */
export interface Ticker {
  readonly instrument: number;
  readonly time: number;
  readonly last: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly volume: bigint;
  readonly quoteVolume: bigint;
  readonly count: number;
}

/** Where the price stands between its all-time low and high. */
export interface Enigma {
  readonly instrument: number;
  readonly time: number;
  readonly price: number;
  /** 0 to 1,000,000: per cent × 10,000. */
  readonly level: number;
  readonly ath: number;
  readonly athTime: number;
  readonly atl: number;
  readonly atlTime: number;
}

/** Ids that are missing (gap), came late (repaired) or will not come (lost): `from` to `to`, both included. */
export interface GapNotice {
  readonly instrument: number;
  readonly state: 'gap' | 'repaired' | 'lost';
  readonly from: number;
  readonly to: number;
  readonly time: number;
}
