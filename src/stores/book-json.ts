/** An order book as JSON text: prices and sizes are JSON numbers, printed from their mantissas digit by digit. */
import type { BookCopy } from '../market/book.ts';
import type { Instrument } from '../market/instrument.ts';
import { decimalOf } from '../market/mantissa.ts';

/** Levels best first; `lastId` is the venue's update id, `timestamp` ms, `whole` whether there are no levels beyond. */
export function bookJson({ symbol, priceDecimals, sizeDecimals }: Instrument, book: BookCopy): string {
  const side = (levels: Float64Array, count: number): string => {
    const rows: string[] = [];
    for (let at = 0; at < count * 2; at += 2)
      rows.push(`[${decimalOf(levels[at]!, priceDecimals)},${decimalOf(levels[at + 1]!, sizeDecimals)}]`);
    return rows.join(',');
  };
  return (
    `{"symbol":${JSON.stringify(symbol)},"lastId":${book.lastId},"timestamp":${Math.floor(book.time / 1_000)},` +
    `"bids":[${side(book.bids, book.bidCount)}],"asks":[${side(book.asks, book.askCount)}],` +
    `"whole":{"bids":${book.bidsWhole},"asks":${book.asksWhole}}}`
  );
}
