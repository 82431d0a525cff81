/**
 * The thread that writes the market's file: the only one that does while the server runs.
 * Posts `{ ready: true }` when the file is open; ends by itself after `WriterControl.stop`, with everything written.
 * Errors at the start (file cannot be written, instrument not enrolled) and rows that could not be written before
 * the end are thrown: the Worker's `error` event.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Instrument } from '../market/instrument.ts';
import { MarketWriter, napMs } from '../stores/market-writer.ts';
import { type QuotesKept, SqliteHistoryWriter } from '../stores/sqlite-history-writer.ts';
import { openMarketDatabase } from '../stores/sqlite-schema.ts';
import { WriterControl } from '../stores/writer-control.ts';
import { sleepUntilRung } from '../wire/doorbell.ts';
import { SegmentReader } from '../wire/segment-ring.ts';

export interface WriterData {
  /** One segment ring a shard. */
  readonly rings: readonly SharedArrayBuffer[];
  /** The doorbell's buffer: of all rings, and of requests through `control`. */
  readonly bell: SharedArrayBuffer;
  readonly file: string;
  readonly dictionary: readonly Instrument[];
  /** From `new WriterControl().memory`. */
  readonly control: SharedArrayBuffer;
  readonly quotes?: QuotesKept;
  readonly commitRows?: number;
  readonly commitMs?: number;
  readonly formingMs?: number;
  /** How long a write waits for another connection's lock before it counts as failed. */
  readonly busyMs?: number;
  /** How long a stop tries to write what the file does not take. */
  readonly stopMs?: number;
}

const data = workerData as WriterData;
const bell = new Int32Array(data.bell);
const control = new WriterControl(data.control);
const naps = new Int32Array(new SharedArrayBuffer(4));

const writer = new SqliteHistoryWriter(
  openMarketDatabase(data.file, data.busyMs),
  data.dictionary,
  data.quotes ?? '1s',
);
const market = new MarketWriter({
  rings: data.rings.map((memory) => new SegmentReader(memory)),
  writer,
  control,
  instruments: data.dictionary.map(({ id }) => id),
  quotes: data.quotes ?? '1s',
  commitRows: data.commitRows ?? 5_000,
  commitMs: data.commitMs ?? 100,
  formingMs: data.formingMs ?? 1_000,
});
control.state = 'embedded';
parentPort?.postMessage({ ready: true }, []);
try {
  run(data.stopMs ?? 10_000);
} finally {
  control.state = 'stopped';
  await writer.close();
}

function run(stopMs: number): void {
  let stopBefore = Number.POSITIVE_INFINITY;
  for (;;) {
    const now = performance.now();
    const stopping = control.stopAsked;
    if (stopping) stopBefore = Math.min(stopBefore, now + stopMs);
    const asked = control.flushAsked;
    const everything = stopping || control.flushWaits;
    const wait = market.turn(now, everything);
    if (everything && market.isEmpty && !market.hasInput) {
      control.flushed(asked);
      if (stopping) return;
    } else if (now > stopBefore) {
      const inRings = market.bytesInRings;
      const more = inRings > 0 ? ` and ${inRings} bytes of rows in the rings` : '';
      throw new Error(
        `${data.file}: ${market.rowsKept} rows${more} could not be written: ${control.read().lastError}`,
      );
    } else if (market.isFailing || (wait > 0 && wait <= napMs)) Atomics.wait(naps, 0, 0, wait);
    else if (wait > 0) sleepUntilRung(bell, wait, isIdle);
  }
}

function isIdle(): boolean {
  return !market.hasInput && !control.stopAsked && !control.flushWaits;
}
