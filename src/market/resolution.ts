/** The ten bar lengths, and where in time their bars begin (UTC; weeks from Monday, months from the first). */

/** In the order of the cascade: each is filled from the one before it; `1w` and `1M` both from `1d`. */
export const resolutions = ['1s', '5s', '1m', '5m', '15m', '1h', '4h', '1d', '1w', '1M'] as const;
export type Resolution = (typeof resolutions)[number];

const second = 1_000_000;
const day = 86_400 * second;
/** 1970-01-01 was a Thursday: the first Monday is four days later. */
const mondayOffset = 4 * day;

/** Fixed lengths in µs by index in `resolutions`; a month has none (0). */
export const resolutionMicros: readonly number[] = [
  second,
  5 * second,
  60 * second,
  300 * second,
  900 * second,
  3_600 * second,
  14_400 * second,
  day,
  7 * day,
  0,
];
export const weekIndex = 8;
export const monthIndex = 9;

/** Open time (µs) of the bar that holds `time` (µs since 1970, not negative). */
export function barOpen(index: number, time: number): number {
  if (index < weekIndex) return time - (time % resolutionMicros[index]!);
  if (index === weekIndex) return weekOpen(time);
  return monthOpen(time);
}

/** Open time (µs) of the bar after the one that opens at `open`. */
export function nextBarOpen(index: number, open: number): number {
  // 32 days after the first of a month always lies in the next month.
  return index === monthIndex ? monthOpen(open + 32 * day) : open + resolutionMicros[index]!;
}

/** A number that rises by one from bar to bar: where a bar stands in a ring of bars. */
export function barOrdinal(index: number, open: number): number {
  if (index < weekIndex) return open / resolutionMicros[index]!;
  if (index === weekIndex) return Math.floor((open + 7 * day - mondayOffset) / (7 * day));
  const [year, month] = civilMonth(open);
  return year * 12 + month - 1;
}

function weekOpen(time: number): number {
  const since = time - mondayOffset;
  return time - (((since % (7 * day)) + 7 * day) % (7 * day));
}

function monthOpen(time: number): number {
  const [year, month] = civilMonth(time);
  return daysFromCivil(year, month) * day;
}

/** Year and month (1 to 12) of a time: Howard Hinnant's `civil_from_days`, so that no clock object is needed. */
function civilMonth(time: number): [year: number, month: number] {
  const shifted = Math.floor(time / day) + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month];
}

/** Days from 1970-01-01 to the first of a month: Hinnant's `days_from_civil`. */
function daysFromCivil(year: number, month: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5);
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
