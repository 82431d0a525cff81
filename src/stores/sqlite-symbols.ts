/** From a dictionary's ids to the lasting ids of `symbolsmap`, and back. */
import type Database from 'better-sqlite3';
import type { Instrument } from '../market/instrument.ts';

interface SymbolRow {
  readonly id: number;
  readonly price_decimals: number;
  readonly size_decimals: number;
}

/**
 * `symbolsmap.id` by dictionary id; 0 where the dictionary has none.
 * @throws when an instrument is not enrolled, or its mantissas would mean something else than the stored ones.
 */
export function symbolIdsOf(db: Database.Database, dictionary: readonly Instrument[]): Float64Array {
  const find = db.prepare<[string], SymbolRow>(
    'SELECT id, price_decimals, size_decimals FROM symbolsmap WHERE symbol = ?',
  );
  const idMax = dictionary.reduce((most, instrument) => Math.max(most, instrument.id), 0);
  const symbolIds = new Float64Array(idMax + 1);
  for (const instrument of dictionary) {
    const row = find.get(instrument.symbol);
    if (row === undefined) throw new Error(`${instrument.symbol} is not enrolled in ${db.name}`);
    if (row.price_decimals !== instrument.priceDecimals || row.size_decimals !== instrument.sizeDecimals) {
      throw new Error(
        `${instrument.symbol} has ${instrument.priceDecimals} and ${instrument.sizeDecimals} decimals in the ` +
          `dictionary, ${row.price_decimals} and ${row.size_decimals} in ${db.name}: enrol it first`,
      );
    }
    symbolIds[instrument.id] = row.id;
  }
  return symbolIds;
}
