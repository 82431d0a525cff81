import { readFileSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { afterAll, expect, test } from 'vitest';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { type Migration, migrate, schemaVersion } from '../../src/stores/sqlite-migrations.ts';
import { marketMigrations, openMarketDatabase, openMarketReader } from '../../src/stores/sqlite-schema.ts';
import { scratchFolder } from './market-samples.ts';

const scratch = scratchFolder();
afterAll(scratch.remove);

const shapeOf = (db: Database.Database): unknown[] =>
  db.prepare('SELECT type, name, sql FROM sqlite_master ORDER BY name').all();

test('a new file gets the whole schema, an opened one is left as it is', () => {
  const db = openMarketDatabase(scratch.file('new.db'));
  expect(schemaVersion(db)).toBe(marketMigrations.at(-1)!.version);
  expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
  const shape = shapeOf(db);
  expect(migrate(db, marketMigrations)).toBe(0);
  db.close();
  const again = openMarketDatabase(scratch.file('new.db'));
  expect(shapeOf(again)).toEqual(shape);
  again.close();
});

test('migrations are numbered 1, 2, 3 …', () => {
  expect(marketMigrations.map(({ version }) => version)).toEqual(
    marketMigrations.map((_, index) => index + 1),
  );
});

test('scenario 53: a migration that is cut anywhere leaves the file as it was; the next run completes it', () => {
  const whole = openMarketDatabase(scratch.file('whole.db'));
  const statements = marketMigrations[0]!.sql.split(/;\n/).length;
  expect(statements).toBeGreaterThan(5);
  for (let cut = 1; cut <= statements; cut++) {
    const db = new Database(scratch.file(`cut-${cut}.db`));
    const sql = `${marketMigrations[0]!.sql.split(/;\n/).slice(0, cut).join(';\n')}; BOOM;`;
    expect(() => migrate(db, [{ version: 1, name: 'cut', sql }])).toThrow('BOOM');
    expect(schemaVersion(db)).toBe(0);
    expect(migrate(db, marketMigrations)).toBe(marketMigrations.length);
    expect(shapeOf(db)).toEqual(shapeOf(whole));
    db.close();
  }
  whole.close();
});

test('a file of a newer program is refused by both versions’ numbers', () => {
  const file = scratch.file('newer.db');
  const db = openMarketDatabase(file);
  const next: Migration = { version: 99, name: 'of the future', sql: 'CREATE TABLE future (x)' };
  migrate(db, [...marketMigrations, next]);
  db.close();
  expect(() => openMarketDatabase(file)).toThrow(/schema version 99; this program knows up to \d+/);
});

test('two connections together run each migration once', () => {
  const [a, b] = [new Database(scratch.file('both.db')), new Database(scratch.file('both.db'))];
  expect(
    migrate(a, marketMigrations.slice(0, 1)) + migrate(b, marketMigrations) + migrate(a, marketMigrations),
  ).toBe(marketMigrations.length);
  a.close();
  b.close();
});

test('a file that cannot be written is one clear sentence at the start', () => {
  expect(() => openMarketDatabase('/proc/market.db')).toThrow(
    'market database /proc/market.db cannot be written: ',
  );
  expect(() => openMarketDatabase(scratch.file('no/such/folder.db'))).toThrow('cannot be written');

  // SQLite takes a file of a newer write version for read-only, whoever asks (tests may run as root).
  const readOnly = scratch.file('read-only.db');
  openMarketDatabase(readOnly).close();
  const bytes = readFileSync(readOnly);
  bytes[18] = 3;
  writeFileSync(readOnly, bytes);
  expect(() => openMarketDatabase(readOnly)).toThrow(/cannot be written: .*readonly/);
});

test('scenario 52: a corrupted file is refused by name, for writing and for reading', () => {
  const file = scratch.file('garbage.db');
  writeFileSync(file, 'this is no database, whatever its name says\n'.repeat(200));
  expect(() => openMarketDatabase(file)).toThrow(/garbage\.db cannot be written: file is not a database/);
  expect(() => openMarketReader(file)).toThrow(/garbage\.db cannot be read: file is not a database/);
  expect(() => openMarketReader(scratch.file('absent.db'))).toThrow(/absent\.db cannot be read/);
});

test('a file of the version before has everything afterwards, and the versions of its instruments', () => {
  const db = new Database(scratch.file('before.db'));
  migrate(db, marketMigrations.slice(0, 2));
  db.exec(`INSERT INTO symbolsmap (venue, native, symbol, base_currency, quote_currency, price_decimals, size_decimals)
    VALUES ('BINANCE', 'A', 'BINANCE:A', 'A', 'USDT', 2, 5)`);
  db.exec(
    'INSERT INTO bars VALUES (1, 2, 60000000, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7, 7, 0, 1, 0, 0)',
  );
  expect(migrate(db, marketMigrations)).toBe(marketMigrations.length - 2);
  expect(db.prepare('SELECT backfilled, last_id FROM bars').get()).toEqual({ backfilled: 0, last_id: 7 });
  expect(new SqliteInstruments(db).versions('BINANCE:A')).toMatchObject([{ version: 1, status: 'active' }]);
  db.close();
});
