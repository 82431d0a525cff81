/** True messages changed into ones that should not be believed. */
import { formatDecimal, parseDecimal } from '../decimal.ts';
import type { QuoteAnswer } from '../source.ts';

/** Keys of prices; levels of a book are [price, size]. Sizes and sums stay. */
const prices = /"(p|b|a|c|o|h|l|w|x)":"(\d+\.\d+)"|\["(\d+\.\d+)",/g;

export function priced(message: string, factor: number): string {
  return message.replaceAll(prices, (_whole, key: string | undefined, price?: string, level?: string) => {
    const changed = times(price ?? level!, factor);
    return key === undefined ? `["${changed}",` : `"${key}":"${changed}"`;
  });
}

/** Puts one bid more into a depth update, a tenth above the best ask of now. */
export function crossed(message: string, { ask, askSize }: QuoteAnswer): string {
  const bid = `["${times(ask, 1.1)}","${askSize}"]`;
  return message.replace(/"(b|bids)":\[/, (start) =>
    message.includes(`${start}]`) ? start + bid : `${start}${bid},`,
  );
}

/** With as many digits behind the point as before, so that it still is a multiple of the tick. */
function times(price: string, factor: number): string {
  const decimal = parseDecimal(price);
  if (decimal === undefined) return price;
  return formatDecimal(Math.max(1, Math.round(decimal.mantissa * factor)), decimal.decimals);
}
