/** How candles of the venue reach the market's file: through the writer thread's ring, or straight where no server runs. */
import type Database from 'better-sqlite3';
import type { Instrument } from '../market/instrument.ts';
import type { Bar } from '../market/tick.ts';
import { decimalsRow } from '../stores/rescaled-rows.ts';
import { RowBatch } from '../stores/row-batch.ts';
import type { SqliteHistoryWriter } from '../stores/sqlite-history-writer.ts';
import type { WriterControl } from '../stores/writer-control.ts';
import type { SegmentWriter } from '../wire/segment-ring.ts';
import type { StoreCandles } from './backfill-runner.ts';

const barsPerSegment = 100;
const pollMs = 10;

/**
 * Straight into the file, which nobody else writes meanwhile. Durable even if the power goes: the write-ahead log is
 * synced after each page.
 * @param db that of `writer`
 */
export function directCandles(writer: SqliteHistoryWriter, db: Database.Database): StoreCandles {
  const batch = new RowBatch(1);
  return (bars, replace) => {
    batch.clear();
    batch.addAll({
      trades: [],
      bars: [],
      quotes: [],
      enigma: [],
      backfill: bars,
      replaceIncomplete: replace,
    });
    const { replaced, left } = writer.writeRows(batch);
    db.pragma('wal_checkpoint(PASSIVE)');
    return Promise.resolve({ replaced, left });
  };
}

/**
 * Into the writer thread's ring. It must be the only way by which candles come to that thread, because its counts say
 * when they are in the file: in = written + there already + refused.
 */
export class RingCandles {
  readonly #ring: SegmentWriter;
  readonly #control: WriterControl;
  readonly #signal: AbortSignal;
  readonly #batch = new RowBatch(1);
  #before: Promise<unknown> = Promise.resolve();
  #sequence = 0;
  /** Rows handed over so far: what the writer's count of `backfill` rows in comes to. */
  rows = 0;

  /** @param signal once aborted, nobody waits any more: `store` rejects with its reason */
  constructor(ring: SegmentWriter, control: WriterControl, signal: AbortSignal) {
    this.#ring = ring;
    this.#control = control;
    this.#signal = signal;
  }

  /** One call after the other, so that what became of the rows is told of the right ones. */
  readonly store: StoreCandles = (bars, replace, counted) => {
    const stored = this.#before.then(() => this.#store(bars, replace, counted));
    this.#before = stored.catch(() => undefined);
    return stored;
  };

  async #store(
    bars: readonly Bar[],
    replace: boolean,
    counted: Instrument | undefined,
  ): Promise<{ replaced: number; left: number }> {
    const { backfillReplaced, backfillLeft } = this.#control.read();
    for (let from = 0; from < bars.length; from += barsPerSegment) {
      await this.#send(bars.slice(from, from + barsPerSegment), replace, counted);
    }
    for (;;) {
      const { written, ignored, refused, ...after } = this.#control.read();
      if (written.backfill + ignored.backfill + refused.backfill >= this.rows) {
        return {
          replaced: after.backfillReplaced - backfillReplaced,
          left: after.backfillLeft - backfillLeft,
        };
      }
      await this.#wait();
    }
  }

  async #send(bars: readonly Bar[], replace: boolean, counted: Instrument | undefined): Promise<void> {
    const { backfill } = this.#batch;
    this.#batch.clear();
    this.#batch.addAll({
      trades: [],
      bars: [],
      quotes: [],
      enigma: [],
      backfill: bars,
      replaceIncomplete: replace,
    });
    const rows = backfill.words.subarray(0, backfill.count * backfill.width);
    const words = Float64Array.from([...(counted === undefined ? [] : decimalsRow(counted)), ...rows]);
    const bytes = new Uint8Array(words.buffer);
    while (!this.#ring.write(bytes, bytes.length, ++this.#sequence)) await this.#wait();
    this.rows += bars.length;
  }

  async #wait(): Promise<void> {
    this.#signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
