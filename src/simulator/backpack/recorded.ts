/** What a recorded message of this venue is. */
import { parseDecimal } from '../decimal.ts';
import type { BookLevels, RecordedMessage } from '../recorded-message.ts';
import { partsOf } from './control.ts';

type Fields = Readonly<Record<string, unknown>>;
type Parts = Pick<RecordedMessage, 'prices' | 'sizes'> & Partial<RecordedMessage>;

export function recorded(message: Fields): RecordedMessage | undefined {
  const { stream, data } = message as { stream?: unknown; data?: unknown };
  if (stream === undefined) return snapshot(message);
  if (typeof stream !== 'string' || typeof data !== 'object' || data === null) return undefined;
  const { type, detail, symbol } = partsOf(stream);
  const fields = data as Fields;
  const { E: event, T: engine } = fields;
  const eventUs = typeof event === 'number' ? event : engine;
  return {
    stream,
    symbol,
    type: detail === '' ? type : `${type}.${detail}`,
    ...(typeof eventUs === 'number' ? { eventUs } : {}),
    ...contents(type, fields),
  };
}

/** A depth answer of REST with the name of its symbol: `{url, symbol, body}`, as `tickwire record` writes it. */
function snapshot({ symbol, body }: Fields): RecordedMessage | undefined {
  if (typeof symbol !== 'string' || typeof body !== 'object' || body === null) return undefined;
  const { lastUpdateId, bids, asks } = body as Fields;
  const lastId = idOf(lastUpdateId);
  if (lastId === undefined || !Array.isArray(bids) || !Array.isArray(asks)) return undefined;
  const book = { whole: true, firstId: lastId, lastId, bids: levels(bids), asks: levels(asks) };
  return { symbol, type: 'snapshot', prices: [], sizes: [], book };
}

function contents(type: string, data: Fields): Parts {
  if (type === 'trade') return tradeParts(data);
  if (type === 'depth') return bookParts(data);
  if (type === 'bookTicker') {
    const { b, B, a, A } = data;
    const top = { bid: String(b), bidSize: String(B), ask: String(a), askSize: String(A) };
    return { prices: [b, a], sizes: [B, A], top };
  }
  return { prices: [], sizes: [] };
}

function tradeParts(data: Fields): Parts {
  const { p, q, t, T: timeUs, m } = data;
  const price = parseDecimal(p);
  const size = parseDecimal(q);
  const id = idOf(t);
  const given = { prices: [p], sizes: [q] };
  if (price === undefined || size === undefined || id === undefined || typeof timeUs !== 'number')
    return given;
  const terms = { price, size, timeUs, buyerIsMaker: m === true };
  return { ...given, trade: { kind: 'trade', ids: [id, id, id], terms } };
}

function bookParts({ U, u, a, b }: Fields): Parts {
  const firstId = idOf(U);
  const lastId = idOf(u);
  const bids = levels(b);
  const asks = levels(a);
  const all = [...bids, ...asks];
  const given = { prices: all.map(([price]) => price), sizes: all.map(([, size]) => size) };
  if (firstId === undefined || lastId === undefined) return given;
  return { ...given, book: { whole: false, firstId, lastId, bids, asks } };
}

function levels(side: unknown): BookLevels['bids'] {
  if (!Array.isArray(side)) return [];
  return side.filter(
    (level): level is [string, string] =>
      Array.isArray(level) && typeof level[0] === 'string' && typeof level[1] === 'string',
  );
}

/** Ids come as numbers or as strings. */
function idOf(value: unknown): number | undefined {
  const id = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof id === 'number' && Number.isSafeInteger(id) ? id : undefined;
}
