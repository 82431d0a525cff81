/**
 * Backpack. Its documents publish no limits of the feed (and none of REST): all of them here are ours, far below what
 * other venues allow. It sends pings each 60 s, and a close frame 30 s before it shuts down.
 */
import type { Instrument } from '../../market/instrument.ts';
import type { Answer, StreamWish, Venue, VenueStream } from '../venue.ts';
import { answerSchema, type Request } from './messages.ts';
import { backpackNormaliser } from './normalise.ts';
import { BackpackRest } from './rest.ts';

export const backpack: Venue = {
  name: 'BACKPACK',
  wsUrl: 'wss://ws.backpack.exchange',
  restUrl: 'https://api.backpack.exchange',
  limits: {
    streamsPerConnection: 200,
    streamsPerRequest: 50,
    requestGapMs: 250,
    connects: { most: 30, withinMs: 60_000 },
    connectsPerSecond: 1,
    subscribeWithinMs: 0,
    lifetimeMs: 0,
  },
  socketUrl: (wsUrl) => wsUrl.replace(/\/+$/, ''),
  streams,
  // No id: none is documented for requests, and the errors that were recorded carry none.
  subscribe: (params) => JSON.stringify({ method: 'SUBSCRIBE', params } satisfies Request),
  unsubscribe: (params) => JSON.stringify({ method: 'UNSUBSCRIBE', params } satisfies Request),
  acknowledges: 'by-error',
  answerOf,
  bookFrom: 'rest',
  normaliser: backpackNormaliser,
  rest: (options) => new BackpackRest(options),
};

/**
 * The ticker comes each second: it tells a quiet stream of trades from a dead one. The whole book comes as changes
 * only; a part of it is cut here.
 */
function streams(instrument: Instrument, wish: StreamWish): VenueStream[] {
  const stream = (kind: string, group: string, book = false): VenueStream => ({
    name: `${kind}.${instrument.native}`,
    instrument,
    group,
    book,
  });
  const wanted = [stream('trade', 'trades'), stream('ticker', 'trades'), stream('bookTicker', 'quotes')];
  if (wish.book !== 'none') wanted.push(stream('depth', 'book', true));
  return wanted;
}

function answerOf(bytes: Uint8Array): Answer | undefined {
  const parsed = answerSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
  if (!parsed.success) return undefined;
  const { id, error } = parsed.data;
  const of = typeof id === 'number' ? { id } : {};
  return { ...of, error: `${error.code}: ${error.message}` };
}
