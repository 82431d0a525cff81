/** The simulated Binance's own candles, and ours, in the same words. */
import type { Instrument } from '../../src/market/instrument.ts';
import { decimalOf } from '../../src/market/mantissa.ts';
import type { Bar } from '../../src/market/tick.ts';

type Row = readonly [open: number, ...rest: (string | number)[]];

/** Candles of a second in which something was traded; `from` and `to` are open times in µs, both included. */
export async function klinesOf(restUrl: string, symbol: string, from: number, to: number): Promise<string[]> {
  const query = `symbol=${symbol}&interval=1s&startTime=${from / 1_000}&endTime=${to / 1_000}&limit=1000`;
  const rows = (await (await fetch(`${restUrl}/api/v3/klines?${query}`)).json()) as Row[];
  return rows
    .filter((row) => Number(row[8]) > 0)
    .map(([open, ...rest]) => text(open * 1_000, [...rest.slice(0, 5), ...rest.slice(6, 10)]));
}

export function textsOf(bars: readonly Bar[], { priceDecimals, sizeDecimals }: Instrument): string[] {
  const price = (mantissa: number): string => decimalOf(mantissa, priceDecimals);
  return bars.map((bar) =>
    text(bar.openTime, [
      price(bar.open),
      price(bar.high),
      price(bar.low),
      price(bar.close),
      decimalOf(bar.volume, sizeDecimals),
      decimalOf(bar.quoteVolume, priceDecimals + sizeDecimals),
      bar.count,
      decimalOf(bar.takerBuyVolume, sizeDecimals),
      decimalOf(bar.takerBuyQuoteVolume, priceDecimals + sizeDecimals),
    ]),
  );
}

/** Numbers, so that zeros at the end are the same as none. */
function text(openMicros: number, values: readonly (string | number)[]): string {
  return `${openMicros}: ${values.map(Number).join(' ')}`;
}
