/**
 * Which streams have fallen silent. For each, the longest quiet time between two arrivals is learned: a maximum that
 * fades, in ten minutes or, while little has been seen, in half the time since the first arrival. A stream is stale
 * when it has been silent for more than twice that, within bounds. All times are market time in µs: it is the clock
 * records that let a silence grow.
 */
import { hot } from './shard-memory.ts';

/** Words of one watched stream. `state` is `watchState`. */
export const watchWord = { at: 0, quiet: 1, state: 2 } as const;
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

/** What is expected of a stream of which nothing is known yet. */
const quietAtFirst = 10_000_000;
const fadeMin = 5_000_000;
const second = 1_000_000;
const perSecond = 1e-6;
const fadeMax = 600_000_000;

/** Something of the stream at `words[at…]` came at `now`. */
export function noteArrival(words: Float64Array, at: number, now: number, since: number): void {
  const last = words[at + watchWord.at]!;
  if (now <= last) return;
  words[at + watchWord.at] = now;
  if (last === 0) words[at + watchWord.quiet] = quietAtFirst;
  else if (now - last > words[at + watchWord.quiet]!) words[at + watchWord.quiet] = now - last;
  else if (Math.floor(now * perSecond) !== Math.floor(last * perSecond))
    fade(words, at, now - last, now - since);
}

/** Once a second at most, so that a busy stream pays little. */
function fade(words: Float64Array, at: number, gap: number, age: number): void {
  const span = Math.min(fadeMax, Math.max(fadeMin, age / 2));
  const left = 1 - Math.min(1, Math.max(gap, second) / span);
  words[at + watchWord.quiet] = Math.max(gap, words[at + watchWord.quiet]! * left);
}

/** The interval (µs) that is expected of the stream at `words[at…]`. */
export function expectedQuiet(words: Float64Array, at: number, bounds: QuietBounds): number {
  return Math.min(bounds.quietMicrosMax, Math.max(bounds.quietMicrosMin, words[at + watchWord.quiet]!));
}

/** True when the stream has been silent for too long; one of which nothing ever came is not judged. */
export function isSilent(words: Float64Array, at: number, now: number, bounds: QuietBounds): boolean {
  const last = words[at + watchWord.at]!;
  return last > 0 && now - last > 2 * expectedQuiet(words, at, bounds);
}
