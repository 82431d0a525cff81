/**
 * Statistics of the last 24 hours, by whole minutes: the current minute and the 1,439 before it.
 *
 * Closed minutes lie in a ring in shared memory (`minute-ring.ts`): a shard that restarts finds them. When a minute
 * begins, the day before it is summed up anew (no sum is ever subtracted from, so none drifts); between, only the open
 * minute is added.
 */
import { addLimbs, addProductTo, addTo } from '../market/amount.ts';
import { barWord, barWords } from '../market/bar-words.ts';
import { formingBar } from './bars.ts';
import { factorsFrom, minuteMicros, minuteOf, minuteWord } from './minute-ring.ts';
import { hot, hotWords, minuteSlots, minuteWords, type ShardMemory } from './shard-memory.ts';

const minutesPerDay = 1_440;

/** Words of the day's sum in a hot row, from `hot.day`. */
export const day = { minute: 0, open: 1, high: 2, low: 3, volume: 4, quoteVolume: 6, count: 8 } as const;

/**
 * Sums up the closed minutes of the day that ends with `minute` (minutes since 1970), unless that is done already.
 * Entries from `open` on, the minute still open, are an earlier life's and do not count yet.
 */
function sumDay(memory: ShardMemory, row: number, minute: number, open: number): void {
  const words = memory.hot;
  const at = row * hotWords + hot.day;
  if (words[at + day.minute] === minute) return;
  words.fill(0, at, at + 10);
  words[at + day.minute] = minute;
  const from = row * minuteSlots;
  for (let past = minute - minutesPerDay + 1; past < open; past++)
    addMinute(memory, row, at, (from + (past % minuteSlots)) * minuteWords, past);
}

/** Adds the entry at `entry` of the ring to the sum at `at`, when it is that of the minute `past`. */
function addMinute(memory: ShardMemory, row: number, at: number, entry: number, past: number): void {
  const words = memory.hot;
  const ring = memory.minutes;
  const head = ring[entry]!;
  const scale = words[row * hotWords + hot.scale]!;
  if (head !== past + scale * 2 ** 32 && minuteOf(head) !== past) return;
  const [priceFactor, sizeFactor] = factorsFrom(head, scale);
  const high = ring[entry + minuteWord.high]! * priceFactor;
  const low = ring[entry + minuteWord.low]! * priceFactor;
  if (words[at + day.count] === 0) {
    words[at + day.open] = ring[entry + minuteWord.open]! * priceFactor;
    words[at + day.high] = high;
    words[at + day.low] = low;
  } else {
    if (high > words[at + day.high]!) words[at + day.high] = high;
    if (low < words[at + day.low]!) words[at + day.low] = low;
  }
  const worth = priceFactor * sizeFactor;
  if (worth === 1) {
    addTo(words, at + day.volume, ring[entry + minuteWord.volume]!);
    addLimbs(words, at + day.quoteVolume, ring, entry + minuteWord.quoteVolume);
  } else {
    addProductTo(words, at + day.volume, ring[entry + minuteWord.volume]!, sizeFactor);
    addProductTo(words, at + day.quoteVolume, ring[entry + minuteWord.quoteVolume]!, worth);
    words[at + day.quoteVolume + 1]! += ring[entry + minuteWord.quoteVolume + 1]! * worth;
  }
  words[at + day.count]! += ring[entry + minuteWord.count]!;
}

const open = new Float64Array(barWords);

/**
 * Writes last, open, high, low, volume (2), quote volume (2), trades of the 24 hours that end at market time `now` (µs)
 * into `target`; false when nothing was traded in them and before.
 */
export function dayStatistics(memory: ShardMemory, row: number, now: number, target: Float64Array): boolean {
  const words = memory.hot;
  const last = words[row * hotWords + hot.price]!;
  if (last === 0) return false;
  formingBar(memory, row, 2, open);
  const openMinute = open[barWord.openTime]! / minuteMicros;
  const minute = Math.floor(Math.max(now, open[barWord.openTime]!) / minuteMicros);
  sumDay(memory, row, minute, openMinute);
  const at = row * hotWords + hot.day;
  const nothing = words[at + day.count] === 0;
  target[0] = last;
  target[1] = nothing ? last : words[at + day.open]!;
  // The last price always lies between low and high, even where its own minute is no longer remembered.
  target[2] = nothing ? last : Math.max(last, words[at + day.high]!);
  target[3] = nothing ? last : Math.min(last, words[at + day.low]!);
  for (let index = 4; index < 9; index++) target[index] = words[at + index]!;
  // The open minute may lie behind `now`: it ends when a trade or the clock ends it.
  if (open[barWord.count] === 0 || openMinute <= minute - minutesPerDay) return true;
  if (nothing) target[1] = open[barWord.open]!;
  if (open[barWord.high]! > target[2]) target[2] = open[barWord.high]!;
  if (open[barWord.low]! < target[3]) target[3] = open[barWord.low]!;
  addLimbs(target, 4, open, barWord.volume);
  addLimbs(target, 6, open, barWord.quoteVolume);
  target[8]! += open[barWord.count]!;
  return true;
}
