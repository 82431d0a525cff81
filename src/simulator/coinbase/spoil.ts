/** Messages made wrong on purpose. */
import { exactly, multiplied } from '../digits.ts';
import { zeroTime } from './notation.ts';

type Message = Record<string, unknown>;

const priceKeys = ['price', 'open_24h', 'low_24h', 'high_24h', 'best_bid', 'best_ask'];

/** All prices times `factor`. */
export function priced(text: string, factor: number): string {
  const message = JSON.parse(text) as Message;
  const times = (price: unknown): unknown => (typeof price === 'string' ? multiplied(price, factor) : price);
  for (const key of priceKeys) if (key in message) message[key] = times(message[key]);
  for (const key of ['bids', 'asks']) {
    const levels = message[key];
    if (Array.isArray(levels))
      message[key] = levels.map(([price, ...rest]: unknown[]) => [times(price), ...rest]);
  }
  const { changes } = message;
  if (Array.isArray(changes))
    message['changes'] = changes.map(([side, price, size]: unknown[]) => [side, times(price), size]);
  return JSON.stringify(message);
}

/** One more bid, a hundredth above the best ask of now, with the digits of the other prices. */
export function crossed(text: string, bestAsk: string): string {
  const message = JSON.parse(text) as Message;
  const { changes } = message;
  if (!Array.isArray(changes)) return text;
  const [, like = ''] = (changes[0] ?? []) as string[];
  changes.push(['buy', exactly(multiplied(bestAsk, 1.01), like.split('.')[1]?.length ?? 0), '1']);
  return JSON.stringify(message);
}

/** The time that the venue sends now and then where it has none. */
export function timeless(text: string): string {
  const message = JSON.parse(text) as Message;
  if ('time' in message) message['time'] = zeroTime;
  return JSON.stringify(message);
}
