/**
 * Open ranges of missing trade ids, in the cold row of their instrument, rising by id; and how they end: an id came
 * after all, or will not come.
 *
 * A range knows the times between which its trades lie: those of the trades beside it. A late trade makes it shorter,
 * or two of it. Its `span` is what it was when it opened: once it is gone, bars in that span may be whole again.
 */
import { barBit } from '../market/bar-words.ts';
import {
  coldWords,
  counter,
  gapRangesMax,
  gapsFrom,
  gapWords,
  hot,
  hotWords,
  lostFrom,
  lostSpansMax,
  type ShardMemory,
} from './shard-memory.ts';

/** Words of an open range: ids (both included), and times in µs. */
export const gapWord = { from: 0, to: 1, timeBefore: 2, timeAfter: 3, spanFrom: 4, spanTo: 5 } as const;

/** What becomes known besides the trade itself. */
export interface GapListener {
  /** Ids from ≤ id ≤ to of the instrument at `row` are missing; they were traded between the two times (µs). */
  gap(row: number, from: number, to: number, timeBefore: number, timeAfter: number): void;
  /** They will not be waited for any longer. */
  lost(row: number, from: number, to: number): void;
  /** The trade `id` came after all. */
  repaired(row: number, id: number): void;
  /** A range is gone: of the bars between these times, those that no other range touches lack nothing any more. */
  gone(row: number, spanFrom: number, spanTo: number): void;
}

function rangeAt(row: number, index: number): number {
  return row * coldWords + gapsFrom + index * gapWords;
}

/** Remembers that ids from ≤ id ≤ to, above all others, are missing. The oldest range is lost when there are too many. */
export function openGap(
  memory: ShardMemory,
  row: number,
  from: number,
  to: number,
  timeBefore: number,
  timeAfter: number,
  listener: GapListener,
): void {
  memory.counters[counter.gaps]!++;
  memory.counters[counter.gapIds]! += to - from + 1;
  if (memory.hot[row * hotWords + hot.gapCount] === gapRangesMax) loseRange(memory, row, 0, listener);
  keepGap(memory, row, from, to, Math.min(timeBefore, timeAfter), Math.max(timeBefore, timeAfter));
  listener.gap(row, from, to, Math.min(timeBefore, timeAfter), Math.max(timeBefore, timeAfter));
}

/** Puts a range after all others, silently: false when there is no room. */
export function keepGap(
  memory: ShardMemory,
  row: number,
  from: number,
  to: number,
  timeBefore: number,
  timeAfter: number,
): boolean {
  const count = memory.hot[row * hotWords + hot.gapCount]!;
  if (count === gapRangesMax) return false;
  const at = rangeAt(row, count);
  const cold = memory.cold;
  cold[at + gapWord.from] = from;
  cold[at + gapWord.to] = to;
  cold[at + gapWord.timeBefore] = cold[at + gapWord.spanFrom] = timeBefore;
  cold[at + gapWord.timeAfter] = cold[at + gapWord.spanTo] = timeAfter;
  memory.hot[row * hotWords + hot.gapCount] = count + 1;
  memory.coldTouched[row] = 1;
  return true;
}

/** Forgets range `index`: its ids will not come. */
function loseRange(memory: ShardMemory, row: number, index: number, listener: GapListener): void {
  const at = rangeAt(row, index);
  const cold = memory.cold;
  const from = cold[at + gapWord.from]!;
  const to = cold[at + gapWord.to]!;
  const spanFrom = cold[at + gapWord.spanFrom]!;
  const spanTo = cold[at + gapWord.spanTo]!;
  keepLostSpan(memory, row, cold[at + gapWord.timeBefore]!, cold[at + gapWord.timeAfter]!);
  memory.counters[counter.idsLost]! += to - from + 1;
  removeRange(memory, row, index);
  listener.lost(row, from, to);
  listener.gone(row, spanFrom, spanTo);
}

/** All open ranges are lost. */
export function loseAll(memory: ShardMemory, row: number, listener: GapListener): void {
  while (memory.hot[row * hotWords + hot.gapCount]! > 0) loseRange(memory, row, 0, listener);
}

function removeRange(memory: ShardMemory, row: number, index: number): void {
  const at = rangeAt(row, index);
  const count = memory.hot[row * hotWords + hot.gapCount]!;
  memory.cold.copyWithin(at, at + gapWords, rangeAt(row, count));
  memory.hot[row * hotWords + hot.gapCount] = count - 1;
  memory.coldTouched[row] = 1;
}

/** Takes `id`, traded at `time`, out of the open range that it lies in; false when it lies in none. */
export function fillGap(
  memory: ShardMemory,
  row: number,
  id: number,
  time: number,
  listener: GapListener,
): boolean {
  const cold = memory.cold;
  let index = memory.hot[row * hotWords + hot.gapCount]! - 1;
  // From the newest on: most of what comes twice is newer than any gap.
  while (index >= 0 && cold[rangeAt(row, index) + gapWord.from]! > id) index--;
  if (index < 0 || cold[rangeAt(row, index) + gapWord.to]! < id) return false;
  let at = rangeAt(row, index);
  memory.coldTouched[row] = 1;
  listener.repaired(row, id);
  // No room for two of the oldest: its lower part is lost.
  const full = memory.hot[row * hotWords + hot.gapCount] === gapRangesMax;
  if (full && index === 0 && id > cold[at]! && id < cold[at + gapWord.to]!)
    loseIds(memory, row, cold[at]!, id - 1, listener);
  const first = cold[at + gapWord.from]!;
  const last = cold[at + gapWord.to]!;
  if (first === last) {
    const spanFrom = cold[at + gapWord.spanFrom]!;
    const spanTo = cold[at + gapWord.spanTo]!;
    removeRange(memory, row, index);
    memory.counters[counter.gapsRepaired]!++;
    listener.gone(row, spanFrom, spanTo);
    return true;
  }
  if (id !== first && id !== last) at = splitRange(memory, row, index, id, listener);
  const inside = Math.min(Math.max(time, cold[at + gapWord.timeBefore]!), cold[at + gapWord.timeAfter]!);
  if (id === first) shorten(cold, at, id + 1, inside);
  else {
    cold[at + gapWord.to] = id - 1;
    cold[at + gapWord.timeAfter] = inside;
    if (id !== last) shorten(cold, at + gapWords, id + 1, inside);
  }
  return true;
}

function shorten(cold: Float64Array, at: number, from: number, timeBefore: number): void {
  cold[at + gapWord.from] = from;
  cold[at + gapWord.timeBefore] = timeBefore;
}

/**
 * Makes two of range `index`, alike but for their ids: up to `id`, and from it on. When there are too many, the oldest
 * is lost, which must not be this one.
 * @returns where the lower part lies
 */
function splitRange(
  memory: ShardMemory,
  row: number,
  index: number,
  id: number,
  listener: GapListener,
): number {
  let place = index;
  if (memory.hot[row * hotWords + hot.gapCount] === gapRangesMax) {
    loseRange(memory, row, 0, listener);
    place--;
  }
  const at = rangeAt(row, place);
  const cold = memory.cold;
  const count = memory.hot[row * hotWords + hot.gapCount]!;
  cold.copyWithin(at + gapWords, at, rangeAt(row, count));
  cold[at + gapWord.to] = id;
  cold[at + gapWords + gapWord.from] = id;
  memory.hot[row * hotWords + hot.gapCount] = count + 1;
  return at;
}

/** Ids from ≤ id ≤ to will not come: what of them is still open is lost. */
export function loseIds(
  memory: ShardMemory,
  row: number,
  from: number,
  to: number,
  listener: GapListener,
): void {
  for (let index = memory.hot[row * hotWords + hot.gapCount]! - 1; index >= 0; index--) {
    const at = rangeAt(row, index);
    const cold = memory.cold;
    const first = cold[at + gapWord.from]!;
    const last = cold[at + gapWord.to]!;
    if (last < from || first > to) continue;
    if (from <= first && to >= last) {
      loseRange(memory, row, index, listener);
      continue;
    }
    const lostFirst = Math.max(first, from);
    const lostLast = Math.min(last, to);
    // A part in the middle is told lost as well as the rest below it when no further range can be remembered.
    if (lostFirst > first && lostLast < last) {
      if (memory.hot[row * hotWords + hot.gapCount] === gapRangesMax) {
        loseRange(memory, row, index, listener);
        continue;
      }
      splitRange(memory, row, index, lostFirst, listener);
      cold[at + gapWord.to] = lostFirst - 1;
      cold[at + gapWords + gapWord.from] = lostLast + 1;
    } else if (lostFirst > first) cold[at + gapWord.to] = lostFirst - 1;
    else cold[at + gapWord.from] = lostLast + 1;
    memory.coldTouched[row] = 1;
    keepLostSpan(memory, row, cold[at + gapWord.timeBefore]!, cold[at + gapWord.timeAfter]!);
    memory.counters[counter.idsLost]! += lostLast - lostFirst + 1;
    listener.lost(row, lostFirst, lostLast);
  }
}

/** Remembers that trades between two times (µs) are missing for good. Of too many, the two oldest become one. */
export function keepLostSpan(memory: ShardMemory, row: number, from: number, to: number): void {
  const at = row * coldWords + lostFrom;
  const words = memory.hot;
  const cold = memory.cold;
  if (words[row * hotWords + hot.lostCount] === lostSpansMax) {
    cold[at + 2] = Math.min(cold[at]!, cold[at + 2]!);
    cold[at + 3] = Math.max(cold[at + 1]!, cold[at + 3]!);
    cold.copyWithin(at, at + 2, at + lostSpansMax * 2);
    words[row * hotWords + hot.lostCount] = lostSpansMax - 1;
  }
  const count = words[row * hotWords + hot.lostCount]!;
  cold[at + count * 2] = from;
  cold[at + count * 2 + 1] = to;
  words[row * hotWords + hot.lostCount] = count + 1;
  memory.coldTouched[row] = 1;
}

/** True when trades of the time from ≤ t < end (µs) may be missing, but may still come. */
function touchesGap(memory: ShardMemory, row: number, from: number, end: number): boolean {
  const count = memory.hot[row * hotWords + hot.gapCount]!;
  for (let index = 0; index < count; index++) {
    const at = rangeAt(row, index);
    if (memory.cold[at + gapWord.timeBefore]! < end && memory.cold[at + gapWord.timeAfter]! >= from)
      return true;
  }
  return false;
}

/** True when trades of the time from ≤ t < end (µs) may be missing for good. */
function touchesLost(memory: ShardMemory, row: number, from: number, end: number): boolean {
  const count = memory.hot[row * hotWords + hot.lostCount]!;
  const at = row * coldWords + lostFrom;
  for (let index = 0; index < count; index++)
    if (memory.cold[at + index * 2]! < end && memory.cold[at + index * 2 + 1]! >= from) return true;
  return false;
}

/** The flags that a bar of open ≤ t < end (µs) has for what is missing there. */
export function incompleteBits(memory: ShardMemory, row: number, open: number, end: number): number {
  if (touchesLost(memory, row, open, end)) return barBit.incomplete | barBit.lost;
  return touchesGap(memory, row, open, end) ? barBit.incomplete : 0;
}

/** Hands each open range's ids to `take`. */
export function eachGap(memory: ShardMemory, row: number, take: (from: number, to: number) => void): void {
  const count = memory.hot[row * hotWords + hot.gapCount]!;
  for (let index = 0; index < count; index++) {
    const at = rangeAt(row, index);
    take(memory.cold[at + gapWord.from]!, memory.cold[at + gapWord.to]!);
  }
}
