/** What is stored of an instrument, with more decimals than before: exact, or not at all. */
import type Database from 'better-sqlite3';

/** A limb is below 2^48: times 10^4 it stays below 2^62, within SQLite's integers. */
const decimalsPerStep = 4;
const mantissaMax = Number.MAX_SAFE_INTEGER;

const sum = (name: string): string =>
  `${name} = (${name} * :factor) & 281474976710655,
   ${name}_high = ${name}_high * :factor + ((${name} * :factor) >> 48)`;
const times = (...names: string[]): string => names.map((name) => `${name} = ${name} * :factor`).join(', ');

const priceSteps = [
  `UPDATE trades SET ${times('price', 'bid', 'ask')} WHERE symbol_id = :id`,
  `UPDATE bars SET ${times('open', 'high', 'low', 'close')}, ${sum('quote_volume')}, ${sum('taker_buy_quote_volume')}
   WHERE symbol_id = :id`,
  `UPDATE quotes SET ${times('bid', 'ask')} WHERE symbol_id = :id`,
  `UPDATE enigma SET ${times('price', 'ath', 'atl')} WHERE symbol_id = :id`,
  `UPDATE quarantine SET ${times('price', 'reference')} WHERE symbol_id = :id`,
  `UPDATE backfill_extremes SET ${times('high', 'low')} WHERE symbol_id = :id`,
];
const sizeSteps = [
  `UPDATE trades SET ${times('volume')} WHERE symbol_id = :id`,
  `UPDATE bars SET ${['volume', 'quote_volume', 'taker_buy_volume', 'taker_buy_quote_volume'].map(sum).join(', ')}
   WHERE symbol_id = :id`,
  `UPDATE quotes SET ${times('bid_size', 'ask_size')} WHERE symbol_id = :id`,
  `UPDATE quarantine SET ${times('volume')} WHERE symbol_id = :id`,
];
const greatestPrice = `SELECT max(coalesce((SELECT max(max(price, bid, ask)) FROM trades WHERE symbol_id = :id), 0),
  coalesce((SELECT max(high) FROM bars WHERE symbol_id = :id), 0),
  coalesce((SELECT max(max(bid, ask)) FROM quotes WHERE symbol_id = :id), 0),
  coalesce((SELECT max(price, ath, atl) FROM enigma WHERE symbol_id = :id), 0),
  coalesce((SELECT high FROM backfill_extremes WHERE symbol_id = :id), 0),
  coalesce((SELECT max(max(price, reference)) FROM quarantine WHERE symbol_id = :id), 0))`;
const greatestSize = `SELECT max(coalesce((SELECT max(volume) FROM trades WHERE symbol_id = :id), 0),
  coalesce((SELECT max(max(bid_size, ask_size)) FROM quotes WHERE symbol_id = :id), 0),
  coalesce((SELECT max(volume) FROM quarantine WHERE symbol_id = :id), 0))`;

/** @throws RangeError when a price would pass 2^53. */
export function rescalePrices(db: Database.Database, id: number, decimals: number): void {
  rescale(db, id, decimals, greatestPrice, priceSteps);
}

/** @throws RangeError when a size would pass 2^53. */
export function rescaleSizes(db: Database.Database, id: number, decimals: number): void {
  rescale(db, id, decimals, greatestSize, sizeSteps);
}

/** A price may grow so many times between this question and the change itself. */
const growthMax = 64;

/** Whether so many more decimals leave room for what is stored, and for prices to rise. */
export function hasRoomForDecimals(
  db: Database.Database,
  id: number,
  prices: number,
  sizes: number,
): boolean {
  const greatestOf = (query: string): number => db.prepare<[object], number>(query).pluck().get({ id })!;
  return (
    greatestOf(greatestPrice) * 10 ** prices * growthMax <= mantissaMax &&
    greatestOf(greatestSize) * 10 ** sizes * growthMax <= mantissaMax
  );
}

function rescale(
  db: Database.Database,
  id: number,
  decimals: number,
  greatest: string,
  steps: string[],
): void {
  if (decimals === 0) return;
  const most = db.prepare<[object], number>(greatest).pluck().get({ id })!;
  if (most * 10 ** decimals > mantissaMax) {
    throw new RangeError(`symbol ${id}: ${decimals} more decimals would take ${most} past 2^53`);
  }
  for (let left = decimals; left > 0; left -= decimalsPerStep) {
    // As BigInt, so that SQLite multiplies integers.
    const factor = BigInt(10 ** Math.min(left, decimalsPerStep));
    for (const step of steps) db.prepare(step).run({ id, factor });
  }
}
