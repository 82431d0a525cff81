/** Finds instruments by the names people use, and keeps dictionaries: ids are given once and never reused. */
import { enrolled, type Listed } from './enrolment.ts';
import { canonicalSymbol, type Dictionary, type Instrument } from './instrument.ts';

/** One instrument, or the canonical symbols that the text may have meant: several exact ones, or near misses. */
export type Resolved =
  | { readonly instrument: Instrument }
  | { readonly reason: 'ambiguous' | 'unknown'; readonly candidates: readonly string[] };

const textMax = 64;
const candidatesMax = 3;
const distanceMax = 2;

/**
 * The symbol directory of one dictionary. `BINANCE:BTCUSDT` is the canonical name; `BTCUSDT`, `BTC-USDT`, `BTC/USDT`,
 * `BTC_USDT` and any of them in lower case, with or without the venue before them, are aliases.
 */
export class Directory {
  readonly dictionary: Dictionary;
  readonly #byId: readonly Instrument[];
  readonly #bySymbol: ReadonlyMap<string, Instrument>;
  readonly #byAlias = new Map<string, Instrument[]>();

  constructor(dictionary: Dictionary) {
    this.dictionary = dictionary;
    this.#byId = dictionary.instruments;
    this.#bySymbol = new Map(dictionary.instruments.map((one) => [one.symbol, one]));
    for (const one of dictionary.instruments) {
      const { venue, native, base, quote } = one;
      const names = new Set([
        native,
        `${base}${quote}`,
        `${base}-${quote}`,
        `${base}/${quote}`,
        `${base}_${quote}`,
      ]);
      for (const name of names) {
        this.#alias(name, one);
        this.#alias(canonicalSymbol(venue, name), one);
      }
    }
  }

  #alias(name: string, one: Instrument): void {
    const key = name.toUpperCase();
    const held = this.#byAlias.get(key);
    if (held === undefined) this.#byAlias.set(key, [one]);
    else if (!held.includes(one)) held.push(one);
  }

  byId(id: number): Instrument | undefined {
    return this.#byId[id - 1];
  }

  /**
   * By canonical symbol first, then by the venue's own name where only one has it, then by alias; an alias of one active
   * and several inactive ones means the active one.
   */
  resolve(text: string): Resolved {
    const exact = this.#bySymbol.get(text);
    if (exact !== undefined) return { instrument: exact };
    if (text.length === 0 || text.length > textMax) return { reason: 'unknown', candidates: [] };
    const wanted = text.toUpperCase();
    const found = this.#byAlias.get(wanted) ?? [];
    const active = found.filter((one) => one.active);
    const meant = active.length > 0 ? active : found;
    if (meant.length === 1) return { instrument: meant[0]! };
    const native = meant.filter((one) => isOwnName(one, wanted));
    if (native.length === 1) return { instrument: native[0]! };
    if (meant.length > 1)
      return { reason: 'ambiguous', candidates: meant.map((one) => one.symbol).toSorted() };
    return { reason: 'unknown', candidates: this.#near(wanted) };
  }

  /** Canonical symbols whose plain native name is at most two edits away, the nearest ones first. */
  #near(wanted: string): string[] {
    const plain = plainName(wanted.slice(wanted.indexOf(':') + 1));
    const near: { symbol: string; distance: number }[] = [];
    for (const { symbol, native } of this.#byId) {
      const name = plainName(native);
      if (Math.abs(name.length - plain.length) > distanceMax) continue;
      const distance = editDistance(plain, name);
      if (distance <= distanceMax) near.push({ symbol, distance });
    }
    return near
      .toSorted((a, b) => a.distance - b.distance || (a.symbol < b.symbol ? -1 : 1))
      .slice(0, candidatesMax)
      .map(({ symbol }) => symbol);
  }
}

/** Whether the text is what the venue itself calls it, with or without the venue before it. */
function isOwnName({ venue, native }: Instrument, wanted: string): boolean {
  return wanted === native.toUpperCase() || wanted === canonicalSymbol(venue, native).toUpperCase();
}

/** A name without its separators, in upper case. */
function plainName(name: string): string {
  return name.toUpperCase().replaceAll(/[-_/]/g, '');
}

/** How many letters must be added, removed, changed, or swapped with their neighbour (Damerau–Levenshtein, restricted). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    before = above;
    above = row;
  }
  return above[b.length]!;
}

/**
 * The dictionary after a venue's whole listing was read, by the rule of `enrolled`. The version rises by one when
 * anything changed; else the same dictionary comes back.
 */
export function enrol(dictionary: Dictionary, venue: string, listed: readonly Listed[]): Dictionary {
  const stranger = listed.find((one) => one.venue !== venue);
  if (stranger !== undefined) throw new Error(`${stranger.symbol} is not of ${venue}`);
  const { instruments } = enrolled(dictionary.instruments, listed, venue);
  if (instruments === dictionary.instruments) return dictionary;
  return { epoch: dictionary.epoch, version: dictionary.version + 1, instruments };
}
