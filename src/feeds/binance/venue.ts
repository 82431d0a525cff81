/**
 * Binance spot. Limits from its web socket documents of 2026-07: 1,024 streams a connection, 5 messages a second (250 ms
 * apart keeps clear of it), 300 attempts to connect in 5 minutes (240 leave room for others at our address), 24 hours a connection.
 */
import type { Instrument } from '../../market/instrument.ts';
import type { Answer, StreamWish, Venue, VenueStream } from '../venue.ts';
import { answerSchema, type Request } from './messages.ts';
import { binanceNormaliser } from './normalise.ts';
import { BinanceRest } from './rest.ts';

export const binance: Venue = {
  name: 'BINANCE',
  wsUrl: 'wss://stream.binance.com:9443',
  restUrl: 'https://api.binance.com',
  limits: {
    streamsPerConnection: 1_024,
    streamsPerRequest: 200,
    requestGapMs: 250,
    connects: { most: 240, withinMs: 300_000 },
    connectsPerSecond: 0,
    subscribeWithinMs: 0,
    lifetimeMs: 86_400_000,
  },
  socketUrl: (wsUrl, { micros }) =>
    `${wsUrl.replace(/\/+$/, '')}/stream${micros ? '?timeUnit=MICROSECOND' : ''}`,
  streams,
  subscribe: (params, id) => JSON.stringify({ method: 'SUBSCRIBE', params, id } satisfies Request),
  unsubscribe: (params, id) => JSON.stringify({ method: 'UNSUBSCRIBE', params, id } satisfies Request),
  acknowledges: 'by-id',
  answerOf,
  bookFrom: 'rest',
  normaliser: binanceNormaliser,
  rest: (options) => new BinanceRest(options),
};

/** Trades, aggregates, quotes and books each on sockets of their own, as document 002 has it. */
function streams(instrument: Instrument, wish: StreamWish): VenueStream[] {
  const symbol = instrument.native.toLowerCase();
  const stream = (kind: string, group: string, book = false): VenueStream => ({
    name: `${symbol}@${kind}`,
    instrument,
    group,
    book,
  });
  const wanted = [stream(wish.trades, wish.trades), stream('bookTicker', 'bookTicker')];
  if (wish.book !== 'none') {
    wanted.push(stream(`depth${wish.book === 'changes' ? '' : wish.book}@100ms`, 'depth', true));
  }
  // The candle tells the last trade's id every two seconds: a missing tail shows.
  wanted.push(stream('kline_1m', 'depth'));
  return wanted;
}

function answerOf(bytes: Uint8Array): Answer | undefined {
  const parsed = answerSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
  if (!parsed.success) return undefined;
  const { id, code, msg, error } = parsed.data;
  const of = typeof id === 'number' ? { id } : {};
  if (error !== undefined) return { ...of, error: `${error.code}: ${error.msg}` };
  if (code !== undefined) return { ...of, error: `${code}: ${msg ?? ''}` };
  return typeof id === 'number' ? of : undefined;
}
