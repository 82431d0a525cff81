/** History into SQLite: one transaction a batch, prepared statements, no objects and no BigInt on the way in. */
import type Database from 'better-sqlite3';
import type { HistoryWriter, MarketBatch } from '../market/history.ts';
import type { Instrument } from '../market/instrument.ts';
import { rowInstrumentOf } from '../wire/row.ts';
import { type KindCounts, RowBatch, type Rows } from './row-batch.ts';
import { SqliteBackfill } from './sqlite-backfill.ts';
import { barValues, setBarValues, upsertOwnBar } from './sqlite-bars.ts';
import { SqliteInstruments } from './sqlite-instruments.ts';
import { AwaitedTrades, SqliteRepairs } from './sqlite-repairs.ts';
import { symbolIdsOf } from './sqlite-symbols.ts';

/** Which quotes are kept: none, the last of each second, or each. */
export type QuotesKept = 'none' | '1s' | 'all';

/** How many rows of each kind a batch changed the file by; the others were there already, or newer ones. */
export interface RowsWritten extends KindCounts {
  /** Own bars that a candle of the venue took the place of. */
  readonly replaced: number;
  /** Own bars that were left alone where there was a candle of the venue. */
  readonly left: number;
}

/** Trades a statement: binding and stepping cost less in tens. */
const tradesPerStatement = 10;
const plainTradeWidth = 9;
const plainTrade = '(?, ?, ?, ?, ?, ?, ?, ?, ?)';
const plainTradeColumns = 'symbol_id, trade_id, time, received, price, volume, bid, ask, taker_sold';
/** OR ROLLBACK: what goes wrong within a statement ends the whole transaction, so SQLite keeps no journal to undo the one. */
const insertTrades = (count: number): string =>
  `INSERT OR ROLLBACK INTO trades (${plainTradeColumns}) VALUES ${Array.from({ length: count }, () => plainTrade).join(', ')}
  ON CONFLICT DO NOTHING`;
const insertAggregate = `INSERT INTO trades (${plainTradeColumns}, merged, first_id, last_id)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

const deleteOlderQuotes = 'DELETE FROM quotes WHERE symbol_id = ? AND second = ? AND version < ?';
const insertLastQuote = `INSERT OR ROLLBACK INTO quotes SELECT * FROM (VALUES (?, ?, ?, ?, ?, ?, ?, ?)) AS new
  WHERE NOT EXISTS (SELECT 1 FROM quotes AS old
    WHERE old.symbol_id = new.column1 AND old.second = new.column2 AND old.version >= new.column3)`;
const insertQuote = 'INSERT INTO quotes VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING';

const upsertEnigma = `INSERT INTO enigma VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET time = excluded.time, price = excluded.price, level = excluded.level,
    ath = excluded.ath, ath_time = excluded.ath_time, atl = excluded.atl, atl_time = excluded.atl_time
  WHERE excluded.time >= enigma.time AND (excluded.time, excluded.price, excluded.level, excluded.ath,
    excluded.ath_time, excluded.atl, excluded.atl_time) <> (enigma.time, enigma.price, enigma.level, enigma.ath,
    enigma.ath_time, enigma.atl, enigma.atl_time)`;

const second = 1_000_000;

export class SqliteHistoryWriter implements HistoryWriter {
  readonly #db: Database.Database;
  #symbolIds: Float64Array;
  readonly #quotes: QuotesKept;
  readonly #statements: ReturnType<typeof prepareAll>;
  readonly #repairs: SqliteRepairs;
  readonly #backfill: SqliteBackfill;
  readonly #batch = new RowBatch();
  readonly #barValues = barValues();
  readonly #symbolIdOf = (head: number): number => this.#symbolId(head);
  readonly #plain = Array.from({ length: plainTradeWidth * tradesPerStatement }, () => 0);

  /**
   * @param db Opened by `openMarketDatabase`; the writer closes it.
   * @param dictionary Instruments whose ids the rows carry; all of them enrolled.
   */
  constructor(db: Database.Database, dictionary: readonly Instrument[], quotes: QuotesKept = '1s') {
    this.#db = db;
    this.#symbolIds = symbolIdsOf(db, dictionary);
    this.#quotes = quotes;
    this.#statements = prepareAll(db);
    this.#repairs = new SqliteRepairs(db);
    this.#backfill = new SqliteBackfill(db);
  }

  /**
   * Another version of the dictionary: new instruments are enrolled, and what is stored of those with more decimals is
   * scaled up, in one transaction. Rows that are written afterwards have the new decimals.
   * @throws RangeError when a mantissa would pass 2^53, Error when an instrument has fewer decimals than what is stored;
   * nothing has changed then
   */
  adopt(dictionary: readonly Instrument[]): void {
    // By id, so that new ones get the ids in the file that they have in the dictionary.
    const listed = dictionary.toSorted((a, b) => a.id - b.id);
    const change = this.#db.transaction((): Float64Array => {
      new SqliteInstruments(this.#db).enrol(listed);
      return symbolIdsOf(this.#db, dictionary);
    });
    this.#symbolIds = change.immediate();
  }

  /**
   * One instrument has more decimals from now on: what is stored of it is scaled up, in one transaction.
   * @throws RangeError when a mantissa would pass 2^53; nothing has changed then
   */
  rescale(instrument: Instrument): void {
    new SqliteInstruments(this.#db).enrol([instrument]);
  }

  write(batch: MarketBatch): Promise<void> {
    this.#batch.clear();
    this.#batch.addAll(batch);
    try {
      this.writeRows(this.#batch);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Writes all rows in one transaction.
   * @throws SqliteError (SQLITE_BUSY, SQLITE_FULL …) or RangeError for an unknown instrument; nothing was written then.
   */
  writeRows(batch: RowBatch): RowsWritten {
    this.#statements.begin.run();
    try {
      const of = this.#symbolIdOf;
      const awaited = batch.amend.count === 0 ? undefined : new AwaitedTrades(batch.amend, of);
      const trade = this.#writeTrades(batch.trade, awaited);
      const bar = this.#writeBars(batch.bar);
      const candles = this.#backfill.write(batch.backfill, of);
      // Gaps after the trades beside them; completions after the gaps that they speak of.
      const written = {
        trade,
        bar,
        quote: this.#quotes === 'none' ? 0 : this.#writeQuotes(batch.quote),
        enigma: this.#writeEnigma(batch.enigma),
        backfill: candles.written,
        amend: awaited === undefined ? 0 : this.#repairs.amend(batch.amend, of, awaited),
        gap: this.#repairs.gaps(batch.gap, of),
        complete: this.#repairs.complete(batch.complete, of),
        quarantine: this.#repairs.quarantine(batch.quarantine, of),
        replaced: candles.replaced,
        left: candles.left,
      };
      this.#statements.commit.run();
      return written;
    } catch (error) {
      if (this.#db.inTransaction) this.#statements.rollback.run();
      throw error;
    }
  }

  close(): Promise<void> {
    this.#db.close();
    return Promise.resolve();
  }

  #symbolId(head: number): number {
    const instrument = rowInstrumentOf(head);
    const symbolId = this.#symbolIds[instrument];
    if (symbolId === undefined || symbolId === 0) throw new RangeError(`instrument ${instrument} is unknown`);
    return symbolId;
  }

  /** Trades that somebody waits for go one by one, so that it is known whether each was new. */
  #writeTrades({ words, count, width }: Rows, awaited: AwaitedTrades | undefined): number {
    const plain = this.#plain;
    let written = 0;
    let gathered = 0;
    for (let row = 0, at = 0; row < count; row++, at += width) {
      const symbolId = this.#symbolId(words[at]!);
      const isAwaited = awaited?.has(symbolId, words[at + 1]!) === true;
      if (isAwaited || !isPlain(words, at)) {
        const changes = this.#writeAggregate(symbolId, words, at);
        if (isAwaited && changes === 1) awaited.cameNew(symbolId, words[at + 1]!);
        written += changes;
        continue;
      }
      const to = gathered * plainTradeWidth;
      plain[to] = symbolId;
      for (let i = 1; i < plainTradeWidth - 1; i++) plain[to + i] = words[at + i]!;
      plain[to + plainTradeWidth - 1] = words[at + 11]! & 1;
      if (++gathered === tradesPerStatement) {
        written += this.#statements.trades.run(plain).changes;
        gathered = 0;
      }
    }
    for (let i = 0; i < gathered; i++) {
      written += this.#statements.trade.run(
        plain.slice(i * plainTradeWidth, (i + 1) * plainTradeWidth),
      ).changes;
    }
    return written;
  }

  #writeAggregate(symbolId: number, w: Float64Array, at: number): number {
    const [id, time, received, price, size] = [w[at + 1], w[at + 2], w[at + 3], w[at + 4], w[at + 5]];
    const [bid, ask, firstId, lastId, merged] = [w[at + 6], w[at + 7], w[at + 8], w[at + 9], w[at + 10]];
    return this.#statements.aggregate.run([
      symbolId,
      id,
      time,
      received,
      price,
      size,
      bid,
      ask,
      w[at + 11]! & 1,
      merged,
      firstId,
      lastId,
    ]).changes;
  }

  #writeBars({ words, count, width }: Rows): number {
    let written = 0;
    const values = this.#barValues;
    for (let row = 0, at = 0; row < count; row++, at += width) {
      setBarValues(values, this.#symbolId(words[at]!), words, at);
      written += this.#statements.bar.run(values).changes;
    }
    return written;
  }

  #writeQuotes({ words, count, width }: Rows): number {
    let written = 0;
    for (let row = 0, at = 0; row < count; row++, at += width) {
      const symbolId = this.#symbolId(words[at]!);
      const version = words[at + 1]!;
      const time = words[at + 2]!;
      const open = time - (time % second);
      const [bid, bidSize, ask, askSize] = [words[at + 3], words[at + 4], words[at + 5], words[at + 6]];
      const values = [symbolId, open, version, time, bid, bidSize, ask, askSize];
      if (this.#quotes === '1s') {
        this.#statements.olderQuotes.run([symbolId, open, version]);
        written += this.#statements.lastQuote.run(values).changes;
      } else written += this.#statements.quote.run(values).changes;
    }
    return written;
  }

  #writeEnigma({ words, count, width }: Rows): number {
    let written = 0;
    for (let row = 0, at = 0; row < count; row++, at += width) {
      const values = [this.#symbolId(words[at]!), ...words.subarray(at + 1, at + 8)];
      written += this.#statements.enigma.run(values).changes;
    }
    return written;
  }
}

/** One of the venue's trades, not an aggregate of several. */
function isPlain(words: Float64Array, at: number): boolean {
  const id = words[at + 1]!;
  return words[at + 10] === 1 && words[at + 8] === id && words[at + 9] === id;
}

function prepareAll(db: Database.Database) {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    trades: db.prepare(insertTrades(tradesPerStatement)),
    trade: db.prepare(insertTrades(1)),
    aggregate: db.prepare(insertAggregate),
    bar: db.prepare(upsertOwnBar),
    olderQuotes: db.prepare(deleteOlderQuotes),
    lastQuote: db.prepare(insertLastQuote),
    quote: db.prepare(insertQuote),
    enigma: db.prepare(upsertEnigma),
  };
}
