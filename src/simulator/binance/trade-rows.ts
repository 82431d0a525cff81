/** Rows of GET trades, historicalTrades and aggTrades. */
import { product } from '../bar.ts';
import { formatDecimal, formatSum } from '../decimal.ts';
import type { Instrument } from '../instrument.ts';
import type { SymbolView } from '../source.ts';
import type { Tape, TapeRow } from '../tape.ts';
import { type Query, RestRefusal } from './query.ts';

const rowsUsual = 500;
const rowsMax = 1_000;

export function tradeRows(query: Query, view: SymbolView): string {
  const limit = query.limit(rowsUsual, rowsMax);
  const fromId = query.whole('fromId');
  const { trades, instrument } = view;
  const first = fromId === undefined ? Math.max(0, trades.length - limit) : trades.find('id', fromId);
  const rows: string[] = [];
  for (let i = first; i < trades.length && rows.length < limit; i++)
    rows.push(tradeRow(trades.row(i), instrument));
  return `[${rows.join(',')}]`;
}

function tradeRow(row: TapeRow, { priceDecimals, sizeDecimals }: Instrument): string {
  return JSON.stringify({
    id: row.id,
    price: formatDecimal(row.price, priceDecimals),
    qty: formatDecimal(row.size, sizeDecimals),
    quoteQty: formatSum(product(row.price, row.size), priceDecimals + sizeDecimals),
    time: Math.floor(row.timeUs / 1_000),
    isBuyerMaker: row.buyerIsMaker,
    isBestMatch: true,
  });
}

export function aggregateRows(query: Query, view: SymbolView): string {
  const limit = query.limit(rowsUsual, rowsMax);
  const fromId = query.whole('fromId');
  const startTime = query.whole('startTime');
  const endTime = query.whole('endTime');
  if (fromId !== undefined && (startTime !== undefined || endTime !== undefined)) {
    throw new RestRefusal(-1128, 'Combination of optional parameters invalid.');
  }
  const tape = view.aggregates;
  const untilUs = endTime === undefined ? Infinity : (endTime + 1) * 1_000;
  let first = 0;
  if (fromId !== undefined) first = tape.find('aggregateId', fromId);
  else if (startTime !== undefined) first = tape.find('timeUs', startTime * 1_000);
  else
    first = lastAggregates(tape, endTime === undefined ? tape.length : tape.find('timeUs', untilUs), limit);
  return `[${aggregates(tape, first, untilUs, limit, view.instrument).join(',')}]`;
}

/** Index of the first row of the `limit` aggregates that end before row `until`. */
function lastAggregates(tape: Tape, until: number, limit: number): number {
  if (until === 0) return 0;
  const lastId = tape.row(until - 1).aggregateId;
  let index = until;
  let seen = 1;
  let id = lastId;
  while (index > 0) {
    const earlier = tape.row(index - 1).aggregateId;
    if (earlier !== id) {
      if (seen === limit) break;
      seen++;
      id = earlier;
    }
    index--;
  }
  return index;
}

function aggregates(
  tape: Tape,
  first: number,
  untilUs: number,
  limit: number,
  instrument: Instrument,
): string[] {
  const { priceDecimals, sizeDecimals } = instrument;
  const rows: string[] = [];
  for (let i = first; i < tape.length && rows.length < limit; ) {
    const row = tape.row(i);
    if (row.timeUs >= untilUs) break;
    let { size, lastId } = row;
    for (i++; i < tape.length; i++) {
      const next = tape.row(i);
      if (next.aggregateId !== row.aggregateId) break;
      size += next.size;
      lastId = next.lastId;
    }
    rows.push(
      `{"a":${row.aggregateId},"p":"${formatDecimal(row.price, priceDecimals)}","q":"${formatDecimal(size, sizeDecimals)}",` +
        `"f":${row.id},"l":${lastId},"T":${Math.floor(row.timeUs / 1_000)},"m":${row.buyerIsMaker},"M":true}`,
    );
  }
  return rows;
}
