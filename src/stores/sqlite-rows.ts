/** What is read from the market's file, column by column, as the market's words. */
import { amountOf } from '../market/amount.ts';
import type { GapRange, QuarantinedTrade } from '../market/history.ts';
import type { Bar, Enigma, TradeRow } from '../market/tick.ts';
import { gapStates } from './gap-ranges.ts';

/** A row as numbers, in the order of its columns: all that is stored fits a double exactly. */
export type Columns = readonly number[];

export const barColumns = `open_time, open, high, low, close, volume, volume_high, quote_volume, quote_volume_high,
  taker_buy_volume, taker_buy_volume_high, taker_buy_quote_volume, taker_buy_quote_volume_high,
  trade_count, first_id, last_id, revision, closed, incomplete, backfilled`;
export const tradeColumns = `trade_id, time, received, price, volume, bid, ask, coalesce(first_id, trade_id),
  coalesce(last_id, trade_id), merged, taker_sold`;
export const enigmaColumns = 'time, price, level, ath, ath_time, atl, atl_time';

export const gapColumns = 'first_id, last_id, state, opened, closed, from_time, to_time';
export const quarantineColumns = 'trade_id, time, received, price, volume, reference, taker_sold';

export function barOf(row: Columns, instrument: number, resolution: number): Bar {
  return {
    instrument,
    resolution,
    openTime: row[0]!,
    open: row[1]!,
    high: row[2]!,
    low: row[3]!,
    close: row[4]!,
    volume: amountOf(row[5]!, row[6]!),
    quoteVolume: amountOf(row[7]!, row[8]!),
    takerBuyVolume: amountOf(row[9]!, row[10]!),
    takerBuyQuoteVolume: amountOf(row[11]!, row[12]!),
    count: row[13]!,
    firstId: row[14]!,
    lastId: row[15]!,
    revision: row[16]!,
    closed: row[17] === 1,
    incomplete: row[18] === 1,
    ...(row[19] === 1 ? { backfilled: true } : {}),
  };
}

export function tradeOf(row: Columns, instrument: number): TradeRow {
  return {
    instrument,
    id: row[0]!,
    time: row[1]!,
    received: row[2]!,
    price: row[3]!,
    size: row[4]!,
    bid: row[5]!,
    ask: row[6]!,
    firstId: row[7]!,
    lastId: row[8]!,
    merged: row[9]!,
    takerSold: row[10] === 1,
  };
}

export function enigmaOf(row: Columns, instrument: number): Enigma {
  const [time, price, level, ath, athTime, atl, atlTime] = row;
  return {
    instrument,
    time: time!,
    price: price!,
    level: level!,
    ath: ath!,
    athTime: athTime!,
    atl: atl!,
    atlTime: atlTime!,
  };
}

export function gapOf(row: Columns): GapRange {
  const [from, to, state, opened, closed, fromTime, toTime] = row;
  return {
    from: from!,
    to: to!,
    state: gapStates[state!]!,
    opened: opened!,
    closed: closed!,
    fromTime: fromTime!,
    toTime: toTime!,
  };
}

export function quarantinedOf(row: Columns, instrument: number): QuarantinedTrade {
  const [id, time, received, price, size, reference, takerSold] = row;
  return {
    instrument,
    id: id!,
    time: time!,
    received: received!,
    price: price!,
    size: size!,
    reference: reference!,
    takerSold: takerSold === 1,
  };
}
