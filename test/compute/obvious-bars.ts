/** Bars as one would make them by hand: sort the trades, put each into its bucket, add up in BigInt. Judges `compute/bars.ts`. */
import type { Bar } from '../../src/market/tick.ts';

export interface PlainTrade {
  readonly time: number;
  readonly price: number;
  readonly size: number;
  readonly firstId: number;
  readonly lastId: number;
  readonly takerSold: boolean;
}

export type BarValues = Omit<Bar, 'instrument' | 'revision' | 'closed' | 'incomplete'>;

const fixedMs = [1_000, 5_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000];

/** Open time (µs) of the bar that holds `time`, by Date. */
export function obviousOpen(resolution: number, time: number): number {
  const ms = Math.floor(time / 1_000);
  const date = new Date(ms);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (resolution === 9) return Date.UTC(year, month, 1) * 1_000;
  if (resolution === 8) return Date.UTC(year, month, day - ((date.getUTCDay() + 6) % 7)) * 1_000;
  return (ms - (ms % fixedMs[resolution]!)) * 1_000;
}

/** The bars of one resolution by open time. */
export function obviousBars(trades: readonly PlainTrade[], resolution: number): Map<number, BarValues> {
  const buckets = new Map<number, PlainTrade[]>();
  for (const trade of trades) {
    const open = obviousOpen(resolution, trade.time);
    buckets.set(open, [...(buckets.get(open) ?? []), trade]);
  }
  return new Map([...buckets].map(([open, held]) => [open, obviousBar(held, resolution, open)]));
}

export function obviousBar(trades: readonly PlainTrade[], resolution: number, openTime: number): BarValues {
  const sorted = trades.toSorted((a, b) => a.firstId - b.firstId);
  const bought = sorted.filter((trade) => !trade.takerSold);
  const sum = (held: readonly PlainTrade[], value: (trade: PlainTrade) => bigint): bigint =>
    held.reduce((total, trade) => total + value(trade), 0n);
  const size = (trade: PlainTrade): bigint => BigInt(trade.size);
  const worth = (trade: PlainTrade): bigint => BigInt(trade.price) * BigInt(trade.size);
  return {
    resolution,
    openTime,
    open: sorted[0]!.price,
    high: Math.max(...sorted.map((trade) => trade.price)),
    low: Math.min(...sorted.map((trade) => trade.price)),
    close: sorted.at(-1)!.price,
    volume: sum(sorted, size),
    quoteVolume: sum(sorted, worth),
    takerBuyVolume: sum(bought, size),
    takerBuyQuoteVolume: sum(bought, worth),
    count: sorted.reduce((count, trade) => count + trade.lastId - trade.firstId + 1, 0),
    firstId: sorted[0]!.firstId,
    lastId: sorted.at(-1)!.lastId,
  };
}

/** A bar without what the way it came about adds. */
export function valuesOf(bar: Bar): BarValues {
  const { instrument: _i, revision: _r, closed: _c, incomplete: _n, ...values } = bar;
  return values;
}
