/** Messages a second of each instrument on one connection: counted in an array, averaged now and then. */

const weight = 0.5;

export class MessageRates {
  #counts = new Uint32Array(64);
  #rates = new Float64Array(64);
  #measured = new Uint8Array(64);

  /** One message of the instrument. */
  note(instrument: number): void {
    if (instrument >= this.#counts.length) this.#grow(instrument);
    this.#counts[instrument]!++;
  }

  /** Ends a span of `seconds`: rates follow what was counted in it. */
  settle(seconds: number): void {
    for (let id = 0; id < this.#counts.length; id++) {
      const rate = this.#counts[id]! / seconds;
      this.#rates[id] = this.#measured[id] === 1 ? this.#rates[id]! * (1 - weight) + rate * weight : rate;
      this.#measured[id] = 1;
    }
    this.#counts.fill(0);
  }

  /** Messages a second; undefined before the first span has ended. */
  of(instrument: number): number | undefined {
    return this.#measured[instrument] === 1 ? this.#rates[instrument]! : undefined;
  }

  get total(): number {
    return this.#rates.reduce((sum, rate) => sum + rate, 0);
  }

  #grow(instrument: number): void {
    const size = 2 ** Math.ceil(Math.log2(instrument + 1));
    const counts = new Uint32Array(size);
    const rates = new Float64Array(size);
    const measured = new Uint8Array(size);
    counts.set(this.#counts);
    rates.set(this.#rates);
    measured.set(this.#measured);
    this.#counts = counts;
    this.#rates = rates;
    this.#measured = measured;
  }
}
