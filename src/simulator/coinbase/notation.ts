/** Sums and times as this venue writes them. */
import { padded } from '../digits.ts';

/** Sums of sizes are shown with eight digits behind the point; what is finer is cut off. */
export function volume(steps: bigint, decimals: number): string {
  if (decimals > 8) return padded(steps / 10n ** BigInt(decimals - 8), 8);
  return padded(steps * 10n ** BigInt(8 - decimals), 8);
}

/** ISO 8601 with microseconds, as in 2021-04-17T16:43:30.244075Z. */
export function isoTime(us: number): string {
  const ms = Math.floor(us / 1_000);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(Math.floor(us) - ms * 1_000).padStart(3, '0')}Z`;
}

/** Sent in place of the time, rarely, on updates of the book. */
export const zeroTime = '0001-01-01T00:00:00.000000Z';
