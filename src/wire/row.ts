/**
 * Rows for sinks: what a store keeps, as plain f64 words in a segment ring. Fixed length per kind; word 0 is
 * kind × 2^32 + instrument. Prices and sizes are mantissas, times µs; sums have two limbs (market/amount.ts).
 */
import { barAt } from '../market/bar-words.ts';
import type { Bar, Enigma, Quote, TradeRow } from '../market/tick.ts';

export const rowKind = {
  trade: 1,
  bar: 2,
  quote: 3,
  enigma: 4,
  /** Trade ids that are missing, came late, or are lost. To stores, and to the hub, which has them repaired. */
  gap: 5,
  /** An order book needs a new snapshot. To the hub only. */
  bookRequest: 6,
  /** A late trade that belongs to a bar which the shard no longer remembers: the store adds it. */
  amend: 7,
  /** A gap is filled: bars of an instrument between two times lack nothing any more, as far as the shard knows. */
  complete: 8,
  /** A trade whose price is beyond belief; it is kept here and counts nowhere. */
  quarantine: 9,
  /** A stream has become stale, or live again. To the hub only. */
  status: 10,
  /** How a part of an index does. To the hub only. */
  source: 11,
  /** Prices and sizes of the instrument have more digits from here on. Always the first row of its segment. */
  rescale: 12,
  /** What is fetched: by how many decimals the rows of the instrument in this segment are counted. Always its first row. */
  decimals: 13,
} as const;

/** Words of each kind of row, head included. */
export const rowWords = {
  trade: 12,
  bar: 22,
  quote: 8,
  enigma: 9,
  gap: 6,
  bookRequest: 4,
  amend: 10,
  complete: 4,
  quarantine: 8,
  status: 6,
  source: 7,
  rescale: 4,
  decimals: 4,
} as const;

/**
 * Words after the head of the rows that have no object of their own:
 *   gap          state (`gapState`), first id, last id, market time µs, 0
 *   bookRequest  reason (`bookReason`), last update id known, market time µs
 *   amend        resolution, open time of the bar, then the trade: id, time, price, size, first id, last id, taker sold (0, 1)
 *   complete     from µs, to µs (trade times, both included), market time µs
 *   quarantine   id, time, received, price, size, reference price, taker sold (0, 1)
 *   source       part, state (compute/index-price.ts), times used, times asked, quotes, µs of the last quote
 *   rescale      digits that prices and sizes grow by, version of the dictionary that has them
 *   decimals     of prices, of sizes, 0
 *   status       channel (`channel` in block-message.ts), state (`streamState`), since µs, learned interval µs, 0
 */
export const gapState = { gap: 0, repaired: 1, lost: 2 } as const;
export const bookReason = { unknown: 0, gap: 1, crossed: 2, thin: 3, cut: 4, torn: 5 } as const;
/** Of a stream: `syncing` is a book that waits for its snapshot. */
export const streamState = { live: 0, stale: 1, syncing: 2 } as const;

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
