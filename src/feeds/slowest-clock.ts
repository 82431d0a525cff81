/**
 * The market's time where several venues are taken: that of the one furthest behind. A bar must not end before every
 * venue has had its say; a venue that falls silent goes on by the steady clock (venue-clock.ts), so it holds up nobody.
 */
import type { MarketClock } from '../market/clock.ts';

export function slowestOf(clocks: readonly MarketClock[]): MarketClock {
  const [first] = clocks;
  if (first === undefined) throw new RangeError('no clock to go by');
  if (clocks.length === 1) return first;
  return { now: () => clocks.reduce((least, clock) => Math.min(least, clock.now()), first.now()) };
}
