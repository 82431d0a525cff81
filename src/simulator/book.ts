/** One side of a small synthetic order book: prices in ticks, sizes in steps, best first. */
const levelsMax = 20;

export interface SideState {
  readonly prices: readonly number[];
  readonly sizes: readonly number[];
}

export class Side {
  readonly prices: number[] = [];
  readonly sizes: number[] = [];
  /** +1 where the highest price is best (bids), -1 where the lowest is (asks). */
  readonly #sign: 1 | -1;
  #publishedPrices: number[] = [];
  #publishedSizes: number[] = [];

  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  restore(state: SideState): void {
    this.prices.splice(0, this.prices.length, ...state.prices);
    this.sizes.splice(0, this.sizes.length, ...state.sizes);
    this.#publish();
  }

  get best(): number {
    return this.prices[0]!;
  }

  get bestSize(): number {
    return this.sizes[0]!;
  }

  /** Moves the best price, leaving behind or eating the levels on the way. */
  move(best: number, size: () => number, gap: () => number): void {
    const { prices, sizes } = this;
    let worse = 0;
    while (worse < prices.length && (prices[worse]! - best) * this.#sign > 0) worse++;
    if (worse > 0) {
      prices.splice(0, worse);
      sizes.splice(0, worse);
    }
    if (prices[0] !== best) {
      prices.unshift(best);
      sizes.unshift(size());
    }
    if (prices.length > levelsMax) {
      prices.length = levelsMax;
      sizes.length = levelsMax;
    }
    this.#fill(size, gap);
  }

  /** The best level is traded away: the next one is best, or a new one behind it. */
  consume(size: () => number, gap: () => number): void {
    this.prices.shift();
    this.sizes.shift();
    this.#fill(size, gap);
  }

  #fill(size: () => number, gap: () => number): void {
    const { prices, sizes } = this;
    while (prices.length < levelsMax) {
      const price = prices.at(-1)! - this.#sign * gap();
      if (price < 1) return; // a bid cannot go lower than one tick
      prices.push(price);
      sizes.push(size());
    }
  }

  /** What changed since the last call: price, size, price, size …; size 0 for a level that is gone. */
  changes(): number[] {
    const out: number[] = [];
    const { prices, sizes } = this;
    let i = 0;
    let j = 0;
    while (i < prices.length || j < this.#publishedPrices.length) {
      const now = prices[i];
      const before = this.#publishedPrices[j];
      if (now === before) {
        if (sizes[i] !== this.#publishedSizes[j]) out.push(now!, sizes[i]!);
        i++;
        j++;
      } else if (before === undefined || (now !== undefined && (now - before) * this.#sign > 0)) {
        out.push(now!, sizes[i]!);
        i++;
      } else {
        out.push(before, 0);
        j++;
      }
    }
    if (out.length > 0) this.#publish();
    return out;
  }

  #publish(): void {
    this.#publishedPrices = this.prices.slice();
    this.#publishedSizes = this.sizes.slice();
  }
}
