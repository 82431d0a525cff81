/** Which instruments the clients of this gateway want, counted; the hub is told of each first and each last wish. */

export class Interest {
  readonly #counts: Int32Array;
  readonly #tell: (instrument: number, wanted: boolean) => void;

  /** @param instruments the highest number @param tell called when the first client wants it, and when the last lets go */
  constructor(instruments: number, tell: (instrument: number, wanted: boolean) => void) {
    this.#counts = new Int32Array(instruments + 1);
    this.#tell = tell;
  }

  /** One more stream of the instrument is subscribed to. */
  enter(instrument: number): void {
    if (++this.#counts[instrument]! === 1) this.#tell(instrument, true);
  }

  leave(instrument: number): void {
    if (--this.#counts[instrument]! === 0) this.#tell(instrument, false);
  }

  /** Somebody asks over HTTP: a wish that ends at once, so that the linger keeps the streams for a while. */
  glance(instrument: number): void {
    if (this.#counts[instrument]! > 0) return;
    this.#tell(instrument, true);
    this.#tell(instrument, false);
  }

  /** Instruments that are wanted now. */
  get wanted(): number {
    return this.#counts.reduce((count, one) => count + (one > 0 ? 1 : 0), 0);
  }
}
