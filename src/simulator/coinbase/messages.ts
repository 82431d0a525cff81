/** What the venue sends, as text: keys in the order in which they were recorded. */
import { digest } from '../dice.ts';
import { padded, trimmed } from '../digits.ts';
import { isoTime, volume } from './notation.ts';

/** Digits behind the point of a price and of a size. */
export interface Digits {
  readonly symbol: string;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
}

/** A trade in ticks and steps. `buyerIsMaker` decides the maker's side, which is the one the venue tells. */
export interface Match {
  readonly id: number;
  readonly price: number;
  readonly size: number;
  readonly timeUs: number;
  readonly buyerIsMaker: boolean;
  readonly sequence: number;
}

/** Statistics that a ticker carries; prices in ticks, volumes in steps. */
export interface TickerDay {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly volume: bigint;
  readonly volume30d: bigint;
}

export interface Top {
  readonly bid: number;
  readonly bidSize: number;
  readonly ask: number;
  readonly askSize: number;
}

/** price, size, price, size …, in ticks and steps. */
export type Levels = readonly number[];

export function matchText(type: 'match' | 'last_match', digits: Digits, match: Match): string {
  const { symbol, priceDecimals, sizeDecimals } = digits;
  return (
    `{"type":"${type}","trade_id":${match.id},"maker_order_id":"${orderId(symbol, match.id, 'maker')}",` +
    `"taker_order_id":"${orderId(symbol, match.id, 'taker')}","side":"${makerSide(match)}",` +
    `"size":"${trimmed(match.size, sizeDecimals)}","price":"${trimmed(match.price, priceDecimals)}",` +
    `"product_id":"${symbol}","sequence":${match.sequence},"time":"${isoTime(match.timeUs)}"}`
  );
}

/** The ticker tells the taker's side, unlike the match. */
export function tickerText(digits: Digits, match: Match, day: TickerDay, top: Top): string {
  const { symbol, priceDecimals, sizeDecimals } = digits;
  const short = (ticks: number): string => trimmed(ticks, priceDecimals);
  const price = (ticks: number): string => padded(ticks, priceDecimals);
  const size = (steps: number): string => padded(steps, sizeDecimals);
  return (
    `{"type":"ticker","sequence":${match.sequence},"product_id":"${symbol}","price":"${short(match.price)}",` +
    `"open_24h":"${short(day.open)}","volume_24h":"${volume(day.volume, sizeDecimals)}","low_24h":"${short(day.low)}",` +
    `"high_24h":"${short(day.high)}","volume_30d":"${volume(day.volume30d, sizeDecimals)}",` +
    `"best_bid":"${price(top.bid)}","best_bid_size":"${size(top.bidSize)}",` +
    `"best_ask":"${price(top.ask)}","best_ask_size":"${size(top.askSize)}",` +
    `"side":"${match.buyerIsMaker ? 'sell' : 'buy'}","time":"${isoTime(match.timeUs)}",` +
    `"trade_id":${match.id},"last_size":"${trimmed(match.size, sizeDecimals)}"}`
  );
}

export function heartbeatText(symbol: string, sequence: number, lastTradeId: number, timeUs: number): string {
  return `{"type":"heartbeat","last_trade_id":${lastTradeId},"product_id":"${symbol}","sequence":${sequence},"time":"${isoTime(timeUs)}"}`;
}

export function snapshotText(digits: Digits, bids: Levels, asks: Levels): string {
  const rows = (levels: Levels): string => {
    const out: string[] = [];
    for (let i = 0; i < levels.length; i += 2) out.push(`[${level(digits, levels[i]!, levels[i + 1]!)}]`);
    return out.join(',');
  };
  return `{"type":"snapshot","product_id":"${digits.symbol}","asks":[${rows(asks)}],"bids":[${rows(bids)}]}`;
}

/** Of prices and sizes that are text already. */
export function snapshotOfRows(
  symbol: string,
  bids: readonly (readonly [string, string])[],
  asks: readonly (readonly [string, string])[],
): string {
  return JSON.stringify({ type: 'snapshot', product_id: symbol, asks, bids });
}

export function l2updateText(digits: Digits, bids: Levels, asks: Levels, time: string): string {
  const rows: string[] = [];
  for (const [side, levels] of [
    ['buy', bids],
    ['sell', asks],
  ] as const) {
    for (let i = 0; i < levels.length; i += 2)
      rows.push(`["${side}",${level(digits, levels[i]!, levels[i + 1]!)}]`);
  }
  return `{"type":"l2update","product_id":"${digits.symbol}","changes":[${rows.join(',')}],"time":"${time}"}`;
}

export function errorText(message: string, reason?: string): string {
  return JSON.stringify({ type: 'error', message, ...(reason === undefined ? {} : { reason }) });
}

export function makerSide(match: Pick<Match, 'buyerIsMaker'>): 'buy' | 'sell' {
  return match.buyerIsMaker ? 'buy' : 'sell';
}

/** A level that is gone was recorded as "0.000" and is documented as "0": both are sent, by the price. */
function level(digits: Digits, price: number, size: number): string {
  const { priceDecimals, sizeDecimals } = digits;
  const shown = size === 0 && price % 2 === 1 ? '0' : padded(size, sizeDecimals);
  return `"${padded(price, priceDecimals)}","${shown}"`;
}

/** A UUID of version 4 that is the same in every run. */
function orderId(symbol: string, tradeId: number, role: string): string {
  const hex = [0, 1, 2, 3].map((part) => digest(symbol, tradeId, role, part).toString(16).padStart(8, '0'));
  const text = hex.join('');
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-a${text.slice(17, 20)}-${text.slice(20)}`;
}
