/** One side of a small synthetic order book: prices in ticks, sizes in steps, best first. */
/** Levels of a side, unless more are asked for. */
export const levelsUsual = 20;

export interface SideState {
  readonly prices: readonly number[];
  readonly sizes: readonly number[];
}

export class Side {
  readonly prices: number[] = [];
  readonly sizes: number[] = [];
  /** +1 where the highest price is best (bids), -1 where the lowest is (asks). */
  readonly #sign: 1 | -1;
  readonly #levelsMax: number;
  /** Prices at which anything happened since the last publication, even if it is as before now. */
  readonly #touched = new Set<number>();
  #publishedPrices: number[] = [];
  #publishedSizes: number[] = [];

  constructor(sign: 1 | -1, levelsMax = levelsUsual) {
    this.#sign = sign;
    this.#levelsMax = levelsMax;
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

  /** The size at the level with this place changes. */
  resize(place: number, size: number): void {
    this.sizes[place] = size;
    this.#touched.add(this.prices[place]!);
  }

  /** All levels go, and new ones are made from `best` on. */
  open(best: number, size: () => number, gap: () => number): void {
    this.#drop(0, this.prices.length);
    this.prices.push(best);
    this.sizes.push(size());
    this.#touched.add(best);
    this.#fill(size, gap);
  }

  /** Prices are counted in a finer unit: so many of it are one of the old. */
  refine(factor: number): void {
    for (const list of [this.prices, this.#publishedPrices])
      for (let i = 0; i < list.length; i++) list[i]! *= factor;
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const price of touched) this.#touched.add(price * factor);
  }

  /** Moves the best price, leaving behind or eating the levels on the way. */
  move(best: number, size: () => number, gap: () => number): void {
    const { prices, sizes } = this;
    let worse = 0;
    while (worse < prices.length && (prices[worse]! - best) * this.#sign > 0) worse++;
    if (worse > 0) this.#drop(0, worse);
    if (prices[0] !== best) {
      prices.unshift(best);
      sizes.unshift(size());
      this.#touched.add(best);
    }
    if (prices.length > this.#levelsMax) this.#drop(this.#levelsMax, prices.length);
    this.#fill(size, gap);
  }

  /** The best level is traded away: the next one is best, or a new one behind it. */
  consume(size: () => number, gap: () => number): void {
    this.#drop(0, 1);
    this.#fill(size, gap);
  }

  #fill(size: () => number, gap: () => number): void {
    const { prices, sizes } = this;
    while (prices.length < this.#levelsMax) {
      const price = prices.at(-1)! - this.#sign * gap();
      if (price < 1) return; // a bid cannot go lower than one tick
      prices.push(price);
      sizes.push(size());
      this.#touched.add(price);
    }
  }

  #drop(from: number, to: number): void {
    for (let i = from; i < to; i++) this.#touched.add(this.prices[i]!);
    this.prices.splice(from, to - from);
    this.sizes.splice(from, to - from);
  }

  /**
   * Where anything happened since the last call: price, size, price, size …; size 0 for a level that is gone. A level
   * that came and went is told of too: a snapshot taken in between has it.
   */
  changes(): number[] {
    const out: number[] = [];
    const { prices, sizes } = this;
    let i = 0;
    let j = 0;
    while (i < prices.length || j < this.#publishedPrices.length) {
      const now = prices[i];
      const before = this.#publishedPrices[j];
      if (now === before) {
        if (sizes[i] !== this.#publishedSizes[j] || this.#touched.has(now!)) out.push(now!, sizes[i]!);
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
    for (const price of this.#touched)
      if (!has(prices, price) && !has(this.#publishedPrices, price)) out.push(price, 0);
    if (out.length > 0) this.#publish();
    return out;
  }

  #publish(): void {
    this.#publishedPrices = this.prices.slice();
    this.#publishedSizes = this.sizes.slice();
    this.#touched.clear();
  }
}

/** Whether a list sorted best first holds the price. */
function has(prices: readonly number[], price: number): boolean {
  const rising = prices.length > 1 && prices[1]! > prices[0]!;
  let low = 0;
  let high = prices.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rising ? prices[middle]! < price : prices[middle]! > price) low = middle + 1;
    else high = middle;
  }
  return prices[low] === price;
}
