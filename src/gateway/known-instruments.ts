/**
 * What this gateway knows of the instruments as it goes along: which there are it is told by message; their decimals
 * change in the stream (`rescaleBlock`), so that no block is read at the wrong scale.
 */
import { Directory } from '../market/directory.ts';
import type { Dictionary, Instrument } from '../market/instrument.ts';

/** Digits by which sizes grow count so many times those of prices (`scale` of market/latest.ts). */
const sizeUnit = 64;

export class KnownInstruments {
  /** The highest instrument number there will be in this run. */
  readonly capacity: number;
  #directory: Directory;
  readonly #scales: Float64Array;

  constructor(dictionary: Dictionary, capacity = dictionary.instruments.length) {
    this.capacity = capacity;
    this.#directory = new Directory(dictionary);
    this.#scales = new Float64Array(capacity + 1);
  }

  get dictionary(): Dictionary {
    return this.#directory.dictionary;
  }

  get directory(): Directory {
    return this.#directory;
  }

  /** By how many digits an instrument has grown since the run began, as far as the stream has come. */
  scaleOf(instrument: number): number {
    return this.#scales[instrument]!;
  }

  /** Another version of the dictionary. @returns those of it that were known and have changed */
  adopt({ epoch, version, instruments }: Dictionary): readonly Instrument[] {
    const before = this.dictionary;
    const changed: Instrument[] = [];
    const list = instruments.map((one): Instrument => {
      const known = before.instruments[one.id - 1];
      if (known === undefined) return one;
      const { priceDecimals, sizeDecimals } = known;
      const same =
        one.active === known.active &&
        one.base === known.base &&
        one.quote === known.quote &&
        one.native === known.native;
      if (same) return known;
      const now = { ...one, priceDecimals, sizeDecimals };
      changed.push(now);
      return now;
    });
    const newest = Math.max(before.version, version);
    this.#directory = new Directory({ epoch, version: newest, instruments: list });
    return changed;
  }

  /** The stream has come to where prices and sizes have so many more digits. @returns the instrument as it is now */
  rescale(instrument: number, prices: number, sizes: number, version: number): Instrument | undefined {
    const { dictionary } = this;
    const known = dictionary.instruments[instrument - 1];
    if (known === undefined) return undefined;
    const now = {
      ...known,
      priceDecimals: known.priceDecimals + prices,
      sizeDecimals: known.sizeDecimals + sizes,
    };
    this.#scales[instrument]! += prices + sizeUnit * sizes;
    this.#directory = new Directory({
      epoch: dictionary.epoch,
      version: Math.max(dictionary.version, version),
      instruments: dictionary.instruments.with(instrument - 1, now),
    });
    return now;
  }
}
