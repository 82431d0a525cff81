/** A venue with a market of its own: symbols that follow those of the first venue. */
import type { Floor, PitParts, VenueSource, VenueVoice } from './dialect.ts';
import type { SimulatedInstrument } from './instrument.ts';
import type { Pit } from './pit.ts';
import { SatellitePit, type SatelliteRow, type SatelliteVoice } from './satellite-pit.ts';
import type { Series } from './series.ts';
import type { ListedSymbol } from './source.ts';

export interface SatelliteParts {
  readonly pits: readonly Pit[];
  /** By the pit's index. */
  readonly series: readonly Series[];
  readonly floor: Floor;
}

export class Satellites<V extends SatelliteVoice> implements VenueVoice {
  readonly all: readonly SatellitePit[];
  /** By the index of the first venue's pit. */
  readonly #of: readonly (readonly SatellitePit[])[];
  readonly #floor: Floor;
  readonly #makeVoice: (parts: SatelliteParts) => V;
  #voice: V | undefined;

  /** `rows`: what the venue makes of an asset, nothing where it does not list it. */
  constructor(
    { pits, floor, seed, genesisMs }: PitParts,
    rows: (instrument: SimulatedInstrument) => readonly SatelliteRow[],
    voice: (parts: SatelliteParts) => V,
  ) {
    let index = 0;
    this.#of = pits.map((pit) =>
      rows(pit.instrument).map((row) => new SatellitePit(index++, pit, row, seed, genesisMs)),
    );
    this.all = this.#of.flat();
    this.#floor = floor;
    this.#makeVoice = voice;
  }

  /** Made when it is first asked for: it goes on from what the pits are then. */
  get voice(): V {
    this.#voice ??= this.#makeVoice({
      pits: this.all.map(({ pit }) => pit),
      series: this.all.map(({ view }) => view.series),
      floor: this.#floor,
    });
    return this.#voice;
  }

  trade(): void {
    // the first venue's trades are not ours
  }

  aggregate(): void {
    // nor its aggregates
  }

  quote(pit: Pit): void {
    for (const each of this.#of[pit.index]!) each.act(this.voice);
  }

  depth(_pit: Pit, timeUs: number): void {
    this.voice.pass(timeUs);
  }

  second(ms: number): void {
    this.voice.second(ms);
  }

  relisted(pit: Pit): void {
    for (const each of this.#of[pit.index]!) {
      each.relist();
      this.voice.relisted(each.pit);
    }
  }

  /** As REST sees it. */
  source(time: Pick<VenueSource, 'nowMs'>): VenueSource {
    const listed = (): readonly SatellitePit[] => this.all.filter(({ pit }) => pit.status !== 'GONE');
    const { streamTypes } = this.#floor.dialect;
    return {
      get listing(): readonly ListedSymbol[] {
        return listed().map(({ pit }) => {
          const { symbol, base, quote, tickSize, stepSize } = pit.instrument;
          return { symbol, base, quote, tickSize, stepSize, streams: streamTypes };
        });
      },
      nowMs: () => time.nowMs(),
      view: (symbol) => listed().find(({ pit }) => pit.instrument.symbol === symbol)?.view,
    };
  }
}
