/** Durations and sizes as people write them, to numbers and back. */

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const byteUnits: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Milliseconds of `5s`, `100ms`, `1m30s` or a plain number of ms; undefined when it is no duration. */
export function parseDuration(given: unknown): number | undefined {
  const plain = plainNumber(given);
  if (plain !== undefined) return plain;
  if (typeof given !== 'string' || !/^(?:\d{1,12}(?:\.\d{1,6})?(?:ms|s|m|h|d))+$/.test(given))
    return undefined;
  let total = 0;
  for (const [, count, unit] of given.matchAll(/([\d.]+)(ms|s|m|h|d)/g))
    total += Number(count) * durationUnits[unit!]!;
  return Math.round(total);
}

/** Bytes of `64KiB`, `1 MiB` or a plain number; undefined when it is no size. */
export function parseBytes(given: unknown): number | undefined {
  const plain = plainNumber(given);
  if (plain !== undefined) return plain;
  const match = typeof given === 'string' ? /^(\d{1,12}) ?(B|KiB|MiB|GiB)$/.exec(given) : null;
  return match === null ? undefined : Number(match[1]) * byteUnits[match[2]!]!;
}

/** A number, or the digits of one as flags and environment have them. */
export function plainNumber(given: unknown): number | undefined {
  if (typeof given === 'number') return Number.isFinite(given) ? given : undefined;
  return typeof given === 'string' && /^-?\d{1,15}$/.test(given) ? Number(given) : undefined;
}

/** `90000` ms as `90s`: the largest unit that divides it. */
export function durationText(ms: number): string {
  return withUnit(ms, durationUnits, 'ms');
}

/** `65536` bytes as `64KiB`: the largest unit that divides it. */
export function bytesText(bytes: number): string {
  return withUnit(bytes, byteUnits, 'B');
}

function withUnit(value: number, units: Readonly<Record<string, number>>, smallest: string): string {
  const fitting = Object.entries(units).filter(([, size]) => value !== 0 && value % size === 0);
  const [name, size] = fitting.at(-1) ?? [smallest, 1];
  return `${value / size}${name}`;
}
