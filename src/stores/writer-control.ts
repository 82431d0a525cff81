/**
 * The words that a writer thread shares with whoever started it: requests in, accounting out.
 *
 *   bytes 0-31      i32: state, flush asked, flush done, stop asked, length of the error text
 *   bytes 32-…      f64: six measures × the stored kinds: in, written, ignored, conflated, refused, waiting
 *                   f64: commits, failures, lag (ms), malformed segments, own bars replaced and left by backfill
 *   bytes 1024-1279 the last error, UTF-8
 *
 * Accounting, by kind: in = written + ignored (there already) + conflated + refused (unknown instrument) + waiting.
 */
import { ring } from '../wire/doorbell.ts';
import { type StoredKind, storedKinds } from './row-batch.ts';

export const writerControlBytes = 1_280;
const textAt = 1_024;
const textBytesMax = writerControlBytes - textAt;

const word = { state: 0, flushAsked: 1, flushDone: 2, stopAsked: 3, textLength: 4 } as const;
const states = ['starting', 'embedded', 'degraded', 'stopped'] as const;
export type WriterState = (typeof states)[number];

export const measures = ['in', 'written', 'ignored', 'conflated', 'refused', 'waiting'] as const;
export type Measure = (typeof measures)[number];
const gauges = ['commits', 'failures', 'lagMs', 'malformed', 'backfillReplaced', 'backfillLeft'] as const;
type Gauge = (typeof gauges)[number];
const gaugesAt = measures.length * storedKinds.length;

/** Rows by kind and measure, and: */
export interface WriterStatus extends Record<Measure, Record<StoredKind, number>> {
  /** `embedded`: all is well; `degraded`: the last write failed and is being tried again. */
  readonly state: WriterState;
  readonly commits: number;
  /** Failed attempts; their rows are kept and tried again. */
  readonly failures: number;
  /** Age of the oldest row that was read and is not committed (state rows that wait for their time not counted). */
  readonly lagMs: number;
  /** Segments that could not be read to their end. */
  readonly malformed: number;
  /** Own bars that a candle of the venue took the place of, because they were incomplete and it was asked for. */
  readonly backfillReplaced: number;
  /** Own bars that were left alone where there was a candle of the venue. */
  readonly backfillLeft: number;
  /** Text of the last error; empty when there was none. */
  readonly lastError: string;
}

/** Both ends of the control words. The writer's thread uses the setters, all others the rest. */
export class WriterControl {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #text: Uint8Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(writerControlBytes)) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, 8);
    this.#numbers = new Float64Array(memory, 32, gaugesAt + gauges.length);
    this.#text = new Uint8Array(memory, textAt, textBytesMax);
  }

  get state(): WriterState {
    return states[Atomics.load(this.#words, word.state)]!;
  }

  set state(state: WriterState) {
    Atomics.store(this.#words, word.state, states.indexOf(state));
    Atomics.notify(this.#words, word.state);
  }

  /** Everything that was in the rings by now is in the file when this resolves. False: not within `timeoutMs`. */
  async flush(bell: Int32Array, timeoutMs = 10_000): Promise<boolean> {
    const asked = Atomics.add(this.#words, word.flushAsked, 1) + 1;
    ring(bell);
    const until = performance.now() + timeoutMs;
    for (;;) {
      const done = Atomics.load(this.#words, word.flushDone);
      if (((done - asked) | 0) >= 0) return true;
      const left = until - performance.now();
      if (left <= 0) return false;
      const wait = Atomics.waitAsync(this.#words, word.flushDone, done, left);
      if (wait.async) await wait.value;
    }
  }

  /** Asks the thread to write all there is and to end; the thread's exit is the answer. */
  stop(bell: Int32Array): void {
    Atomics.store(this.#words, word.stopAsked, 1);
    ring(bell);
  }

  get stopAsked(): boolean {
    return Atomics.load(this.#words, word.stopAsked) === 1;
  }

  /** Number of the newest flush request; to be handed to `flushed` when it is fulfilled. */
  get flushAsked(): number {
    return Atomics.load(this.#words, word.flushAsked);
  }

  get flushWaits(): boolean {
    return this.flushAsked !== Atomics.load(this.#words, word.flushDone);
  }

  flushed(asked: number): void {
    Atomics.store(this.#words, word.flushDone, asked);
    Atomics.notify(this.#words, word.flushDone);
  }

  setRows(measure: Measure, rows: Readonly<Record<StoredKind, number>>): void {
    const at = measures.indexOf(measure) * storedKinds.length;
    for (let i = 0; i < storedKinds.length; i++) this.#numbers[at + i] = rows[storedKinds[i]!];
  }

  setGauge(gauge: Gauge, value: number): void {
    this.#numbers[gaugesAt + gauges.indexOf(gauge)] = value;
  }

  setError(text: string): void {
    Atomics.store(this.#words, word.textLength, 0);
    const { written } = new TextEncoder().encodeInto(text, this.#text);
    Atomics.store(this.#words, word.textLength, written);
  }

  read(): WriterStatus {
    const rows = measures.map((measure, m) => [
      measure,
      Object.fromEntries(storedKinds.map((kind, k) => [kind, this.#numbers[m * storedKinds.length + k]!])),
    ]);
    const values = gauges.map((gauge, g) => [gauge, this.#numbers[gaugesAt + g]!]);
    const text = this.#text.slice(0, Atomics.load(this.#words, word.textLength));
    return {
      ...(Object.fromEntries(rows) as Record<Measure, Record<StoredKind, number>>),
      ...(Object.fromEntries(values) as Record<Gauge, number>),
      state: this.state,
      lastError: new TextDecoder().decode(text),
    };
  }
}
