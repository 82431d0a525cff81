/**
 * Why a message gave no tick. Codes are forever: append, never renumber. All are negative, so that a normaliser
 * answers with one number: how many records it wrote, or why none.
 */

/** Messages that are wrong: they change nothing and count against their connection. */
export const refusal = {
  /** Truncated, or no JSON at all (a BOM before it included). */
  notJson: -1,
  badUtf8: -2,
  tooDeep: -3,
  duplicateKey: -4,
  /** `__proto__`, `constructor` or `prototype` as a key. */
  forbiddenKey: -5,
  /** More bytes than a message may have, or more levels than `recordsPerMessageMax` records hold. */
  tooLarge: -6,
  /** A field is missing or is of the wrong JSON type. */
  wrongType: -7,
  /** A text that is no plain decimal, or an id that is no whole number below 2^53. */
  badNumber: -8,
  /** A decimal text of more than 40 digits. */
  tooLong: -9,
  /** A non-zero digit past the instrument's decimals. */
  tooPrecise: -10,
  notPositive: -11,
  /** A mantissa of 2^53 or more. */
  tooBig: -12,
  unknownSymbol: -13,
  /** Neither plausible ms nor plausible µs, or too far from market time. */
  badTime: -14,
  /** Bid above ask. */
  crossed: -15,
  /** Bid equal to ask. */
  locked: -16,
  /** The stream's name and its data speak of different things. */
  mismatched: -17,
  /** First id above last id, a candle whose prices contradict each other, or a book that has a price twice. */
  badRange: -18,
} as const;

/** Messages that are right and of no use here. */
export const ignored = {
  unknownEvent: -64,
  /** Single trades where aggregates are configured, or the other way round: volume must not count twice. */
  otherTrades: -65,
  /** A sound candle: bars are made from trades. */
  candle: -66,
  /** Trades made away from the order book: in no bar. */
  blockTrade: -67,
  /** Best prices without their sizes (Coinbase's ticker of before 2022): no quote can be made of them. */
  noSizes: -68,
  /** What a venue repeats when asked for a stream, from too long ago to be taken for news (Coinbase `last_match`). */
  tooOld: -69,
  /** A change of an order book on a socket that the book does not follow (any more), where changes have no ids. */
  notFollowed: -70,
} as const;

/** Messages for the connection itself. */
export const control = {
  /** Answer to a request: an acknowledgement or an error. */
  answer: -128,
  /** The venue says that it will close this connection. */
  shutdown: -129,
} as const;

export type RefusalName = keyof typeof refusal;
export type IgnoredName = keyof typeof ignored;

export function isRefusal(code: number): boolean {
  return code < 0 && code > ignored.unknownEvent;
}

/**
 * What a change of tick size, or of a symbol, looks like until the venue's listing has been read again: it says nothing
 * against the socket, and another one would bring the same.
 */
export function isOldMetadata(code: number): boolean {
  return code === refusal.tooPrecise || code === refusal.unknownSymbol;
}

export function isControl(code: number): boolean {
  return code <= control.answer;
}
