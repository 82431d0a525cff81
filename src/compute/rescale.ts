/** Prices and sizes of an instrument get more digits while it runs: all that is known of it is multiplied, exactly. */
import { barWord, barWords } from '../market/bar-words.ts';
import { resolutions } from '../market/resolution.ts';
import { scaleLimbs } from './minute-ring.ts';
import {
  changedAll,
  closedBars,
  closedFrom,
  coldWords,
  heldMax,
  heldWords,
  hot,
  hotWords,
  type ShardMemory,
  seedsFrom,
} from './shard-memory.ts';

const hotPrices = [hot.price, hot.bid, hot.ask, hot.ath, hot.atl, hot.outlierPrice] as const;
const hotSizes = [hot.size, hot.bidSize, hot.askSize] as const;
const barPrices = [barWord.open, barWord.high, barWord.low, barWord.close] as const;

/** Gives the instrument in `row` so many more digits. Closed minutes are multiplied when they are read (minute-ring.ts). */
export function rescale(memory: ShardMemory, row: number, priceDigits: number, sizeDigits: number): void {
  const words = memory.hot;
  const cold = memory.cold;
  const at = row * hotWords;
  const price = 10 ** priceDigits;
  const size = 10 ** sizeDigits;
  for (const word of hotPrices) words[at + word]! *= price;
  for (const word of hotSizes) words[at + word]! *= size;
  words[at + hot.scale]! += priceDigits + 64 * sizeDigits;
  words[at + hot.day] = 0;
  words[at + hot.changed] = changedAll;
  words[at + hot.sentAt] = 0;
  const from = row * coldWords;
  for (let index = 0; index < heldMax; index++) {
    cold[from + index * heldWords + 3]! *= price;
    cold[from + index * heldWords + 4]! *= size;
  }
  for (let index = 0; index < resolutions.length; index++) {
    rescaleBar(words, at + hot.bars + index * barWords, price, size);
    rescaleBar(cold, from + seedsFrom + index * barWords, price, size);
    for (let place = 0; place < closedBars[index]!; place++)
      rescaleBar(cold, from + closedFrom[index]! + place * barWords, price, size);
  }
  memory.coldTouched[row] = 1;
}

function rescaleBar(words: Float64Array, at: number, price: number, size: number): void {
  for (const word of barPrices) words[at + word]! *= price;
  scaleLimbs(words, at + barWord.volume, size);
  scaleLimbs(words, at + barWord.takerBuyVolume, size);
  scaleLimbs(words, at + barWord.quoteVolume, price * size);
  scaleLimbs(words, at + barWord.takerBuyQuoteVolume, price * size);
}
