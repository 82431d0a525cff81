/** The REST thread, from the side of the hub's thread. */
import type { Dictionary, Instrument } from '../market/instrument.ts';
import type { RestCommand, RestHealth, RestReport, RestThreadData } from './rest.ts';
import { Thread, type ThreadWatch } from './thread.ts';

export class RestThread {
  readonly #thread: Thread;
  #health: RestHealth = {};
  #rows = 0;

  private constructor(thread: Thread) {
    this.#thread = thread;
    thread.worker.on('message', (report: RestReport) => {
      if (report.kind !== 'health') return;
      this.#health = report.venues;
      this.#rows = report.rows;
    });
  }

  static async start(data: RestThreadData, watch: ThreadWatch): Promise<RestThread> {
    const thread = new Thread('REST', 'rest', { workerData: data }, watch);
    const rest = new RestThread(thread);
    await thread.message((message) => ((message as RestReport).kind === 'ready' ? true : undefined));
    return rest;
  }

  /** Tick records that were fetched: in `memory`, `count` of them, counted by the decimals of this version. */
  onRecords(take: (memory: ArrayBuffer, count: number, version: number) => void): void {
    this.#thread.worker.on('message', (report: RestReport) => {
      if (report.kind === 'records') take(report.memory, report.count, report.version);
    });
  }

  /** A venue was asked again for its symbols. */
  onListed(take: (venue: string, listed: readonly Omit<Instrument, 'id'>[]) => void): void {
    this.#thread.worker.on('message', (report: RestReport) => {
      if (report.kind === 'listed') take(report.venue, report.listed);
    });
  }

  /** Another version of the dictionary. */
  adopt(dictionary: Dictionary): void {
    this.#send({ kind: 'dictionary', dictionary });
  }

  /** The venue is asked for its symbols now. */
  refresh(venue: string): void {
    this.#send({ kind: 'refresh', venue });
  }

  /** Trade ids from ≤ id ≤ to are missing. */
  gap(instrument: number, from: number, to: number): void {
    this.#send({ kind: 'gap', instrument, from, to });
  }

  /** The book needs a snapshot; `reason` as in `bookReason`. */
  book(instrument: number, reason: number): void {
    this.#send({ kind: 'book', instrument, reason });
  }

  /** The book is not wanted any more. */
  forgetBook(instrument: number): void {
    this.#send({ kind: 'forget-book', instrument });
  }

  /** Somebody watches the instrument now, or nobody: books that are watched come first. */
  watched(instrument: number, watched: boolean): void {
    this.#send({ kind: 'watched', instrument, watched });
  }

  /** As it was told last, a second ago at most. */
  health(): RestHealth {
    return this.#health;
  }

  /** Rows given to the stores, as it was told last. */
  get rows(): number {
    return this.#rows;
  }

  async close(): Promise<string[]> {
    return this.#thread.close(() => this.#send({ kind: 'close' }));
  }

  #send(command: RestCommand): void {
    this.#thread.worker.postMessage(command);
  }
}
