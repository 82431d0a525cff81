/** What the shards must know of the past when a run begins, read from the market's file. */
import type Database from 'better-sqlite3';
import { enigmaLevel } from '../market/enigma.ts';
import type { InstrumentSeed, OpenGap } from '../market/history.ts';
import type { Instrument } from '../market/instrument.ts';
import { resolutions } from '../market/resolution.ts';
import type { Bar, Enigma, TradeRow } from '../market/tick.ts';
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
const dayIndex = resolutions.indexOf('1d');
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
    const enigma = enigmaAt(read, symbolId, id);
    const openGaps = read.openGaps.all(symbolId);
    const last = read.tradesDown.get(symbolId);
    yield {
      instrument: id,
      bars,
      trades,
      minutes: minutesBefore(read, symbolId, bars, id),
      ...(last && { lastTrade: tradeOf(last, id) }),
      ...(enigma && { enigma }),
      ...(openGaps.length === 0 ? {} : { openGaps }),
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

/** As the shard left it, with the extremes of all that is stored: own days, and the venue's candles of any length. */
function enigmaAt(read: Statements, symbolId: number, instrument: number): Enigma | undefined {
  const row = read.enigma.get(symbolId);
  const last = read.lastClose.get(symbolId, dayIndex) ?? read.anyClose.get(symbolId);
  if (last === undefined && row === undefined) return undefined;
  let enigma: Enigma =
    row === undefined
      ? {
          instrument,
          time: last![1]!,
          price: last![0]!,
          level: 0,
          ath: 0,
          athTime: 0,
          atl: 0,
          atlTime: 0,
        }
      : enigmaOf(row, instrument);
  const extremes = [
    read.extremes.get(symbolId),
    [...(read.dayHigh.get(symbolId, dayIndex) ?? []), ...(read.dayLow.get(symbolId, dayIndex) ?? [])],
  ];
  for (const found of extremes) {
    const [ath, athTime, atl, atlTime] = found ?? [];
    if (ath !== undefined && athTime !== undefined && ath > enigma.ath) enigma = { ...enigma, ath, athTime };
    if (atl !== undefined && atlTime !== undefined && (enigma.atl === 0 || atl < enigma.atl))
      enigma = { ...enigma, atl, atlTime };
  }
  if (enigma.ath === 0) return undefined;
  return { ...enigma, level: enigmaLevel(enigma.price, enigma.ath, enigma.atl) };
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
  const ownDays = 'FROM bars WHERE symbol_id = ? AND resolution = ? AND backfilled = 0';
  const barsWhere = `SELECT ${barColumns} FROM bars WHERE symbol_id = ? AND resolution = ?`;
  return {
    symbolId: db.prepare<[string], number>('SELECT id FROM symbolsmap WHERE symbol = ?').pluck(),
    newestBar: columns(`${barsWhere} AND backfilled = 0 ORDER BY open_time DESC LIMIT 1`),
    minutes: columns(`${barsWhere} AND open_time >= ? AND open_time < ? ORDER BY open_time`),
    tradesDown: columns(`SELECT ${tradeColumns} FROM trades WHERE symbol_id = ? ORDER BY trade_id DESC`),
    enigma: columns(`SELECT ${enigmaColumns} FROM enigma WHERE symbol_id = ?`),
    extremes: columns('SELECT high, high_time, low, low_time FROM backfill_extremes WHERE symbol_id = ?'),
    dayHigh: columns(`SELECT high, open_time ${ownDays} ORDER BY high DESC, open_time LIMIT 1`),
    dayLow: columns(`SELECT low, open_time ${ownDays} ORDER BY low, open_time LIMIT 1`),
    lastClose: columns(
      'SELECT close, open_time FROM bars WHERE symbol_id = ? AND resolution = ? ORDER BY open_time DESC LIMIT 1',
    ),
    anyClose: columns(
      'SELECT close, open_time FROM bars WHERE symbol_id = ? AND backfilled = 1 ORDER BY resolution DESC, open_time DESC LIMIT 1',
    ),
    openGaps: db.prepare<unknown[], OpenGap>(
      `SELECT first_id AS "from", last_id AS "to", from_time AS fromTime, to_time AS toTime FROM gaps
       WHERE symbol_id = ? AND state = 0 ORDER BY first_id`,
    ),
  };
}
