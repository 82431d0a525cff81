/**
 * Statistics of the last 24 hours, by whole minutes: the current minute and the 1,439 before it.
 *
 * Closed minutes lie in a ring in shared memory, one entry a minute, each a pure function of the closed 1m bar: so an
 * entry may be written twice, and a shard that restarts finds them. When a minute begins, the day before it is summed
 * up anew (no sum is ever subtracted from, so none drifts); between, only the open minute is added.
 */
import { addLimbs, addTo, limb } from '../market/amount.ts';
import { barWord, barWords } from '../market/bar-words.ts';
import { formingBar } from './bars.ts';
import { hot, hotWords, minuteSlots, minuteWords, type ShardMemory } from './shard-memory.ts';

const minuteMicros = 60_000_000;
const minutesPerDay = 1_440;

/** Words of the day's sum in a hot row, from `hot.day`. */
const day = { minute: 0, open: 1, high: 2, low: 3, volume: 4, quoteVolume: 6, count: 8 } as const;

/** Keeps the closed minute at `words[at…]` (market/bar-words.ts). */
export function keepMinute(memory: ShardMemory, row: number, words: Float64Array, at: number): void {
  const minute = words[at + barWord.openTime]! / minuteMicros;
  const to = (row * minuteSlots + (minute % minuteSlots)) * minuteWords;
  const ring = memory.minutes;
  ring[to + 1] = words[at + barWord.open]!;
  ring[to + 2] = words[at + barWord.high]!;
  ring[to + 3] = words[at + barWord.low]!;
  ring[to + 4] = words[at + barWord.volume]! + words[at + barWord.volume + 1]! * limb;
  ring[to + 5] = words[at + barWord.quoteVolume]!;
  ring[to + 6] = words[at + barWord.quoteVolume + 1]!;
  ring[to + 7] = words[at + barWord.count]!;
  ring[to] = minute;
  // Whatever was summed up for the current minute no longer holds.
  memory.hot[row * hotWords + hot.day] = 0;
}

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
  const ring = memory.minutes;
  const from = row * minuteSlots;
  for (let past = minute - minutesPerDay + 1; past < open; past++) {
    const entry = (from + (past % minuteSlots)) * minuteWords;
    if (ring[entry] !== past) continue;
    if (words[at + day.count] === 0) {
      words[at + day.open] = ring[entry + 1]!;
      words[at + day.high] = ring[entry + 2]!;
      words[at + day.low] = ring[entry + 3]!;
    } else {
      if (ring[entry + 2]! > words[at + day.high]!) words[at + day.high] = ring[entry + 2]!;
      if (ring[entry + 3]! < words[at + day.low]!) words[at + day.low] = ring[entry + 3]!;
    }
    addTo(words, at + day.volume, ring[entry + 4]!);
    words[at + day.quoteVolume + 1]! += ring[entry + 6]!;
    addTo(words, at + day.quoteVolume, ring[entry + 5]!);
    words[at + day.count]! += ring[entry + 7]!;
  }
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
