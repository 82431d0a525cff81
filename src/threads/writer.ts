/**
 * The thread that writes the market's file: the only one that does while the server runs.
 * Posts `{ ready: true }` when the file is open; ends by itself after `WriterControl.stop`, with everything written.
 * Errors at the start (file cannot be written, instrument not enrolled) and rows that could not be written before
 * the end are thrown: the Worker's `error` event.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Listed } from '../market/enrolment.ts';
import type { Instrument } from '../market/instrument.ts';
import { MarketWriter, napMs } from '../stores/market-writer.ts';
import { StoredDecimals } from '../stores/rescaled-rows.ts';
import { type QuotesKept, SqliteHistoryWriter } from '../stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../stores/sqlite-instruments.ts';
import { hasRoomForDecimals } from '../stores/sqlite-rescale.ts';
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

/** An instrument that is to have more decimals. */
export interface Finer {
  readonly id: number;
  /** How many more. */
  readonly prices: number;
  readonly sizes: number;
}

/** To the thread; its bell must be rung afterwards. A venue's whole listing is enrolled, with the decimals known so far. */
export interface WriterRequest {
  readonly kind: 'refresh';
  readonly venue: string;
  readonly listed: readonly Listed[];
  /** To be judged: have they room for what is stored of them? The change itself comes with the rows. */
  readonly finer: readonly Finer[];
}

/** `noRoom`: ids of those whose stored mantissas would pass 2^53. `rescaled`: what is stored of one has more decimals now. */
export type WriterReport =
  | { readonly kind: 'refreshed'; readonly instruments: number; readonly noRoom: readonly number[] }
  | { readonly kind: 'not-refreshed'; readonly reason: string }
  | { readonly kind: 'rescaled'; readonly instrument: number };

const data = workerData as WriterData;
const bell = new Int32Array(data.bell);
const control = new WriterControl(data.control);
const naps = new Int32Array(new SharedArrayBuffer(4));

const db = openMarketDatabase(data.file, data.busyMs);
const writer = new SqliteHistoryWriter(db, data.dictionary, data.quotes ?? '1s');
let pending: WriterRequest | undefined;
const market = new MarketWriter({
  rings: data.rings.map((memory) => new SegmentReader(memory)),
  writer,
  control,
  instruments: data.dictionary.map(({ id }) => id),
  quotes: data.quotes ?? '1s',
  commitRows: data.commitRows ?? 5_000,
  commitMs: data.commitMs ?? 100,
  formingMs: data.formingMs ?? 1_000,
  decimals: new StoredDecimals(data.dictionary),
  onRescaled: ({ id }) => tell({ kind: 'rescaled', instrument: id }),
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
    if (hasRequest()) refresh(pending!, now);
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
  return !market.hasInput && !control.stopAsked && !control.flushWaits && !hasRequest();
}

/** This thread never returns to its events: it looks for messages itself. */
function hasRequest(): boolean {
  if (parentPort === null) return false;
  pending ??= receiveMessageOnPort(parentPort)?.message as WriterRequest | undefined;
  return pending !== undefined;
}

/** Waits for another turn while the file takes nothing. */
function refresh({ venue, listed, finer }: WriterRequest, now: number): void {
  try {
    const noRoom = finer.filter(({ id, prices, sizes }) => !hasRoomForDecimals(db, id, prices, sizes));
    const { instruments } = new SqliteInstruments(db).refresh(venue, listed);
    if (!market.adopt(instruments, now)) return;
    tell({ kind: 'refreshed', instruments: instruments.length, noRoom: noRoom.map(({ id }) => id) });
  } catch (error) {
    tell({ kind: 'not-refreshed', reason: (error as Error).message });
  }
  pending = undefined;
}

function tell(report: WriterReport): void {
  parentPort?.postMessage(report, []);
}
