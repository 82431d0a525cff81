/**
 * The market's file (`market.db`): tables, and how its connections are opened.
 *
 * Prices and sizes are mantissas with the instrument's decimals, times µs. A sum that can pass 2^53 has two columns,
 * as in `market/amount.ts`: value = <name>_high × 2^48 + <name>. (A month of quote volume at ten decimals passes
 * 2^63 too, so one INTEGER would not do; and limbs need no BigInt on the way in or out.)
 * Names follow document 002; its `ohlcv_<resolution>` are views over `bars`, in decimal units, for analysts.
 *
 * WAL with synchronous NORMAL: a commit survives the death of the process at any instruction. A power cut may take
 * the last commits, whole ones, newest first; those trades are then newer than the file knows and are fetched again.
 */
import Database from 'better-sqlite3';
import { resolutions } from '../market/resolution.ts';
import { type Migration, migrate } from './sqlite-migrations.ts';

const symbolsmap = `
CREATE TABLE symbolsmap (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  symbol TEXT NOT NULL UNIQUE,
  venue TEXT NOT NULL,
  native TEXT NOT NULL,
  base_currency TEXT NOT NULL,
  quote_currency TEXT NOT NULL,
  is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
  price_decimals INTEGER NOT NULL CHECK (price_decimals BETWEEN 0 AND 30),
  size_decimals INTEGER NOT NULL CHECK (size_decimals BETWEEN 0 AND 30),
  price_precision INTEGER GENERATED ALWAYS AS (price_decimals) VIRTUAL,
  quantity_precision INTEGER GENERATED ALWAYS AS (size_decimals) VIRTUAL,
  min_quantity TEXT,
  max_quantity TEXT,
  step_size TEXT,
  min_notional TEXT,
  circulating_supply TEXT,
  metadata_version INTEGER NOT NULL DEFAULT 1,
  created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  UNIQUE (venue, native)
) STRICT;
CREATE TRIGGER symbolsmap_is_kept BEFORE DELETE ON symbolsmap
BEGIN SELECT raise(ABORT, 'symbols are never deleted: set is_active = 0'); END;
`;

const trades = `
CREATE TABLE trades (
  symbol_id INTEGER NOT NULL REFERENCES symbolsmap (id),
  trade_id INTEGER NOT NULL,
  time INTEGER NOT NULL,
  received INTEGER NOT NULL,
  price INTEGER NOT NULL,
  volume INTEGER NOT NULL,
  bid INTEGER NOT NULL,
  ask INTEGER NOT NULL,
  taker_sold INTEGER NOT NULL,
  merged INTEGER NOT NULL DEFAULT 1,
  first_id INTEGER,  -- NULL: the trade's own id
  last_id INTEGER,   -- NULL: the trade's own id
  PRIMARY KEY (symbol_id, trade_id)
) STRICT, WITHOUT ROWID;
`;

const bars = `
CREATE TABLE bars (
  symbol_id INTEGER NOT NULL REFERENCES symbolsmap (id),
  resolution INTEGER NOT NULL CHECK (resolution BETWEEN 0 AND ${resolutions.length - 1}),
  open_time INTEGER NOT NULL,
  open INTEGER NOT NULL,
  high INTEGER NOT NULL,
  low INTEGER NOT NULL,
  close INTEGER NOT NULL,
  volume INTEGER NOT NULL,
  volume_high INTEGER NOT NULL,
  quote_volume INTEGER NOT NULL,
  quote_volume_high INTEGER NOT NULL,
  taker_buy_volume INTEGER NOT NULL,
  taker_buy_volume_high INTEGER NOT NULL,
  taker_buy_quote_volume INTEGER NOT NULL,
  taker_buy_quote_volume_high INTEGER NOT NULL,
  trade_count INTEGER NOT NULL,
  first_id INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  closed INTEGER NOT NULL,
  incomplete INTEGER NOT NULL,
  last_time INTEGER NOT NULL,  -- of the last trade; 0: not known
  PRIMARY KEY (symbol_id, resolution, open_time)
) STRICT, WITHOUT ROWID;
`;

const states = `
CREATE TABLE quotes (
  symbol_id INTEGER NOT NULL REFERENCES symbolsmap (id),
  second INTEGER NOT NULL,     -- time, cut to whole seconds
  version INTEGER NOT NULL,
  time INTEGER NOT NULL,
  bid INTEGER NOT NULL,
  bid_size INTEGER NOT NULL,
  ask INTEGER NOT NULL,
  ask_size INTEGER NOT NULL,
  PRIMARY KEY (symbol_id, second, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE enigma (
  symbol_id INTEGER PRIMARY KEY REFERENCES symbolsmap (id),
  time INTEGER NOT NULL,
  price INTEGER NOT NULL,
  level INTEGER NOT NULL,
  ath INTEGER NOT NULL,
  ath_time INTEGER NOT NULL,
  atl INTEGER NOT NULL,
  atl_time INTEGER NOT NULL
) STRICT;
`;

/** `1m` and `1M` are the same name to SQL: the month is `ohlcv_1mo`. */
const viewNames = resolutions.map((name) => (name === '1M' ? 'ohlcv_1mo' : `ohlcv_${name}`));
const views = viewNames
  .map(
    (name, index) => `
CREATE VIEW ${name} AS
SELECT s.venue AS exchange, s.symbol, b.open_time / 1000000 AS time,
  b.open / pow(10, s.price_decimals) AS open, b.high / pow(10, s.price_decimals) AS high,
  b.low / pow(10, s.price_decimals) AS low, b.close / pow(10, s.price_decimals) AS close,
  (b.volume_high * 281474976710656.0 + b.volume) / pow(10, s.size_decimals) AS volume, b.trade_count
FROM bars b JOIN symbolsmap s ON s.id = b.symbol_id WHERE b.resolution = ${index};`,
  )
  .join('\n');

const repairs = `
CREATE TABLE gaps (
  symbol_id INTEGER NOT NULL REFERENCES symbolsmap (id),
  first_id INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),  -- 0 gap, 1 repaired, 2 lost
  opened INTEGER NOT NULL,
  closed INTEGER NOT NULL,     -- 0: still open
  from_time INTEGER NOT NULL,  -- of the stored trade before it
  to_time INTEGER NOT NULL,    -- of the stored trade after it
  PRIMARY KEY (symbol_id, first_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX gaps_lacking ON gaps (symbol_id, to_time) WHERE state <> 1;
CREATE TABLE quarantine (
  symbol_id INTEGER NOT NULL REFERENCES symbolsmap (id),
  trade_id INTEGER NOT NULL,
  time INTEGER NOT NULL,
  received INTEGER NOT NULL,
  price INTEGER NOT NULL,
  volume INTEGER NOT NULL,
  reference INTEGER NOT NULL,  -- the price that it was judged by
  taker_sold INTEGER NOT NULL,
  PRIMARY KEY (symbol_id, trade_id)
) STRICT, WITHOUT ROWID;
`;

const backfill = `
ALTER TABLE bars ADD COLUMN backfilled INTEGER NOT NULL DEFAULT 0;  -- 1: the venue's own candle
CREATE TABLE backfill_extremes (
  symbol_id INTEGER PRIMARY KEY REFERENCES symbolsmap (id),
  high INTEGER NOT NULL,
  high_time INTEGER NOT NULL,
  low INTEGER NOT NULL,
  low_time INTEGER NOT NULL
) STRICT;
`;

const versions = `
CREATE TABLE instrument_versions (
  symbol_id INTEGER NOT NULL REFERENCES symbolsmap (id),
  symbol TEXT NOT NULL,
  version INTEGER NOT NULL,
  price_decimals INTEGER NOT NULL,
  size_decimals INTEGER NOT NULL,
  base_currency TEXT NOT NULL,
  quote_currency TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'gone')),
  since TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (symbol_id, version)
) STRICT, WITHOUT ROWID;
INSERT INTO instrument_versions (symbol_id, symbol, version, price_decimals, size_decimals, base_currency,
    quote_currency, status, since)
  SELECT id, symbol, metadata_version, price_decimals, size_decimals, base_currency, quote_currency,
    CASE is_active WHEN 1 THEN 'active' ELSE 'inactive' END, updated_at FROM symbolsmap;
`;

/** Never change one that was released: add the next. */
export const marketMigrations: readonly Migration[] = [
  { version: 1, name: 'symbols, trades, bars, quotes, enigma', sql: symbolsmap + trades + bars + states },
  { version: 2, name: 'ohlcv views', sql: views },
  {
    version: 3,
    name: 'gaps, quarantine, backfilled bars, metadata versions',
    sql: repairs + backfill + versions,
  },
];

/** Pages (of 4 KiB) in the WAL before it is written back: hot pages are then written once for many commits. */
const checkpointPages = 4_000;
const journalBytesMax = 64 * 2 ** 20;
const busyTimeoutMs = 2_000;

/**
 * Opens the file for writing and brings its schema up to date.
 * @param busyMs How long a write waits for another connection's lock before it fails with SQLITE_BUSY.
 * @throws Error with one clear sentence when the file cannot be made, opened or written.
 */
export function openMarketDatabase(file: string, busyMs = busyTimeoutMs): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { timeout: busyMs });
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL');
    db.pragma(`wal_autocheckpoint = ${checkpointPages}`);
    db.pragma(`journal_size_limit = ${journalBytesMax}`);
    db.pragma('cache_size = -32768');
    // Every id written is looked up in symbolsmap first, whose rows are never deleted: no need to ask again for each row.
    db.pragma('foreign_keys = OFF');
    migrate(db, marketMigrations);
    proveWritable(db);
    return db;
  } catch (error) {
    db?.close();
    throw new Error(`market database ${file} cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** A file may open and still refuse to be written; that must show at the start, not at the first batch. */
function proveWritable(db: Database.Database): void {
  db.exec('BEGIN IMMEDIATE; UPDATE schema_migrations SET name = name WHERE version = 1; ROLLBACK');
}

/**
 * Opens an existing file for reading only.
 * @throws Error with one clear sentence when it is absent or no market database.
 */
export function openMarketReader(file: string): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs });
    db.pragma('cache_size = -32768');
    db.prepare('SELECT count(*) FROM schema_migrations').get();
    return db;
  } catch (error) {
    db?.close();
    throw new Error(`market database ${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
