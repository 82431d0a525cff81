/** The instruments known so far (`symbolsmap`), with ids that are never reused, and all versions of their metadata. */
import type Database from 'better-sqlite3';
import { type Enrolment, enrolled, type Listed } from '../market/enrolment.ts';
import type { InstrumentStore } from '../market/history.ts';
import type { Instrument } from '../market/instrument.ts';
import { rescalePrices, rescaleSizes } from './sqlite-rescale.ts';

/** What an instrument was at some time. */
export interface InstrumentVersion {
  readonly version: number;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
  /** `gone`: the venue's whole listing has it no longer. */
  readonly status: InstrumentStatus;
  /** UTC, `YYYY-MM-DD hh:mm:ss`. */
  readonly since: string;
}
export type InstrumentStatus = 'active' | 'inactive' | 'gone';

interface SymbolRow extends Omit<Instrument, 'active'> {
  readonly active: number;
}

const columns = `id, symbol, venue, native, base_currency AS base, quote_currency AS quote, is_active AS active,
  price_decimals AS priceDecimals, size_decimals AS sizeDecimals`;
const insert = `INSERT INTO symbolsmap
  (id, symbol, venue, native, base_currency, quote_currency, is_active, price_decimals, size_decimals)
  VALUES (:id, :symbol, :venue, :native, :base, :quote, :active, :priceDecimals, :sizeDecimals)`;
const update = `UPDATE symbolsmap SET base_currency = :base, quote_currency = :quote, is_active = :active,
  price_decimals = :priceDecimals, size_decimals = :sizeDecimals, metadata_version = metadata_version + 1,
  updated_at = CURRENT_TIMESTAMP WHERE id = :id`;
const insertVersion = `INSERT INTO instrument_versions (symbol_id, symbol, version, price_decimals, size_decimals,
    base_currency, quote_currency, status)
  SELECT id, symbol, metadata_version, price_decimals, size_decimals, base_currency, quote_currency, :status
  FROM symbolsmap WHERE id = :id`;
const selectVersions = `SELECT version, price_decimals AS priceDecimals, size_decimals AS sizeDecimals, status, since
  FROM instrument_versions WHERE symbol = ? ORDER BY version`;

/** All instruments, by id. @throws when the file has lost one */
export function instrumentsOf(db: Database.Database): Instrument[] {
  const rows = db.prepare<[], SymbolRow>(`SELECT ${columns} FROM symbolsmap ORDER BY id`).all();
  return rows.map((row, index) => {
    if (row.id !== index + 1) throw new Error(`symbolsmap in ${db.name} has no row with id ${index + 1}`);
    return { ...row, active: row.active === 1 };
  });
}

export class SqliteInstruments implements InstrumentStore {
  readonly #db: Database.Database;

  /** @param db Opened by `openMarketDatabase`; whoever opened it closes it. */
  constructor(db: Database.Database) {
    this.#db = db;
  }

  /**
   * Instruments that are not listed now stay as they are. When a venue changes its tick or lot size, the greater
   * number of decimals holds from then on, and what is stored is scaled up in the same transaction: a mantissa
   * never changes its meaning. So take the decimals from what comes back, not from the listing.
   */
  enrol(listed: readonly Listed[]): Instrument[] {
    return [...this.#take(listed, undefined).instruments];
  }

  /** The venue's whole listing: those of it that are known and not listed become inactive. */
  refresh(venue: string, listed: readonly Listed[]): Enrolment {
    return this.#take(listed, venue);
  }

  /** Oldest first; none for a symbol that is unknown. */
  versions(symbol: string): InstrumentVersion[] {
    return this.#db.prepare<[string], InstrumentVersion>(selectVersions).all(symbol);
  }

  #take(listed: readonly Listed[], venue: string | undefined): Enrolment {
    const change = this.#db.transaction((): Enrolment => {
      const enrolment = enrolled(instrumentsOf(this.#db), listed, venue);
      this.#write(enrolment);
      return enrolment;
    });
    return change.immediate();
  }

  #write({ added, changed, gone }: Enrolment): void {
    const put = this.#db.prepare(insert);
    const change = this.#db.prepare(update);
    const keep = this.#db.prepare(insertVersion);
    const keepVersion = (id: number, status: InstrumentStatus): void => void keep.run({ id, status });
    for (const one of added) {
      put.run(named(one));
      keepVersion(one.id, one.active ? 'active' : 'inactive');
    }
    for (const { before, after } of changed) {
      rescalePrices(this.#db, after.id, after.priceDecimals - before.priceDecimals);
      rescaleSizes(this.#db, after.id, after.sizeDecimals - before.sizeDecimals);
      change.run(named(after));
      keepVersion(after.id, after.active ? 'active' : 'inactive');
    }
    for (const one of gone) {
      change.run(named({ ...one, active: false }));
      keepVersion(one.id, 'gone');
    }
  }
}

function named(instrument: Instrument) {
  return { ...instrument, active: instrument.active ? 1 : 0 };
}
