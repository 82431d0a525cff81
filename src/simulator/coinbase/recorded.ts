/** What a recorded message of this venue is. */
import { parseDecimal } from '../decimal.ts';
import type { BookLevels, RecordedBookMessage, RecordedMessage } from '../recorded-message.ts';
import { streamOf } from './control.ts';

type Fields = Readonly<Record<string, unknown>>;
type Level = readonly [price: string, size: string];

export function recorded(message: Fields): RecordedMessage | undefined {
  const {
    type,
    product_id: product,
    time,
  } = message as { type?: unknown; product_id?: unknown; time?: unknown };
  if (typeof product !== 'string' || typeof type !== 'string') return undefined;
  const eventUs = microseconds(time);
  const when = eventUs === undefined ? {} : { eventUs };
  const common = { symbol: product, ...when };
  switch (type) {
    case 'match':
    case 'last_match':
      return {
        ...common,
        stream: streamOf('matches', product),
        type: 'matches',
        ...tradeParts(message, eventUs),
      };
    case 'ticker':
      return { ...common, stream: streamOf('ticker', product), type: 'ticker', ...tickerParts(message) };
    case 'heartbeat':
      return { ...common, stream: streamOf('heartbeat', product), type: 'heartbeat', prices: [], sizes: [] };
    case 'snapshot':
    case 'l2update':
      return {
        ...common,
        stream: streamOf('level2_batch', product),
        type: 'level2_batch',
        ...bookParts(message),
      };
    default:
      return undefined;
  }
}

type Parts = Pick<RecordedMessage, 'prices' | 'sizes'> & Partial<RecordedMessage>;

function tradeParts(message: Fields, timeUs: number | undefined): Parts {
  const { price, size, trade_id: id, side } = message;
  const terms = { price: parseDecimal(price), size: parseDecimal(size) };
  const given = { prices: [price], sizes: [size] };
  if (terms.price === undefined || terms.size === undefined || timeUs === undefined) return given;
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) return given;
  return {
    ...given,
    trade: {
      kind: 'trade',
      ids: [id, id, id],
      terms: { price: terms.price, size: terms.size, timeUs, buyerIsMaker: side === 'buy' }, // the maker's side
    },
  };
}

function tickerParts(message: Fields): Parts {
  const { best_bid: bid, best_bid_size: bidSize, best_ask: ask, best_ask_size: askSize } = message;
  const prices = [message['price'], bid, ask];
  const sizes = [message['last_size'], bidSize, askSize];
  const whole = [bid, bidSize, ask, askSize].every((value) => typeof value === 'string');
  if (!whole) return { prices, sizes };
  const top = { bid: String(bid), bidSize: String(bidSize), ask: String(ask), askSize: String(askSize) };
  return { prices, sizes, top };
}

function bookParts(message: Fields): Parts {
  const { bids, asks, changes } = message;
  const whole = message['type'] === 'snapshot';
  const book: RecordedBookMessage = whole
    ? { whole, firstId: 0, lastId: 0, bids: levels(bids), asks: levels(asks) }
    : { whole, firstId: 0, lastId: 0, bids: changed(changes, 'buy'), asks: changed(changes, 'sell') };
  const all = [...book.bids, ...book.asks];
  return { prices: all.map(([price]) => price), sizes: all.map(([, size]) => size), book };
}

function levels(side: unknown): BookLevels['bids'] {
  return Array.isArray(side) ? (side as readonly unknown[]).filter(isLevel) : [];
}

function changed(changes: unknown, side: 'buy' | 'sell'): BookLevels['bids'] {
  if (!Array.isArray(changes)) return [];
  const ours = (changes as readonly unknown[]).filter(
    (change) => Array.isArray(change) && change[0] === side,
  );
  return levels(ours.map((change) => (change as readonly unknown[]).slice(1)));
}

function isLevel(value: unknown): value is Level {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'string';
}

/** Of an ISO time with microseconds; undefined for none, and for the year 1. */
export function microseconds(time: unknown): number | undefined {
  if (typeof time !== 'string') return undefined;
  const ms = Date.parse(time);
  if (!(ms > 0)) return undefined;
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? '';
  return Math.floor(ms / 1_000) * 1_000_000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}
