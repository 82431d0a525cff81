/** Numbers as people read them. */

const narrow = '\u202f';

/** Thousands parted: `67250.40` is `67 250.40` with narrow spaces. The digits stay as they are. */
export function grouped(decimal: string): string {
  const point = decimal.indexOf('.');
  const whole = point < 0 ? decimal : decimal.slice(0, point);
  return whole.replaceAll(/\B(?=(?:\d{3})+$)/g, narrow) + (point < 0 ? '' : decimal.slice(point));
}

/** `+1.24 %`, `−0.50 %`. */
export function percentText(value: number): string {
  const size = Math.abs(value).toFixed(2);
  const sign = Number(size) === 0 ? '' : value > 0 ? '+' : '−';
  return `${sign}${size}${narrow}%`;
}

const magnitudes: readonly [number, string][] = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** Three to four digits and a magnitude: `1.24 M`. */
export function shortText(value: number): string {
  const [unit, name] = magnitudes.find(([least]) => value >= least) ?? [1, ''];
  const part = value / unit;
  const text =
    name === '' && Number.isInteger(part) ? String(part) : part.toFixed(part >= 100 ? 0 : part >= 10 ? 1 : 2);
  return name === '' ? text : `${text}${narrow}${name}`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const [unit, name] = bytes >= 1e9 ? [1e9, 'GB'] : bytes >= 1e6 ? [1e6, 'MB'] : [1e3, 'kB'];
  return `${(bytes / unit).toFixed(1)} ${name}`;
}

/** Of milliseconds: `0.42 ms`, `12 ms`, `3.1 s`. */
export function durationText(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${ms < 9.95 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** `23:54:15.123` of µs since 1970, UTC. */
export function clockText(micros: number): string {
  return new Date(micros / 1_000).toISOString().slice(11, 23);
}

/** `2024-08-08` of µs since 1970, UTC. */
export function dateText(micros: number): string {
  return new Date(micros / 1_000).toISOString().slice(0, 10);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
