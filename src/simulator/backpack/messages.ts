/** What the venue sends over its streams; times in µs. */
import type { Bar } from '../bar.ts';
import { padded, trimmed } from '../digits.ts';
import { type Field, frame, type KlineTimesAs, klineTime, quoted } from './notation.ts';

/** Digits behind the point of a price and of a size. */
export interface Digits {
  readonly symbol: string;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
}

type WriteId = (id: number) => string;

/** When the message was made, and when the engine did what it tells of. */
export interface Times {
  readonly eventUs: number;
  readonly engineUs: number;
}

export interface TopOfBook {
  readonly bid: number;
  readonly bidSize: number;
  readonly ask: number;
  readonly askSize: number;
  readonly updateId: number;
}

export function bookTickerText(digits: Digits, top: TopOfBook, times: Times, id: WriteId): string {
  const { priceDecimals, sizeDecimals, symbol } = digits;
  return frame(`bookTicker.${symbol}`, [
    ...header('bookTicker', symbol, times),
    ['a', quoted(padded(top.ask, priceDecimals))],
    ['A', quoted(padded(top.askSize, sizeDecimals))],
    ['b', quoted(padded(top.bid, priceDecimals))],
    ['B', quoted(padded(top.bidSize, sizeDecimals))],
    ['u', id(top.updateId)],
  ]);
}

export interface DepthUpdate {
  /** price, size, price, size …; size 0 for a level that is gone. */
  readonly bids: readonly number[];
  readonly asks: readonly number[];
  readonly firstId: number;
  readonly lastId: number;
}

export function depthText(
  stream: string,
  digits: Digits,
  update: DepthUpdate,
  times: Times,
  id: WriteId,
): string {
  return frame(stream, [
    ...header('depth', digits.symbol, times),
    ['a', levels(digits, update.asks)],
    ['b', levels(digits, update.bids)],
    ['U', id(update.firstId)],
    ['u', id(update.lastId)],
  ]);
}

export interface TradePrint {
  readonly id: number;
  readonly price: number;
  readonly size: number;
  readonly buyerIsMaker: boolean;
}

export function tradeText(digits: Digits, trade: TradePrint, times: Times, id: WriteId): string {
  const { symbol, priceDecimals, sizeDecimals } = digits;
  return frame(`trade.${symbol}`, [
    ...header('trade', symbol, times),
    ['p', quoted(padded(trade.price, priceDecimals))],
    ['q', quoted(padded(trade.size, sizeDecimals))],
    ['b', quoted(orderId(trade.id, 1))],
    ['a', quoted(orderId(trade.id, 2))],
    ['t', id(trade.id)],
    ['m', String(trade.buyerIsMaker)],
  ]);
}

/** A bar without trades has no prices: `null`. */
export function klineText(
  name: string,
  digits: Digits,
  bar: Bar,
  moment: { readonly eventUs: number; readonly closeMs: number; readonly closed: boolean },
  times: KlineTimesAs,
): string {
  const { symbol, priceDecimals, sizeDecimals } = digits;
  const price = (ticks: number): string => (bar.trades === 0 ? 'null' : quoted(padded(ticks, priceDecimals)));
  return frame(`kline.${name}.${symbol}`, [
    ['e', quoted('kline')],
    ['E', String(moment.eventUs)],
    ['s', quoted(symbol)],
    ['t', klineTime(times, bar.openMs)],
    ['T', klineTime(times, moment.closeMs)],
    ['o', price(bar.open)],
    ['c', price(bar.close)],
    ['h', price(bar.high)],
    ['l', price(bar.low)],
    ['v', quoted(padded(bar.volume, sizeDecimals))],
    ['n', String(bar.trades)],
    ['X', String(moment.closed)],
  ]);
}

/** The last 24 hours; `V` is the volume in the quote asset. */
export function tickerText(digits: Digits, day: Bar, eventUs: number): string {
  const { symbol, priceDecimals, sizeDecimals } = digits;
  const price = (ticks: number): string => quoted(trimmed(ticks, priceDecimals));
  return frame(`ticker.${symbol}`, [
    ['e', quoted('ticker')],
    ['E', String(eventUs)],
    ['s', quoted(symbol)],
    ['o', price(day.open)],
    ['c', price(day.close)],
    ['h', price(day.high)],
    ['l', price(day.low)],
    ['v', quoted(trimmed(day.volume, sizeDecimals))],
    ['V', quoted(trimmed(day.quote, priceDecimals + sizeDecimals))],
    ['n', String(day.trades)],
  ]);
}

function header(event: string, symbol: string, { eventUs, engineUs }: Times): Field[] {
  return [
    ['e', quoted(event)],
    ['E', String(eventUs)],
    ['s', quoted(symbol)],
    ['T', String(engineUs)],
  ];
}

function levels(digits: Digits, changes: readonly number[]): string {
  const rows: string[] = [];
  for (let i = 0; i < changes.length; i += 2)
    rows.push(
      `["${padded(changes[i]!, digits.priceDecimals)}","${padded(changes[i + 1]!, digits.sizeDecimals)}"]`,
    );
  return `[${rows.join(',')}]`;
}

/** Order ids are larger than 2^53, as recorded. */
function orderId(tradeId: number, role: number): string {
  return String(113_782_700_000_000_000n + BigInt(tradeId) * 64n + BigInt(role));
}
