/** The venue's markets: which assets it trades, on the spot and as perpetuals, and their digits. */
import { increment } from '../digits.ts';
import type { Instrument, SimulatedInstrument } from '../instrument.ts';
import type { SatelliteRow } from '../satellite-pit.ts';

/** base, price digits, size digits, and whether there is a perpetual; any other asset is not listed. */
const rows: ReadonlyMap<string, readonly [price: number, size: number, perpetual: boolean]> = new Map([
  ['BTC', [1, 5, true]],
  ['ETH', [2, 4, true]],
  ['SOL', [2, 2, true]],
  ['XRP', [4, 1, true]],
  ['DOGE', [5, 0, true]],
  ['AVAX', [2, 2, true]],
  ['LINK', [3, 2, true]],
  ['LTC', [2, 3, true]],
  ['UNI', [3, 2, false]],
  ['NEAR', [3, 1, true]],
  ['APT', [3, 2, true]],
  ['SUI', [4, 1, true]],
  ['AAVE', [2, 3, true]],
]);
const quote = 'USDC';
/** Orders here for each order at the first venue, and how far the price lies from it in basis points. */
const spot = { share: 0.35, basisPoints: -0.6 };
const perpetual = { share: 0.5, basisPoints: 1.5 };
const perpetualEnd = '_PERP';

export function satelliteRows({ base }: SimulatedInstrument): SatelliteRow[] {
  const row = rows.get(base);
  if (row === undefined) return [];
  const [priceDecimals, sizeDecimals, both] = row;
  const symbol = `${base}_${quote}`;
  const common = { quote, priceDecimals, sizeDecimals };
  const out: SatelliteRow[] = [{ symbol, ...common, ...spot }];
  if (both) out.push({ symbol: `${symbol}${perpetualEnd}`, ...common, ...perpetual });
  return out;
}

/** A row of GET /api/v1/markets; keys in the order of the alphabet, as recorded. */
export function marketText(instrument: Instrument, trading: boolean): string {
  const { symbol, base, quote: quoteAsset, priceDecimals, sizeDecimals } = instrument;
  const perp = symbol.endsWith(perpetualEnd);
  const step = increment(sizeDecimals);
  return JSON.stringify({
    baseSymbol: base,
    createdAt: '2025-01-21T06:34:54.691858',
    filters: {
      price: {
        maxPrice: null,
        minPrice: tickOf(instrument, priceDecimals),
        tickSize: tickOf(instrument, priceDecimals),
      },
      quantity: { maxQuantity: null, minQuantity: step, stepSize: step },
    },
    fundingInterval: perp ? 28_800_000 : null,
    imfFunction: null,
    marketType: perp ? 'PERP' : 'SPOT',
    mmfFunction: null,
    openInterestLimit: '0',
    orderBookState: trading ? 'Open' : 'Closed',
    quoteSymbol: quoteAsset,
    symbol,
    visible: true,
  });
}

/** The tick in force, which may be coarser than the digits of the prices. */
function tickOf({ tickSize }: Instrument, decimals: number): string {
  const tick = Number(tickSize);
  return tick > 0 ? tick.toFixed(decimals) : increment(decimals);
}
