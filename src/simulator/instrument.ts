/** What is traded: names, digits and temper of each simulated pair. */
import { Dice, digest } from './dice.ts';

export interface Instrument {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  /** Digits behind the point of a price tick, and of a size step. */
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
  readonly tickSize: string;
  readonly stepSize: string;
}

export interface SimulatedInstrument extends Instrument {
  /** Ticks at which the very first session opens. */
  readonly openingPrice: number;
  /** Deviation of the logarithm of the price over the root of a second. */
  readonly volatility: number;
  /** Share of all messages, before normalising. */
  readonly activity: number;
}

export const symbolsMax = 600;

/** base, price, price decimals, size decimals, yearly volatility in per cent: busiest first. */
const wellKnown: readonly (readonly [string, number, number, number, number])[] = [
  ['BTC', 67_250.4, 2, 5, 50],
  ['ETH', 3_480.25, 2, 4, 65],
  ['SOL', 172.4, 2, 3, 85],
  ['XRP', 0.5873, 4, 1, 75],
  ['BNB', 592.3, 2, 3, 55],
  ['DOGE', 0.15862, 5, 0, 95],
  ['ADA', 0.4581, 4, 1, 75],
  ['TRX', 0.1228, 4, 1, 45],
  ['AVAX', 36.52, 2, 2, 85],
  ['LINK', 16.83, 2, 2, 80],
  ['SHIB', 0.00002487, 8, 0, 95],
  ['DOT', 6.972, 3, 2, 75],
  ['LTC', 83.76, 2, 3, 65],
  ['BCH', 468.5, 1, 3, 80],
  ['UNI', 9.764, 3, 2, 90],
  ['NEAR', 7.213, 3, 1, 95],
  ['PEPE', 0.00001394, 8, 0, 130],
  ['ICP', 12.137, 3, 2, 90],
  ['APT', 8.845, 3, 2, 90],
  ['ETC', 28.63, 2, 2, 75],
  ['FIL', 5.846, 3, 2, 85],
  ['ARB', 1.0642, 4, 1, 95],
  ['OP', 2.413, 3, 2, 100],
  ['ATOM', 8.462, 3, 2, 75],
  ['SUI', 1.0247, 4, 1, 105],
  ['INJ', 24.81, 2, 2, 100],
  ['XLM', 0.1073, 4, 0, 65],
  ['HBAR', 0.10514, 5, 0, 85],
  ['AAVE', 97.45, 2, 3, 85],
  ['ALGO', 0.1846, 4, 0, 80],
];
const quoteAsset = 'USDT';
const yearSeconds = 365 * 86_400;

/** The first `count` of the simulated pairs, busiest first; the same ones in every run. */
export function simulatedInstruments(count: number): SimulatedInstrument[] {
  const taken = new Set(wellKnown.map(([base]) => base));
  const rows = wellKnown.slice(0, count);
  const dice = new Dice(digest('names'));
  while (rows.length < count) {
    const base = inventedName(dice);
    if (taken.has(base)) continue;
    taken.add(base);
    rows.push([base, ...inventedDigits(dice)]);
  }
  return rows.map(([base, price, priceDecimals, sizeDecimals, percent], rank) => ({
    symbol: `${base}${quoteAsset}`,
    base,
    quote: quoteAsset,
    priceDecimals,
    sizeDecimals,
    tickSize: (10 ** -priceDecimals).toFixed(8),
    stepSize: (10 ** -sizeDecimals).toFixed(8),
    openingPrice: Math.round(price * 10 ** priceDecimals),
    volatility: percent / 100 / Math.sqrt(yearSeconds),
    activity: (rank + 1) ** -0.9,
  }));
}

function inventedName(dice: Dice): string {
  const consonants = 'BCDFGHKLMNPRSTVXZ';
  const vowels = 'AEIOU';
  const letter = (set: string): string => set[dice.below(set.length)]!;
  const name = letter(consonants) + letter(vowels) + letter(consonants);
  return dice.below(2) === 0 ? name : name + letter(vowels);
}

/** Price and digits so that a tick is about a hundredth of a per cent, and tick and step fit eight digits. */
function inventedDigits(dice: Dice): [number, number, number, number] {
  const price = 10 ** (dice.unit() * 5 - 2.5);
  const priceDecimals = Math.max(2, Math.min(6, 4 - Math.floor(Math.log10(price))));
  const sizeDecimals = Math.max(0, Math.min(8 - priceDecimals, Math.floor(Math.log10(price)) + 1));
  return [price, priceDecimals, sizeDecimals, 60 + dice.below(80)];
}
