/** Cuts a bar into shorter ones that add up to it again: same open, high, low, close, and exact sums. */
import { type Bar, flatBar } from './bar.ts';
import type { Dice } from './dice.ts';

export function split(bar: Bar, parts: number, partMs: number, dice: Dice): Bar[] {
  const counts = tradeCounts(bar.trades, parts, dice);
  const bars: Bar[] = [];
  let seen = 0;
  let price = bar.open;
  for (let i = 0; i < parts; i++) {
    const part = flatBar(bar.openMs + i * partMs, price);
    const until = seen + counts[i]!;
    if (counts[i]! > 0) {
      part.trades = counts[i]!;
      part.volume = share(bar.volume, seen, until, bar.trades);
      part.quote = share(bar.quote, seen, until, bar.trades);
      part.takerVolume = share(bar.takerVolume, seen, until, bar.trades);
      part.takerQuote = share(bar.takerQuote, seen, until, bar.trades);
      part.close = until === bar.trades ? bar.close : between(bar, until / bar.trades, dice);
      part.high = Math.max(part.open, part.close);
      part.low = Math.min(part.open, part.close);
      price = part.close;
    }
    seen = until;
    bars.push(part);
  }
  reachExtremes(bar, bars, dice);
  return bars;
}

/** Part of a sum that belongs to the trades from `from` to `to` of `all`; the parts add up exactly. */
function share(sum: bigint, from: number, to: number, all: number): bigint {
  const whole = BigInt(all);
  return (sum * BigInt(to)) / whole - (sum * BigInt(from)) / whole;
}

function tradeCounts(trades: number, parts: number, dice: Dice): number[] {
  const weights = Array.from({ length: parts }, () => 1 + dice.below(32));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let reached = 0;
  return weights.map((weight) => {
    const before = Math.floor((trades * reached) / total);
    reached += weight;
    return Math.floor((trades * reached) / total) - before;
  });
}

/** A price on the way from open to close, with noise that is widest in the middle, inside high and low. */
function between(bar: Bar, progress: number, dice: Dice): number {
  const line = bar.open + (bar.close - bar.open) * progress;
  const noise = dice.normal() * (bar.high - bar.low) * 0.35 * Math.sqrt(progress * (1 - progress));
  return Math.max(bar.low, Math.min(bar.high, Math.round(line + noise)));
}

function reachExtremes(bar: Bar, bars: readonly Bar[], dice: Dice): void {
  const traded = bars.filter((part) => part.trades > 0);
  if (traded.length === 0) return;
  traded[dice.below(traded.length)]!.high = bar.high;
  traded[dice.below(traded.length)]!.low = bar.low;
}
