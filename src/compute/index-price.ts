/**
 * The price of an index from the quotes of its parts: a weighted mean, with parts left out by stated rules.
 *
 *   stale        its last quote is older than `staleMicros` of market time
 *   quarantined  its middle price is `quarantineTimes` times away from the reference: shut out until it comes back
 *                within `markShare` of it
 *   marked       its middle price is `markShare` or further away from the reference: it does not count just now
 *
 * The reference is the median of the parts that are neither stale nor quarantined when there are three or more, the
 * index's own last price where that is fresh, and else the first part in the order of the definition. When nothing is
 * left to count, the first part in that order that is not stale stands in, and the index says so; when all are stale,
 * the index is stale and keeps silent.
 *
 * State is plain words, so that it is part of a shard's snapshot: `indexWords` an index, then `partWords` a part.
 */

export const partsMax = 16;

export const partState = { absent: 0, used: 1, marked: 2, quarantined: 3, stale: 4, standIn: 5 } as const;
export const partStateNames = ['absent', 'used', 'marked', 'quarantined', 'stale', 'standIn'] as const;

/** Words of an index. */
export const indexWord = {
  /** Middle price of the last index, and when (market time, µs); 0 before the first. */
  price: 0,
  time: 1,
  /** Number of the last trade. */
  counter: 2,
  /** 1 while every part is stale. */
  stale: 3,
  /** 1 while some part is marked or quarantined. */
  diverging: 4,
  /** Best bid and ask of the last index. */
  bid: 5,
  ask: 6,
  /** 1 when a part's quote has come that no index has been made of. */
  changed: 7,
  /** Number of the last quote. */
  version: 8,
} as const;
const headWords = 10;

/** Words of a part. `bid` and `ask` have the index's decimals. */
export const partWord = {
  bid: 0,
  ask: 1,
  /** Market time at arrival, µs. */
  time: 2,
  /** The quote's version: line arbitration. */
  version: 3,
  state: 4,
  /** How often an index was made while the part was used, and in all: its reliability. */
  used: 5,
  asked: 6,
  quotes: 7,
} as const;
export const partWords = 8;

export const indexWords = headWords + partsMax * partWords;

/** Where part `part` of the index at `at` lies. */
export function partAt(at: number, part: number): number {
  return at + headWords + part * partWords;
}

export interface IndexRules {
  /** Weights in the order of the definition; at most `partsMax`. */
  readonly weights: readonly number[];
  readonly staleMicros: number;
  /** 0.05 is 5 %. */
  readonly markShare: number;
  readonly quarantineTimes: number;
}

/**
 * Takes a part's quote; prices have the index's decimals, `now` is market time (µs). False when it is no news: an older
 * version (the other line was first).
 */
export function takePart(
  words: Float64Array,
  at: number,
  part: number,
  version: number,
  bid: number,
  ask: number,
  now: number,
): boolean {
  const place = partAt(at, part);
  if (version <= words[place + partWord.version]!) return false;
  words[place + partWord.version] = version;
  words[place + partWord.bid] = bid;
  words[place + partWord.ask] = ask;
  words[place + partWord.time] = now;
  words[place + partWord.quotes]!++;
  words[at + indexWord.changed] = 1;
  return true;
}

const middles = new Float64Array(partsMax);

/**
 * Makes the index anew from what its parts say at market time `now`: `price`, `bid`, `ask` of the index and the state of
 * each part. False when there is none: all parts are stale, or the index is what it was.
 */
export function makeIndex(words: Float64Array, at: number, rules: IndexRules, now: number): boolean {
  const { weights, staleMicros } = rules;
  words[at + indexWord.changed] = 0;
  const reference = referenceOf(words, at, rules, now);
  words[at + indexWord.stale] = reference === 0 ? 1 : 0;
  if (reference === 0) return false;
  let sum = 0;
  let bids = 0;
  let asks = 0;
  let diverging = 0;
  for (let part = 0; part < weights.length; part++) {
    const place = partAt(at, part);
    const state = judge(words, place, rules, reference, now, staleMicros);
    words[place + partWord.state] = state;
    words[place + partWord.asked]!++;
    if (state === partState.marked || state === partState.quarantined) diverging = 1;
    if (state !== partState.used) continue;
    words[place + partWord.used]!++;
    const weight = weights[part]!;
    sum += weight;
    bids += weight * words[place + partWord.bid]!;
    asks += weight * words[place + partWord.ask]!;
  }
  words[at + indexWord.diverging] = diverging;
  if (sum === 0) {
    const place = standIn(words, at, weights.length);
    if (place < 0) return false;
    words[place + partWord.state] = partState.standIn;
    return settle(words, at, words[place + partWord.bid]!, words[place + partWord.ask]!, now);
  }
  return settle(words, at, bids / sum, asks / sum, now);
}

function settle(words: Float64Array, at: number, bid: number, ask: number, now: number): boolean {
  const low = Math.round(bid);
  const high = Math.round(ask);
  const same = low === words[at + indexWord.bid] && high === words[at + indexWord.ask];
  words[at + indexWord.bid] = low;
  words[at + indexWord.ask] = high;
  words[at + indexWord.price] = Math.round((bid + ask) / 2);
  words[at + indexWord.time] = now;
  return !same;
}

function middleOf(words: Float64Array, place: number): number {
  return (words[place + partWord.bid]! + words[place + partWord.ask]!) / 2;
}

function isFresh(words: Float64Array, place: number, now: number, staleMicros: number): boolean {
  return words[place + partWord.version] !== 0 && now - words[place + partWord.time]! <= staleMicros;
}

/** What the parts are held against; 0 when all are stale. */
function referenceOf(
  words: Float64Array,
  at: number,
  { weights, staleMicros }: IndexRules,
  now: number,
): number {
  let count = 0;
  let first = 0;
  let shutOut = 0;
  for (let part = 0; part < weights.length; part++) {
    const place = partAt(at, part);
    if (!isFresh(words, place, now, staleMicros)) continue;
    const middle = middleOf(words, place);
    if (words[place + partWord.state] === partState.quarantined) {
      if (shutOut === 0) shutOut = middle;
      continue;
    }
    if (first === 0) first = middle;
    let index = count++;
    for (; index > 0 && middles[index - 1]! > middle; index--) middles[index] = middles[index - 1]!;
    middles[index] = middle;
  }
  if (count >= 3) {
    const half = count >> 1;
    return count % 2 === 1 ? middles[half]! : (middles[half - 1]! + middles[half]!) / 2;
  }
  const last = words[at + indexWord.price]!;
  if (last !== 0 && now - words[at + indexWord.time]! <= staleMicros && count + (shutOut === 0 ? 0 : 1) > 0)
    return last;
  return count > 0 ? first : shutOut;
}

function judge(
  words: Float64Array,
  place: number,
  rules: IndexRules,
  reference: number,
  now: number,
  staleMicros: number,
): number {
  if (words[place + partWord.version] === 0) return partState.absent;
  if (!isFresh(words, place, now, staleMicros)) {
    return words[place + partWord.state] === partState.quarantined ? partState.quarantined : partState.stale;
  }
  const middle = middleOf(words, place);
  const away = Math.abs(middle - reference) / reference;
  if (away < rules.markShare) return partState.used;
  const times = middle > reference ? middle / reference : reference / middle;
  if (times >= rules.quarantineTimes || words[place + partWord.state] === partState.quarantined)
    return partState.quarantined;
  return partState.marked;
}

/** The first part that is marked, in the order of the definition; −1 when there is none. */
function standIn(words: Float64Array, at: number, parts: number): number {
  for (let part = 0; part < parts; part++) {
    const place = partAt(at, part);
    if (words[place + partWord.state] === partState.marked) return place;
  }
  return -1;
}
