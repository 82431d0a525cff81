/** Messages made wrong on purpose. */
import { exactly, multiplied } from '../digits.ts';

interface Message {
  data?: Record<string, unknown>;
}

const priceKeys: Readonly<Record<string, readonly string[]>> = {
  trade: ['p'],
  bookTicker: ['a', 'b'],
  kline: ['o', 'h', 'l', 'c'],
  ticker: ['o', 'h', 'l', 'c'],
};

/** All prices times `factor`. */
export function priced(text: string, factor: number): string {
  const message = JSON.parse(text) as Message;
  const { data } = message;
  if (data === undefined) return text;
  const times = (price: unknown): unknown => (typeof price === 'string' ? multiplied(price, factor) : price);
  for (const key of priceKeys[String(data['e'])] ?? []) data[key] = times(data[key]);
  for (const key of ['a', 'b']) {
    const levels = data[key];
    if (Array.isArray(levels)) data[key] = levels.map(([price, size]: unknown[]) => [times(price), size]);
  }
  return JSON.stringify(message);
}

/** One more bid, a hundredth above the best ask of now, with the digits of the other prices. */
export function crossed(text: string, bestAsk: string): string {
  const message = JSON.parse(text) as Message;
  const { a: asks, b: bids } = message.data ?? {};
  if (!Array.isArray(bids) || !Array.isArray(asks)) return text;
  const [like = ''] = (bids[0] ?? asks[0] ?? []) as string[];
  bids.push([exactly(multiplied(bestAsk, 1.01), like.split('.')[1]?.length ?? 0), '1']);
  return JSON.stringify(message);
}
