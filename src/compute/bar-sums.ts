/**
 * What a bar is made of: adding a trade to one, and one to another. Open and close are the prices of the lowest and the
 * highest trade id, whatever the order of arrival; so late trades give the same bars as sorted ones.
 */
import { addLimbs, addProductTo, addTo } from '../market/amount.ts';
import { barBit, barWord, barWords } from '../market/bar-words.ts';

/** What a bar takes over from those that it is made of. */
const lacking = barBit.incomplete | barBit.lost;

/** One trade for the bars: what of it counts. */
export interface BarTrade {
  time: number;
  price: number;
  size: number;
  firstId: number;
  lastId: number;
  takerSold: boolean;
}

/** Adds a trade to the bar at `words[at…]`, whose open time is set. */
export function addToBar(words: Float64Array, at: number, trade: BarTrade): void {
  const price = trade.price;
  if (words[at + barWord.count] === 0) {
    words[at + barWord.open] =
      words[at + barWord.high] =
      words[at + barWord.low] =
      words[at + barWord.close] =
        price;
    words[at + barWord.firstId] = trade.firstId;
    words[at + barWord.lastId] = trade.lastId;
    words[at + barWord.lastTime] = trade.time;
  } else {
    if (price > words[at + barWord.high]!) words[at + barWord.high] = price;
    else if (price < words[at + barWord.low]!) words[at + barWord.low] = price;
    if (trade.lastId > words[at + barWord.lastId]!) {
      words[at + barWord.lastId] = trade.lastId;
      words[at + barWord.close] = price;
    }
    if (trade.firstId < words[at + barWord.firstId]!) {
      words[at + barWord.firstId] = trade.firstId;
      words[at + barWord.open] = price;
    }
    if (trade.time > words[at + barWord.lastTime]!) words[at + barWord.lastTime] = trade.time;
  }
  addTo(words, at + barWord.volume, trade.size);
  addProductTo(words, at + barWord.quoteVolume, price, trade.size);
  words[at + barWord.count]! += trade.lastId - trade.firstId + 1;
  if (!trade.takerSold) {
    addTo(words, at + barWord.takerBuyVolume, trade.size);
    addProductTo(words, at + barWord.takerBuyQuoteVolume, price, trade.size);
  }
}

/** Merges the bar at `source[from…]` into the one at `target[at…]`, whose open time is set. */
export function mergeBar(target: Float64Array, at: number, source: Float64Array, from: number): void {
  if (source[from + barWord.count] === 0) return;
  if (target[at + barWord.count] === 0) {
    const open = target[at + barWord.openTime]!;
    const flags = target[at + barWord.flags]!;
    for (let index = 0; index < barWords; index++) target[at + index] = source[from + index]!;
    target[at + barWord.openTime] = open;
    target[at + barWord.revision] = 0;
    target[at + barWord.flags] = flags | (source[from + barWord.flags]! & lacking);
    return;
  }
  if (source[from + barWord.high]! > target[at + barWord.high]!)
    target[at + barWord.high] = source[from + barWord.high]!;
  if (source[from + barWord.low]! < target[at + barWord.low]!)
    target[at + barWord.low] = source[from + barWord.low]!;
  if (source[from + barWord.lastId]! > target[at + barWord.lastId]!) {
    target[at + barWord.lastId] = source[from + barWord.lastId]!;
    target[at + barWord.close] = source[from + barWord.close]!;
  }
  if (source[from + barWord.firstId]! < target[at + barWord.firstId]!) {
    target[at + barWord.firstId] = source[from + barWord.firstId]!;
    target[at + barWord.open] = source[from + barWord.open]!;
  }
  if (source[from + barWord.lastTime]! > target[at + barWord.lastTime]!) {
    target[at + barWord.lastTime] = source[from + barWord.lastTime]!;
  }
  addLimbs(target, at + barWord.volume, source, from + barWord.volume);
  addLimbs(target, at + barWord.quoteVolume, source, from + barWord.quoteVolume);
  addLimbs(target, at + barWord.takerBuyVolume, source, from + barWord.takerBuyVolume);
  addLimbs(target, at + barWord.takerBuyQuoteVolume, source, from + barWord.takerBuyQuoteVolume);
  target[at + barWord.count]! += source[from + barWord.count]!;
  target[at + barWord.flags] = target[at + barWord.flags]! | (source[from + barWord.flags]! & lacking);
}

/** An empty bar that opens at `open`. */
export function emptyBar(words: Float64Array, at: number, open: number): void {
  words.fill(0, at, at + barWords);
  words[at + barWord.openTime] = open;
}
