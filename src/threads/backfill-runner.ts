/**
 * Runs backfill jobs, one page at a time: asks the venue for candles, hands them on to be stored, and saves how far the
 * job has come once they are durable. Killed anywhere, the page that was not saved is fetched again and changes nothing.
 */
import { Backoff, backoffDefaults } from '../feeds/backoff.ts';
import { RestFault, restPriority, type VenueCandle, type VenueRest } from '../feeds/venue-rest.ts';
import type { Instrument } from '../market/instrument.ts';
import { barOpen, nextBarOpen, resolutions } from '../market/resolution.ts';
import type { Bar } from '../market/tick.ts';
import type { BackfillJob, BackfillJobs, BackfillPage } from '../stores/backfill-jobs.ts';
import { reasonOf } from './listing.ts';

/** Where a job's candles come from. */
export interface BackfillSource {
  /** With the decimals that the stores have now. */
  readonly instrument: Instrument;
  readonly rest: VenueRest;
}

/**
 * Stores candles; resolves when they are durable, with what became of them.
 * @param counted the instrument of all of them, with the decimals by which they are counted; without it, those that the
 * stores have now
 */
export type StoreCandles = (
  bars: readonly Bar[],
  replace: boolean,
  counted?: Instrument,
) => Promise<Omit<BackfillPage, 'rows'>>;

export interface BackfillRunnerOptions {
  readonly jobs: BackfillJobs;
  /** Undefined for a symbol that cannot be had; it may throw a `RestFault` where that has to be asked first. */
  readonly sourceOf: (symbol: string) => BackfillSource | undefined | Promise<BackfillSource | undefined>;
  readonly store: StoreCandles;
  /** µs since 1970. */
  readonly now: () => number;
  /** Ends early, without an error, once the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Once aborted, the runner ends; what is under way is not saved. */
  readonly signal: AbortSignal;
  readonly roll: () => number;
  readonly onPage?: (job: BackfillJob) => void;
  /** A job waits or has failed. */
  readonly onTrouble?: (job: BackfillJob, reason: string) => void;
}

/** A candle may still change for so long after its end (µs). */
const settleMicros = 5_000_000;
const idleMs = 1_000;
const retryMsMin = 2_000;

export class BackfillRunner {
  readonly #options: BackfillRunnerOptions;
  readonly #backoffs = new Map<number, Backoff>();
  /** Jobs that wait for their venue, or for a candle to be over: until when (µs). */
  readonly #waiting = new Map<number, number>();

  constructor(options: BackfillRunnerOptions) {
    this.#options = options;
  }

  /** Until no job is left that can go on; jobs that wait are waited for. */
  async drain(): Promise<void> {
    while (!this.#options.signal.aborted) {
      if (await this.#turn()) continue;
      if (this.#waiting.size === 0) return;
      await this.#options.pause(this.#waitMs(), this.#options.signal);
    }
  }

  /** For ever: jobs may be added by other processes at any time. */
  async run(): Promise<void> {
    while (!this.#options.signal.aborted) {
      if (!(await this.#turn())) await this.#options.pause(idleMs, this.#options.signal);
    }
  }

  #waitMs(): number {
    const soonest = Math.min(...this.#waiting.values());
    return Math.min(idleMs, Math.max(1, (soonest - this.#options.now()) / 1_000));
  }

  /** One page of one job; false when none is due. */
  async #turn(): Promise<boolean> {
    const { jobs, now } = this.#options;
    for (const [id, until] of this.#waiting) {
      const state = jobs.get(id)?.state;
      if (until <= now() || (state !== 'running' && state !== 'queued')) this.#waiting.delete(id);
    }
    const job = jobs.next(new Set(this.#waiting.keys()));
    if (job === undefined) return false;
    try {
      const after = await this.#page(job);
      this.#backoffs.delete(job.id);
      if (after !== undefined) this.#options.onPage?.(after);
    } catch (error) {
      if (!this.#options.signal.aborted) this.#failed(job, error);
    }
    return true;
  }

  async #page(job: BackfillJob): Promise<BackfillJob | undefined> {
    const { jobs, sourceOf, store, now, signal } = this.#options;
    const source = await sourceOf(job.symbol);
    if (source === undefined) throw new RestFault('refused', `${job.symbol} is not known`);
    const { rest, instrument } = source;
    if (!rest.candleResolutions.includes(job.resolution))
      throw new RestFault('refused', `${instrument.venue} has no ${resolutions[job.resolution]} candles`);
    // Only what is over: the bar under way is our own.
    const end = Math.min(job.to, barOpen(job.resolution, now() - settleMicros));
    const from = job.position;
    if (from >= job.to) return jobs.advance(job.id, job.to, { rows: 0, replaced: 0, left: 0 });
    if (from >= end) return this.#awaitCandle(job);
    const next = Math.min(pageEnd(job.resolution, from, rest.candlesMax), end);
    const candles = await rest.candles(instrument, {
      resolution: job.resolution,
      from,
      to: next - 1,
      limit: rest.candlesMax,
      priority: restPriority.backfill,
    });
    if (signal.aborted) return undefined;
    const bars = candles
      .filter(({ openTime }) => from <= openTime && openTime < next)
      .map((candle) => barOfCandle(candle, instrument.id, job.resolution));
    const counts = bars.length === 0 ? { replaced: 0, left: 0 } : await store(bars, job.replace, instrument);
    return jobs.advance(job.id, next, { rows: bars.length, ...counts });
  }

  /** All that is over is stored: the job goes on when its next candle is over and has settled. */
  #awaitCandle(job: BackfillJob): BackfillJob | undefined {
    const { jobs } = this.#options;
    jobs.note(job.id, 'its next candle is not over yet, or may still change');
    this.#waiting.set(job.id, pageEnd(job.resolution, job.position, 1) + settleMicros);
    return jobs.get(job.id);
  }

  /** What may pass is tried again, without end; what the venue refuses, or cannot be stored, ends the job. */
  #failed(job: BackfillJob, error: unknown): void {
    const { jobs, now, roll, onTrouble } = this.#options;
    const reason = reasonOf(error);
    onTrouble?.(job, reason);
    if (!(error instanceof RestFault) || error.kind === 'refused' || error.kind === 'malformed') {
      jobs.fail(job.id, reason);
      return;
    }
    const backoff = this.#backoffs.get(job.id) ?? new Backoff(backoffDefaults, roll);
    this.#backoffs.set(job.id, backoff);
    jobs.note(job.id, reason);
    const waitMs = backoff.next(0, Math.max(retryMsMin, error.retryAfterMs));
    this.#waiting.set(job.id, now() + waitMs * 1_000);
  }
}

/** Open time of the first bar that is not on the page that begins at `from`. */
export function pageEnd(resolution: number, from: number, bars: number): number {
  let next = barOpen(resolution, from);
  if (next < from) next = nextBarOpen(resolution, next);
  for (let bar = 0; bar < bars; bar++) next = nextBarOpen(resolution, next);
  return next;
}

/** A candle as a bar of ours: closed, and marked as the venue's. */
export function barOfCandle(candle: VenueCandle, instrument: number, resolution: number): Bar {
  return {
    ...candle,
    instrument,
    resolution,
    firstId: 0,
    lastId: 0,
    revision: 0,
    closed: true,
    incomplete: false,
    backfilled: true,
  };
}

/** How fast a job goes, from its pages: for an estimate of the time left. */
export class BackfillPace {
  #position: number | undefined;
  #at = 0;
  /** µs of the past per ms, since the first page that was seen. */
  #speed = 0;

  /** @param ms steady */
  observe({ position }: Pick<BackfillJob, 'position'>, ms: number): void {
    if (this.#position === undefined || position < this.#position) {
      this.#position = position;
      this.#at = ms;
      return;
    }
    if (ms > this.#at) this.#speed = (position - this.#position) / (ms - this.#at);
  }

  /** ms until the job is done; undefined before two pages have been seen. */
  left({ position, to }: Pick<BackfillJob, 'position' | 'to'>): number | undefined {
    return this.#speed > 0 ? (to - position) / this.#speed : undefined;
  }
}
