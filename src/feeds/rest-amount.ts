/** Amounts of REST answers to mantissas, exactly or not at all. */
import { mantissaOf } from '../market/mantissa.ts';
import { readLevelSize } from './level-size.ts';
import { RestFault, type VenueBook } from './venue-rest.ts';

/** @throws RestFault when the text does not fit the instrument's decimals. */
export function exactMantissa(text: string, decimals: number, native: string): number {
  const mantissa = mantissaOf(text, decimals);
  if (Number.isNaN(mantissa)) throw unfit(text, native);
  return mantissa;
}

/** A sum of any size as a whole number with `decimals`. @throws RestFault likewise */
export function exactSum(text: string, decimals: number, native: string): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  const kept = fraction.replace(/0+$/, '');
  if (kept.length > decimals) throw unfit(text, native);
  return BigInt(whole + kept.padEnd(decimals, '0'));
}

/** A JSON number as the decimal text it was written as: its shortest form, cut of noise past `decimals`. */
export function decimalText(value: number, decimals: number, native: string): string {
  const text = value.toFixed(decimals);
  // A price with a digit more than the tick size is another price; a double of 15 digits gives itself back.
  if (Math.abs(Number(text) - value) > Math.abs(value) * 1e-12) throw unfit(String(value), native);
  return text;
}

/** `[price, size, …]` rows of both sides, in any order, as a book: best first, without empty levels. */
export function bookOf(
  answer: {
    readonly bids: readonly (readonly [string, string, ...unknown[]])[];
    readonly asks: readonly (readonly [string, string, ...unknown[]])[];
  },
  instrument: { readonly native: string; readonly priceDecimals: number; readonly sizeDecimals: number },
): Pick<VenueBook, 'bids' | 'asks'> {
  const { native, priceDecimals, sizeDecimals } = instrument;
  const side = (rows: readonly (readonly [string, string, ...unknown[]])[], sign: 1 | -1): Float64Array => {
    const levels = rows
      .map(([price, size]) => ({
        price: exactMantissa(price, priceDecimals, native),
        size: levelSize(size, sizeDecimals, native),
      }))
      .filter(({ size }) => size > 0)
      .toSorted((a, b) => (a.price - b.price) * sign);
    return Float64Array.from(levels.flatMap(({ price, size }) => [price, size]));
  };
  return { bids: side(answer.bids, -1), asks: side(answer.asks, 1) };
}

function levelSize(text: string, decimals: number, native: string): number {
  const size = readLevelSize(text, decimals);
  if (size < 0) throw unfit(text, native);
  return size;
}

function unfit(text: string, native: string): RestFault {
  return new RestFault('malformed', `${native}: ${text} does not fit its decimals`);
}
