/** The instruments known so far (`symbolsmap`), with ids that are never reused. */
import type Database from 'better-sqlite3';
import type { InstrumentStore } from '../market/history.ts';
import type { Instrument } from '../market/instrument.ts';
import { rescalePrices, rescaleSizes } from './sqlite-rescale.ts';

type Listed = Omit<Instrument, 'id'>;

interface SymbolRow {
  readonly id: number;
  readonly symbol: string;
  readonly venue: string;
  readonly native: string;
  readonly base: string;
  readonly quote: string;
  readonly active: number;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
}

const columns = `id, symbol, venue, native, base_currency AS base, quote_currency AS quote, is_active AS active,
  price_decimals AS priceDecimals, size_decimals AS sizeDecimals`;
const insert = `INSERT INTO symbolsmap
  (id, symbol, venue, native, base_currency, quote_currency, is_active, price_decimals, size_decimals)
  VALUES (:id, :symbol, :venue, :native, :base, :quote, :active, :priceDecimals, :sizeDecimals)`;
const update = `UPDATE symbolsmap SET base_currency = :base, quote_currency = :quote, is_active = :active,
  price_decimals = :priceDecimals, size_decimals = :sizeDecimals, metadata_version = metadata_version + 1,
  updated_at = CURRENT_TIMESTAMP WHERE id = :id`;

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
    return this.#db.transaction(() => this.#enrolAll(listed)).immediate();
  }

  #enrolAll(listed: readonly Listed[]): Instrument[] {
    const find = this.#db.prepare<[string], SymbolRow>(`SELECT ${columns} FROM symbolsmap WHERE symbol = ?`);
    let next = this.#db.prepare<[], number>('SELECT coalesce(max(id), 0) + 1 FROM symbolsmap').pluck().get()!;
    for (const instrument of listed) {
      const known = find.get(instrument.symbol);
      if (known !== undefined) this.#refresh(known, instrument);
      else this.#db.prepare(insert).run(named(next++, instrument));
    }
    const rows = this.#db.prepare<[], SymbolRow>(`SELECT ${columns} FROM symbolsmap ORDER BY id`).all();
    return rows.map((row, index) => {
      if (row.id !== index + 1)
        throw new Error(`symbolsmap in ${this.#db.name} has no row with id ${index + 1}`);
      return { ...row, active: row.active === 1 };
    });
  }

  #refresh(known: SymbolRow, listed: Listed): void {
    const wanted = named(known.id, {
      ...listed,
      priceDecimals: Math.max(known.priceDecimals, listed.priceDecimals),
      sizeDecimals: Math.max(known.sizeDecimals, listed.sizeDecimals),
    });
    const { base, quote, active, priceDecimals, sizeDecimals } = wanted;
    const same =
      known.base === base &&
      known.quote === quote &&
      known.active === active &&
      known.priceDecimals === priceDecimals &&
      known.sizeDecimals === sizeDecimals;
    if (same) return;
    rescalePrices(this.#db, known.id, priceDecimals - known.priceDecimals);
    rescaleSizes(this.#db, known.id, sizeDecimals - known.sizeDecimals);
    this.#db.prepare(update).run(wanted);
  }
}

function named(id: number, instrument: Listed) {
  return { ...instrument, id, active: instrument.active ? 1 : 0 };
}
