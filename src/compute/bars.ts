/**
 * OHLCV bars of ten lengths from trades alone, cascaded: a trade touches only the 1-second bar; when a bar ends it is
 * merged into the next longer one. A forming bar is the merge of what is open below it, made when it is asked for.
 *
 *   1s ─► 5s ─► 1m ─► 5m ─► 15m ─► 1h ─► 4h ─► 1d ─┬► 1w
 *                                                  └► 1M
 *
 * Open and close are the prices of the lowest and highest trade id, whatever the order of arrival; so late trades
 * give the same bars as sorted ones. A bar that has ended may be amended silently for `graceMicros`, is then published
 * as closed, and corrected (revision + 1) by whatever comes later.
 */
import { barBit, barWord, barWords } from '../market/bar-words.ts';
import {
  barOpen,
  barOrdinal,
  monthIndex,
  nextBarOpen,
  resolutions,
  weekIndex,
} from '../market/resolution.ts';
import { addToBar, type BarTrade, emptyBar, mergeBar } from './bar-sums.ts';
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

const dayIndex = weekIndex - 1;
const secondMicros = 1_000_000;
const lacking = barBit.incomplete | barBit.lost;

/** Told of each bar that is closed or corrected: at `words[at…]`, valid during the call. */
export interface BarListener {
  bar(row: number, resolution: number, words: Float64Array, at: number): void;
  /** A one-minute bar has ended or was amended: at `words[at…]`. */
  minute(row: number, words: Float64Array, at: number): void;
  /** A late trade belongs to an ended bar that is not remembered any more. */
  beyond(row: number, resolution: number, openTime: number, trade: BarTrade): void;
}

/** Puts a trade into its bars. */
export function addTrade(
  memory: ShardMemory,
  row: number,
  trade: BarTrade,
  graceMicros: number,
  listener: BarListener,
): void {
  const words = memory.hot;
  const at = row * hotWords;
  const current = at + hot.bars;
  const open = words[current + barWord.openTime]!;
  if (trade.time >= open + secondMicros || open === 0) rollTo(memory, row, trade.time, graceMicros, listener);
  else if (trade.time < open) {
    addLate(memory, row, trade, listener);
    words[at + hot.changed] = changedAll;
    return;
  }
  addToBar(words, current, trade);
  words[at + hot.changed] = changedAll;
}

/** Ends whatever bars end at or before `time`, and opens those that hold `time`. */
export function rollTo(
  memory: ShardMemory,
  row: number,
  time: number,
  graceMicros: number,
  listener: BarListener,
): void {
  publishDue(memory, row, time, graceMicros, listener);
  const words = memory.hot;
  const bars = row * hotWords + hot.bars;
  for (let index = 0; index < resolutions.length; index++) {
    const at = bars + index * barWords;
    const open = barOpen(index, time);
    if (open === words[at + barWord.openTime]) {
      // A longer bar cannot have ended if this one has not; but a week may go on while its month ends.
      if (index !== weekIndex) break;
      continue;
    }
    if (words[at + barWord.count]! > 0 || memory.cold[seedOf(row, index) + barWord.count]! > 0) {
      endBar(memory, row, index, at, graceMicros, time, listener);
    }
    emptyBar(words, at, open);
  }
  words[row * hotWords + hot.dueAt] = dueAt(memory, row, graceMicros);
}

/** Keeps an ended bar among the closed ones and merges it into the next longer one. */
function endBar(
  memory: ShardMemory,
  row: number,
  index: number,
  at: number,
  graceMicros: number,
  time: number,
  listener: BarListener,
): void {
  const words = memory.hot;
  const rowAt = row * hotWords;
  const bars = rowAt + hot.bars;
  if (index < dayIndex) mergeInto(words, bars + (index + 1) * barWords, index + 1, at);
  else if (index === dayIndex) {
    mergeInto(words, bars + weekIndex * barWords, weekIndex, at);
    mergeInto(words, bars + monthIndex * barWords, monthIndex, at);
  }
  const open = words[at + barWord.openTime]!;
  const closed = closedSlot(row, index, open);
  const cold = memory.cold;
  for (let word = 0; word < barWords; word++) cold[closed + word] = words[at + word]!;
  takeSeed(memory, row, index, closed);
  cold[closed + barWord.revision] = 0;
  cold[closed + barWord.flags] =
    (cold[closed + barWord.flags]! & lacking) | barBit.closed | barBit.unpublished;
  memory.coldTouched[row] = 1;
  if (index === 2) listener.minute(row, cold, closed);
  // One bar per length can be in its grace: an older one goes out now.
  if ((words[rowAt + hot.graceMask]! & (1 << index)) !== 0) publish(memory, row, index, listener);
  words[rowAt + hot.graceMask] = words[rowAt + hot.graceMask]! | (1 << index);
  words[rowAt + hot.graceOpen + index] = open;
  if (time >= nextBarOpen(index, open) + graceMicros) publish(memory, row, index, listener);
}

function seedOf(row: number, index: number): number {
  return row * coldWords + seedsFrom + index * barWords;
}

/** Adds what an earlier run had put into this bar, once. */
function takeSeed(memory: ShardMemory, row: number, index: number, closed: number): void {
  const cold = memory.cold;
  const seed = seedOf(row, index);
  if (cold[seed + barWord.count] === 0) return;
  mergeBar(cold, closed, cold, seed);
  emptyBar(cold, seed, 0);
}

/** Merges the ended bar at `words[from…]` into the forming one of `index`, opening that if it never was. */
function mergeInto(words: Float64Array, at: number, index: number, from: number): void {
  if (words[at + barWord.openTime] === 0)
    words[at + barWord.openTime] = barOpen(index, words[from + barWord.openTime]!);
  mergeBar(words, at, words, from);
}

/** Where in `cold` the closed bar of `index` that opened at `open` lies. */
export function closedSlot(row: number, index: number, open: number): number {
  return row * coldWords + closedFrom[index]! + (barOrdinal(index, open) % closedBars[index]!) * barWords;
}

/** Where in `memory.cold` the ended bar of `index` lies that is still in its grace. */
export function graceBar(memory: ShardMemory, row: number, index: number): number {
  return closedSlot(row, index, memory.hot[row * hotWords + hot.graceOpen + index]!);
}

/** Publishes the bar of `index` whose grace is over. */
function publish(memory: ShardMemory, row: number, index: number, listener: BarListener): void {
  const words = memory.hot;
  const at = row * hotWords;
  words[at + hot.graceMask] = words[at + hot.graceMask]! & ~(1 << index);
  const closed = closedSlot(row, index, words[at + hot.graceOpen + index]!);
  memory.cold[closed + barWord.flags] = memory.cold[closed + barWord.flags]! & ~barBit.unpublished;
  memory.coldTouched[row] = 1;
  memory.counters[counter.barsClosed]!++;
  listener.bar(row, index, memory.cold, closed);
}

/** Publishes every ended bar whose grace is over at market time `now`. */
export function publishDue(
  memory: ShardMemory,
  row: number,
  now: number,
  graceMicros: number,
  listener: BarListener,
): void {
  const words = memory.hot;
  const at = row * hotWords;
  let mask = words[at + hot.graceMask]!;
  for (let index = 0; mask > 0; index++, mask >>>= 1) {
    if ((mask & 1) === 0) continue;
    if (now >= nextBarOpen(index, words[at + hot.graceOpen + index]!) + graceMicros)
      publish(memory, row, index, listener);
  }
}

/** Market time at which a clock has to end or publish something here; 0 when nothing is open. */
function dueAt(memory: ShardMemory, row: number, graceMicros: number): number {
  const words = memory.hot;
  const at = row * hotWords;
  let due = 0;
  for (let index = 0; index < resolutions.length; index++) {
    const bar = at + hot.bars + index * barWords;
    const open =
      (words[at + hot.graceMask]! & (1 << index)) !== 0
        ? words[at + hot.graceOpen + index]!
        : words[bar + barWord.openTime]!;
    if (open === 0) continue;
    const end = nextBarOpen(index, open) + graceMicros;
    if (due === 0 || end < due) due = end;
  }
  return due;
}

/** Market time has come to `now` without a trade: ends and publishes what is due. */
export function clockBars(
  memory: ShardMemory,
  row: number,
  now: number,
  graceMicros: number,
  listener: BarListener,
): void {
  const due = memory.hot[row * hotWords + hot.dueAt]!;
  if (due === 0 || now < due) return;
  // Bars end by clock only when their grace is over as well, so a slow last trade still finds its bar open.
  rollTo(memory, row, Math.max(now - graceMicros, lastOpen(memory, row)), graceMicros, listener);
  publishDue(memory, row, now, graceMicros, listener);
  memory.hot[row * hotWords + hot.dueAt] = dueAt(memory, row, graceMicros);
}

function lastOpen(memory: ShardMemory, row: number): number {
  return memory.hot[row * hotWords + hot.bars + barWord.openTime]!;
}

/** A trade of an earlier second: amends the bars that have ended, and joins the first one that has not. */
function addLate(memory: ShardMemory, row: number, trade: BarTrade, listener: BarListener): void {
  const words = memory.hot;
  const bars = row * hotWords + hot.bars;
  for (let index = 0; index < resolutions.length; index++) {
    const at = bars + index * barWords;
    const open = barOpen(index, trade.time);
    if (open < words[at + barWord.openTime]!) {
      amendClosed(memory, row, index, open, trade, listener);
      continue;
    }
    addToBar(words, at, trade);
    // Below a week, the longer bars get it with this one; week and month are both fed by the day.
    if (index !== weekIndex) break;
  }
}

function amendClosed(
  memory: ShardMemory,
  row: number,
  index: number,
  open: number,
  trade: BarTrade,
  listener: BarListener,
): void {
  const cold = memory.cold;
  const at = closedSlot(row, index, open);
  const stored = cold[at + barWord.openTime]!;
  if (stored > open) {
    memory.counters[counter.barsBeyondMemory]!++;
    listener.beyond(row, index, open, trade);
    return;
  }
  if (stored < open) {
    emptyBar(cold, at, open);
    cold[at + barWord.flags] = barBit.closed | incompleteBits(memory, row, open, nextBarOpen(index, open));
  }
  const first = cold[at + barWord.count] === 0;
  addToBar(cold, at, trade);
  memory.coldTouched[row] = 1;
  if (index === 2) listener.minute(row, cold, at);
  if ((cold[at + barWord.flags]! & barBit.unpublished) !== 0) return;
  if (!first) return correct(memory, row, index, at, listener);
  memory.counters[counter.barsClosed]!++;
  listener.bar(row, index, cold, at);
}

/** Publishes a bar that was published before, under its next revision. */
export function correct(
  memory: ShardMemory,
  row: number,
  index: number,
  at: number,
  listener: BarListener,
): void {
  const cold = memory.cold;
  cold[at + barWord.revision]!++;
  cold[at + barWord.flags] = cold[at + barWord.flags]! | barBit.corrected;
  memory.counters[counter.barsCorrected]!++;
  listener.bar(row, index, cold, at);
}

/**
 * The venue has begun to number its trades anew, from below: what the open bars have of the old numbers must not be
 * taken for younger than what comes. Their ids become 0, once each has the close of all that is open below it.
 */
export function forgetIds(memory: ShardMemory, row: number): void {
  const words = memory.hot;
  const scratch = new Float64Array(barWords);
  for (let index = resolutions.length - 1; index >= 0; index--) {
    const at = row * hotWords + hot.bars + index * barWords;
    if (words[at + barWord.count] === 0) continue;
    formingBar(memory, row, index, scratch);
    words[at + barWord.close] = scratch[barWord.close]!;
  }
  for (let index = 0; index < resolutions.length; index++) {
    const at = row * hotWords + hot.bars + index * barWords;
    words[at + barWord.firstId] = words[at + barWord.lastId] = 0;
    const seed = seedOf(row, index);
    memory.cold[seed + barWord.firstId] = memory.cold[seed + barWord.lastId] = 0;
  }
  memory.coldTouched[row] = 1;
}

/** Writes the forming bar of `index` into `target`: what is open at that length and below. */
export function formingBar(memory: ShardMemory, row: number, index: number, target: Float64Array): void {
  const words = memory.hot;
  const bars = row * hotWords + hot.bars;
  const at = bars + index * barWords;
  for (let word = 0; word < barWords; word++) target[word] = words[at + word]!;
  const from = index > dayIndex ? dayIndex : index - 1;
  for (let below = from; below >= 0; below--) mergeBar(target, 0, words, bars + below * barWords);
  mergeBar(target, 0, memory.cold, seedOf(row, index));
}
