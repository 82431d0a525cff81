/**
 * Rows of GET /products/{id}/trades, newest first, a page at a time. `after` asks for older trades than this id,
 * `before` for newer ones; the headers CB-BEFORE and CB-AFTER carry the first and the last id of the page.
 */
import { trimmed } from '../digits.ts';
import type { SymbolView } from '../source.ts';
import { makerSide } from './messages.ts';
import { isoTime } from './notation.ts';
import { Refusal } from './refusal.ts';

const rowsMax = 1_000;

export function tradePage(
  { trades, instrument }: SymbolView,
  query: URLSearchParams,
): { body: string; headers: Record<string, string> } {
  const limit = Math.min(rowsMax, whole(query, 'limit') ?? rowsMax);
  if (limit === 0) throw new Refusal(400, 'Invalid limit');
  const after = whole(query, 'after');
  const before = whole(query, 'before');
  const { priceDecimals, sizeDecimals } = instrument;
  const end = after === undefined ? trades.length : trades.find('id', after);
  const rows: string[] = [];
  const ids: number[] = [];
  for (let i = end - 1; i >= 0 && rows.length < limit; i--) {
    const { id, price, size, timeUs, buyerIsMaker } = trades.row(i);
    if (before !== undefined && id <= before) break;
    ids.push(id);
    rows.push(
      `{"trade_id":${id},"side":"${makerSide({ buyerIsMaker })}","size":"${trimmed(size, sizeDecimals)}",` +
        `"price":"${trimmed(price, priceDecimals)}","time":"${isoTime(timeUs)}"}`,
    );
  }
  if (ids.length === 0) return { body: '[]', headers: {} };
  return {
    body: `[${rows.join(',')}]`,
    headers: { 'CB-BEFORE': String(ids[0]), 'CB-AFTER': String(ids.at(-1)) },
  };
}

function whole(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  if (!/^\d{1,15}$/.test(value)) throw new Refusal(400, `Invalid ${name}`);
  return Number(value);
}
