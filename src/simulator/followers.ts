/**
 * The symbols of all venues but the first: they go where its market goes, are saved with it, and are brought back with
 * it to the same trades.
 */
import type { MarketVoice } from './market.ts';
import type { Pit } from './pit.ts';
import type { SatellitePit, SatelliteState, SatelliteVoice } from './satellite-pit.ts';

const nothing = (): void => {};
const nobody: SatelliteVoice = {
  trade: nothing,
  quote: nothing,
  pass: nothing,
  second: nothing,
  relisted: nothing,
};

export class Followers {
  readonly pits: readonly Pit[];
  /** For a market that is run again: they act, and nobody is told. */
  readonly voice: MarketVoice;
  readonly #all: readonly SatellitePit[];

  constructor(all: readonly SatellitePit[]) {
    this.#all = all;
    this.pits = all.map(({ pit }) => pit);
    const of = Map.groupBy(all, ({ reference }) => reference);
    this.voice = {
      trade: nothing,
      aggregate: nothing,
      quote: (pit) => {
        for (const each of of.get(pit) ?? []) each.act(nobody);
      },
      depth: nothing,
      second: nothing,
    };
  }

  /** By symbol: no two venues write one alike. */
  state(): Record<string, SatelliteState> {
    return Object.fromEntries(this.#all.map((each) => [each.pit.instrument.symbol, each.state()]));
  }

  /** Who is not in it begins where the first venue is. */
  restore(state: Readonly<Record<string, SatelliteState>>): void {
    for (const each of this.#all) {
      const known = state[each.pit.instrument.symbol];
      if (known === undefined) each.begin();
      else each.restore(known);
    }
  }

  /** Goes on so many ids after the last ones; who is not among them begins where the first venue is. */
  goOn(last: Readonly<Record<string, readonly [trade: number, update: number]>>): void {
    for (const each of this.#all) {
      const known = last[each.pit.instrument.symbol];
      if (known === undefined) each.begin();
      else each.goOn(...known);
    }
  }
}
