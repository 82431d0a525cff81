/** SIGINT and SIGTERM end the program in order; a second one ends it at once. */

/** Resolves with the first signal, or with the reason given to `end`. */
export class Shutdown {
  readonly asked: Promise<string>;
  #end: (reason: string) => void = () => undefined;

  constructor() {
    this.asked = new Promise((resolve) => {
      this.#end = resolve;
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        this.#end(signal);
        process.once(signal, () => process.kill(process.pid, 'SIGKILL'));
      });
    }
  }

  end(reason: string): void {
    this.#end(reason);
  }
}
