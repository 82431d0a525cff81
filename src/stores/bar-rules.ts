/** What a row does to a stored bar: the rules that memory and SQLite share. */
import type { BarAmendment } from '../market/history.ts';
import type { Bar } from '../market/tick.ts';

/**
 * The stored bar with a late trade. Open and close are the prices of its lowest and highest trade id. A bar that is not
 * stored is made, incomplete until a completion says otherwise.
 */
export function amendedBar(bar: Bar | undefined, trade: BarAmendment): Bar {
  const { instrument, resolution, openTime, price, firstId, lastId } = trade;
  const size = BigInt(trade.size);
  const quote = BigInt(price) * size;
  const bought = trade.takerSold ? 0n : 1n;
  const old = bar ?? {
    open: price,
    high: price,
    low: price,
    close: price,
    firstId,
    lastId,
    volume: 0n,
    quoteVolume: 0n,
    takerBuyVolume: 0n,
    takerBuyQuoteVolume: 0n,
    count: 0,
    revision: -1,
    closed: true,
    incomplete: true,
  };
  return {
    instrument,
    resolution,
    openTime,
    open: firstId < old.firstId ? price : old.open,
    high: Math.max(old.high, price),
    low: Math.min(old.low, price),
    close: lastId > old.lastId ? price : old.close,
    volume: old.volume + size,
    quoteVolume: old.quoteVolume + quote,
    takerBuyVolume: old.takerBuyVolume + bought * size,
    takerBuyQuoteVolume: old.takerBuyQuoteVolume + bought * quote,
    count: old.count + lastId - firstId + 1,
    firstId: Math.min(old.firstId, firstId),
    lastId: Math.max(old.lastId, lastId),
    revision: old.revision + 1,
    closed: old.closed,
    incomplete: old.incomplete,
  };
}

/** What becomes of a candle of the venue. */
export type BackfillFate = 'inserted' | 'updated' | 'same' | 'replaced' | 'left';

/**
 * An own bar is left alone, unless it is incomplete, replacing was asked for, and a newer own bar follows it: where a
 * run goes on must be its own.
 */
export function backfillFate(
  known: Bar | undefined,
  candle: Bar,
  replace: boolean,
  newerOwn: () => boolean,
): BackfillFate {
  if (known === undefined) return 'inserted';
  if (known.backfilled === true) return sameCandle(known, candle) ? 'same' : 'updated';
  return replace && known.incomplete && known.closed && newerOwn() ? 'replaced' : 'left';
}

function sameCandle(a: Bar, b: Bar): boolean {
  return (
    a.open === b.open &&
    a.high === b.high &&
    a.low === b.low &&
    a.close === b.close &&
    a.volume === b.volume &&
    a.quoteVolume === b.quoteVolume &&
    a.takerBuyVolume === b.takerBuyVolume &&
    a.takerBuyQuoteVolume === b.takerBuyQuoteVolume &&
    a.count === b.count
  );
}

/**
 * True when a bar made from trades leaves `known` as it is: a whole one takes the place of the venue's candle, an
 * incomplete one does not; of own ones the newer state holds, by newest id, revision, closed after forming, then trades.
 */
export function isOlderState(bar: Bar, known: Bar): boolean {
  if (known.backfilled === true) return bar.incomplete || !bar.closed;
  return (
    (bar.lastId - known.lastId ||
      bar.revision - known.revision ||
      Number(bar.closed) - Number(known.closed) ||
      bar.count - known.count) < 0
  );
}
