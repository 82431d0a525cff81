/** The instruments in the market's file, which the writer thread alone writes: asked from the hub's thread. */
import type { Listed } from '../market/enrolment.ts';
import { ring } from '../wire/doorbell.ts';
import type { Thread } from './thread.ts';
import type { Finer, WriterReport, WriterRequest } from './writer.ts';

/** What has become of a listing in the stores. */
export interface Refreshed {
  /** How many instruments there are now. */
  readonly instruments: number;
  /** Ids of those that cannot have more decimals: what is stored of them would pass 2^53. */
  readonly noRoom: readonly number[];
}

export class StoredInstruments {
  readonly #worker: Thread['worker'];
  readonly #bell: Int32Array;
  readonly #waiting = new Map<number, () => void>();
  #settle: ((report: WriterReport) => void) | undefined;

  /** @param bell the writer's */
  constructor({ worker }: Pick<Thread, 'worker'>, bell: Int32Array) {
    this.#worker = worker;
    this.#bell = bell;
    worker.on('message', (report: WriterReport) => {
      if (report.kind === 'rescaled') this.#rescaled(report.instrument);
      else if (report.kind === 'refreshed' || report.kind === 'not-refreshed') this.#settle?.(report);
    });
  }

  /** Enrols a venue's whole listing, with the decimals that are known. One at a time. @throws when it cannot be written */
  async refresh(venue: string, listed: readonly Listed[], finer: readonly Finer[]): Promise<Refreshed> {
    const answer = new Promise<WriterReport>((resolve) => {
      this.#settle = resolve;
    });
    this.#worker.postMessage({ kind: 'refresh', venue, listed, finer } satisfies WriterRequest);
    ring(this.#bell);
    const report = await answer;
    if (report.kind !== 'refreshed')
      throw new Error(report.kind === 'not-refreshed' ? report.reason : 'no answer');
    return report;
  }

  /** Resolves with true when what is stored of the instrument has its new decimals, with false after `withinMs`. */
  rescaled(instrument: number, withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#waiting.delete(instrument);
        resolve(false);
      }, withinMs);
      this.#waiting.set(instrument, () => {
        clearTimeout(late);
        resolve(true);
      });
    });
  }

  #rescaled(instrument: number): void {
    this.#waiting.get(instrument)?.();
    this.#waiting.delete(instrument);
  }
}
