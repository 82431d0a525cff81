/** A venue's times, however it writes them, to µs; and whether they are believed. */
import type { PlausibleTime } from './normaliser.ts';
import { refusal } from './refusal.ts';

/** A whole number of ms or µs since 1970, told apart by magnitude, in µs; or a refusal. */
export function readEpoch(value: unknown): number {
  if (typeof value !== 'number') return refusal.wrongType;
  if (!Number.isSafeInteger(value) || value < 0) return refusal.badNumber;
  if (value >= 1e15 && value < 1e16) return value;
  return value >= 1e12 && value < 1e13 ? value * 1_000 : refusal.badTime;
}

const daysOfMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
const zero = 0x30;

/**
 * `2021-04-17T16:43:37.075687Z` in µs, or a refusal. Digits past µs are cut; a space may stand for the `T`, and the `Z`
 * may be absent (Backpack): all times are UTC. Years before 1970 are refused.
 */
export function readIso(value: unknown): number {
  if (typeof value !== 'string') return refusal.wrongType;
  const year = digitsAt(value, 0, 4);
  const month = digitsAt(value, 5, 2);
  const day = digitsAt(value, 8, 2);
  const hour = digitsAt(value, 11, 2);
  const minute = digitsAt(value, 14, 2);
  const second = digitsAt(value, 17, 2);
  const sign = value[10];
  const framed =
    value[4] === '-' &&
    value[7] === '-' &&
    value[13] === ':' &&
    value[16] === ':' &&
    (sign === 'T' || sign === ' ');
  if (!framed || year < 1970 || month < 1 || month > 12 || day < 1 || day > daysOfMonth[month - 1]!)
    return refusal.badTime;
  // A leap second is the first moment of the next minute.
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return refusal.badTime;
  const fraction = fractionAt(value, 19);
  return fraction < 0
    ? refusal.badTime
    : Date.UTC(year, month - 1, day, hour, minute, second) * 1_000 + fraction;
}

/** `count` digits from `at`, or -1. */
function digitsAt(text: string, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = text.charCodeAt(i) - zero;
    // Past the end it is NaN, which is neither.
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** From `at` to the end: nothing, or a point and 1 to 9 digits, and perhaps a `Z`. The digits as µs, or -1. */
function fractionAt(text: string, at: number): number {
  const end = text.endsWith('Z') ? text.length - 1 : text.length;
  if (at === end) return 0;
  const digits = end - at - 1;
  if (text[at] !== '.' || digits < 1 || digits > 9) return -1;
  const value = digitsAt(text, at + 1, digits);
  return value < 0 ? -1 : Math.floor(value * 10 ** (6 - digits));
}

/** Which times (µs) are believed of a message received at a given moment. */
export class TimeBounds {
  readonly #past: number;
  readonly #future: number;
  readonly #from: number;
  readonly #to: number;

  constructor(plausible: PlausibleTime) {
    const near = plausible.around === 'receipt';
    this.#past = near ? plausible.pastMicros : Number.POSITIVE_INFINITY;
    this.#future = near ? plausible.futureMicros : Number.POSITIVE_INFINITY;
    this.#from = near ? 0 : plausible.from;
    this.#to = near ? Number.POSITIVE_INFINITY : plausible.to;
  }

  /** The time itself, `badTime` when it is not believed, and what was a refusal already. */
  believed(time: number, received: number): number {
    return this.tooOld(time, received) || time > received + this.#future || time > this.#to
      ? refusal.badTime
      : time;
  }

  tooOld(time: number, received: number): boolean {
    return time >= 0 && (time < received - this.#past || time < this.#from);
  }
}
