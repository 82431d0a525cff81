/** One side of an order book as a sorted array, worst first: the hot loop of the books. */

/** What became of a level. From `set` on, the book has changed. */
export const levelEffect = { unknown: 0, beyond: 1, set: 2, removed: 3, inserted: 4 } as const;

/** Below so many words a loop is faster than `copyWithin`. */
const shortMove = 48;

/**
 * Writes levels into a side: `words[from…]` is price and size in turn, `words[countAt]` how many there are, and beyond
 * `words[horizonAt]` nothing is known. `sign` is 1 for bids (worst = lowest) and −1 for asks (worst = highest).
 */
export class LevelWriter {
  /** Of the last level put: how many levels are better than its place. */
  depth = 0;
  /** Prices that lost their place to it: `evicted[0 … evictedCount − 1]`. */
  evictedCount = 0;
  readonly evicted: Float64Array;
  readonly #capacity: number;
  /** A side that is full loses so many at once, so that the whole of it is moved seldom. */
  readonly #trim: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#trim = Math.max(1, capacity >> 5);
    this.evicted = new Float64Array(this.#trim);
  }

  put(
    words: Float64Array,
    countAt: number,
    horizonAt: number,
    from: number,
    sign: number,
    price: number,
    size: number,
  ): number {
    this.evictedCount = 0;
    const key = price * sign;
    const count = words[countAt]!;
    let place = placeOf(words, from, count, sign, key);
    this.depth = count - place;
    if (place < count && words[from + place * 2] === price) {
      this.depth--;
      if (size === 0) {
        moveDown(words, from + place * 2, from + count * 2);
        words[countAt] = count - 1;
        return levelEffect.removed;
      }
      words[from + place * 2 + 1] = size;
      return levelEffect.set;
    }
    if (key < words[horizonAt]! * sign) return levelEffect.beyond;
    if (size === 0) return levelEffect.unknown;
    let held = count;
    if (count === this.#capacity) {
      if (place === 0) {
        // Worse than all that is kept, so nothing is known from the worst of these on.
        words[horizonAt] = words[from]!;
        return levelEffect.beyond;
      }
      held = this.#evict(words, from, count, place);
      place -= count - held;
    }
    moveUp(words, from + place * 2, from + held * 2);
    words[from + place * 2] = price;
    words[from + place * 2 + 1] = size;
    words[countAt] = held + 1;
    if (this.evictedCount > 0) words[horizonAt] = words[from]!;
    return levelEffect.inserted;
  }

  /** Takes the worst levels away, of those before `place`; returns how many are left. */
  #evict(words: Float64Array, from: number, count: number, place: number): number {
    const out = Math.min(this.#trim, place);
    for (let level = 0; level < out; level++) this.evicted[level] = words[from + level * 2]!;
    this.evictedCount = out;
    words.copyWithin(from, from + out * 2, from + count * 2);
    return count - out;
  }
}

/** The first place whose price is not worse than `key`. Most changes are near the best: that end is tried first. */
function placeOf(words: Float64Array, from: number, count: number, sign: number, key: number): number {
  let low = 0;
  let high = count;
  for (let span = 8; span < count; span *= 8) {
    if (words[from + (count - span) * 2]! * sign < key) {
      low = count - span + 1;
      break;
    }
    high = count - span;
  }
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (words[from + middle * 2]! * sign < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Closes the place of one level at `at`. */
function moveDown(words: Float64Array, at: number, end: number): void {
  if (end - at > shortMove) {
    words.copyWithin(at, at + 2, end);
    return;
  }
  for (let word = at + 2; word < end; word++) words[word - 2] = words[word]!;
}

/** Opens a place for one level at `at`. */
function moveUp(words: Float64Array, at: number, end: number): void {
  if (end - at > shortMove) {
    words.copyWithin(at + 2, at, end);
    return;
  }
  for (let word = end - 1; word >= at; word--) words[word + 2] = words[word]!;
}
