/** What a simulator may be told. */
import { type VenueName, venueNames } from './dialect.ts';
import { symbolsMax } from './instrument.ts';
import type { SimulatorOptions } from './options.ts';
import { SimulatorFault } from './simulator-fault.ts';

export const defaults = {
  venues: ['binance'] as readonly VenueName[],
  host: '127.0.0.1',
  port: 0,
  seed: 1,
  symbols: 24,
  ticksPerSecond: 400,
} as const;

const bookLevelsLeast = 2;
const bookLevelsMax = 5_000;
const speedMax = 100;

/** @throws SimulatorFault */
export function checkOptions(options: SimulatorOptions): void {
  const { symbols, ticksPerSecond, flood, bookLevels = bookLevelsLeast } = options;
  checkVenues(options);
  const count = flood?.symbols ?? symbols ?? defaults.symbols;
  if (!Number.isInteger(count) || count < 1 || count > symbolsMax) {
    throw new SimulatorFault(
      `The simulator lists from 1 to ${symbolsMax} symbols, not ${count}; choose a number between.`,
    );
  }
  const rate = flood?.pace?.perSecond ?? ticksPerSecond ?? defaults.ticksPerSecond;
  if (!(rate > 0 && rate <= 10_000_000)) {
    throw new SimulatorFault(
      `The rate must lie between 0 and 10,000,000 messages a second, not at ${rate}; choose one there.`,
    );
  }
  if (!(bookLevels >= bookLevelsLeast && bookLevels <= bookLevelsMax)) {
    throw new SimulatorFault(
      `A book has from ${bookLevelsLeast} to ${bookLevelsMax} levels a side, not ${bookLevels}; choose a number between.`,
    );
  }
  checkSpeeds(options);
}

function checkVenues({ venues = defaults.venues, recording, flood }: SimulatorOptions): void {
  if (venues.length === 0 || new Set(venues).size < venues.length)
    throw new SimulatorFault(`Name each venue once, and at least one of ${venueNames.join(', ')}.`);
  if (flood !== undefined && (venues.length > 1 || venues[0] !== 'binance'))
    throw new SimulatorFault('A flood is played by Binance alone; leave `venues` away.');
  if (recording !== undefined && venues.length > 1)
    throw new SimulatorFault('A recording is played by one venue; name the one that it was made of.');
}

function checkSpeeds({ recording, speed = 1 }: SimulatorOptions): void {
  const played = recording?.speed ?? 1;
  if (played !== 'max' && !(played > 0 && Number.isFinite(played))) {
    throw new SimulatorFault(
      `A recording is played at a speed above 0 or at "max", not at ${played}; choose one of these.`,
    );
  }
  if (!(speed > 0 && speed <= speedMax)) {
    throw new SimulatorFault(
      `The market's time runs at a speed above 0 and up to ${speedMax}, not at ${speed}; choose one there.`,
    );
  }
}
