/** A worker thread as the server sees it: started and known to be ready, or failed with a reason. */
import { Worker, type WorkerOptions } from 'node:worker_threads';

export interface ThreadWatch {
  /** The thread has thrown or ended although nobody asked it to. */
  readonly onFault: (reason: string) => void;
}

export class Thread {
  readonly worker: Worker;
  readonly name: string;
  #closing = false;
  #failure: string | undefined;
  readonly #exit: Promise<void>;

  /** @param file the entry's name beside this file, such as `writer` */
  constructor(name: string, file: string, options: WorkerOptions, watch: ThreadWatch) {
    this.name = name;
    // The extension is this file's own, so that the same line runs from source and from a build.
    this.worker = new Worker(new URL(`./${file}${import.meta.url.slice(-3)}`, import.meta.url), options);
    this.worker.on('error', (error) => {
      this.#failure = `the ${name} thread failed: ${error instanceof Error ? error.message : String(error)}`;
      if (!this.#closing) watch.onFault(this.#failure);
    });
    this.#exit = new Promise((resolve) => {
      this.worker.once('exit', (code) => {
        resolve();
        if (!this.#closing) watch.onFault(`the ${name} thread ended with code ${code}`);
      });
    });
  }

  /** The first message for which `pick` gives something. */
  message<T>(pick: (message: unknown) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const take = (message: unknown): void => {
        const found = pick(message);
        if (found === undefined) return;
        this.worker.off('message', take);
        this.worker.off('error', reject);
        resolve(found);
      };
      this.worker.on('message', take);
      this.worker.once('error', reject);
      void this.#exit.then(() => reject(new Error(`the ${this.name} thread has ended`)));
    });
  }

  /** Asks the thread to end in its own way and waits until it has. @returns why it failed at that, if it did */
  async close(ask: () => void): Promise<string[]> {
    this.#closing = true;
    ask();
    await this.#exit;
    return this.#failure === undefined ? [] : [this.#failure];
  }
}
