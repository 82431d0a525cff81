/** Candles and statistics, made of the bars of the market. */
import { type Bar, extend, flatBar } from '../bar.ts';
import { trimmed } from '../digits.ts';
import { dayMs, type Interval, minuteMs } from '../interval.ts';
import type { SymbolView } from '../source.ts';
import { volume } from './notation.ts';
import { Refusal } from './refusal.ts';

const granularities: ReadonlyMap<string, Interval> = new Map([
  ['60', '1m'],
  ['300', '5m'],
  ['900', '15m'],
  ['3600', '1h'],
  ['21600', '6h'],
  ['86400', '1d'],
]);
const candlesMax = 300;
const monthDays = 30;

/** Rows [time, low, high, open, close, volume], newest first; intervals without trades are absent. */
export function candleRows(view: SymbolView, query: URLSearchParams, nowMs: number): string {
  const granularity = query.get('granularity') ?? '60';
  const interval = granularities.get(granularity);
  if (interval === undefined) throw new Refusal(400, 'Unsupported granularity');
  const stepMs = Number(granularity) * 1_000;
  const { startMs, endMs } = range(query, stepMs, nowMs);
  const bars = view
    .bars(interval, startMs, Math.min(endMs, nowMs), candlesMax + 1)
    .filter((bar) => bar.trades > 0)
    .map((bar) => candle(bar, view));
  return `[${bars.toReversed().slice(0, candlesMax).join(',')}]`;
}

/** Where only one end is given, both are ignored, as the venue does; the newest candles are told then. */
function range(query: URLSearchParams, stepMs: number, nowMs: number): { startMs: number; endMs: number } {
  const start = query.get('start');
  const end = query.get('end');
  const newestMs = Math.floor(nowMs / stepMs) * stepMs;
  if (start === null || end === null) return { startMs: newestMs - (candlesMax - 1) * stepMs, endMs: nowMs };
  const startMs = moment(start);
  const endMs = moment(end);
  if (startMs > endMs) throw new Refusal(400, 'start must be before end');
  if ((endMs - startMs) / stepMs > candlesMax) {
    throw new Refusal(
      400,
      `granularity too small for the requested time range. Count of aggregations requested exceeds ${candlesMax}`,
    );
  }
  return { startMs: Math.floor(startMs / stepMs) * stepMs, endMs };
}

/** Seconds since 1970, or ISO 8601. */
function moment(text: string): number {
  const ms = /^\d{1,11}(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text);
  if (Number.isNaN(ms)) throw new Refusal(400, 'Invalid start or end');
  return ms;
}

function candle(bar: Bar, { instrument }: SymbolView): string {
  const price = (ticks: number): string => trimmed(ticks, instrument.priceDecimals);
  const { openMs, low, high, open, close } = bar;
  const total = trimmed(bar.volume, instrument.sizeDecimals);
  return `[${openMs / 1_000},${price(low)},${price(high)},${price(open)},${price(close)},${total}]`;
}

export function dayStats(view: SymbolView, nowMs: number): string {
  const { priceDecimals, sizeDecimals } = view.instrument;
  const minutes = view.bars('1m', Math.max(0, Math.floor(nowMs) - dayMs), nowMs, dayMs / minuteMs + 1);
  const days = view.bars('1d', Math.max(0, Math.floor(nowMs) - monthDays * dayMs), nowMs, monthDays + 1);
  const day = flatBar(0, minutes[0]?.open ?? 0);
  for (const bar of minutes) extend(day, bar);
  const month = days.reduce((total, bar) => total + bar.volume, 0n);
  const price = (ticks: number): string => trimmed(ticks, priceDecimals);
  return JSON.stringify({
    open: price(day.open),
    high: price(day.high),
    low: price(day.low),
    last: price(day.close),
    volume: volume(day.volume, sizeDecimals),
    volume_30day: volume(month, sizeDecimals),
  });
}
