/**
 * Which streams have fallen silent, and which are only quiet. All times are market time in µs: it is the clock records
 * that let a silence grow.
 *
 *   learned    the longest pause of the last 256 to 512 seconds in which something came: of this epoch and the one
 *              before. It is not the time that forgets a pause but what was seen since, so that a slow stream is not
 *              judged by a handful of arrivals
 *   expected   (1 + 20 / n) times the learned pause, within bounds, where n is the number of those seconds, so that
 *              little knowledge means much patience; while n < 3 the upper bound
 *   stale      silent for more than twice what is expected
 *
 * Why 256: where gaps are random (exponential), the next is longer than twice the longest of n with a chance of 2 / n².
 * A pause that made the stream stale counts as twice the expected one, lest a stall be what is expected afterwards.
 */
import { hot } from './shard-memory.ts';

/** Words of one watched stream: its last arrival, the longest pause of this epoch, and the rest (`kept…` below). */
export const watchWord = { at: 0, quiet: 1, kept: 2 } as const;
export const watchWords = 3;
/** Streams in a hot row, from `hot.watch`. */
export const watched = { all: hot.watch, quotes: hot.watch + 3, book: hot.watch + 6 } as const;
/**
 * `again`: it is live again, and the hub is to be told so once more. `missing`: stale, because trades are known to be
 * missing; only a trade makes it live again.
 */
export const watchState = { live: 0, stale: 1, again: 2, missing: 3 } as const;

export function isStale(state: number): boolean {
  return state === watchState.stale || state === watchState.missing;
}

export interface QuietBounds {
  readonly quietMicrosMin: number;
  readonly quietMicrosMax: number;
}

/** Seconds in which something came, of which an epoch consists. */
const epoch = 256;
/** With fewer of them nothing is known. */
const knownFrom = 3;
const patience = 20;
/** So many expected intervals of silence make a stream stale; more when heartbeats say that it may just be quiet. */
export const staleAfter = { usually: 2, beating: 8 } as const;
const perSecond = 1e-6;

/** A word's two lowest bits are a `watchState`; in `kept` ten bits count seconds, above is the pause before (ms). */
const countUnit = 4;
const countMask = 1_023;
const pauseUnit = 4_096;
const millis = 1_000;

export function stateAt(words: Float64Array, at: number): number {
  return words[at]! & 3;
}

export function setState(words: Float64Array, at: number, state: number): void {
  const word = words[at]!;
  words[at] = word - (word & 3) + state;
}

/** What lies above the state of the word at `at`: a time in ms. */
export function timeAt(words: Float64Array, at: number): number {
  return Math.floor(words[at]! / countUnit);
}

export function setTime(words: Float64Array, at: number, milliseconds: number): void {
  words[at] = milliseconds * countUnit + (words[at]! & 3);
}

/** Something of the stream at `words[at…]` came at `now`. */
export function noteArrival(words: Float64Array, at: number, now: number, bounds: QuietBounds): void {
  const last = words[at + watchWord.at]!;
  if (now <= last) return;
  words[at + watchWord.at] = now;
  if (last === 0) return;
  if (now - last > words[at + watchWord.quiet]!) {
    const most = staleAfter.usually * expectedQuiet(words, at, bounds);
    words[at + watchWord.quiet] = Math.min(most, now - last);
  }
  // Once a second at most, so that a busy stream pays little.
  if (Math.floor(now * perSecond) !== Math.floor(last * perSecond)) countSecond(words, at);
}

function countSecond(words: Float64Array, at: number): void {
  const kept = words[at + watchWord.kept]!;
  if (secondsOf(kept) + 1 < 2 * epoch) {
    words[at + watchWord.kept] = kept + countUnit;
    return;
  }
  const pause = Math.ceil(words[at + watchWord.quiet]! / millis);
  words[at + watchWord.kept] = pause * pauseUnit + epoch * countUnit + (kept & 3);
  words[at + watchWord.quiet] = 0;
}

function secondsOf(kept: number): number {
  return Math.floor(kept / countUnit) & countMask;
}

/** The interval (µs) that is expected of the stream at `words[at…]`. */
export function expectedQuiet(words: Float64Array, at: number, bounds: QuietBounds): number {
  const kept = words[at + watchWord.kept]!;
  const seconds = secondsOf(kept);
  if (seconds < knownFrom) return bounds.quietMicrosMax;
  const before = Math.floor(kept / pauseUnit) * millis;
  const learned = Math.max(bounds.quietMicrosMin, words[at + watchWord.quiet]!, before);
  return Math.min(bounds.quietMicrosMax, learned * (1 + patience / seconds));
}

/** True when the stream has been silent for `after` expected intervals; one of which nothing ever came is not judged. */
export function isSilent(
  words: Float64Array,
  at: number,
  now: number,
  bounds: QuietBounds,
  after: number = staleAfter.usually,
): boolean {
  const last = words[at + watchWord.at]!;
  // Most streams have just spoken: what is expected is reckoned for the others.
  if (last === 0 || now - last <= staleAfter.usually * bounds.quietMicrosMin) return false;
  return now - last > after * expectedQuiet(words, at, bounds);
}
