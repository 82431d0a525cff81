/** The venue's products that the simulated market knows: names and digits. */
import { increment } from '../digits.ts';
import type { Instrument, SimulatedInstrument } from '../instrument.ts';
import type { SatelliteRow } from '../satellite-pit.ts';

/** base, price digits, size digits; any other asset has the digits of the first venue. */
const digits: ReadonlyMap<string, readonly [price: number, size: number]> = new Map([
  ['BTC', [2, 8]],
  ['ETH', [2, 8]],
  ['SOL', [2, 8]],
  ['XRP', [4, 6]],
  ['DOGE', [5, 1]],
  ['ADA', [4, 8]],
  ['AVAX', [2, 8]],
  ['LINK', [3, 2]],
  ['SHIB', [8, 0]],
  ['DOT', [3, 8]],
  ['LTC', [2, 8]],
  ['BCH', [2, 8]],
  ['UNI', [3, 6]],
  ['NEAR', [3, 3]],
  ['ICP', [3, 4]],
  ['ETC', [2, 8]],
  ['FIL', [3, 3]],
  ['ATOM', [3, 2]],
  ['XLM', [6, 8]],
  ['AAVE', [2, 3]],
]);
/** Not listed here. */
const strangers: ReadonlySet<string> = new Set(['BNB', 'TRX']);
/** Orders here for each order at the first venue. */
const share = 0.6;
const basisPoints = 0.8;

export function satelliteRows(instrument: SimulatedInstrument): SatelliteRow[] {
  const { base, priceDecimals, sizeDecimals } = instrument;
  if (strangers.has(base)) return [];
  const [price, size] = digits.get(base) ?? [priceDecimals, sizeDecimals];
  const symbol = `${base}-USD`;
  return [{ symbol, quote: 'USD', priceDecimals: price, sizeDecimals: size, share, basisPoints }];
}

/** A row of GET /products. */
export function productText(instrument: Instrument, trading: boolean): string {
  const { symbol, base, quote, tickSize, priceDecimals, sizeDecimals } = instrument;
  return JSON.stringify({
    id: symbol,
    base_currency: base,
    quote_currency: quote,
    quote_increment: Number(tickSize).toFixed(priceDecimals),
    base_increment: increment(sizeDecimals),
    display_name: `${base}/${quote}`,
    min_market_funds: '1',
    margin_enabled: false,
    post_only: false,
    limit_only: false,
    cancel_only: false,
    status: trading ? 'online' : 'delisted',
    status_message: '',
    trading_disabled: !trading,
    fx_stablecoin: false,
    max_slippage_percentage: '0.02000000',
    auction_mode: false,
    high_bid_limit_percentage: '',
  });
}
