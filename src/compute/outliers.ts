/**
 * Prices beyond belief, of trades and of daily candles.
 *
 * A trade is beyond belief when its price is more than 10 times the reference price, or less than a tenth of it. The
 * reference is the last price that was believed; before there is one, the middle of the quote; with neither, all is
 * believed. Such a trade is quarantined: listed, but in no bar, price or extreme. When three of an instrument come in a
 * row, each within a factor of 2 of the one before, the market is there: the third is believed, and its price is the
 * reference from then on. The earlier ones stay listed.
 *
 * A quote is beyond belief when its middle is so far from the last price that was believed. It is left out and counted; when
 * sixteen come in a row, the market is there, and the sixteenth passes.
 *
 * A daily candle's high is a bad print when it is more than 10 times both its open and its close, its low when it is
 * less than a tenth of both: Coinbase's BTC-USD printed 0.06 on a day that opened and closed above 1,000. A candle
 * that tells neither is judged by the last believed price, if there is one.
 */
import { hot, hotWords, type ShardMemory } from './shard-memory.ts';

export const outlierFactor = 10;
/** So many in a row are believed, each within `agreeFactor` of the one before. */
export const outlierAgree = 3;
const agreeFactor = 2;

/** What a trade's price is judged by; 0 for nothing. */
export function referencePrice(memory: ShardMemory, row: number): number {
  const words = memory.hot;
  const at = row * hotWords;
  const last = words[at + hot.price]!;
  if (last > 0) return last;
  const bid = words[at + hot.bid]!;
  const ask = words[at + hot.ask]!;
  return bid > 0 && ask > 0 ? (bid + ask) / 2 : 0;
}

/** True when a trade of `price` must be quarantined; remembers it for those that follow. */
export function isOutlier(memory: ShardMemory, row: number, price: number): boolean {
  const words = memory.hot;
  const at = row * hotWords;
  const reference = referencePrice(memory, row);
  if (reference === 0 || !isFar(price, reference, outlierFactor)) {
    if (words[at + hot.outlierCount] !== 0) words[at + hot.outlierCount] = 0;
    return false;
  }
  const before = words[at + hot.outlierCount]!;
  const agrees = before > 0 && !isFar(price, words[at + hot.outlierPrice]!, agreeFactor);
  words[at + hot.outlierPrice] = price;
  words[at + hot.outlierCount] = agrees ? before + 1 : 1;
  if (words[at + hot.outlierCount]! < outlierAgree) return true;
  words[at + hot.outlierCount] = 0;
  return false;
}

/** So many quotes in a row are believed: they come faster than trades. */
export const farQuotesMost = 16;

/** True when a quote must be left out; counts those in a row. */
export function isOutlierQuote(memory: ShardMemory, row: number, bid: number, ask: number): boolean {
  const words = memory.hot;
  const at = row * hotWords;
  const last = words[at + hot.price]!;
  if (last === 0 || !isFar((bid + ask) / 2, last, outlierFactor)) {
    if (words[at + hot.quotesFar] !== 0) words[at + hot.quotesFar] = 0;
    return false;
  }
  words[at + hot.quotesFar]!++;
  if (words[at + hot.quotesFar]! < farQuotesMost) return true;
  words[at + hot.quotesFar] = 0;
  return false;
}

/** Whether the extreme price of a daily candle is a bad print; `open` and `close` are 0 when unknown. */
export function isBadPrint(extreme: number, open: number, close: number, last: number): boolean {
  if (open > 0 && !isFar(extreme, open, outlierFactor)) return false;
  if (close > 0 && !isFar(extreme, close, outlierFactor)) return false;
  if (open > 0 || close > 0) return true;
  return last > 0 && isFar(extreme, last, outlierFactor);
}

function isFar(price: number, reference: number, factor: number): boolean {
  return price > reference * factor || price * factor < reference;
}
