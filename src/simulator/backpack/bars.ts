/** Rows of GET klines and ticker. */
import { type Bar, extend, flatBar } from '../bar.ts';
import { padded, trimmed } from '../digits.ts';
import { dayMs, minuteMs, nextOpen } from '../interval.ts';
import type { SymbolView } from '../source.ts';
import { klineNames } from './intervals.ts';
import { isoSecond } from './notation.ts';
import { Refusal, whole } from './refusal.ts';

const rowsMax = 1_000;

/** Oldest first, from `startTime` on, in seconds; a bar without trades has no prices. */
export function klineRows(view: SymbolView, query: URLSearchParams, nowMs: number): string {
  const interval = klineNames.get(query.get('interval') ?? '');
  if (interval === undefined) throw new Refusal(400, 'INVALID_CLIENT_REQUEST', 'Invalid interval');
  const start = whole(query, 'startTime');
  const end = whole(query, 'endTime');
  if (start === undefined) throw new Refusal(400, 'INVALID_CLIENT_REQUEST', 'Missing startTime');
  const untilMs = Math.min(end === undefined ? Infinity : end * 1_000, nowMs);
  const bars = view.bars(interval, start * 1_000, untilMs, rowsMax);
  return `[${bars.map((bar) => row(bar, nextOpen(interval, bar.openMs), view)).join(',')}]`;
}

function row(bar: Bar, endMs: number, { instrument }: SymbolView): string {
  const { priceDecimals, sizeDecimals } = instrument;
  const price = (ticks: number): string | null => (bar.trades === 0 ? null : padded(ticks, priceDecimals));
  return JSON.stringify({
    close: price(bar.close),
    end: spaced(endMs),
    high: price(bar.high),
    low: price(bar.low),
    open: price(bar.open),
    quoteVolume: trimmed(bar.quote, priceDecimals + sizeDecimals),
    start: spaced(bar.openMs),
    trades: String(bar.trades),
    volume: trimmed(bar.volume, sizeDecimals),
  });
}

/** 2025-07-19 13:09:00 */
function spaced(ms: number): string {
  return isoSecond(ms).replace('T', ' ');
}

export function dayTicker(view: SymbolView, nowMs: number): string {
  const { symbol, priceDecimals, sizeDecimals } = view.instrument;
  const minutes = view.bars('1m', Math.max(0, Math.floor(nowMs) - dayMs), nowMs, dayMs / minuteMs + 1);
  const day = flatBar(0, minutes[0]?.open ?? 0);
  for (const bar of minutes) extend(day, bar);
  const price = (ticks: number): string => trimmed(ticks, priceDecimals);
  return JSON.stringify({
    firstPrice: price(day.open),
    high: price(day.high),
    lastPrice: price(day.close),
    low: price(day.low),
    priceChange: price(day.close - day.open),
    priceChangePercent: (day.open === 0 ? 0 : (day.close - day.open) / day.open).toFixed(6),
    quoteVolume: trimmed(day.quote, priceDecimals + sizeDecimals),
    symbol,
    trades: String(day.trades),
    volume: trimmed(day.volume, sizeDecimals),
  });
}
