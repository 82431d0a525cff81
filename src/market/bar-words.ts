/** A bar as plain f64 words: the same order in a shard's state, in a sink's row and in a snapshot. */
import { amountOf } from './amount.ts';
import type { Bar } from './tick.ts';

export const barWord = {
  openTime: 0,
  open: 1,
  high: 2,
  low: 3,
  close: 4,
  volume: 5,
  quoteVolume: 7,
  takerBuyVolume: 9,
  takerBuyQuoteVolume: 11,
  count: 13,
  firstId: 14,
  lastId: 15,
  revision: 16,
  flags: 17,
  lastTime: 18,
} as const;
export const barWords = 20;
/**
 * Bits of a bar's flags word. `unpublished` and `lost` are a shard's own: closed, but still in its grace; and lacking
 * trades that will never come, so that it stays incomplete. `backfilled` is a candle
 * that the venue made, and `replace` (of a row to a store) lets it take the place of an own bar that is incomplete.
 */
export const barBit = {
  closed: 1,
  corrected: 2,
  incomplete: 4,
  unpublished: 8,
  backfilled: 16,
  replace: 32,
  lost: 64,
} as const;

/** The bar at `words[at…]` as an object. */
export function barAt(words: Float64Array, at: number, instrument: number, resolution: number): Bar {
  const sum = (index: number): bigint => amountOf(words[at + index]!, words[at + index + 1]!);
  const flags = words[at + barWord.flags]!;
  return {
    instrument,
    resolution,
    openTime: words[at + barWord.openTime]!,
    open: words[at + barWord.open]!,
    high: words[at + barWord.high]!,
    low: words[at + barWord.low]!,
    close: words[at + barWord.close]!,
    volume: sum(barWord.volume),
    quoteVolume: sum(barWord.quoteVolume),
    takerBuyVolume: sum(barWord.takerBuyVolume),
    takerBuyQuoteVolume: sum(barWord.takerBuyQuoteVolume),
    count: words[at + barWord.count]!,
    firstId: words[at + barWord.firstId]!,
    lastId: words[at + barWord.lastId]!,
    revision: words[at + barWord.revision]!,
    closed: (flags & barBit.closed) !== 0,
    incomplete: (flags & barBit.incomplete) !== 0,
    ...((flags & barBit.backfilled) === 0 ? {} : { backfilled: true }),
  };
}
