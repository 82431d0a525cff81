/**
 * By how many decimals rows are counted, where an instrument's decimals grow while the server runs. A shard says so in
 * the stream (`rowKind.rescale`, the first row of its segment). What is fetched over REST is not in that stream: each of
 * its segments says by which decimals it is counted (`rowKind.decimals`), and is brought to those of the stores.
 */
import { amountOf, limbsOf } from '../market/amount.ts';
import { barWord } from '../market/bar-words.ts';
import type { Instrument } from '../market/instrument.ts';
import { rowHead, rowInstrumentOf, rowKind, rowKindOf, rowWords } from '../wire/row.ts';

/** The row that says by which decimals the rows after it are counted. */
export function decimalsRow({ id, priceDecimals, sizeDecimals }: Instrument): number[] {
  return [rowHead(rowKind.decimals, id), priceDecimals, sizeDecimals, 0];
}

/** What a segment's first row says about decimals. */
export type Scaling =
  /** Nothing: it is counted as everything is. */
  | { readonly kind: 'none' }
  /** The stores must be rescaled to this instrument first. */
  | { readonly kind: 'rescale'; readonly instrument: Instrument }
  /** Its rows have more digits than the stores: it must wait until those have them too. */
  | { readonly kind: 'ahead' }
  /** Its rows have fewer digits than the stores. */
  | { readonly kind: 'behind'; readonly prices: number; readonly sizes: number };

const none: Scaling = { kind: 'none' };
const ahead: Scaling = { kind: 'ahead' };

export class StoredDecimals {
  readonly #byId = new Map<number, Instrument>();

  constructor(instruments: readonly Instrument[]) {
    this.adopt(instruments);
  }

  /** Another version of the dictionary, with the decimals that the stores have. */
  adopt(instruments: readonly Instrument[]): void {
    for (const one of instruments) this.#byId.set(one.id, one);
  }

  /** The stores have been rescaled. */
  rescaled(instrument: Instrument): void {
    this.#byId.set(instrument.id, instrument);
  }

  /** Of the segment whose first row is at `words[at]`. */
  of(words: Float64Array, at: number): Scaling {
    const kind = rowKindOf(words[at]!);
    if (kind !== rowKind.rescale && kind !== rowKind.decimals) return none;
    const instrument = this.#byId.get(rowInstrumentOf(words[at]!));
    if (instrument === undefined) return none;
    const { priceDecimals, sizeDecimals } = instrument;
    const prices = words[at + 1]!;
    const sizes = words[at + 2]!;
    if (kind === rowKind.rescale) {
      const finer = {
        ...instrument,
        priceDecimals: priceDecimals + prices,
        sizeDecimals: sizeDecimals + sizes,
      };
      return { kind: 'rescale', instrument: finer };
    }
    if (prices > priceDecimals || sizes > sizeDecimals) return ahead;
    if (prices === priceDecimals && sizes === sizeDecimals) return none;
    return { kind: 'behind', prices: priceDecimals - prices, sizes: sizeDecimals - sizes };
  }
}

const pricesOfBar = [barWord.open, barWord.high, barWord.low, barWord.close] as const;

/** Gives the bar rows in `words[from…to)` so many more digits. */
export function scaleBarRows(
  words: Float64Array,
  from: number,
  to: number,
  prices: number,
  sizes: number,
): void {
  const price = 10 ** prices;
  const sums = [
    [barWord.volume, 10n ** BigInt(sizes)],
    [barWord.takerBuyVolume, 10n ** BigInt(sizes)],
    [barWord.quoteVolume, 10n ** BigInt(prices + sizes)],
    [barWord.takerBuyQuoteVolume, 10n ** BigInt(prices + sizes)],
  ] as const;
  for (let at = from; at + rowWords.bar <= to; at += rowWords.bar) {
    const bar = at + 2;
    for (const word of pricesOfBar) words[bar + word]! *= price;
    for (const [word, factor] of sums) {
      const [low, high] = limbsOf(amountOf(words[bar + word]!, words[bar + word + 1]!) * factor);
      words[bar + word] = low;
      words[bar + word + 1] = high;
    }
  }
}
