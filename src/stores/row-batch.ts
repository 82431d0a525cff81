/** Rows on their way into a store, as the f64 words of `wire/row.ts`: grouped by kind, in the order of arrival. */

import { limb } from '../market/amount.ts';
import { barBit, barWord } from '../market/bar-words.ts';
import type { BarAmendment, BarsCompletion, MarketBatch, QuarantinedTrade } from '../market/history.ts';
import type { Bar, Enigma, GapNotice, Quote, TradeRow } from '../market/tick.ts';
import { gapState, rowHead, rowInstrumentOf, rowKind, rowWords } from '../wire/row.ts';
import { gapStates } from './gap-ranges.ts';

/**
 * The kinds that a store keeps, in the order of every table of counts and in which a batch is written. `backfill` are
 * bar rows with `barBit.backfilled`: they come from elsewhere than the shards' own, so they have a count of their own.
 */
export const storedKinds = [
  'trade',
  'bar',
  'quote',
  'enigma',
  'backfill',
  'amend',
  'gap',
  'complete',
  'quarantine',
] as const;
export type StoredKind = (typeof storedKinds)[number];
export type KindCounts = Record<StoredKind, number>;

export function noCounts(): KindCounts {
  return {
    trade: 0,
    bar: 0,
    quote: 0,
    enigma: 0,
    backfill: 0,
    amend: 0,
    gap: 0,
    complete: 0,
    quarantine: 0,
  };
}

/** Rows of one kind, one after the other; grows as needed, never shrinks. */
export class Rows {
  words: Float64Array;
  count = 0;
  readonly width: number;

  constructor(width: number, capacity: number) {
    this.width = width;
    this.words = new Float64Array(width * capacity);
  }

  /** Room for one more row; returns where its words begin. */
  add(): number {
    const at = this.count * this.width;
    if (at === this.words.length) {
      const grown = new Float64Array(this.words.length * 2);
      grown.set(this.words);
      this.words = grown;
    }
    this.count++;
    return at;
  }

  copy(source: Float64Array, from: number): void {
    const at = this.add();
    const words = this.words;
    for (let i = 0; i < this.width; i++) words[at + i] = source[from + i]!;
  }
}

export class RowBatch {
  readonly trade: Rows;
  readonly bar: Rows;
  readonly quote: Rows;
  readonly enigma: Rows;
  readonly backfill: Rows;
  readonly amend: Rows;
  readonly gap: Rows;
  readonly complete: Rows;
  readonly quarantine: Rows;

  /** @param capacity Rows of each kind to begin with. */
  constructor(capacity = 256) {
    this.trade = new Rows(rowWords.trade, capacity);
    this.bar = new Rows(rowWords.bar, capacity);
    this.quote = new Rows(rowWords.quote, capacity);
    this.enigma = new Rows(rowWords.enigma, capacity);
    this.backfill = new Rows(rowWords.bar, 16);
    this.amend = new Rows(rowWords.amend, 16);
    this.gap = new Rows(rowWords.gap, 16);
    this.complete = new Rows(rowWords.complete, 16);
    this.quarantine = new Rows(rowWords.quarantine, 16);
  }

  get count(): number {
    let count = 0;
    for (let i = 0; i < storedKinds.length; i++) count += this[storedKinds[i]!].count;
    return count;
  }

  clear(): void {
    for (let i = 0; i < storedKinds.length; i++) this[storedKinds[i]!].count = 0;
  }

  /** Adds a batch of objects. */
  addAll(batch: MarketBatch): void {
    for (const trade of batch.trades) addRow(this.trade, trade, putTradeRow);
    for (const bar of batch.bars) addRow(this.bar, bar, putBarRow);
    for (const quote of batch.quotes) addRow(this.quote, quote, putQuoteRow);
    for (const enigma of batch.enigma) addRow(this.enigma, enigma, putEnigmaRow);
    const replace = batch.replaceIncomplete === true;
    for (const bar of batch.backfill ?? [])
      addRow(this.backfill, bar, (row, words, at) => putBackfillRow(row, words, at, replace));
    for (const trade of batch.amendments ?? []) addRow(this.amend, trade, putAmendRow);
    for (const gap of batch.gaps ?? []) addRow(this.gap, gap, putGapRow);
    for (const times of batch.completions ?? []) addRow(this.complete, times, putCompleteRow);
    for (const trade of batch.quarantined ?? []) addRow(this.quarantine, trade, putQuarantineRow);
  }
}

function addRow<T>(rows: Rows, row: T, put: (row: T, words: Float64Array, at: number) => void): void {
  // Room first: it may move the words.
  const at = rows.add();
  put(row, rows.words, at);
}

export function putTradeRow(trade: TradeRow, words: Float64Array, at: number): void {
  words[at] = rowHead(rowKind.trade, trade.instrument);
  words[at + 1] = trade.id;
  words[at + 2] = trade.time;
  words[at + 3] = trade.received;
  words[at + 4] = trade.price;
  words[at + 5] = trade.size;
  words[at + 6] = trade.bid;
  words[at + 7] = trade.ask;
  words[at + 8] = trade.firstId;
  words[at + 9] = trade.lastId;
  words[at + 10] = trade.merged;
  words[at + 11] = trade.takerSold ? 1 : 0;
}

/** @param lastTime Time of the bar's last trade (µs), which the object has not; 0 when it is not known. */
export function putBarRow(bar: Bar, words: Float64Array, at: number, lastTime = 0): void {
  words[at] = rowHead(rowKind.bar, bar.instrument);
  words[at + 1] = bar.resolution;
  const to = at + 2;
  words[to + barWord.openTime] = bar.openTime;
  words[to + barWord.open] = bar.open;
  words[to + barWord.high] = bar.high;
  words[to + barWord.low] = bar.low;
  words[to + barWord.close] = bar.close;
  putSum(bar.volume, words, to + barWord.volume);
  putSum(bar.quoteVolume, words, to + barWord.quoteVolume);
  putSum(bar.takerBuyVolume, words, to + barWord.takerBuyVolume);
  putSum(bar.takerBuyQuoteVolume, words, to + barWord.takerBuyQuoteVolume);
  words[to + barWord.count] = bar.count;
  words[to + barWord.firstId] = bar.firstId;
  words[to + barWord.lastId] = bar.lastId;
  words[to + barWord.revision] = bar.revision;
  words[to + barWord.flags] =
    (bar.closed ? barBit.closed : 0) +
    (bar.revision > 0 ? barBit.corrected : 0) +
    (bar.incomplete ? barBit.incomplete : 0) +
    (bar.backfilled === true ? barBit.backfilled : 0);
  words[to + barWord.lastTime] = lastTime;
}

function putSum(value: bigint, words: Float64Array, at: number): void {
  words[at] = Number(value % BigInt(limb));
  words[at + 1] = Number(value / BigInt(limb));
}

export function putQuoteRow(quote: Quote, words: Float64Array, at: number): void {
  words[at] = rowHead(rowKind.quote, quote.instrument);
  words[at + 1] = quote.version;
  words[at + 2] = quote.time;
  words[at + 3] = quote.bid;
  words[at + 4] = quote.bidSize;
  words[at + 5] = quote.ask;
  words[at + 6] = quote.askSize;
}

export function putEnigmaRow(enigma: Enigma, words: Float64Array, at: number): void {
  words[at] = rowHead(rowKind.enigma, enigma.instrument);
  words[at + 1] = enigma.time;
  words[at + 2] = enigma.price;
  words[at + 3] = enigma.level;
  words[at + 4] = enigma.ath;
  words[at + 5] = enigma.athTime;
  words[at + 6] = enigma.atl;
  words[at + 7] = enigma.atlTime;
}

/** A candle of the venue; `replace` lets it take the place of an own bar that is incomplete. */
export function putBackfillRow(bar: Bar, words: Float64Array, at: number, replace: boolean): void {
  putBarRow({ ...bar, backfilled: true }, words, at);
  words[at + 2 + barWord.flags]! += replace ? barBit.replace : 0;
}

export function putAmendRow(trade: BarAmendment, words: Float64Array, at: number): void {
  words[at] = rowHead(rowKind.amend, trade.instrument);
  words[at + 1] = trade.resolution;
  words[at + 2] = trade.openTime;
  words[at + 3] = trade.id;
  words[at + 4] = trade.time;
  words[at + 5] = trade.price;
  words[at + 6] = trade.size;
  words[at + 7] = trade.firstId;
  words[at + 8] = trade.lastId;
  words[at + 9] = trade.takerSold ? 1 : 0;
}

export function amendRowAt(words: Float64Array, at: number): BarAmendment {
  return {
    instrument: rowInstrumentOf(words[at]!),
    resolution: words[at + 1]!,
    openTime: words[at + 2]!,
    id: words[at + 3]!,
    time: words[at + 4]!,
    price: words[at + 5]!,
    size: words[at + 6]!,
    firstId: words[at + 7]!,
    lastId: words[at + 8]!,
    takerSold: words[at + 9] === 1,
  };
}

export function putGapRow(gap: GapNotice, words: Float64Array, at: number): void {
  words[at] = rowHead(rowKind.gap, gap.instrument);
  words[at + 1] = gapState[gap.state];
  words[at + 2] = gap.from;
  words[at + 3] = gap.to;
  words[at + 4] = gap.time;
  words[at + 5] = 0;
}

export function gapRowAt(words: Float64Array, at: number): GapNotice {
  return {
    instrument: rowInstrumentOf(words[at]!),
    state: gapStates[words[at + 1]!]!,
    from: words[at + 2]!,
    to: words[at + 3]!,
    time: words[at + 4]!,
  };
}

export function putCompleteRow(times: BarsCompletion, words: Float64Array, at: number): void {
  words[at] = rowHead(rowKind.complete, times.instrument);
  words[at + 1] = times.from;
  words[at + 2] = times.to;
  words[at + 3] = times.time;
}

export function completeRowAt(words: Float64Array, at: number): BarsCompletion {
  return {
    instrument: rowInstrumentOf(words[at]!),
    from: words[at + 1]!,
    to: words[at + 2]!,
    time: words[at + 3]!,
  };
}

export function putQuarantineRow(trade: QuarantinedTrade, words: Float64Array, at: number): void {
  words[at] = rowHead(rowKind.quarantine, trade.instrument);
  words[at + 1] = trade.id;
  words[at + 2] = trade.time;
  words[at + 3] = trade.received;
  words[at + 4] = trade.price;
  words[at + 5] = trade.size;
  words[at + 6] = trade.reference;
  words[at + 7] = trade.takerSold ? 1 : 0;
}
