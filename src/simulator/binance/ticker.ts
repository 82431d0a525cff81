/** What the last 24 hours were, and the best prices of now, as REST tells it. */
import { type Bar, extend, flatBar } from '../bar.ts';
import { formatDecimal, formatSum } from '../decimal.ts';
import { dayMs, minuteMs } from '../interval.ts';
import type { SymbolView } from '../source.ts';

/** The last 24 hours, to the minute, up to the moment `nowMs`; undefined when nothing was ever traded. */
function lastDay(view: SymbolView, nowMs: number): Bar | undefined {
  const bars = view.bars('1m', Math.max(0, Math.floor(nowMs) - dayMs), nowMs, dayMs / minuteMs + 1);
  if (bars.length === 0) return undefined;
  const whole = flatBar(nowMs - dayMs, bars[0]!.open);
  for (const bar of bars) extend(whole, bar);
  return whole;
}

export function dayTicker(view: SymbolView, nowMs: number): string {
  const { instrument, trades } = view;
  const { priceDecimals, sizeDecimals, symbol } = instrument;
  const day = lastDay(view, nowMs) ?? flatBar(nowMs - dayMs, 0);
  const quote = view.quote();
  const price = (ticks: number): string => formatDecimal(ticks, priceDecimals);
  const lastSize = trades.length === 0 ? 0 : trades.row(trades.length - 1).size;
  const average = day.volume === 0n ? 0n : day.quote / day.volume;
  const change = day.close - day.open;
  return JSON.stringify({
    symbol,
    priceChange: price(change),
    priceChangePercent: (day.open === 0 ? 0 : (change / day.open) * 100).toFixed(3),
    weightedAvgPrice: formatDecimal(average, priceDecimals),
    prevClosePrice: price(day.open),
    lastPrice: price(day.close),
    lastQty: formatDecimal(lastSize, sizeDecimals),
    bidPrice: quote?.bid ?? '0.00000000',
    bidQty: quote?.bidSize ?? '0.00000000',
    askPrice: quote?.ask ?? '0.00000000',
    askQty: quote?.askSize ?? '0.00000000',
    openPrice: price(day.open),
    highPrice: price(day.high),
    lowPrice: price(day.low),
    volume: formatSum(day.volume, sizeDecimals),
    quoteVolume: formatSum(day.quote, priceDecimals + sizeDecimals),
    openTime: Math.floor(nowMs - dayMs),
    closeTime: Math.floor(nowMs),
    firstId: day.firstId,
    lastId: day.lastId,
    count: day.trades,
  });
}

export function bookTicker(view: SymbolView): string {
  const quote = view.quote();
  return JSON.stringify({
    symbol: view.instrument.symbol,
    bidPrice: quote?.bid ?? '0.00000000',
    bidQty: quote?.bidSize ?? '0.00000000',
    askPrice: quote?.ask ?? '0.00000000',
    askQty: quote?.askSize ?? '0.00000000',
  });
}
