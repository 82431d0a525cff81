/** The venue's own candles in the market's file: kept where there is no own bar, and their extremes. */
import type Database from 'better-sqlite3';
import { barBit, barWord } from '../market/bar-words.ts';
import type { Bar } from '../market/tick.ts';
import { barRowAt, rowWords } from '../wire/row.ts';
import { backfillFate } from './bar-rules.ts';
import type { Rows } from './row-batch.ts';
import { barValues, putBar, setBarValues } from './sqlite-bars.ts';
import { barColumns, barOf, type Columns } from './sqlite-rows.ts';

export interface BackfillWritten {
  /** Candles that changed the file. */
  readonly written: number;
  /** Of those: took the place of an own bar that was incomplete. */
  readonly replaced: number;
  /** Not written, because an own bar is there. */
  readonly left: number;
}

const upsertExtremes = `INSERT INTO backfill_extremes VALUES (:id, :high, :time, :low, :time)
  ON CONFLICT DO UPDATE SET
    high = max(high, excluded.high), high_time = iif(excluded.high > high, excluded.high_time, high_time),
    low = min(low, excluded.low), low_time = iif(excluded.low < low, excluded.low_time, low_time)`;

/** A candle's high or low beyond this many times its open and close is a bad print (Coinbase BTC once printed 0.06). */
const believable = 10;

export class SqliteBackfill {
  readonly #find: Database.Statement<unknown[], Columns>;
  readonly #newestOwn: Database.Statement<unknown[], number>;
  readonly #put: Database.Statement;
  readonly #extremes: Database.Statement;
  readonly #values = barValues();

  constructor(db: Database.Database) {
    const where = 'FROM bars WHERE symbol_id = ? AND resolution = ?';
    this.#find = db.prepare<unknown[], Columns>(`SELECT ${barColumns} ${where} AND open_time = ?`).raw();
    this.#newestOwn = db
      .prepare<unknown[], number>(
        `SELECT open_time ${where} AND backfilled = 0 ORDER BY open_time DESC LIMIT 1`,
      )
      .pluck();
    this.#put = db.prepare(putBar);
    this.#extremes = db.prepare(upsertExtremes);
  }

  /** To be called within a transaction. */
  write({ words, count }: Rows, symbolIdOf: (head: number) => number): BackfillWritten {
    let [written, replaced, left] = [0, 0, 0];
    for (let row = 0, at = 0; row < count; row++, at += rowWords.bar) {
      const symbolId = symbolIdOf(words[at]!);
      const candle = barRowAt(words, at);
      const known = this.#find.get(symbolId, candle.resolution, candle.openTime);
      const fate = backfillFate(
        known && barOf(known, candle.instrument, candle.resolution),
        candle,
        (words[at + 2 + barWord.flags]! & barBit.replace) !== 0,
        () => (this.#newestOwn.get(symbolId, candle.resolution) ?? 0) > candle.openTime,
      );
      if (fate === 'left') left++;
      else this.#noteExtremes(symbolId, candle);
      if (fate === 'left' || fate === 'same') continue;
      setBarValues(this.#values, symbolId, words, at);
      this.#put.run(this.#values);
      written++;
      if (fate === 'replaced') replaced++;
    }
    return { written, replaced, left };
  }

  #noteExtremes(id: number, { open, high, low, close, openTime }: Bar): void {
    const most = Math.max(open, close);
    const least = Math.min(open, close);
    this.#extremes.run({
      id,
      high: high > most * believable ? most : high,
      low: low * believable < least ? least : low,
      time: openTime,
    });
  }
}
