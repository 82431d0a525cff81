/**
 * Rows out of the shards' rings and into the market's file: gathers, conflates, commits, and tries again what failed.
 * While a batch cannot be written it is kept and nothing more is read, so the rings fill and the shards wait.
 */
import type { Instrument } from '../market/instrument.ts';
import { rowWords } from '../wire/row.ts';
import type { SegmentReader } from '../wire/segment-ring.ts';
import { type Scaling, type StoredDecimals, scaleBarRows } from './rescaled-rows.ts';
import { type KindCounts, noCounts, RowBatch, storedKinds } from './row-batch.ts';
import { RowConflator } from './row-conflator.ts';
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
  /** Of the stores; without it no row changes them. */
  readonly decimals?: StoredDecimals;
  /** What is stored of an instrument has more decimals now. */
  readonly onRescaled?: (instrument: Instrument) => void;
}

/** Under load a batch may grow to this many times `commitRows`: larger ones cost less a row. */
const batchGrowth = 4;
const segmentsPerTurn = 16;
/** More than enough for all that lies in the rings when another dictionary comes; what comes meanwhile may wait. */
const adoptTurns = 1_000;
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
  readonly #written: KindCounts = noCounts();
  readonly #ignored: KindCounts = noCounts();
  #backfillReplaced = 0;
  #backfillLeft = 0;
  #commits = 0;
  #failures = 0;
  /** Failures in a row; the batch of the first is kept. */
  #failing = 0;
  #firstAt = 0;
  #now = 0;
  /** Next in a ring is a change of decimals: what came before it has to be written first. */
  #rescaling = false;
  /** It could not be made, so often in a row. */
  #rescaleFailing = 0;
  /** Next in a ring is what has more decimals than the stores have yet. */
  #isAhead = false;
  readonly #words: readonly Float64Array[];

  constructor(options: MarketWriterOptions) {
    this.#options = options;
    this.#batch = new RowBatch();
    this.#conflator = new RowConflator(options.instruments, options.quotes, options.formingMs);
    this.#words = options.rings.map(
      ({ bytes }) => new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3),
    );
    this.#takes = this.#words.map((words) => (_, from, to) => this.#take(words, from >> 3, to >> 3));
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
    return this.#failing > 0 || this.#rescaleFailing > 0;
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
    const wait = this.#commitIfDue(now, everything || this.#rescaling);
    this.#report(now);
    if (this.#rescaleFailing > 0) return retryMs(this.#rescaleFailing);
    return this.#isAhead ? Math.min(wait, napMs) : wait;
  }

  /**
   * Another version of the dictionary: what came before is written with the old one first. Rows that come afterwards
   * have the new decimals.
   * @returns false when what came before cannot be written now: nothing has changed then
   * @throws as `SqliteHistoryWriter.adopt`; nothing has changed then either
   */
  adopt(instruments: readonly Instrument[], now: number): boolean {
    for (let turns = 0; !this.isEmpty || (this.hasInput && turns < adoptTurns); turns++) {
      this.turn(now, true);
      if (this.isFailing) return false;
    }
    this.#options.writer.adopt(instruments);
    this.#conflator.adopt(instruments.map(({ id }) => id));
    this.#options.decimals?.adopt(instruments);
    return true;
  }

  #read(now: number): void {
    this.#now = now;
    const { rings, commitRows } = this.#options;
    const before = this.#batch.count;
    this.#rescaling = this.#isAhead = false;
    let found = true;
    while (found && !this.#rescaling && this.#batch.count < commitRows * batchGrowth) {
      found = false;
      for (let i = 0; i < rings.length && !this.#rescaling; i++) if (this.#readFrom(i)) found = true;
    }
    if (before === 0 && this.#batch.count > 0) this.#firstAt = now;
  }

  /** False when nothing could be read of ring `index`. */
  #readFrom(index: number): boolean {
    const { rings, decimals } = this.#options;
    const take = this.#takes[index]!;
    const ring = rings[index]!;
    if (decimals === undefined) return ring.read(take, segmentsPerTurn) > 0;
    let taken = 0;
    while (taken < segmentsPerTurn) {
      const next = ring.next;
      if (next < 0 || !this.#isDue(decimals.of(this.#words[index]!, next >> 3))) break;
      taken += ring.read(take, 1);
    }
    return taken > 0;
  }

  /** Whether a segment may be read now; makes the change of decimals that it begins with. */
  #isDue(scaling: Scaling): boolean {
    if (scaling.kind === 'ahead') this.#isAhead = true;
    else if (scaling.kind === 'rescale') {
      this.#rescaling = !this.isEmpty;
      return !this.#rescaling && this.#rescale(scaling.instrument);
    }
    return scaling.kind !== 'ahead';
  }

  #rescale(instrument: Instrument): boolean {
    const { writer, control, decimals, onRescaled } = this.#options;
    try {
      writer.rescale(instrument);
    } catch (error) {
      this.#failures++;
      this.#rescaleFailing++;
      control.setError((error as Error).message);
      control.state = 'degraded';
      return false;
    }
    this.#rescaleFailing = 0;
    control.state = 'embedded';
    decimals?.rescaled(instrument);
    onRescaled?.(instrument);
    return true;
  }

  #take(words: Float64Array, from: number, to: number): void {
    const scaling = this.#options.decimals?.of(words, from);
    // The ring's bytes are ours until they are freed.
    if (scaling?.kind === 'behind')
      scaleBarRows(words, from + rowWords.decimals, to, scaling.prices, scaling.sizes);
    this.#conflator.take(words, from, to, this.#batch, this.#now);
  }

  #commitIfDue(now: number, everything: boolean): number {
    const { commitRows, commitMs } = this.#options;
    const batch = this.#batch;
    let due = this.#failing > 0 || everything;
    due ||= batch.count >= commitRows || (batch.count > 0 && now - this.#firstAt >= commitMs);
    if (this.#failing === 0 && (due || batch.count === 0)) {
      if (batch.count === 0) this.#firstAt = now;
      this.#conflator.release(batch, now, everything);
      due ||= batch.count > 0;
    }
    if (batch.count === 0) return this.#conflator.isWaiting ? commitMs : idleMs;
    if (!due) return Math.min(napMs, this.#firstAt + commitMs - now);
    if (!this.#commit()) return retryMs(this.#failing);
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
      this.#backfillReplaced += written.replaced;
      this.#backfillLeft += written.left;
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
    control.setGauge('backfillReplaced', this.#backfillReplaced);
    control.setGauge('backfillLeft', this.#backfillLeft);
    control.setGauge('lagMs', this.#batch.count === 0 ? 0 : now - this.#firstAt);
  }
}

/** ms until what has failed so often is tried again. */
function retryMs(failures: number): number {
  return Math.min(retryMsMax, retryMsMin * 2 ** Math.min(10, failures - 1));
}
