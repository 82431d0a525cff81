/** Rows of GET trades and trades/history, newest first; times in ms, unlike those of the streams. */
import { product } from '../bar.ts';
import { padded, trimmed } from '../digits.ts';
import type { SymbolView } from '../source.ts';
import { Refusal, whole } from './refusal.ts';

const rowsUsual = 100;
const rowsMax = 1_000;

/** `offset` counts from the newest trade, and is known to the history only. */
export function tradeRows(
  { trades, instrument }: SymbolView,
  query: URLSearchParams,
  history: boolean,
): string {
  const limit = whole(query, 'limit') ?? rowsUsual;
  if (limit < 1 || limit > rowsMax) throw new Refusal(400, 'INVALID_CLIENT_REQUEST', 'Invalid limit');
  const offset = history ? (whole(query, 'offset') ?? 0) : 0;
  const { priceDecimals, sizeDecimals } = instrument;
  const rows: string[] = [];
  for (let i = trades.length - 1 - offset; i >= 0 && rows.length < limit; i--) {
    const { id, price, size, timeUs, buyerIsMaker } = trades.row(i);
    const quote = trimmed(product(price, size), priceDecimals + sizeDecimals);
    rows.push(
      `{"id":${id},"isBuyerMaker":${buyerIsMaker},"price":"${padded(price, priceDecimals)}",` +
        `"quantity":"${padded(size, sizeDecimals)}","quoteQuantity":"${quote}","timestamp":${Math.floor(timeUs / 1_000)}}`,
    );
  }
  return `[${rows.join(',')}]`;
}
