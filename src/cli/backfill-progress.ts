/** How far jobs have come: one line updated in place on a terminal, lines now and then elsewhere. */
import { resolutions } from '../market/resolution.ts';
import type { BackfillJob } from '../stores/backfill-jobs.ts';
import { BackfillPace } from '../threads/backfill-runner.ts';
import { textOf } from './backfill-arguments.ts';

/** Where text goes, such as stderr. */
export interface TextOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const lineEveryMs = 5_000;
const drawEveryMs = 100;

export class BackfillProgress {
  readonly #out: TextOutput;
  /** Steady ms. */
  readonly #now: () => number;
  readonly #paces = new Map<number, BackfillPace>();
  #drawn = '';
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(out: TextOutput, now: () => number) {
    this.#out = out;
    this.#now = now;
  }

  /** A job has come so far; `others`: how many come after it. */
  show(job: BackfillJob, others: number): void {
    let pace = this.#paces.get(job.id);
    if (pace === undefined) this.#paces.set(job.id, (pace = new BackfillPace()));
    const now = this.#now();
    pace.observe(job, now);
    const text = `${progressText(job, pace.left(job))}${others > 0 ? `; ${others} more after it` : ''}`;
    if (text === this.#drawn || now - this.#drawnAt < (this.#out.isTTY === true ? drawEveryMs : lineEveryMs))
      return;
    this.#drawnAt = now;
    this.#drawn = text;
    if (this.#out.isTTY !== true) this.#out.write(`${text}\n`);
    else this.#out.write(`\r${text.slice(0, (this.#out.columns ?? 120) - 1)}\u{1b}[K`);
  }

  /** A sentence that stays. */
  say(text: string): void {
    this.#out.write(this.#out.isTTY === true && this.#drawn !== '' ? `\r\u{1b}[K${text}\n` : `${text}\n`);
    this.#drawn = '';
  }
}

export function progressText(job: BackfillJob, leftMs: number | undefined): string {
  const estimate = leftMs === undefined ? '' : `, about ${durationText(leftMs)} left`;
  const trouble = job.error === '' ? '' : `; waiting: ${job.error}`;
  return `job ${job.id}: ${job.symbol} ${resolutions[job.resolution]}: ${percentOf(job)}, at ${textOf(job.position)}, ${job.rows} candles${estimate}${trouble}`;
}

/** What a job came to, in one sentence; what was done to own bars is always said. */
export function resultText(job: BackfillJob): string {
  const own: string[] = [];
  if (job.left > 0) own.push(`own bars left as they are: ${job.left}`);
  if (job.replaced > 0) own.push(`own incomplete bars replaced: ${job.replaced}`);
  const what = `${job.symbol} ${resolutions[job.resolution]}, ${textOf(job.from)} to ${textOf(job.to)}`;
  const state =
    job.state === 'failed' ? `failed at ${textOf(job.position)}: ${job.error}` : `${job.rows} candles`;
  return `job ${job.id} ${job.state}: ${what}: ${[state, ...own].join('; ')}`;
}

export function percentOf({ from, to, position }: BackfillJob): string {
  return `${Math.floor(((position - from) / (to - from)) * 100)} %`;
}

/** `45 s`, `12 min`, `3 h 20 min`. */
export function durationText(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** All jobs, one a line. */
export function jobsTable(jobs: readonly BackfillJob[]): string {
  if (jobs.length === 0) return 'there are no backfill jobs\n';
  const rows = jobs.map((job) => [
    String(job.id),
    job.state,
    job.symbol,
    resolutions[job.resolution]!,
    textOf(job.from),
    textOf(job.to),
    percentOf(job),
    String(job.rows),
    String(job.left),
    String(job.replaced),
    job.error,
  ]);
  const heads = [
    'ID',
    'STATE',
    'SYMBOL',
    'INTERVAL',
    'FROM',
    'TO',
    'DONE',
    'CANDLES',
    'OWN LEFT',
    'OWN REPLACED',
    '',
  ];
  return tableText([heads, ...rows]);
}

/** Columns two spaces apart. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}
