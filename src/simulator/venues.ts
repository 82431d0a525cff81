/** The venues that the simulator can be: one line each. */
import { backpackDialect } from './backpack/dialect.ts';
import type { BackpackOptions } from './backpack/notation.ts';
import { binance } from './binance/dialect.ts';
import { type CoinbaseOptions, coinbaseDialect } from './coinbase/dialect.ts';
import { type Dialect, type VenueName, venueNames } from './dialect.ts';
import { SimulatorFault } from './simulator-fault.ts';

/** What only one venue can be told. */
export interface DialectOptions {
  readonly coinbase?: CoinbaseOptions;
  readonly backpack?: BackpackOptions;
}

const dialects: Readonly<Record<VenueName, (options: DialectOptions) => Dialect>> = {
  binance: () => binance,
  coinbase: ({ coinbase }) => coinbaseDialect(coinbase),
  backpack: ({ backpack }) => backpackDialect(backpack),
};

/** A dialect may remember what its simulator has: each simulator asks for its own. */
export function dialectOf(name: VenueName, options: DialectOptions = {}): Dialect {
  if (Object.hasOwn(dialects, name)) return dialects[name](options);
  throw new SimulatorFault(`The simulator has no venue "${name}"; choose some of ${venueNames.join(', ')}.`);
}
