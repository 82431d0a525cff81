/**
 * The ring of closed minutes of each instrument, in memory that outlives the shard. A shard that died goes back to a
 * snapshot and writes entries again, so each way of writing one may be repeated:
 *
 *   `keepMinute`    an entry is a pure function of the closed 1m bar; writing it anew takes late trades out that came
 *                   when the bar was not remembered any more, and they will come anew as well
 *   `amendMinute`   adds such a late trade. These trades are counted, and the entry says which of them was its last; so
 *                   none is added twice. The new entry is written beside the ring first: death cannot tear it
 */
import { addProductTo, limb } from '../market/amount.ts';
import { barWord } from '../market/bar-words.ts';
import type { BarTrade } from './bar-sums.ts';
import {
  hot,
  hotWords,
  minuteJournalWords,
  minuteSlots,
  minuteWords,
  type ShardMemory,
} from './shard-memory.ts';

export const minuteMicros = 60_000_000;

/**
 * Words of an entry. `head` is the minute since 1970 + 2^32 × the scale of its prices and sizes (`hot.scale`). A minute's
 * volume fits 2^53. `amended`: which of the instrument's late trades was the last in it.
 */
export const minuteWord = {
  head: 0,
  open: 1,
  high: 2,
  low: 3,
  volume: 4,
  quoteVolume: 5,
  count: 7,
  firstId: 8,
  amended: 9,
} as const;

const scaleUnit = 2 ** 32;

export function minuteOf(head: number): number {
  return head % scaleUnit;
}

/** By what prices and sizes of an entry must be multiplied so that they have the scale `now`. */
export function factorsFrom(head: number, now: number): readonly [price: number, size: number] {
  const then = Math.floor(head / scaleUnit);
  if (then === now) return same;
  return [10 ** ((now % 64) - (then % 64)), 10 ** (Math.floor(now / 64) - Math.floor(then / 64))];
}

const same = [1, 1] as const;

/** Keeps the closed minute at `words[at…]` (market/bar-words.ts). */
export function keepMinute(memory: ShardMemory, row: number, words: Float64Array, at: number): void {
  const minute = words[at + barWord.openTime]! / minuteMicros;
  const to = (row * minuteSlots + (minute % minuteSlots)) * minuteWords;
  const ring = memory.minutes;
  ring[to + minuteWord.open] = words[at + barWord.open]!;
  ring[to + minuteWord.high] = words[at + barWord.high]!;
  ring[to + minuteWord.low] = words[at + barWord.low]!;
  ring[to + minuteWord.volume] = words[at + barWord.volume]! + words[at + barWord.volume + 1]! * limb;
  ring[to + minuteWord.quoteVolume] = words[at + barWord.quoteVolume]!;
  ring[to + minuteWord.quoteVolume + 1] = words[at + barWord.quoteVolume + 1]!;
  ring[to + minuteWord.count] = words[at + barWord.count]!;
  ring[to + minuteWord.firstId] = words[at + barWord.firstId]!;
  ring[to + minuteWord.amended] = 0;
  ring[to] = minute + memory.hot[row * hotWords + hot.scale]! * scaleUnit;
  // Whatever was summed up for the current minute no longer holds.
  memory.hot[row * hotWords + hot.day] = 0;
}

/** Puts a late trade into the minute that opened at `openTime` (µs) and is remembered here alone. */
export function amendMinute(memory: ShardMemory, row: number, openTime: number, trade: BarTrade): void {
  const words = memory.hot;
  const ring = memory.minutes;
  const at = row * hotWords;
  const turn = ++words[at + hot.amended]!;
  words[at + hot.day] = 0;
  const minute = openTime / minuteMicros;
  const to = (row * minuteSlots + (minute % minuteSlots)) * minuteWords;
  const known = minuteOf(ring[to]!);
  const scale = words[at + hot.scale]!;
  if (known > minute || (known === minute && ring[to + minuteWord.amended]! >= turn)) return;
  const entry = ring.length - minuteWords;
  const journal = ring.length - minuteJournalWords;
  if (known < minute) ring.fill(0, entry, entry + minuteWords);
  else copyScaled(ring, to, entry, scale);
  const { price, size, firstId, lastId } = trade;
  const fresh = ring[entry + minuteWord.count] === 0;
  if (fresh || firstId < ring[entry + minuteWord.firstId]!) {
    ring[entry + minuteWord.firstId] = firstId;
    ring[entry + minuteWord.open] = price;
  }
  if (fresh || price > ring[entry + minuteWord.high]!) ring[entry + minuteWord.high] = price;
  if (fresh || price < ring[entry + minuteWord.low]!) ring[entry + minuteWord.low] = price;
  ring[entry + minuteWord.volume]! += size;
  addProductTo(ring, entry + minuteWord.quoteVolume, price, size);
  ring[entry + minuteWord.count]! += lastId - firstId + 1;
  ring[entry + minuteWord.amended] = turn;
  ring[entry] = minute + scale * scaleUnit;
  ring[journal] = to;
  ring[journal + 1] = 1;
  redoMinute(ring);
}

/** The entry at `ring[from…]`, at the scale of now, to `ring[to…]`. */
function copyScaled(ring: Float64Array, from: number, to: number, scale: number): void {
  const [priceFactor, sizeFactor] = factorsFrom(ring[from]!, scale);
  const worth = priceFactor * sizeFactor;
  ring.copyWithin(to, from, from + minuteWords);
  for (const word of [minuteWord.open, minuteWord.high, minuteWord.low]) ring[to + word]! *= priceFactor;
  ring[to + minuteWord.volume]! *= sizeFactor;
  scaleLimbs(ring, to + minuteWord.quoteVolume, worth);
}

/** Multiplies the limbs at `words[at…]` by a whole number, exactly. */
export function scaleLimbs(words: Float64Array, at: number, factor: number): void {
  if (factor === 1) return;
  const low = words[at]!;
  words[at] = 0;
  words[at + 1]! *= factor;
  addProductTo(words, at, low, factor);
}

/** Completes what the last life was doing when it died: an entry that is whole beside the ring goes to its place. */
export function redoMinute(ring: Float64Array): void {
  const journal = ring.length - minuteJournalWords;
  if (ring[journal + 1] !== 1) return;
  ring.copyWithin(ring[journal]!, journal + 2, journal + 2 + minuteWords);
  ring[journal + 1] = 0;
}
