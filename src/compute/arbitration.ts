/**
 * Which trades pass, and in which order: dedup by the venue's id over all lines, a short wait for missing ids,
 * and open gaps that late trades may still fill.
 *
 *   id = next      passes, and with it whatever was held and now follows
 *   id > next      is held until the missing ones come, at most `heldMax` trades or `holdMicros` of market time;
 *                  then the missing ids become an open gap, and the held ones pass
 *   id < next      passes as late if its id is in an open gap, else it is a duplicate
 *
 * An id more than `jumpMax` away from the next is not believed, until `suspectAgree` such trades in a row, each above the
 * one before, agree with each other: then the venue numbers on from there (`renumber`). What was not believed of them is
 * a gap like any other.
 */
import { fillGap, type GapListener, keepLostSpan, loseAll, openGap } from './gaps.ts';
import { coldWords, counter, heldMax, heldWords, hot, hotWords, type ShardMemory } from './shard-memory.ts';

/** Ids farther from the next one than this are not believed at once. */
export const jumpMax = 1_000_000;
/** So many trades in a row make a jump believed, each at most `suspectReach` ids above the one before. */
export const suspectAgree = 5;
const suspectReach = 1_000;

/** Values of `hot.gapBefore`. */
export const gapBefore = { none: 0, open: 1, unknown: 2 } as const;

export const verdict = { pass: 0, held: 1, duplicate: 2, late: 3, unbelieved: 4, renumbered: 5 } as const;
export type Verdict = (typeof verdict)[keyof typeof verdict];

/**
 * Judges the trade `id` of `time` (µs) of the instrument in `row`. A held one must then be kept with `hold`; before a
 * renumbered one passes, nothing must be held any more, and `renumber` must be called. A `repair` is no witness.
 */
export function judgeTrade(
  memory: ShardMemory,
  row: number,
  id: number,
  time: number,
  repair: boolean,
  listener: GapListener,
): Verdict {
  const words = memory.hot;
  const at = row * hotWords;
  const next = words[at + hot.nextId]!;
  if (id === next || next === 0) {
    // A repair before the first trade: whatever asked for it, another life did.
    if (next === 0 && repair) return duplicate(memory);
    // What was traded before the first trade that we see is unknown: its bars miss it.
    if (next === 0) words[at + hot.gapBefore] = gapBefore.unknown;
    words[at + hot.nextId] = id + 1;
    if (words[at + hot.suspectCount] !== 0) words[at + hot.suspectCount] = 0;
    return verdict.pass;
  }
  if (id > next && id - next <= jumpMax) {
    if (isHeld(memory, row, id)) return duplicate(memory);
    words[at + hot.suspectCount] = 0;
    return verdict.held;
  }
  if (id < next && words[at + hot.gapCount]! > 0 && fillGap(memory, row, id, time, listener)) {
    memory.counters[counter.tradesLate]!++;
    return verdict.late;
  }
  if (next - id > jumpMax || id - next > jumpMax) return judgeJump(memory, row, id, time, repair);
  return duplicate(memory);
}

function duplicate(memory: ShardMemory): Verdict {
  memory.counters[counter.tradesDuplicate]!++;
  return verdict.duplicate;
}

function judgeJump(memory: ShardMemory, row: number, id: number, time: number, repair: boolean): Verdict {
  const words = memory.hot;
  const at = row * hotWords;
  const last = words[at + hot.suspectId]!;
  const agreeing = words[at + hot.suspectCount]!;
  // The other line tells the same.
  if (repair || (agreeing > 0 && id <= last && id >= words[at + hot.suspectFirst]!)) return duplicate(memory);
  const agrees = agreeing > 0 && id > last && id - last <= suspectReach;
  if (!agrees) {
    words[at + hot.suspectFirst] = id;
    words[at + hot.suspectTime] = time;
  }
  words[at + hot.suspectId] = id;
  words[at + hot.suspectCount] = agrees ? agreeing + 1 : 1;
  if (words[at + hot.suspectCount]! >= suspectAgree) return verdict.renumbered;
  memory.counters[counter.tradesUnbelieved]!++;
  return verdict.unbelieved;
}

/**
 * Goes on with the numbers of the trade `id`: forwards, the ids between are lost; backwards, the old numbers' gaps are,
 * and the next old id stands for all that may have come after it.
 * @returns true when it went backwards: what compares ids must forget the old ones
 */
export function renumber(
  memory: ShardMemory,
  row: number,
  id: number,
  time: number,
  listener: GapListener,
): boolean {
  const words = memory.hot;
  const at = row * hotWords;
  const next = words[at + hot.nextId]!;
  const first = words[at + hot.suspectFirst]!;
  const since = words[at + hot.suspectTime]!;
  const backwards = id < next;
  memory.counters[counter.renumbered]!++;
  if (backwards) loseAll(memory, row, listener);
  const until = backwards ? next : first - 1;
  memory.counters[counter.idsLost]! += until - next + 1;
  const before = Math.min(words[at + hot.tradeTime]!, since);
  keepLostSpan(memory, row, before, since);
  listener.lost(row, next, until);
  listener.gone(row, before, since);
  words[at + hot.suspectCount] = 0;
  words[at + hot.tailId] = 0;
  words[at + hot.nextId] = id + 1;
  words[at + hot.gapBefore] = gapBefore.open;
  if (id > first) openGap(memory, row, first, id - 1, since, time, listener);
  return backwards;
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
  const from = row * coldWords;
  const first = memory.cold[from + 2]!;
  openGap(memory, row, next, first - 1, words[at + hot.tradeTime]!, memory.cold[from]!, listener);
  words[at + hot.nextId] = first;
  words[at + hot.gapBefore] = gapBefore.open;
  words[at + hot.heldSince] = marketTime;
}

/** A heartbeat of `time` (µs) says that the venue's last trade is `id`: remembered when it has not come yet. */
export function noteTail(memory: ShardMemory, row: number, id: number, time: number, now: number): void {
  const words = memory.hot;
  const at = row * hotWords;
  const next = words[at + hot.nextId]!;
  // An earlier tail that is still missing has waited longer.
  if (next === 0 || id < next || id - next > jumpMax || words[at + hot.tailId]! >= next) return;
  words[at + hot.tailId] = id;
  words[at + hot.tailSince] = now;
  words[at + hot.tailTime] = time;
}

/** The trades up to the id that a heartbeat told of have not come in time: they become an open gap. */
export function giveUpTail(memory: ShardMemory, row: number, listener: GapListener): void {
  const words = memory.hot;
  const at = row * hotWords;
  const next = words[at + hot.nextId]!;
  const tail = words[at + hot.tailId]!;
  memory.counters[counter.tailGaps]!++;
  const before = words[at + hot.tradeTime]!;
  openGap(memory, row, next, tail, before, Math.max(before, words[at + hot.tailTime]!), listener);
  words[at + hot.nextId] = tail + 1;
  words[at + hot.gapBefore] = gapBefore.open;
}
