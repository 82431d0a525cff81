/** What the numbers in blocks stand for, and how mantissas become numbers for humans. */
import { decimalOf, doubleOf } from '../market/mantissa.ts';
import type { DictionaryEntry } from '../wire/decode-connection.ts';

/** The instruments that the server has told of, within one epoch. */
export class InstrumentDictionary {
  epoch = 0;
  readonly #byId = new Map<number, DictionaryEntry>();
  readonly #bySymbol = new Map<string, DictionaryEntry>();

  /** Adds entries; a new epoch first forgets all older ones, since numbers are given anew then. */
  learn(epoch: number, entries: readonly DictionaryEntry[]): void {
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.#byId.clear();
      this.#bySymbol.clear();
    }
    for (const entry of entries) {
      this.#byId.set(entry.id, entry);
      this.#bySymbol.set(entry.symbol, entry);
    }
  }

  get(instrument: number): DictionaryEntry | undefined {
    return this.#byId.get(instrument);
  }

  /** By canonical symbol, such as `BINANCE:BTCUSDT`. */
  find(symbol: string): DictionaryEntry | undefined {
    return this.#bySymbol.get(symbol);
  }

  all(): DictionaryEntry[] {
    return [...this.#byId.values()];
  }

  /** The nearest double of a price mantissa: for charts. NaN for an instrument that is not known. */
  priceOf(instrument: number, mantissa: number): number {
    return doubleOf(mantissa, this.get(instrument)?.priceDecimals ?? Number.NaN);
  }

  /** The nearest double of a size mantissa. */
  sizeOf(instrument: number, mantissa: number): number {
    return doubleOf(mantissa, this.get(instrument)?.sizeDecimals ?? Number.NaN);
  }

  /** The exact decimal text of a price, with all of its decimals; the mantissa itself when the instrument is not known. */
  priceText(instrument: number, mantissa: number): string {
    return decimalOf(mantissa, this.get(instrument)?.priceDecimals ?? 0);
  }

  /** The exact decimal text of a size or volume. */
  sizeText(instrument: number, mantissa: number | bigint): string {
    return decimalOf(mantissa, this.get(instrument)?.sizeDecimals ?? 0);
  }
}
