/** History out of SQLite, over a read-only connection. */
import type Database from 'better-sqlite3';
import type {
  BarsQuery,
  Counted,
  Decimals,
  GapRange,
  HistoryReader,
  QuarantinedTrade,
  TradesQuery,
} from '../market/history.ts';
import type { Instrument } from '../market/instrument.ts';
import type { Bar, Enigma, TradeRow } from '../market/tick.ts';
import {
  barColumns,
  barOf,
  type Columns,
  enigmaColumns,
  enigmaOf,
  gapColumns,
  gapOf,
  quarantineColumns,
  quarantinedOf,
  tradeColumns,
  tradeOf,
} from './sqlite-rows.ts';

const selectBars = `SELECT ${barColumns} FROM bars
  WHERE symbol_id = ? AND resolution = ? AND open_time >= ? AND open_time < ? ORDER BY open_time DESC LIMIT ?`;
const selectTrades = (order: 'ASC' | 'DESC'): string => `SELECT ${tradeColumns} FROM trades
  WHERE symbol_id = ? AND trade_id >= ? AND trade_id <= ? ORDER BY trade_id ${order} LIMIT ?`;
const selectEnigma = `SELECT ${enigmaColumns} FROM enigma WHERE symbol_id = ?`;
const selectGaps = `SELECT ${gapColumns} FROM gaps WHERE symbol_id = ? ORDER BY first_id DESC LIMIT ?`;
const selectQuarantine = `SELECT ${quarantineColumns} FROM quarantine
  WHERE symbol_id = ? ORDER BY trade_id DESC LIMIT ?`;
const selectDecimals = `SELECT price_decimals AS priceDecimals, size_decimals AS sizeDecimals
  FROM symbolsmap WHERE symbol = ?`;
const selectSymbolId = 'SELECT id FROM symbolsmap WHERE symbol = ?';

export class SqliteHistoryReader implements HistoryReader {
  readonly #db: Database.Database;
  #instruments: ReadonlyMap<string, number>;
  /** Only found ones: a symbol may be enrolled later. */
  readonly #symbolIds = new Map<string, number>();
  readonly #bars: Database.Statement<unknown[], Columns>;
  readonly #oldestTrades: Database.Statement<unknown[], Columns>;
  readonly #newestTrades: Database.Statement<unknown[], Columns>;
  readonly #enigma: Database.Statement<unknown[], Columns>;
  readonly #gaps: Database.Statement<unknown[], Columns>;
  readonly #quarantine: Database.Statement<unknown[], Columns>;
  readonly #symbolId: Database.Statement<unknown[], number>;
  readonly #decimals: Database.Statement<unknown[], Decimals>;

  /**
   * @param db Opened by `openMarketReader`; the reader closes it.
   * @param dictionary Gives the ids in what is read; a symbol that is not in it has its lasting id.
   */
  constructor(db: Database.Database, dictionary: readonly Instrument[] = []) {
    this.#db = db;
    this.#instruments = new Map(dictionary.map(({ symbol, id }) => [symbol, id]));
    this.#bars = db.prepare<unknown[], Columns>(selectBars).raw();
    this.#oldestTrades = db.prepare<unknown[], Columns>(selectTrades('ASC')).raw();
    this.#newestTrades = db.prepare<unknown[], Columns>(selectTrades('DESC')).raw();
    this.#enigma = db.prepare<unknown[], Columns>(selectEnigma).raw();
    this.#gaps = db.prepare<unknown[], Columns>(selectGaps).raw();
    this.#quarantine = db.prepare<unknown[], Columns>(selectQuarantine).raw();
    this.#symbolId = db.prepare<unknown[], number>(selectSymbolId).pluck();
    this.#decimals = db.prepare<unknown[], Decimals>(selectDecimals);
  }

  /** Another version of the dictionary. */
  adopt(dictionary: readonly Instrument[]): void {
    this.#instruments = new Map(dictionary.map(({ symbol, id }) => [symbol, id]));
  }

  /** What `read` reads of the symbol through this reader, and the decimals by which it is stored at that moment. */
  async counted<T>(symbol: string, read: () => Promise<T>): Promise<Counted<T>> {
    // One view of the file: the writer scales what is stored and changes the decimals in one transaction.
    this.#db.exec('BEGIN');
    let reading: Promise<T>;
    let decimals: Decimals | undefined;
    try {
      decimals = this.#decimals.get(symbol);
      // All of a read is done when it returns: only its answer is a promise.
      reading = read();
    } finally {
      this.#db.exec('COMMIT');
    }
    return { decimals, found: await reading };
  }

  async bars(query: BarsQuery): Promise<Bar[]> {
    const symbolId = this.#lastingId(query.symbol);
    if (symbolId === undefined) return [];
    const instrument = this.#instruments.get(query.symbol) ?? symbolId;
    const { resolution, from, to, limit } = query;
    const rows = this.#bars.all(symbolId, resolution, from, to, limit);
    return rows.map((row) => barOf(row, instrument, resolution)).toReversed();
  }

  async trades(query: TradesQuery): Promise<TradeRow[]> {
    const symbolId = this.#lastingId(query.symbol);
    if (symbolId === undefined) return [];
    const instrument = this.#instruments.get(query.symbol) ?? symbolId;
    const newest = query.newest === true;
    const rows = (newest ? this.#newestTrades : this.#oldestTrades).all(
      symbolId,
      query.fromId,
      query.toId,
      query.limit,
    );
    if (newest) rows.reverse();
    return rows.map((row) => tradeOf(row, instrument));
  }

  async enigma(symbol: string): Promise<Enigma | undefined> {
    const symbolId = this.#lastingId(symbol);
    const row = symbolId === undefined ? undefined : this.#enigma.get(symbolId);
    return row && enigmaOf(row, this.#instruments.get(symbol) ?? symbolId!);
  }

  async gaps(symbol: string, limit: number): Promise<GapRange[]> {
    const symbolId = this.#lastingId(symbol);
    return symbolId === undefined ? [] : this.#gaps.all(symbolId, limit).map(gapOf).toReversed();
  }

  async quarantined(symbol: string, limit: number): Promise<QuarantinedTrade[]> {
    const symbolId = this.#lastingId(symbol);
    if (symbolId === undefined) return [];
    const instrument = this.#instruments.get(symbol) ?? symbolId;
    const rows = this.#quarantine.all(symbolId, limit);
    return rows.map((row) => quarantinedOf(row, instrument)).toReversed();
  }

  close(): Promise<void> {
    this.#db.close();
    return Promise.resolve();
  }

  #lastingId(symbol: string): number | undefined {
    const known = this.#symbolIds.get(symbol);
    if (known !== undefined) return known;
    const found = this.#symbolId.get(symbol);
    if (found !== undefined) this.#symbolIds.set(symbol, found);
    return found;
  }
}
