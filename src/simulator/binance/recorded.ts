/** What a recorded Binance message is: of a combined stream, or a depth snapshot of REST that lies among them. */
import { parseDecimal } from '../decimal.ts';
import type { BookLevels, RecordedBookMessage, RecordedMessage, RecordedTrade } from '../recorded-message.ts';
import { readTerms, toMicroseconds } from '../recorded-symbol.ts';

type Fields = Readonly<Record<string, unknown>>;

export function recorded(message: Fields): RecordedMessage | undefined {
  const { stream, data } = message as { stream?: unknown; data?: unknown };
  if (typeof stream === 'string' && typeof data === 'object' && data !== null && stream.includes('@'))
    return streamed(stream, data as Fields);
  // Alone, or with the name of its symbol: `{url, symbol, body}`, as `tickwire record` writes it.
  const { symbol, body } = message;
  const isNamed = typeof symbol === 'string' && typeof body === 'object' && body !== null;
  const book = wholeBook(isNamed ? (body as Fields) : message);
  if (book === undefined) return undefined;
  return { symbol: isNamed ? symbol : '', type: 'snapshot', prices: [], sizes: [], book };
}

function streamed(stream: string, data: Fields): RecordedMessage {
  const at = stream.indexOf('@');
  const type = stream.slice(at + 1);
  const eventUs = toMicroseconds(data['E']) ?? toMicroseconds(data['T']);
  return {
    stream,
    symbol: stream.startsWith('!') ? '' : stream.slice(0, at).toUpperCase(),
    type,
    ...(eventUs === undefined ? {} : { eventUs }),
    ...partsOf(type, data),
  };
}

function partsOf(
  type: string,
  data: Fields,
): Pick<RecordedMessage, 'prices' | 'sizes'> & Partial<RecordedMessage> {
  if (type === 'trade' || type === 'aggTrade') return tradeParts(type, data);
  if (type === 'bookTicker') {
    const { b, B, a, A } = data;
    const top = { bid: String(b), bidSize: String(B), ask: String(a), askSize: String(A) };
    return { prices: [b, a], sizes: [B, A], top };
  }
  if (type.startsWith('depth')) return bookParts(data);
  return type.startsWith('kline_') ? klineParts(data['k']) : { prices: [], sizes: [] };
}

function tradeParts(kind: 'trade' | 'aggTrade', data: Fields): ReturnType<typeof partsOf> {
  const terms = readTerms(data);
  if (terms === undefined) return { prices: [], sizes: [] };
  const { t, a, f, l } = data;
  let ids: RecordedTrade['ids'] | undefined;
  if (kind === 'trade' && isId(t)) ids = [t, t, t];
  if (kind === 'aggTrade' && isId(a) && isId(f) && isId(l)) ids = [a, f, l];
  const trade = ids === undefined ? {} : { trade: { kind, ids, terms } };
  return { prices: [data['p']], sizes: [data['q']], ...trade };
}

function bookParts(data: Fields): ReturnType<typeof partsOf> {
  const prices: unknown[] = [];
  const sizes: unknown[] = [];
  for (const side of [data['b'], data['a'], data['bids'], data['asks']]) {
    if (!Array.isArray(side)) continue;
    for (const level of side as unknown[]) {
      if (!Array.isArray(level)) continue;
      prices.push(level[0]);
      sizes.push(level[1]);
    }
  }
  const best = wholeBook(data);
  if (best !== undefined) return { prices, sizes, book: { ...best, best: true } };
  const { U, u, b, a } = data;
  if (!isId(U) || !isId(u) || !areLevels(b) || !areLevels(a)) return { prices, sizes };
  return { prices, sizes, book: { whole: false, firstId: U, lastId: u, bids: b, asks: a } };
}

function klineParts(kline: unknown): ReturnType<typeof partsOf> {
  if (typeof kline !== 'object' || kline === null) return { prices: [], sizes: [] };
  const { o, c, h, l, v, V } = kline as Fields;
  const sound = [o, c, h, l].every((price) => parseDecimal(price) !== undefined);
  return sound ? { prices: [o, c, h, l], sizes: [v, V] } : { prices: [], sizes: [] };
}

function wholeBook({ lastUpdateId, bids, asks }: Fields): RecordedBookMessage | undefined {
  if (!isId(lastUpdateId) || !areLevels(bids) || !areLevels(asks)) return undefined;
  return { whole: true, firstId: lastUpdateId, lastId: lastUpdateId, bids, asks };
}

function areLevels(side: unknown): side is BookLevels['bids'] {
  return Array.isArray(side) && side.every((level) => Array.isArray(level) && typeof level[0] === 'string');
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
