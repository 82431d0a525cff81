/** Contract: a venue's message as bytes in, tick records out. Pure: it is told the time. */
import type { Instrument } from '../market/instrument.ts';
import type { TickRecords } from '../wire/tick-record.ts';

/** The most records that one message may give: an order book's snapshot of 5,000 levels a side needs 3,335. */
export const recordsPerMessageMax = 4_096;

export interface Normaliser {
  /**
   * Reads the message in bytes `from` to `to` (not included) and writes its records to slots 0 … of `out`.
   * @param received market time at receipt, in µs.
   * @returns how many records were written (0 or more), or a code of `refusal.ts` (negative; nothing was written
   *   that counts).
   */
  normalise(bytes: Uint8Array, from: number, to: number, received: number, out: TickRecords): number;
}

/** Which venue times (µs) are believed: near the time of receipt, or, in a recording, within its span. */
export type PlausibleTime =
  | { readonly around: 'receipt'; readonly pastMicros: number; readonly futureMicros: number }
  | { readonly around: 'span'; readonly from: number; readonly to: number };

export type TradesKind = 'trade' | 'aggTrade';

export interface NormaliserOptions {
  readonly instruments: readonly Instrument[];
  /** Which of the venue's two trade streams makes the ticks: one of the two, never both. */
  readonly tradesOf: (instrument: Instrument) => TradesKind;
  readonly plausible: PlausibleTime;
  readonly messageBytesMax: number;
  /** Levels a side that are kept of a longer snapshot; its worst one is then the horizon. Default 1,000. */
  readonly bookLevels?: number;
}

/** The times of a recording whose first and last receive times (µs) are given: an hour more on both sides. */
export function recordedTimes(first: number, last: number): PlausibleTime {
  const hour = 3_600e6;
  return { around: 'span', from: first - hour, to: last + hour };
}
