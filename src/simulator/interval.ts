/** The venue's bar intervals and where each bar opens, in UTC. */
export const intervals = [
  '1s',
  '1m',
  '3m',
  '5m',
  '15m',
  '30m',
  '1h',
  '2h',
  '4h',
  '6h',
  '8h',
  '12h',
  '1d',
  '3d',
  '1w',
  '1M',
] as const;
export type Interval = (typeof intervals)[number];

export const secondMs = 1_000;
export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

const fixedMs: Partial<Record<Interval, number>> = {
  '1s': secondMs,
  '1m': minuteMs,
  '3m': 3 * minuteMs,
  '5m': 5 * minuteMs,
  '15m': 15 * minuteMs,
  '30m': 30 * minuteMs,
  '1h': hourMs,
  '2h': 2 * hourMs,
  '4h': 4 * hourMs,
  '6h': 6 * hourMs,
  '8h': 8 * hourMs,
  '12h': 12 * hourMs,
  '1d': dayMs,
  '3d': 3 * dayMs,
};
const firstMondayMs = 4 * dayMs; // 1970-01-05

export function isInterval(text: string): text is Interval {
  return (intervals as readonly string[]).includes(text);
}

/** Open time of the bar that holds the moment `ms`. */
export function openTime(interval: Interval, ms: number): number {
  const fixed = fixedMs[interval];
  if (fixed !== undefined) return Math.floor(ms / fixed) * fixed;
  if (interval === '1w') return Math.floor((ms - firstMondayMs) / (7 * dayMs)) * 7 * dayMs + firstMondayMs;
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}

/** Open time of the bar after the one that opens at `openMs`. */
export function nextOpen(interval: Interval, openMs: number): number {
  const fixed = fixedMs[interval];
  if (fixed !== undefined) return openMs + fixed;
  if (interval === '1w') return openMs + 7 * dayMs;
  const date = new Date(openMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

/** Open time of the bar `count` bars before the one that opens at `openMs`. */
export function opensBefore(interval: Interval, openMs: number, count: number): number {
  const fixed = fixedMs[interval];
  if (fixed !== undefined) return openMs - count * fixed;
  if (interval === '1w') return openMs - count * 7 * dayMs;
  const date = new Date(openMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - count, 1);
}
