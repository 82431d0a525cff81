/**
 * Which bars say that they lack trades: all that a gap's time touches, as long as the gap is open, and for good when its
 * ids are lost. Nothing is counted up or down: whenever a range opens, ends or is lost, the bars of its span are asked
 * anew what touches them.
 */
import { barBit, barWord, barWords } from '../market/bar-words.ts';
import { nextBarOpen, resolutions } from '../market/resolution.ts';
import { type BarListener, correct } from './bars.ts';
import { incompleteBits } from './gaps.ts';
import {
  changedAll,
  closedBars,
  closedFrom,
  coldWords,
  counter,
  hot,
  hotWords,
  type ShardMemory,
  seedsFrom,
} from './shard-memory.ts';

/**
 * Asks all remembered bars that touch from ≤ t ≤ to (µs) anew whether they lack trades. Those that were published and
 * say otherwise now are corrected.
 */
export function refreshIncomplete(
  memory: ShardMemory,
  row: number,
  from: number,
  to: number,
  listener: BarListener,
): void {
  const at = row * hotWords;
  for (let index = 0; index < resolutions.length; index++) {
    const bar = at + hot.bars + index * barWords;
    if (refresh(memory, row, index, memory.hot, bar, from, to)) memory.hot[at + hot.changed] = changedAll;
    const seed = row * coldWords + seedsFrom + index * barWords;
    if (memory.cold[seed + barWord.count]! > 0 && refresh(memory, row, index, memory.cold, seed, from, to))
      memory.coldTouched[row] = 1;
    const closed = row * coldWords + closedFrom[index]!;
    for (let place = 0; place < closedBars[index]!; place++)
      refreshClosed(memory, row, index, closed + place * barWords, from, to, listener);
  }
}

function refreshClosed(
  memory: ShardMemory,
  row: number,
  index: number,
  at: number,
  from: number,
  to: number,
  listener: BarListener,
): void {
  const cold = memory.cold;
  if (cold[at + barWord.count] === 0 || !refresh(memory, row, index, cold, at, from, to)) return;
  memory.coldTouched[row] = 1;
  const flags = cold[at + barWord.flags]!;
  if ((flags & barBit.incomplete) === 0) memory.counters[counter.barsCompleted]!++;
  if ((flags & barBit.unpublished) === 0) correct(memory, row, index, at, listener);
}

/** Sets the flags of the bar at `words[at…]`; true when whether it is incomplete has changed. */
function refresh(
  memory: ShardMemory,
  row: number,
  index: number,
  words: Float64Array,
  at: number,
  from: number,
  to: number,
): boolean {
  const open = words[at + barWord.openTime]!;
  if (open === 0 || open > to) return false;
  const end = nextBarOpen(index, open);
  if (end <= from) return false;
  const before = words[at + barWord.flags]!;
  const flags = incompleteBits(memory, row, open, end) | (before & barBit.lost);
  const kept = before & ~barBit.incomplete;
  words[at + barWord.flags] = kept | flags | (flags === 0 ? 0 : barBit.incomplete);
  return (flags !== 0) !== ((before & barBit.incomplete) !== 0);
}
