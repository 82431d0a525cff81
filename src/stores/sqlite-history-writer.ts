/** History into SQLite: one transaction a batch, prepared statements, no objects and no BigInt on the way in. */
import type Database from 'better-sqlite3';
import { barBit, barWord } from '../market/bar-words.ts';
import type { HistoryWriter, MarketBatch } from '../market/history.ts';
import type { Instrument } from '../market/instrument.ts';
import { rowInstrumentOf } from '../wire/row.ts';
import { RowBatch, type Rows, type StoredKind } from './row-batch.ts';
import { symbolIdsOf } from './sqlite-symbols.ts';

/** Which quotes are kept: none, the last of each second, or each. */
export type QuotesKept = 'none' | '1s' | 'all';

/** How many rows of each kind a batch changed the file by; the others were there already, or newer ones. */
export type RowsWritten = Record<StoredKind, number>;

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

const barColumns = [
  'symbol_id',
  'resolution',
  'open_time',
  'open',
  'high',
  'low',
  'close',
  'volume',
  'volume_high',
  'quote_volume',
  'quote_volume_high',
  'taker_buy_volume',
  'taker_buy_volume_high',
  'taker_buy_quote_volume',
  'taker_buy_quote_volume_high',
  'trade_count',
  'first_id',
  'last_id',
  'revision',
  'closed',
  'incomplete',
  'last_time',
];
/**
 * A bar's states are ordered by this: the newest id it holds, then its revision; closed comes after forming; and a
 * trade that was repaired into the middle raises only the count.
 */
const barRank = (table: string): string =>
  `(${['last_id', 'revision', 'closed', 'trade_count'].map((column) => `${table}.${column}`).join(', ')})`;
const upsertBar = `INSERT INTO bars (${barColumns.join(', ')}) VALUES (${barColumns.map(() => '?').join(', ')})
  ON CONFLICT DO UPDATE SET ${barColumns
    .slice(3)
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}
  WHERE ${barRank('excluded')} > ${barRank('bars')}
    OR (${barRank('excluded')} = ${barRank('bars')} AND excluded.incomplete <> bars.incomplete)`;

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
  readonly #symbolIds: Float64Array;
  readonly #quotes: QuotesKept;
  readonly #statements: ReturnType<typeof prepareAll>;
  readonly #batch = new RowBatch();
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
      const written = {
        trade: this.#writeTrades(batch.trade),
        bar: this.#writeBars(batch.bar),
        quote: this.#quotes === 'none' ? 0 : this.#writeQuotes(batch.quote),
        enigma: this.#writeEnigma(batch.enigma),
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

  #writeTrades({ words, count, width }: Rows): number {
    const plain = this.#plain;
    let written = 0;
    let gathered = 0;
    for (let row = 0, at = 0; row < count; row++, at += width) {
      const symbolId = this.#symbolId(words[at]!);
      if (!isPlain(words, at)) {
        written += this.#writeAggregate(symbolId, words, at);
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
    const values = barColumns.map(() => 0);
    for (let row = 0, at = 0; row < count; row++, at += width) {
      const flags = words[at + 2 + barWord.flags]!;
      values[0] = this.#symbolId(words[at]!);
      // Columns 1 to 18 lie in the row's own order: resolution, open time … revision.
      for (let i = 1; i <= 18; i++) values[i] = words[at + i]!;
      values[19] = (flags & barBit.closed) === 0 ? 0 : 1;
      values[20] = (flags & barBit.incomplete) === 0 ? 0 : 1;
      values[21] = words[at + 2 + barWord.lastTime]!;
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
    bar: db.prepare(upsertBar),
    olderQuotes: db.prepare(deleteOlderQuotes),
    lastQuote: db.prepare(insertLastQuote),
    quote: db.prepare(insertQuote),
    enigma: db.prepare(upsertEnigma),
  };
}
