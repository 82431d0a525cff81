/** What shards make, as digests: sha256 of all blocks, of all rows, and of the bars. */
import { createHash, type Hash } from 'node:crypto';
import { barBit, barWord } from '../market/bar-words.ts';
import type { Instrument } from '../market/instrument.ts';
import type { Bar } from '../market/tick.ts';
import { barRowAt, rowInstrumentOf, rowKind, rowKindOf, rowWords } from '../wire/row.ts';

export interface OfflineDigests {
  readonly blocks: { readonly bytes: number; readonly sha256: string };
  readonly rows: {
    readonly bytes: number;
    readonly sha256: string;
    /** By kind. */
    readonly counts: Readonly<Record<string, number>>;
  };
  /** Closed bars and their corrections as they came, instrument by instrument; then those still open at the end. */
  readonly bars: { readonly closed: number; readonly open: number; readonly sha256: string };
}

const kindNames = Object.entries(rowKind) as [keyof typeof rowKind, number][];
const nameOf = new Map(kindNames.map(([name, kind]) => [kind, name]));
const resolutionsMax = 64;

export class DigestTaker {
  readonly #blocks = createHash('sha256');
  readonly #rows = createHash('sha256');
  readonly #counts = new Map<number, number>();
  /** By instrument. */
  readonly #closed = new Map<number, Hash>();
  /** By instrument × 64 + resolution: the bar that is forming. */
  readonly #open = new Map<number, Float64Array>();
  readonly #onBar: ((bar: Bar) => void) | undefined;
  #blockBytes = 0;
  #rowBytes = 0;
  #closedBars = 0;

  constructor(onBar?: (bar: Bar) => void) {
    this.#onBar = onBar;
  }

  /** A segment for gateways. */
  takeBlocks(bytes: Uint8Array): void {
    this.#blockBytes += bytes.length;
    this.#blocks.update(bytes);
  }

  /** A segment of rows for stores. */
  takeRows(words: Float64Array): void {
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.#rowBytes += bytes.length;
    this.#rows.update(bytes);
    for (let at = 0; at < words.length; ) {
      const kind = rowKindOf(words[at]!);
      const name = nameOf.get(kind);
      if (name === undefined) throw new Error(`broken invariant: a row of kind ${kind}`);
      this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
      if (kind === rowKind.bar) this.#bar(words.slice(at, at + rowWords.bar));
      at += rowWords[name];
    }
  }

  #bar(row: Float64Array): void {
    const instrument = rowInstrumentOf(row[0]!);
    const key = instrument * resolutionsMax + row[1]!;
    this.#onBar?.(barRowAt(row, 0));
    if ((row[2 + barWord.flags]! & barBit.closed) === 0) {
      this.#open.set(key, row);
      return;
    }
    if (this.#open.get(key)?.[2 + barWord.openTime] === row[2 + barWord.openTime]) this.#open.delete(key);
    let hash = this.#closed.get(instrument);
    if (hash === undefined) this.#closed.set(instrument, (hash = createHash('sha256')));
    hash.update(row);
    this.#closedBars++;
  }

  /** To be called once, at the end. @param instruments in the order of their ids */
  digests(instruments: readonly Instrument[]): OfflineDigests {
    const bars = createHash('sha256');
    for (const { id, symbol } of instruments) {
      bars.update(`${symbol} ${this.#closed.get(id)?.digest('hex') ?? ''}\n`);
      for (let resolution = 0; resolution < resolutionsMax; resolution++) {
        const row = this.#open.get(id * resolutionsMax + resolution);
        if (row !== undefined) bars.update(row);
      }
    }
    return {
      blocks: { bytes: this.#blockBytes, sha256: this.#blocks.digest('hex') },
      rows: {
        bytes: this.#rowBytes,
        sha256: this.#rows.digest('hex'),
        counts: Object.fromEntries(kindNames.map(([name, kind]) => [name, this.#counts.get(kind) ?? 0])),
      },
      bars: { closed: this.#closedBars, open: this.#open.size, sha256: bars.digest('hex') },
    };
  }
}
