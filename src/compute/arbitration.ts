/**
 * Which trades pass, and in which order: dedup by the venue's id over all lines, a short wait for missing ids,
 * and open gaps that late trades may still fill.
 *
 *   id = next      passes, and with it whatever was held and now follows
 *   id > next      is held until the missing ones come, at most `heldMax` trades or `holdMicros` of market time;
 *                  then the missing ids become an open gap, and the held ones pass
 *   id < next      passes as late if its id is in an open gap, else it is a duplicate
 */
import {
  coldWords,
  counter,
  gapRangesMax,
  heldMax,
  heldWords,
  hot,
  hotWords,
  type ShardMemory,
} from './shard-memory.ts';

export const verdict = { pass: 0, held: 1, duplicate: 2, late: 3 } as const;
export type Verdict = (typeof verdict)[keyof typeof verdict];

/** What becomes known besides the trade itself. */
export interface GapListener {
  /** Ids from ≤ id ≤ to of the instrument at `row` are missing. */
  gap(row: number, from: number, to: number): void;
  /** They will not be waited for any longer. */
  lost(row: number, from: number, to: number): void;
  /** They came after all. */
  repaired(row: number, from: number, to: number): void;
}

/** Judges the trade `id` of the instrument in `row`. A held one must then be kept with `hold`. */
export function judgeTrade(memory: ShardMemory, row: number, id: number, listener: GapListener): Verdict {
  const words = memory.hot;
  const at = row * hotWords;
  const next = words[at + hot.nextId]!;
  if (id === next || next === 0) {
    // What was traded before the first trade that we see is unknown: its bars miss it.
    if (next === 0) words[at + hot.gapBefore] = 1;
    words[at + hot.nextId] = id + 1;
    return verdict.pass;
  }
  if (id > next) {
    if (isHeld(memory, row, id)) return duplicate(memory);
    return verdict.held;
  }
  if (words[at + hot.gapCount]! > 0 && fillGap(memory, row, id, listener)) {
    memory.counters[counter.tradesLate]!++;
    return verdict.late;
  }
  return duplicate(memory);
}

function duplicate(memory: ShardMemory): Verdict {
  memory.counters[counter.tradesDuplicate]!++;
  return verdict.duplicate;
}

function isHeld(memory: ShardMemory, row: number, id: number): boolean {
  const count = memory.hot[row * hotWords + hot.heldCount]!;
  const from = row * coldWords;
  for (let index = 0; index < count; index++)
    if (memory.cold[from + index * heldWords + 2] === id) return true;
  return false;
}

/** Keeps a trade (`source[at…]`, heldWords long) until missing ones come, sorted by id. The caller sees to room. */
export function hold(memory: ShardMemory, row: number, source: Float64Array, marketTime: number): void {
  const words = memory.hot;
  const at = row * hotWords;
  const cold = memory.cold;
  const from = row * coldWords;
  const count = words[at + hot.heldCount]!;
  if (count >= heldMax) throw new Error('broken invariant: a full hold is released before more is held');
  if (count === 0) words[at + hot.heldSince] = marketTime;
  let place = count;
  for (; place > 0 && cold[from + (place - 1) * heldWords + 2]! > source[2]!; place--) {
    cold.copyWithin(from + place * heldWords, from + (place - 1) * heldWords, from + place * heldWords);
  }
  cold.set(source, from + place * heldWords);
  words[at + hot.heldCount] = count + 1;
  memory.coldTouched[row] = 1;
}

/** Takes the oldest held trade out into `target` if it is next in order; false when it is not. */
export function takeHeld(memory: ShardMemory, row: number, target: Float64Array): boolean {
  const words = memory.hot;
  const at = row * hotWords;
  const count = words[at + hot.heldCount]!;
  if (count === 0) return false;
  const from = row * coldWords;
  const id = memory.cold[from + 2]!;
  if (id !== words[at + hot.nextId]!) return false;
  for (let index = 0; index < heldWords; index++) target[index] = memory.cold[from + index]!;
  memory.cold.copyWithin(from, from + heldWords, from + count * heldWords);
  words[at + hot.heldCount] = count - 1;
  words[at + hot.nextId] = id + 1;
  memory.counters[counter.tradesReleased]!++;
  memory.coldTouched[row] = 1;
  return true;
}

/** Gives up waiting for the ids before the oldest held trade: they become an open gap. */
export function giveUpWaiting(
  memory: ShardMemory,
  row: number,
  marketTime: number,
  listener: GapListener,
): void {
  const words = memory.hot;
  const at = row * hotWords;
  if (words[at + hot.heldCount] === 0) return;
  const next = words[at + hot.nextId]!;
  const first = memory.cold[row * coldWords + 2]!;
  openGap(memory, row, next, first - 1, listener);
  words[at + hot.nextId] = first;
  words[at + hot.gapBefore] = 1;
  words[at + hot.heldSince] = marketTime;
}

function openGap(memory: ShardMemory, row: number, from: number, to: number, listener: GapListener): void {
  const words = memory.hot;
  const at = row * hotWords;
  memory.counters[counter.gaps]!++;
  memory.counters[counter.gapIds]! += to - from + 1;
  if (words[at + hot.gapCount] === gapRangesMax) dropRange(memory, row, 0, listener);
  const count = words[at + hot.gapCount]!;
  words[at + hot.gaps + count * 2] = from;
  words[at + hot.gaps + count * 2 + 1] = to;
  words[at + hot.gapCount] = count + 1;
  listener.gap(row, from, to);
}

/** Forgets range `index`: its ids will not come. */
function dropRange(memory: ShardMemory, row: number, index: number, listener: GapListener): void {
  const words = memory.hot;
  const from = row * hotWords + hot.gaps;
  const first = words[from + index * 2]!;
  const last = words[from + index * 2 + 1]!;
  memory.counters[counter.idsLost]! += last - first + 1;
  removeRange(memory, row, index);
  listener.lost(row, first, last);
}

function removeRange(memory: ShardMemory, row: number, index: number): void {
  const words = memory.hot;
  const at = row * hotWords;
  const from = at + hot.gaps;
  const count = words[at + hot.gapCount]!;
  words.copyWithin(from + index * 2, from + (index + 1) * 2, from + count * 2);
  words[at + hot.gapCount] = count - 1;
}

/** Takes `id` out of the open gap that it lies in, if any; a range cut in its middle becomes two. */
function fillGap(memory: ShardMemory, row: number, id: number, listener: GapListener): boolean {
  const words = memory.hot;
  const at = row * hotWords;
  const from = at + hot.gaps;
  const count = words[at + hot.gapCount]!;
  for (let index = 0; index < count; index++) {
    const first = words[from + index * 2]!;
    const last = words[from + index * 2 + 1]!;
    if (id < first || id > last) continue;
    if (first === last) removeRange(memory, row, index);
    else if (id === first) words[from + index * 2] = id + 1;
    else if (id === last) words[from + index * 2 + 1] = id - 1;
    else splitRange(memory, row, index, id, listener);
    listener.repaired(row, id, id);
    return true;
  }
  return false;
}

function splitRange(
  memory: ShardMemory,
  row: number,
  index: number,
  id: number,
  listener: GapListener,
): void {
  const words = memory.hot;
  const at = row * hotWords;
  const from = at + hot.gaps;
  const last = words[from + index * 2 + 1]!;
  words[from + index * 2 + 1] = id - 1;
  if (words[at + hot.gapCount] === gapRangesMax) {
    dropRange(memory, row, 0, listener);
    index--;
  }
  const count = words[at + hot.gapCount]!;
  words.copyWithin(from + (index + 2) * 2, from + (index + 1) * 2, from + count * 2);
  words[from + (index + 1) * 2] = id + 1;
  words[from + (index + 1) * 2 + 1] = last;
  words[at + hot.gapCount] = count + 1;
}
