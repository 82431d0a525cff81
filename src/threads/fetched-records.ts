/** What comes from the REST thread, on its way into the hub: what is counted by decimals of the past is thrown away. */
import type { Dictionary } from '../market/instrument.ts';
import { copyTick, type TickRecords, tickField, tickKind, tickWords } from '../wire/tick-record.ts';

export class FetchedRecords {
  /** By instrument: version of the dictionary since which it has the decimals that it has. */
  readonly #since = new Map<number, number>();
  /** Records that came, and those of them that were thrown away: they are asked for again. */
  came = 0;
  old = 0;

  /** Decimals that have changed from one version of the dictionary to the next. */
  adopt(before: Dictionary, after: Dictionary): void {
    for (const { id, priceDecimals, sizeDecimals } of after.instruments) {
      const old = before.instruments[id - 1];
      if (old === undefined) continue;
      if (old.priceDecimals === priceDecimals && old.sizeDecimals === sizeDecimals) continue;
      this.#since.set(id, after.version);
    }
  }

  /** Keeps, in place, what is counted as now. @returns how many of the `count` records are left */
  keep(records: TickRecords, count: number, version: number): number {
    this.came += count;
    let kept = 0;
    for (let index = 0; index < count; index++) {
      if (this.#isOld(records, index, version)) this.old++;
      else if (kept++ < index) copyTick(records, index, records, kept - 1);
    }
    return kept;
  }

  #isOld({ halves }: TickRecords, index: number, version: number): boolean {
    const at = index * tickWords * 2;
    const since = this.#since.get(halves[at + tickField.instrument]!);
    // Ids that are lost are no prices.
    return since !== undefined && version < since && (halves[at]! & 0xff) !== tickKind.lost;
  }
}
