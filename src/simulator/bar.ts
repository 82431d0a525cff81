/** A bar in whole ticks and steps, and how the venue writes it. */
import { formatDecimal, formatSum } from './decimal.ts';
import type { Instrument } from './instrument.ts';

export interface Bar {
  openMs: number;
  /** Prices in ticks. */
  open: number;
  high: number;
  low: number;
  close: number;
  /** Sizes in steps, quote sums in ticks times steps: exact. */
  volume: bigint;
  quote: bigint;
  trades: number;
  takerVolume: bigint;
  takerQuote: bigint;
  /** Trade ids, or -1 where no trade of this session is in it. */
  firstId: number;
  lastId: number;
}

export function flatBar(openMs: number, price: number): Bar {
  return {
    openMs,
    open: price,
    high: price,
    low: price,
    close: price,
    volume: 0n,
    quote: 0n,
    trades: 0,
    takerVolume: 0n,
    takerQuote: 0n,
    firstId: -1,
    lastId: -1,
  };
}

/** Adds the later bar to the earlier one. A bar without trades says nothing of open, high or low. */
export function extend(bar: Bar, later: Bar): void {
  if (later.trades === 0) return;
  if (bar.trades === 0) {
    Object.assign(bar, later, { openMs: bar.openMs });
    return;
  }
  bar.high = Math.max(bar.high, later.high);
  bar.low = Math.min(bar.low, later.low);
  bar.close = later.close;
  bar.volume += later.volume;
  bar.quote += later.quote;
  bar.trades += later.trades;
  bar.takerVolume += later.takerVolume;
  bar.takerQuote += later.takerQuote;
  if (bar.firstId < 0) bar.firstId = later.firstId;
  if (later.lastId >= 0) bar.lastId = later.lastId;
}

/** Prices are counted in a finer unit: so many of it are one of the old. */
export function refineBar(bar: Bar, factor: number): void {
  bar.open *= factor;
  bar.high *= factor;
  bar.low *= factor;
  bar.close *= factor;
  bar.quote *= BigInt(factor);
  bar.takerQuote *= BigInt(factor);
}

/** price times size, exact even where it passes 2^53. */
export function product(price: number, size: number): bigint {
  const rough = price * size;
  return rough <= Number.MAX_SAFE_INTEGER ? BigInt(rough) : BigInt(price) * BigInt(size);
}

/** Puts a trade into its bar. Ids decide which is first and last, so the order of arrival does not matter. */
export function include(
  bar: Bar,
  firstId: number,
  lastId: number,
  price: number,
  size: number,
  buyerIsMaker: boolean,
): void {
  if (bar.trades === 0 || firstId < bar.firstId) {
    bar.open = price;
    bar.firstId = firstId;
  }
  if (bar.trades === 0 || lastId > bar.lastId) {
    bar.close = price;
    bar.lastId = lastId;
  }
  bar.high = bar.trades === 0 ? price : Math.max(bar.high, price);
  bar.low = bar.trades === 0 ? price : Math.min(bar.low, price);
  const quote = product(price, size);
  const volume = BigInt(size);
  bar.volume += volume;
  bar.quote += quote;
  bar.trades += lastId - firstId + 1;
  if (buyerIsMaker) return;
  bar.takerVolume += volume;
  bar.takerQuote += quote;
}

/** The REST row: open time, o, h, l, c, volume, close time, quote volume, trades, taker base, taker quote, "0". */
export function klineRow(bar: Bar, closeMs: number, instrument: Instrument): string {
  const { priceDecimals, sizeDecimals } = instrument;
  const price = (ticks: number): string => `"${formatDecimal(ticks, priceDecimals)}"`;
  const volume = (steps: bigint): string => `"${formatSum(steps, sizeDecimals)}"`;
  const quote = (sum: bigint): string => `"${formatSum(sum, priceDecimals + sizeDecimals)}"`;
  return `[${[
    bar.openMs,
    price(bar.open),
    price(bar.high),
    price(bar.low),
    price(bar.close),
    volume(bar.volume),
    closeMs,
    quote(bar.quote),
    bar.trades,
    volume(bar.takerVolume),
    quote(bar.takerQuote),
    '"0"',
  ].join(',')}]`;
}
