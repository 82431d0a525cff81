/**
 * The obvious order book: two maps, sorted when looked at, and every rule of a venue said once more in the plainest way.
 * It judges compute/books.ts. It keeps every change that ever came, and finds what follows by looking through all.
 */

export type Level = readonly [price: number, size: number];

export interface Update {
  readonly snapshot: boolean;
  readonly firstId: number;
  readonly lastId: number;
  readonly time: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  /** Of a snapshot: the worst prices known; left out when the side is whole. */
  readonly bidHorizon?: number;
  readonly askHorizon?: number;
}

/** A side as a map, with the worst price that is known of it. */
export class ObviousSide {
  readonly sizes = new Map<number, number>();
  horizon: number;
  readonly #sign: 1 | -1;

  constructor(sign: 1 | -1) {
    this.#sign = sign;
    this.horizon = sign === 1 ? 0 : Number.POSITIVE_INFINITY;
  }

  /** Best first. */
  get levels(): Level[] {
    return [...this.sizes].toSorted(([a], [b]) => (b - a) * this.#sign);
  }

  /** −Infinity or Infinity when there is none. */
  get best(): number {
    let best = -this.#sign * Number.POSITIVE_INFINITY;
    for (const price of this.sizes.keys()) if ((price - best) * this.#sign > 0) best = price;
    return best;
  }

  put([price, size]: Level): void {
    if (size === 0) this.sizes.delete(price);
    else if ((price - this.horizon) * this.#sign >= 0) this.sizes.set(price, size);
  }
}

export class ObviousBook {
  bids = new ObviousSide(1);
  asks = new ObviousSide(-1);
  lastId = 0;
  /** Whether it may be shown. */
  live = false;
  readonly #came: Update[] = [];
  #seen = 0;
  #known = false;

  take(update: Update): void {
    if (update.snapshot) this.#snapshot(update);
    else {
      this.#came.push(update);
      this.#seen = Math.max(this.#seen, update.lastId);
    }
    this.#goOn();
  }

  /** The id came, its levels did not. */
  torn(lastId: number): void {
    this.#seen = Math.max(this.#seen, lastId);
    this.#goOn();
  }

  #snapshot(snapshot: Update): void {
    if (snapshot.lastId < this.lastId || (this.live && snapshot.lastId === this.lastId)) return;
    // Useful when what came since leads without a hole to the newest id that was seen.
    let id = snapshot.lastId;
    for (let next = this.#after(id); next !== undefined; next = this.#after(id)) id = next.lastId;
    if (id < this.#seen) return;
    this.#seen = Math.max(this.#seen, snapshot.lastId);
    this.bids = new ObviousSide(1);
    this.asks = new ObviousSide(-1);
    this.bids.horizon = snapshot.bidHorizon ?? 0;
    this.asks.horizon = snapshot.askHorizon ?? Number.POSITIVE_INFINITY;
    for (const level of snapshot.bids) this.bids.put(level);
    for (const level of snapshot.asks) this.asks.put(level);
    this.lastId = snapshot.lastId;
    this.#known = true;
  }

  #after(id: number): Update | undefined {
    return this.#came.findLast((one) => one.lastId > id && one.firstId <= id + 1);
  }

  #goOn(): void {
    if (!this.#known) return;
    for (let next = this.#after(this.lastId); next !== undefined; next = this.#after(this.lastId)) {
      for (const level of next.bids) this.bids.put(level);
      for (const level of next.asks) this.asks.put(level);
      this.lastId = next.lastId;
    }
    this.live = this.lastId >= this.#seen && !this.isCrossed;
  }

  get isCrossed(): boolean {
    return this.bids.best >= this.asks.best;
  }
}
