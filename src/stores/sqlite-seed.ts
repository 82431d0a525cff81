/** What the shards must know of the past when a run begins, read from the market's file. */
import type Database from 'better-sqlite3';
import type { InstrumentSeed } from '../market/history.ts';
import type { Instrument } from '../market/instrument.ts';
import { resolutions } from '../market/resolution.ts';
import type { Bar, TradeRow } from '../market/tick.ts';
import {
  barColumns,
  barOf,
  type Columns,
  enigmaColumns,
  enigmaOf,
  tradeColumns,
  tradeOf,
} from './sqlite-rows.ts';

const minuteIndex = resolutions.indexOf('1m');
const day = 86_400_000_000;
/** A crash leaves at most a few seconds of trades that no bar knows of; more than this means a damaged file. */
export const seedTradesMax = 1_000_000;

/**
 * One seed an instrument, in the order given, read one by one as they are asked for.
 *
 * Bars count by the venue's own trade ids, while a stored trade may be an aggregate with an id of its own: so its
 * `lastId` says whether a bar knows of it.
 * @throws when an instrument is not known by its symbol, or more than `tradesMax` trades are newer than its bars.
 */
export function* seedsOf(
  db: Database.Database,
  instruments: readonly Instrument[],
  tradesMax = seedTradesMax,
): Generator<InstrumentSeed> {
  const read = statementsOf(db);
  for (const { id, symbol } of instruments) {
    const symbolId = read.symbolId.get(symbol);
    if (symbolId === undefined) throw new Error(`${symbol} is not enrolled in ${db.name}`);
    const bars: Bar[] = [];
    for (let resolution = 0; resolution < resolutions.length; resolution++) {
      const row = read.newestBar.get(symbolId, resolution);
      if (row !== undefined) bars.push(barOf(row, id, resolution));
    }
    const trades = newerTrades(read, symbolId, bars, id, tradesMax + 1);
    if (trades.length > tradesMax)
      throw new Error(`${symbol}: more than ${tradesMax} trades are newer than its bars`);
    const enigma = read.enigma.get(symbolId);
    const last = read.tradesDown.get(symbolId);
    yield {
      instrument: id,
      bars,
      trades,
      minutes: minutesBefore(read, symbolId, bars, id),
      ...(last && { lastTrade: tradeOf(last, id) }),
      ...(enigma && { enigma: enigmaOf(enigma, id) }),
    };
  }
}

/**
 * Trades that not all of `bars` know of, rising by id; at most `limit`, the newest ones. All of them when a resolution
 * has no bar yet: a crash in an instrument's first moments, when its first `1s` bar had closed and the forming longer
 * ones were not yet written.
 */
function newerTrades(
  read: Statements,
  symbolId: number,
  bars: readonly Bar[],
  id: number,
  limit: number,
): TradeRow[] {
  const known = bars.length < resolutions.length ? -1 : Math.min(...bars.map(({ lastId }) => lastId));
  const trades: TradeRow[] = [];
  for (const row of read.tradesDown.iterate(symbolId)) {
    const trade = tradeOf(row, id);
    if (trade.lastId <= known || trades.length === limit) break;
    trades.push(trade);
  }
  return trades.toReversed();
}

function minutesBefore(read: Statements, symbolId: number, bars: readonly Bar[], instrument: number): Bar[] {
  const newest = bars.find(({ resolution }) => resolution === minuteIndex);
  if (newest === undefined) return [];
  const rows = read.minutes.all(symbolId, minuteIndex, newest.openTime - day, newest.openTime);
  return rows.map((row) => barOf(row, instrument, minuteIndex));
}

type Statements = ReturnType<typeof statementsOf>;
function statementsOf(db: Database.Database) {
  const columns = (sql: string): Database.Statement<unknown[], Columns> =>
    db.prepare<unknown[], Columns>(sql).raw();
  const barsWhere = `SELECT ${barColumns} FROM bars WHERE symbol_id = ? AND resolution = ?`;
  return {
    symbolId: db.prepare<[string], number>('SELECT id FROM symbolsmap WHERE symbol = ?').pluck(),
    newestBar: columns(`${barsWhere} ORDER BY open_time DESC LIMIT 1`),
    minutes: columns(`${barsWhere} AND open_time >= ? AND open_time < ? ORDER BY open_time`),
    tradesDown: columns(`SELECT ${tradeColumns} FROM trades WHERE symbol_id = ? ORDER BY trade_id DESC`),
    enigma: columns(`SELECT ${enigmaColumns} FROM enigma WHERE symbol_id = ?`),
  };
}
