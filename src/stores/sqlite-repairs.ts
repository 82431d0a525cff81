/** Missing trades in the market's file: gap ranges, late trades for stored bars, bars that are whole again; and bad prints. */
import type Database from 'better-sqlite3';
import { barOpen, nextBarOpen, resolutions } from '../market/resolution.ts';
import { rowWords } from '../wire/row.ts';
import { amendedBar } from './bar-rules.ts';
import { gapStates, isLacking, judgedTimes, rangesAfter } from './gap-ranges.ts';
import { amendRowAt, completeRowAt, gapRowAt, putBarRow, type Rows } from './row-batch.ts';
import { barValues, putBar, setBarValues } from './sqlite-bars.ts';
import { barColumns, barOf, type Columns, gapColumns, gapOf } from './sqlite-rows.ts';

export type SymbolIdOf = (head: number) => number;

/** Longer than any bar: what lies further away touches no bar of a completion's times. */
const month = 31 * 86_400_000_000;
const repaired = gapStates.indexOf('repaired');

/** Trades that amendments of a batch wait for: whether their row was new. */
export class AwaitedTrades {
  readonly #bySymbol = new Map<number, Map<number, boolean>>();

  constructor({ words, count, width }: Rows, symbolIdOf: SymbolIdOf) {
    for (let row = 0, at = 0; row < count; row++, at += width) {
      const symbolId = symbolIdOf(words[at]!);
      const held = this.#bySymbol.get(symbolId);
      if (held === undefined) this.#bySymbol.set(symbolId, new Map([[words[at + 3]!, false]]));
      else held.set(words[at + 3]!, false);
    }
  }

  has(symbolId: number, id: number): boolean {
    return this.#bySymbol.get(symbolId)?.has(id) === true;
  }

  cameNew(symbolId: number, id: number): void {
    this.#bySymbol.get(symbolId)?.set(id, true);
  }

  isNew(symbolId: number, id: number): boolean {
    return this.#bySymbol.get(symbolId)?.get(id) === true;
  }
}

/** All to be called within a transaction; each says how many of the rows changed something. */
export class SqliteRepairs {
  readonly #statements: ReturnType<typeof prepareAll>;
  readonly #values = barValues();
  readonly #words = new Float64Array(rowWords.bar);

  constructor(db: Database.Database) {
    this.#statements = prepareAll(db);
  }

  /** Late trades into stored bars: each once, and only if its own row was new to the file. */
  amend({ words, count, width }: Rows, symbolIdOf: SymbolIdOf, trades: AwaitedTrades): number {
    const done = new Set<string>();
    let written = 0;
    for (let row = 0, at = 0; row < count; row++, at += width) {
      const symbolId = symbolIdOf(words[at]!);
      const trade = amendRowAt(words, at);
      const key = `${symbolId} ${trade.id} ${trade.resolution}`;
      if (!trades.isNew(symbolId, trade.id) || done.has(key)) continue;
      done.add(key);
      const { resolution, openTime, instrument } = trade;
      const found = this.#statements.bar.get(symbolId, resolution, openTime);
      const known = found && barOf(found, instrument, resolution);
      if (known?.backfilled === true) continue;
      putBarRow(amendedBar(known, trade), this.#words, 0, trade.time);
      setBarValues(this.#values, symbolId, this.#words, 0);
      this.#statements.putBar.run(this.#values);
      written++;
    }
    return written;
  }

  gaps({ words, count, width }: Rows, symbolIdOf: SymbolIdOf): number {
    let written = 0;
    for (let row = 0, at = 0; row < count; row++, at += width) {
      const symbolId = symbolIdOf(words[at]!);
      const notice = gapRowAt(words, at);
      const touched = this.#statements.touched
        .all({ id: symbolId, from: notice.from, to: notice.to })
        .map(gapOf)
        .filter(({ to }) => to >= notice.from - 1);
      const after = rangesAfter(touched, notice, (from, to, usual) =>
        this.#timesAround(symbolId, from, to, usual),
      );
      if (after === undefined) continue;
      for (const { from } of touched) this.#statements.dropGap.run(symbolId, from);
      for (const { from, to, state, opened, closed, fromTime, toTime } of after) {
        const values = [from, to, gapStates.indexOf(state), opened, closed, fromTime, toTime];
        this.#statements.putGap.run(symbolId, ...values);
      }
      written++;
    }
    return written;
  }

  #timesAround(symbolId: number, from: number, to: number, usual: number): readonly [number, number] {
    const before = this.#statements.timeBefore.get(symbolId, from) ?? usual;
    const after = this.#statements.timeAfter.get(symbolId, to) ?? usual;
    return [Math.min(before, after), Math.max(before, after)];
  }

  complete({ words, count, width }: Rows, symbolIdOf: SymbolIdOf): number {
    let written = 0;
    for (let row = 0, at = 0; row < count; row++, at += width) {
      const symbolId = symbolIdOf(words[at]!);
      const times = completeRowAt(words, at);
      const filled = this.#statements.filled.all(symbolId, times.from, times.to).map(gapOf);
      if (this.#completeBars(symbolId, ...judgedTimes(times.from, times.to, filled))) written++;
    }
    return written;
  }

  #completeBars(symbolId: number, from: number, to: number): boolean {
    const lacking = this.#statements.lacking.all(symbolId, from - month, to + month).map(gapOf);
    let changed = false;
    for (let resolution = 0; resolution < resolutions.length; resolution++) {
      for (const open of this.#statements.incomplete.all(
        symbolId,
        resolution,
        barOpen(resolution, from),
        to,
      )) {
        const next = nextBarOpen(resolution, open);
        if (lacking.some((range) => isLacking(range, open, next))) continue;
        this.#statements.clear.run(symbolId, resolution, open);
        changed = true;
      }
    }
    return changed;
  }

  quarantine({ words, count, width }: Rows, symbolIdOf: SymbolIdOf): number {
    let written = 0;
    for (let row = 0, at = 0; row < count; row++, at += width) {
      const values = [symbolIdOf(words[at]!), ...words.subarray(at + 1, at + width)];
      written += this.#statements.quarantine.run(values).changes;
    }
    return written;
  }
}

function prepareAll(db: Database.Database) {
  const raw = <T extends unknown[] | object>(sql: string): Database.Statement<T[], Columns> =>
    db.prepare<T[], Columns>(sql).raw();
  const pluck = (sql: string): Database.Statement<number[], number> =>
    db.prepare<number[], number>(sql).pluck();
  const gaps = `SELECT ${gapColumns} FROM gaps WHERE symbol_id =`;
  const oneBar = 'symbol_id = ? AND resolution = ? AND open_time = ?';
  return {
    bar: db.prepare<number[], Columns>(`SELECT ${barColumns} FROM bars WHERE ${oneBar}`).raw(),
    putBar: db.prepare(putBar),
    // Ranges do not overlap, so only one that begins before `from` can reach it.
    touched: raw<object>(`${gaps} :id AND first_id <= :to + 1 AND first_id >= coalesce(
      (SELECT max(first_id) FROM gaps WHERE symbol_id = :id AND first_id < :from), :from) ORDER BY first_id`),
    dropGap: db.prepare('DELETE FROM gaps WHERE symbol_id = ? AND first_id = ?'),
    putGap: db.prepare('INSERT INTO gaps VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    timeBefore: pluck(
      'SELECT time FROM trades WHERE symbol_id = ? AND trade_id < ? ORDER BY trade_id DESC LIMIT 1',
    ),
    timeAfter: pluck(
      'SELECT time FROM trades WHERE symbol_id = ? AND trade_id > ? ORDER BY trade_id LIMIT 1',
    ),
    filled: db
      .prepare<number[], Columns>(`${gaps} ? AND state = ${repaired} AND to_time >= ? AND from_time <= ?`)
      .raw(),
    lacking: db
      .prepare<number[], Columns>(`${gaps} ? AND state <> ${repaired} AND to_time >= ? AND from_time <= ?`)
      .raw(),
    incomplete: pluck(`SELECT open_time FROM bars WHERE symbol_id = ? AND resolution = ? AND open_time >= ?
      AND open_time <= ? AND incomplete = 1 AND backfilled = 0`),
    clear: db.prepare(`UPDATE bars SET incomplete = 0 WHERE ${oneBar}`),
    quarantine: db.prepare('INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'),
  };
}
