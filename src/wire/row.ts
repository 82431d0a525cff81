/**
 * Rows for sinks: what a store keeps, as plain f64 words in a segment ring. Fixed length per kind; word 0 is
 * kind × 2^32 + instrument. Prices and sizes are mantissas, times µs; sums have two limbs (market/amount.ts).
 */
import { barAt } from '../market/bar-words.ts';
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

/** A bar row's words: head, resolution, then the bar (market/bar-words.ts). */
export function barRowAt(words: Float64Array, at: number): Bar {
  return barAt(words, at + 2, rowInstrumentOf(words[at]!), words[at + 1]!);
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
