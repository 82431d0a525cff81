/** SIGINT and SIGTERM end the program in order; a second one ends it at once. */

/** What a start that was broken off rejects with: not a failure. */
class Stopped extends Error {
  override readonly name = 'Stopped';
}

/** Resolves with the first signal, or with the reason given to `end`. */
export class Shutdown {
  readonly asked: Promise<string>;
  readonly #stopping = new AbortController();
  #resolve: (reason: string) => void = () => undefined;

  constructor() {
    this.asked = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        this.end(signal);
        process.once(signal, () => process.kill(process.pid, 'SIGKILL'));
      });
    }
  }

  /** Aborted when the end is asked for. Whatever is still starting then rejects with the signal's reason. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  end(reason: string): void {
    this.#resolve(reason);
    if (!this.signal.aborted) this.#stopping.abort(new Stopped(reason));
  }

  /** What `starting` gives; undefined when the end was asked for before that was there. */
  async unlessAsked<T>(starting: Promise<T>): Promise<T | undefined> {
    try {
      return await starting;
    } catch (error) {
      if (error instanceof Stopped) return undefined;
      throw error;
    }
  }
}
