/**
 * Rows for sinks: what a store keeps, as plain f64 words in a segment ring. Fixed length per kind; word 0 is
 * kind × 2^32 + instrument. Prices and sizes are mantissas, times µs; sums have two limbs (market/amount.ts).
 */
import { amountOf } from '../market/amount.ts';
import type { Bar, Enigma, Quote, TradeRow } from '../market/tick.ts';

export const rowKind = { trade: 1, bar: 2, quote: 3, enigma: 4, gap: 5 } as const;

/** Words of each kind of row, head included. */
export const rowWords = { trade: 12, bar: 22, quote: 8, enigma: 9, gap: 6 } as const;

const kindUnit = 2 ** 32;

export function rowHead(kind: number, instrument: number): number {
  return kind * kindUnit + instrument;
}

export function rowKindOf(head: number): number {
  return Math.floor(head / kindUnit);
}

export function rowInstrumentOf(head: number): number {
  return head % kindUnit;
}

/**
 * A trade row's words: head, id, time, received, price, size, bid, ask, firstId, lastId, merged,
 * flags (1 taker sold).
 */
export function tradeRowAt(words: Float64Array, at: number): TradeRow {
  return {
    instrument: rowInstrumentOf(words[at]!),
    id: words[at + 1]!,
    time: words[at + 2]!,
    received: words[at + 3]!,
    price: words[at + 4]!,
    size: words[at + 5]!,
    bid: words[at + 6]!,
    ask: words[at + 7]!,
    firstId: words[at + 8]!,
    lastId: words[at + 9]!,
    merged: words[at + 10]!,
    takerSold: (words[at + 11]! & 1) !== 0,
  };
}

/** Words of a bar inside a row (from word 2) and inside a shard's state: the same order in both. */
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
/** Bits of a bar's flags word. */
export const barBit = { closed: 1, corrected: 2, incomplete: 4, unpublished: 8 } as const;

/** A bar row's words: head, resolution, then the bar. */
export function barRowAt(words: Float64Array, at: number): Bar {
  return barAt(words, at + 2, rowInstrumentOf(words[at]!), words[at + 1]!);
}

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
  };
}

/** A quote row's words: head, version, time, bid, bidSize, ask, askSize, reserved. */
export function quoteRowAt(words: Float64Array, at: number): Quote {
  return {
    instrument: rowInstrumentOf(words[at]!),
    version: words[at + 1]!,
    time: words[at + 2]!,
    bid: words[at + 3]!,
    bidSize: words[at + 4]!,
    ask: words[at + 5]!,
    askSize: words[at + 6]!,
  };
}

/** An Enigma row's words: head, time, price, level, ath, athTime, atl, atlTime, reserved. */
export function enigmaRowAt(words: Float64Array, at: number): Enigma {
  return {
    instrument: rowInstrumentOf(words[at]!),
    time: words[at + 1]!,
    price: words[at + 2]!,
    level: words[at + 3]!,
    ath: words[at + 4]!,
    athTime: words[at + 5]!,
    atl: words[at + 6]!,
    atlTime: words[at + 7]!,
  };
}
