/**
 * Between the shards' rows and the store: trades and closed bars go straight on; of state rows (forming bars, quotes,
 * Enigma) only the last one is kept until its time comes. Pure: it is told the time (ms, any monotonic clock).
 *
 * What it guarantees about a batch, so that a crash between two batches leaves a file that can be completed:
 * - bars never know of a trade that is not in the same batch or an earlier one, because rows come in that order;
 * - when a bar of an instrument goes, or a late trade, all its waiting bars go with it: the newest bars of all
 *   resolutions stay level, and what a late trade changed is in the file with it;
 * - a segment is never cut, so an amendment is in the batch of its trade.
 *
 * Accounting, by kind: rows in = handed to the batch + conflated + refused + waiting here.
 */
import { barBit, barWord } from '../market/bar-words.ts';
import { resolutions } from '../market/resolution.ts';
import { rowInstrumentOf, rowKind, rowKindOf, rowWords } from '../wire/row.ts';
import { gapStates } from './gap-ranges.ts';
import { type KindCounts, noCounts, type RowBatch } from './row-batch.ts';
import type { QuotesKept } from './sqlite-history-writer.ts';

const second = 1_000_000;
const barWidth = rowWords.bar;
const openTimeAt = 2 + barWord.openTime;
const flagsAt = 2 + barWord.flags;

/** What waits of one instrument; a head of 0 means nothing. */
interface Waiting {
  readonly instrument: number;
  readonly bars: Float64Array;
  readonly quote: Float64Array;
  readonly enigma: Float64Array;
  /** When its bars last went (ms). */
  releasedAt: number;
  quoteAt: number;
  /** Newest trade id seen. */
  tradeId: number;
  /** Its bars go with this batch. */
  due: boolean;
  listed: boolean;
}

export class RowConflator {
  /** Rows taken in, by kind. */
  readonly in: KindCounts = noCounts();
  /** A later row took its place, or the setting keeps no such rows. */
  readonly conflated: KindCounts = noCounts();
  /** Of an instrument that the dictionary has not, or with a word that is no whole number below 2^53 or out of range. */
  readonly refused: KindCounts = noCounts();
  readonly waiting: KindCounts = noCounts();
  /** Segments that ended in the middle of a row, or had a kind that is none of a store's: the rest of it is skipped. */
  malformed = 0;

  #known: ReadonlySet<number>;
  readonly #quotes: QuotesKept;
  readonly #formingMs: number;
  readonly #instruments: (Waiting | undefined)[] = [];
  readonly #list: Waiting[] = [];

  constructor(instruments: Iterable<number>, quotes: QuotesKept, formingMs: number) {
    this.#known = new Set(instruments);
    this.#quotes = quotes;
    this.#formingMs = formingMs;
  }

  /** Other instruments from now on. Nothing waits when it is called: what waits may have other decimals. */
  adopt(instruments: Iterable<number>): void {
    this.#known = new Set(instruments);
  }

  /** Takes the rows in `words[from…to)`, one segment, into `batch` or into waiting. */
  take(words: Float64Array, from: number, to: number, batch: RowBatch, now: number): void {
    let at = from;
    while (at < to) {
      const kind = rowKindOf(words[at]!);
      const width = widthOf(kind);
      if (width === 0 || at + width > to) {
        this.malformed++;
        return;
      }
      if (kind === rowKind.trade) this.#takeTrade(words, at, batch, now);
      else if (kind === rowKind.bar) {
        if ((words[at + flagsAt]! & barBit.backfilled) === 0) this.#takeBar(words, at, batch, now);
        else this.#takeAsIs('backfill', words, at, batch, now);
      } else if (kind === rowKind.quote) this.#takeQuote(words, at, batch, now);
      else if (kind === rowKind.enigma) this.#takeEnigma(words, at, now);
      else if (kind === rowKind.amend) this.#takeAsIs('amend', words, at, batch, now);
      else if (kind === rowKind.gap) this.#takeAsIs('gap', words, at, batch, now);
      else if (kind === rowKind.complete) this.#takeAsIs('complete', words, at, batch, now);
      else if (kind === rowKind.quarantine) this.#takeAsIs('quarantine', words, at, batch, now);
      // Others say by which decimals the rows of the segment are counted (rescaled-rows.ts).
      at += width;
    }
  }

  /** Moves what is due into `batch`: everything when `all`. */
  release(batch: RowBatch, now: number, all: boolean): void {
    let kept = 0;
    for (const waiting of this.#list) {
      if (all || waiting.due || now - waiting.releasedAt >= this.#formingMs)
        this.#releaseState(waiting, batch, now);
      if (all || now - waiting.quoteAt >= this.#formingMs) this.#releaseQuote(waiting, batch);
      waiting.due = false;
      waiting.listed = isWaiting(waiting);
      if (waiting.listed) this.#list[kept++] = waiting;
    }
    this.#list.length = kept;
  }

  /** Whether anything waits for its time. */
  get isWaiting(): boolean {
    return this.#list.length > 0;
  }

  #takeTrade(words: Float64Array, at: number, batch: RowBatch, now: number): void {
    this.in.trade++;
    const waiting = this.#of(words, at, rowWords.trade, now);
    if (waiting === undefined) {
      this.refused.trade++;
      return;
    }
    const id = words[at + 1]!;
    if (id > waiting.tradeId) waiting.tradeId = id;
    else {
      waiting.due = true;
      this.#enlist(waiting);
    }
    batch.trade.copy(words, at);
  }

  #takeBar(words: Float64Array, at: number, batch: RowBatch, now: number): void {
    this.in.bar++;
    const waiting = this.#of(words, at, barWidth, now);
    const resolution = words[at + 1]!;
    if (waiting === undefined || !(resolution in resolutions)) {
      this.refused.bar++;
      return;
    }
    const slot = resolution * barWidth;
    const held = waiting.bars;
    const isHeld = held[slot] !== 0;
    const sameBar = isHeld && held[slot + openTimeAt] === words[at + openTimeAt];
    const isForming = (words[at + flagsAt]! & (barBit.closed | barBit.corrected)) === 0;
    if (sameBar) {
      this.conflated.bar++;
      this.waiting.bar--;
      held[slot] = 0;
    } else if (isHeld && isForming) {
      // Another bar begins: the one before it waits no longer.
      batch.bar.copy(held, slot);
      this.waiting.bar--;
      waiting.due = true;
    }
    if (isForming) {
      for (let i = 0; i < barWidth; i++) held[slot + i] = words[at + i]!;
      this.waiting.bar++;
    } else {
      batch.bar.copy(words, at);
      waiting.due = true;
    }
    this.#enlist(waiting);
  }

  #takeQuote(words: Float64Array, at: number, batch: RowBatch, now: number): void {
    this.in.quote++;
    const waiting = this.#of(words, at, rowWords.quote, now);
    if (waiting === undefined) {
      this.refused.quote++;
      return;
    }
    if (this.#quotes === 'none') this.conflated.quote++;
    else if (this.#quotes === 'all') batch.quote.copy(words, at);
    else {
      const held = waiting.quote;
      if (held[0] !== 0) {
        this.waiting.quote--;
        if (Math.floor(held[2]! / second) === Math.floor(words[at + 2]! / second)) this.conflated.quote++;
        else batch.quote.copy(held, 0);
      }
      for (let i = 0; i < rowWords.quote; i++) held[i] = words[at + i]!;
      this.waiting.quote++;
      waiting.quoteAt = now;
      this.#enlist(waiting);
    }
  }

  #takeEnigma(words: Float64Array, at: number, now: number): void {
    this.in.enigma++;
    const waiting = this.#of(words, at, rowWords.enigma, now);
    if (waiting === undefined) {
      this.refused.enigma++;
      return;
    }
    if (waiting.enigma[0] !== 0) this.conflated.enigma++;
    else this.waiting.enigma++;
    for (let i = 0; i < rowWords.enigma; i++) waiting.enigma[i] = words[at + i]!;
    this.#enlist(waiting);
  }

  /** Rows that never wait: in the order in which they came. */
  #takeAsIs(kind: PlainKind, words: Float64Array, at: number, batch: RowBatch, now: number): void {
    this.in[kind]++;
    const rows = batch[kind];
    const waiting = this.#of(words, at, rows.width, now);
    if (waiting === undefined || !isInRange(kind, words, at)) {
      this.refused[kind]++;
      return;
    }
    rows.copy(words, at);
    // They change stored bars: those that came before them must be there first.
    if (kind !== 'amend' && kind !== 'complete') return;
    waiting.due = true;
    this.#enlist(waiting);
  }

  #releaseState(waiting: Waiting, batch: RowBatch, now: number): void {
    waiting.releasedAt = now;
    const { bars, enigma } = waiting;
    for (let slot = 0; slot < bars.length; slot += barWidth) {
      if (bars[slot] === 0) continue;
      batch.bar.copy(bars, slot);
      bars[slot] = 0;
      this.waiting.bar--;
    }
    if (enigma[0] === 0) return;
    batch.enigma.copy(enigma, 0);
    enigma[0] = 0;
    this.waiting.enigma--;
  }

  #releaseQuote(waiting: Waiting, batch: RowBatch): void {
    if (waiting.quote[0] === 0) return;
    batch.quote.copy(waiting.quote, 0);
    waiting.quote[0] = 0;
    this.waiting.quote--;
  }

  #enlist(waiting: Waiting): void {
    if (waiting.listed) return;
    waiting.listed = true;
    this.#list.push(waiting);
  }

  /** What waits of the row's instrument; undefined when the row is refused. */
  #of(words: Float64Array, at: number, width: number, now: number): Waiting | undefined {
    // The store would refuse such a row, and its whole batch with it, for ever.
    for (let i = at + 1; i < at + width; i++) if (!Number.isSafeInteger(words[i])) return undefined;
    const instrument = rowInstrumentOf(words[at]!);
    const found = this.#instruments[instrument];
    if (found !== undefined || !this.#known.has(instrument)) return found;
    const waiting = {
      instrument,
      bars: new Float64Array(barWidth * resolutions.length),
      quote: new Float64Array(rowWords.quote),
      enigma: new Float64Array(rowWords.enigma),
      releasedAt: now,
      quoteAt: now,
      tradeId: -1,
      due: false,
      listed: false,
    };
    this.#instruments[instrument] = waiting;
    return waiting;
  }
}

type PlainKind = 'backfill' | 'amend' | 'gap' | 'complete' | 'quarantine';

/** What the store takes for granted of these rows. */
function isInRange(kind: PlainKind, words: Float64Array, at: number): boolean {
  const first = words[at + 1]!;
  if (kind === 'backfill' || kind === 'amend') return first in resolutions;
  if (kind === 'gap') return first in gapStates && words[at + 2]! <= words[at + 3]!;
  if (kind === 'complete') return first <= words[at + 2]!;
  return true;
}

function isWaiting({ bars, quote, enigma }: Waiting): boolean {
  if (quote[0] !== 0 || enigma[0] !== 0) return true;
  for (let slot = 0; slot < bars.length; slot += barWidth) if (bars[slot] !== 0) return true;
  return false;
}

function widthOf(kind: number): number {
  switch (kind) {
    case rowKind.trade:
      return rowWords.trade;
    case rowKind.bar:
      return rowWords.bar;
    case rowKind.quote:
      return rowWords.quote;
    case rowKind.enigma:
      return rowWords.enigma;
    case rowKind.gap:
      return rowWords.gap;
    case rowKind.amend:
      return rowWords.amend;
    case rowKind.complete:
      return rowWords.complete;
    case rowKind.quarantine:
      return rowWords.quarantine;
    case rowKind.rescale:
    case rowKind.decimals:
      return rowWords.rescale;
    default:
      return 0;
  }
}
