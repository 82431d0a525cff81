/** Sees when a connection has sent too much garbage: so many refused messages within so long. */
export class RefusalWatch {
  readonly #withinMs: number;
  /** Times of the last refusals, round and round. */
  readonly #times: Float64Array;
  #next = 0;

  constructor(refusalsMax: number, withinMs: number) {
    this.#withinMs = withinMs;
    this.#times = new Float64Array(refusalsMax).fill(Number.NEGATIVE_INFINITY);
  }

  /** Notes a refusal at `now` (ms); true when it is one too many. */
  refused(now: number): boolean {
    this.#times[this.#next] = now;
    this.#next = (this.#next + 1) % this.#times.length;
    return now - this.#times[this.#next]! <= this.#withinMs;
  }

  clear(): void {
    this.#times.fill(Number.NEGATIVE_INFINITY);
  }
}
