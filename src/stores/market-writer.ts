/**
 * Rows out of the shards' rings and into the market's file: gathers, conflates, commits, and tries again what failed.
 * While a batch cannot be written it is kept and nothing more is read, so the rings fill and the shards wait.
 */
import type { SegmentReader } from '../wire/segment-ring.ts';
import { RowBatch, storedKinds } from './row-batch.ts';
import { type KindCounts, RowConflator } from './row-conflator.ts';
import type { QuotesKept, SqliteHistoryWriter } from './sqlite-history-writer.ts';
import type { WriterControl } from './writer-control.ts';

export interface MarketWriterOptions {
  readonly rings: readonly SegmentReader[];
  readonly writer: SqliteHistoryWriter;
  readonly control: WriterControl;
  /** Ids of the dictionary. */
  readonly instruments: Iterable<number>;
  readonly quotes: QuotesKept;
  /** A commit comes at so many rows … */
  readonly commitRows: number;
  /** … or when its first row is so old, whichever is first. */
  readonly commitMs: number;
  /** A forming bar waits at most so long. */
  readonly formingMs: number;
}

/** Under load a batch may grow to this many times `commitRows`: larger ones cost less a row. */
const batchGrowth = 4;
const segmentsPerTurn = 16;
const retryMsMin = 20;
const retryMsMax = 1_000;
/** Between two looks while a batch gathers: the bell is not armed then, so ringing costs the shards nothing. */
export const napMs = 5;
const idleMs = 1_000;

export class MarketWriter {
  readonly #options: MarketWriterOptions;
  readonly #batch: RowBatch;
  readonly #conflator: RowConflator;
  /** What each ring does with a segment. */
  readonly #takes: readonly ((bytes: Uint8Array, from: number, to: number) => void)[];
  readonly #written: KindCounts = { trade: 0, bar: 0, quote: 0, enigma: 0 };
  readonly #ignored: KindCounts = { trade: 0, bar: 0, quote: 0, enigma: 0 };
  #commits = 0;
  #failures = 0;
  /** Failures in a row; the batch of the first is kept. */
  #failing = 0;
  #firstAt = 0;
  #now = 0;

  constructor(options: MarketWriterOptions) {
    this.#options = options;
    this.#batch = new RowBatch();
    this.#conflator = new RowConflator(options.instruments, options.quotes, options.formingMs);
    this.#takes = options.rings.map(({ bytes }) => {
      const words = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3);
      return (_, from, to) => this.#conflator.take(words, from >> 3, to >> 3, this.#batch, this.#now);
    });
  }

  /** Nothing was read that is not in the file. */
  get isEmpty(): boolean {
    return this.#batch.count === 0 && !this.#conflator.isWaiting;
  }

  /** Bytes that shards have handed over and that are not read yet. */
  get bytesInRings(): number {
    return this.#options.rings.reduce((sum, ring) => sum + ring.used, 0);
  }

  get rowsKept(): number {
    return this.#batch.count + storedKinds.reduce((sum, kind) => sum + this.#conflator.waiting[kind], 0);
  }

  /** The last write failed, and nothing is read until it succeeds. */
  get isFailing(): boolean {
    return this.#failing > 0;
  }

  /** True when a ring has something to read. */
  get hasInput(): boolean {
    return this.#options.rings.some((ring) => ring.used > 0);
  }

  /**
   * One look: reads, and commits when it is time. All there is goes into the file when `everything` is asked for.
   * @param now ms of a monotonic clock.
   * @returns ms until the next look is due; 0 for at once. While it is `napMs` or less, no bell is needed.
   */
  turn(now: number, everything: boolean): number {
    if (this.#failing === 0) this.#read(now);
    const wait = this.#commitIfDue(now, everything);
    this.#report(now);
    return wait;
  }

  #read(now: number): void {
    this.#now = now;
    const { rings, commitRows } = this.#options;
    const before = this.#batch.count;
    let found = true;
    while (found && this.#batch.count < commitRows * batchGrowth) {
      found = false;
      for (let i = 0; i < rings.length; i++) {
        if (rings[i]!.read(this.#takes[i]!, segmentsPerTurn) > 0) found = true;
      }
    }
    if (before === 0 && this.#batch.count > 0) this.#firstAt = now;
  }

  #commitIfDue(now: number, everything: boolean): number {
    const { commitRows, commitMs } = this.#options;
    const batch = this.#batch;
    let due = this.isFailing || everything;
    due ||= batch.count >= commitRows || (batch.count > 0 && now - this.#firstAt >= commitMs);
    if (!this.isFailing && (due || batch.count === 0)) {
      if (batch.count === 0) this.#firstAt = now;
      this.#conflator.release(batch, now, everything);
      due ||= batch.count > 0;
    }
    if (batch.count === 0) return this.#conflator.isWaiting ? commitMs : idleMs;
    if (!due) return Math.min(napMs, this.#firstAt + commitMs - now);
    if (!this.#commit()) return Math.min(retryMsMax, retryMsMin * 2 ** Math.min(10, this.#failing - 1));
    return this.hasInput ? 0 : napMs;
  }

  #commit(): boolean {
    const { writer, control } = this.#options;
    const batch = this.#batch;
    try {
      const written = writer.writeRows(batch);
      for (const kind of storedKinds) {
        this.#written[kind] += written[kind];
        this.#ignored[kind] += batch[kind].count - written[kind];
      }
      batch.clear();
      this.#commits++;
      this.#failing = 0;
      control.state = 'embedded';
      return true;
    } catch (error) {
      this.#failures++;
      this.#failing++;
      control.setError((error as Error).message);
      control.state = 'degraded';
      return false;
    }
  }

  #report(now: number): void {
    const { control } = this.#options;
    const conflator = this.#conflator;
    const waiting = { ...conflator.waiting };
    for (const kind of storedKinds) waiting[kind] += this.#batch[kind].count;
    control.setRows('in', conflator.in);
    control.setRows('written', this.#written);
    control.setRows('ignored', this.#ignored);
    control.setRows('conflated', conflator.conflated);
    control.setRows('refused', conflator.refused);
    control.setRows('waiting', waiting);
    control.setGauge('commits', this.#commits);
    control.setGauge('failures', this.#failures);
    control.setGauge('malformed', conflator.malformed);
    control.setGauge('notices', conflator.notices);
    control.setGauge('lagMs', this.#batch.count === 0 ? 0 : now - this.#firstAt);
  }
}
