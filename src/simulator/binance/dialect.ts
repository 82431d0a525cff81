/** Binance spot, as its documents of 2026-07-21 tell. */
import type { Dialect, StreamTraits, Wish } from '../dialect.ts';
import { intervals } from '../interval.ts';
import type { StreamKind } from '../tally.ts';
import { answerControl } from './control.ts';
import { Publisher } from './publisher.ts';
import { recorded } from './recorded.ts';
import { Rest } from './rest.ts';
import { crossed, priced } from './spoil.ts';

const partialBooks = [5, 10, 20].flatMap((levels) => [`depth${levels}`, `depth${levels}@100ms`]);
const kinds: Readonly<Record<string, StreamKind>> = {
  trade: 'trade',
  aggTrade: 'aggTrade',
  bookTicker: 'bookTicker',
  miniTicker: 'miniTicker',
  'miniTicker@arr': 'miniTicker',
  ticker: 'ticker',
  blockTrade: 'blockTrade',
};

export const binance: Dialect = {
  name: 'binance',
  limits: {
    incomingPerSecond: 5,
    controlBytesMax: 64 * 1024,
    streamsPerConnection: 1_024,
    pingIntervalMs: 20_000,
    pongTimeoutMs: 60_000,
    lifetimeMs: 24 * 3_600_000,
    subscribeWithinMs: 0,
    connects: { most: 300, withinMs: 300_000 },
    restBudget: 6_000,
    restWindowMs: 60_000,
    banMs: 120_000,
    graceMs: 250,
  },
  symbolOf: (instrument) => instrument.symbol,
  streamTypes: [
    'trade',
    'aggTrade',
    'bookTicker',
    'miniTicker',
    'ticker',
    'blockTrade',
    'depth',
    'depth@100ms',
    ...partialBooks,
    ...intervals.map((name) => `kline_${name}`),
  ],
  traits,
  wish,
  control: answerControl,
  voice: (parts) => new Publisher(parts),
  rest: (source, floor) => {
    const rest = new Rest(source, floor);
    return (request, response) => rest.handle(request, response);
  },
  shutdownNotice: (session, timeMs) => {
    const event = `{"e":"serverShutdown","E":${session.micro ? timeMs * 1_000 : timeMs}}`;
    return session.combined ? `{"stream":"!serverShutdown","data":${event}}` : event;
  },
  priced,
  crossed,
  recordings: { of: 'a Binance combined stream', form: '{"stream":…,"data":…}' },
  recorded,
};

function traits(stream: string): StreamTraits {
  const at = stream.search(/[@!]/);
  const type = stream.slice(at + 1);
  const kind = Object.hasOwn(kinds, type) ? kinds[type]! : looseKind(type);
  const head = `{"stream":${JSON.stringify(stream)},"data":`;
  return { kind, symbol: at < 0 ? '' : stream.slice(0, at).toUpperCase(), head };
}

function looseKind(type: string): StreamKind {
  if (type.startsWith('kline_')) return 'kline';
  return type.startsWith('depth') ? 'depth' : 'other';
}

/** Reads /stream?streams=a/b and /ws/a/b; answers an HTTP status where it makes no sense. */
function wish(url: string): Wish | string {
  const address = URL.parse(url, 'http://simulator');
  if (address === null) return '400 Bad Request';
  const { pathname, searchParams } = address;
  const unit = searchParams.get('timeUnit')?.toUpperCase() ?? 'MILLISECOND';
  if (unit !== 'MILLISECOND' && unit !== 'MICROSECOND') return '400 Bad Request';
  const combined = pathname === '/stream' || pathname === '/stream/';
  if (!combined && pathname !== '/ws' && !pathname.startsWith('/ws/')) return '404 Not Found';
  const list = combined
    ? (searchParams.get('streams') ?? '')
    : pathname.slice('/ws'.length).replaceAll('%40', '@');
  const streams = list.split('/').filter((name) => name !== '');
  if (streams.length > binance.limits.streamsPerConnection) return '400 Bad Request';
  return { combined, micro: unit === 'MICROSECOND', streams };
}
