/** Where the candles of jobs come from when no server runs: the instruments in the market's file, and those listed now. */
import type Database from 'better-sqlite3';
import { Directory } from '../market/directory.ts';
import type { Listed } from '../market/enrolment.ts';
import type { Instrument } from '../market/instrument.ts';
import { SqliteHistoryWriter } from '../stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../stores/sqlite-instruments.ts';
import type { BackfillSource } from '../threads/backfill-runner.ts';
import { indexVenue } from '../threads/indexes.ts';
import { UsageFault } from './arguments.ts';
import type { VenueRests } from './venue-access.ts';

/** The instruments of a file that only this process writes. */
export class BackfillSources {
  readonly writer: SqliteHistoryWriter;
  readonly #instruments: SqliteInstruments;
  readonly #rests: VenueRests;
  readonly #listed: ReadonlyMap<string, Listed>;
  #bySymbol: ReadonlyMap<string, Instrument>;

  /**
   * @param db opened by `openMarketDatabase`; whoever opened it closes it
   * @param listed what the venues list now
   * @param wanted symbols of jobs: those of them that are listed are enrolled
   */
  constructor(
    db: Database.Database,
    rests: VenueRests,
    listed: readonly Listed[],
    wanted: ReadonlySet<string>,
  ) {
    this.#rests = rests;
    this.#listed = new Map(listed.map((one) => [one.symbol, one]));
    this.#instruments = new SqliteInstruments(db);
    const instruments = this.#instruments.enrol(listed.filter(({ symbol }) => wanted.has(symbol)));
    this.#bySymbol = bySymbol(instruments);
    this.writer = new SqliteHistoryWriter(db, instruments, 'none');
  }

  /** @throws RestFault when the venue has to be asked for the symbol, and does not answer */
  async sourceOf(symbol: string): Promise<BackfillSource | undefined> {
    const rest = this.#rests.get(symbol.slice(0, symbol.indexOf(':')));
    if (rest === undefined) return undefined;
    if (!this.#bySymbol.has(symbol)) {
      // Added by another process since this one began.
      const found =
        this.#listed.get(symbol) ?? (await rest.instruments()).find((one) => one.symbol === symbol);
      if (found === undefined) return undefined;
      const instruments = this.#instruments.enrol([found]);
      this.writer.adopt(instruments);
      this.#bySymbol = bySymbol(instruments);
    }
    return { instrument: this.#bySymbol.get(symbol)!, rest };
  }
}

function bySymbol(instruments: readonly Instrument[]): ReadonlyMap<string, Instrument> {
  return new Map(instruments.map((one) => [one.symbol, one]));
}

/**
 * What is meant by symbols as they were typed. An index is never meant where something that is traded has the same alias.
 * @throws UsageFault for one that is unknown, may mean several, or is an index
 */
export function resolveTraded(symbols: readonly string[], instruments: readonly Instrument[]): Instrument[] {
  const traded = directoryOf(instruments.filter(({ venue }) => venue !== indexVenue));
  const indexes = directoryOf(instruments.filter(({ venue }) => venue === indexVenue));
  return symbols.map((text) => {
    const found = traded.resolve(text);
    if ('instrument' in found) return found.instrument;
    const meant = found.candidates.join(', ');
    if (found.reason === 'ambiguous') throw new UsageFault(`"${text}" may mean ${meant}`);
    if (text.toUpperCase().startsWith(`${indexVenue}:`) || 'instrument' in indexes.resolve(text))
      throw new UsageFault(`"${text}" is an index: no exchange has candles of it that could be fetched`);
    throw new UsageFault(`no symbol "${text}" is known${meant === '' ? '' : `; did you mean ${meant}?`}`);
  });
}

/** To find names only: the ids have holes. */
function directoryOf(instruments: readonly Instrument[]): Directory {
  return new Directory({ epoch: 0, version: 1, instruments });
}
