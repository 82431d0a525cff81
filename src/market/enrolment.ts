/** The one rule by which a venue's listing becomes numbered instruments, in memory and in the stores. */
import type { Instrument } from './instrument.ts';

export type Listed = Omit<Instrument, 'id'>;

export interface Enrolment {
  /** The whole list after it; the very one that was known when nothing changed. */
  readonly instruments: readonly Instrument[];
  readonly added: readonly Instrument[];
  readonly changed: readonly { readonly before: Instrument; readonly after: Instrument }[];
  /** Not listed any more, and so inactive from now on. */
  readonly gone: readonly Instrument[];
}

/**
 * New symbols get new ids, known ones keep theirs with the listed metadata. Decimals only grow: what is stored has the
 * greater number, and a mantissa never changes its meaning. A renamed symbol is a new one.
 * @param known `known[i].id === i + 1`
 * @param wholeOf the venue whose whole listing this is: those of it that are not listed become inactive. Without it
 * instruments that are not listed stay as they are.
 * @throws when a symbol is listed twice
 */
export function enrolled(
  known: readonly Instrument[],
  listed: readonly Listed[],
  wholeOf?: string,
): Enrolment {
  const news = new Map<string, Listed>();
  for (const one of listed) {
    if (news.has(one.symbol)) throw new Error(`${one.symbol} is listed twice`);
    news.set(one.symbol, one);
  }
  const changed: { before: Instrument; after: Instrument }[] = [];
  const gone: Instrument[] = [];
  const instruments = known.map((before): Instrument => {
    const listing = news.get(before.symbol);
    news.delete(before.symbol);
    if (listing === undefined) {
      if (before.venue !== wholeOf || !before.active) return before;
      gone.push(before);
      return { ...before, active: false };
    }
    const after = {
      ...listing,
      id: before.id,
      priceDecimals: Math.max(before.priceDecimals, listing.priceDecimals),
      sizeDecimals: Math.max(before.sizeDecimals, listing.sizeDecimals),
    };
    if (sameInstrument(before, after)) return before;
    changed.push({ before, after });
    return after;
  });
  const added = [...news.values()].map((one, index) => ({ ...one, id: known.length + 1 + index }));
  const isSame = added.length + changed.length + gone.length === 0;
  return { instruments: isSame ? known : [...instruments, ...added], added, changed, gone };
}

function sameInstrument(a: Instrument, b: Instrument): boolean {
  return (
    a.base === b.base &&
    a.quote === b.quote &&
    a.priceDecimals === b.priceDecimals &&
    a.sizeDecimals === b.sizeDecimals &&
    a.active === b.active &&
    a.native === b.native
  );
}
