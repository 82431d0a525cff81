/** How many requests one address may make: so many a second on average, and a burst of half as many more. */
const addressesMax = 1_024;
const burstShare = 1.5;

interface Bucket {
  tokens: number;
  filledMs: number;
}

export class RequestBudget {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, Bucket>();

  /** `most` requests in each `withinMs`; 0 for no limit. */
  constructor(most: number, withinMs: number) {
    this.#perMs = most / Math.max(1, withinMs);
    this.#burst = Math.floor(most * burstShare);
  }

  /** Counts a request; false when it is one too many. */
  take(address: string, nowMs: number): boolean {
    if (this.#burst === 0) return true;
    const bucket = this.#bucket(address, nowMs);
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (nowMs - bucket.filledMs) * this.#perMs);
    bucket.filledMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  #bucket(address: string, nowMs: number): Bucket {
    const known = this.#buckets.get(address);
    if (known !== undefined) return known;
    if (this.#buckets.size >= addressesMax) this.#buckets.delete(this.#buckets.keys().next().value!);
    const bucket = { tokens: this.#burst, filledMs: nowMs };
    this.#buckets.set(address, bucket);
    return bucket;
  }
}
