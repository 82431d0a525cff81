/**
 * Coinbase Exchange. Its documents limit connecting (8 a second and address) and subscribing (100 messages a second and
 * address; the first within 5 s), and cut readers that are slow. They do not limit products a connection nor its life:
 * 300 streams, and one request each 250 ms, are ours.
 */
import { createHmac } from 'node:crypto';
import type { Instrument } from '../../market/instrument.ts';
import type { Answer, StreamWish, Venue, VenueKeys, VenueStream } from '../venue.ts';
import { answerSchema, type ChannelRequest, type Request } from './messages.ts';
import { coinbaseNormaliser } from './normalise.ts';
import { CoinbaseRest } from './rest.ts';

export const coinbase: Venue = {
  name: 'COINBASE',
  wsUrl: 'wss://ws-feed.exchange.coinbase.com',
  restUrl: 'https://api.exchange.coinbase.com',
  limits: {
    streamsPerConnection: 300,
    streamsPerRequest: 100,
    requestGapMs: 250,
    connects: { most: 300, withinMs: 60_000 },
    connectsPerSecond: 6,
    subscribeWithinMs: 5_000,
    lifetimeMs: 0,
  },
  socketUrl: (wsUrl) => wsUrl.replace(/\/+$/, ''),
  streams,
  subscribe: (names, _id, keys, seconds) =>
    JSON.stringify({
      type: 'subscribe',
      channels: channelsOf(names),
      ...signature(keys, seconds),
    } satisfies Request),
  unsubscribe: (names) =>
    JSON.stringify({ type: 'unsubscribe', channels: channelsOf(names) } satisfies Request),
  acknowledges: 'by-list',
  answerOf,
  bookFrom: 'stream',
  normaliser: coinbaseNormaliser,
  rest: (options) => new CoinbaseRest(options),
};

/**
 * Named `channel:product`. Trades with their heartbeat, which tells of a missing tail; quotes; and the book: `level2`
 * needs keys, `level2_batch` says the same in batches of 50 ms. A part of a book is cut from the whole one here.
 */
function streams(instrument: Instrument, wish: StreamWish): VenueStream[] {
  const stream = (channel: string, group: string, book = false): VenueStream => ({
    name: `${channel}:${instrument.native}`,
    instrument,
    group,
    book,
  });
  const wanted = [stream('matches', 'trades'), stream('heartbeat', 'trades'), stream('ticker', 'quotes')];
  if (wish.book !== 'none') wanted.push(stream(wish.signed ? 'level2' : 'level2_batch', 'book', true));
  return wanted;
}

function channelsOf(names: readonly string[]): ChannelRequest[] {
  const channels = new Map<string, string[]>();
  for (const name of names) {
    const cut = name.indexOf(':');
    const channel = name.slice(0, cut);
    const products = channels.get(channel);
    if (products === undefined) channels.set(channel, [name.slice(cut + 1)]);
    else products.push(name.slice(cut + 1));
  }
  return [...channels].map(([name, product_ids]) => ({ name, product_ids }));
}

/** base64(HMAC-SHA256(base64-decoded secret, timestamp + "GET" + "/users/self/verify")), the timestamp in seconds. */
function signature(keys: VenueKeys | undefined, seconds: number | undefined): Partial<Request> {
  if (keys === undefined || seconds === undefined) return {};
  const timestamp = String(seconds);
  const signed = createHmac('sha256', Buffer.from(keys.secret, 'base64'))
    .update(`${timestamp}GET/users/self/verify`)
    .digest('base64');
  return { signature: signed, key: keys.key, passphrase: keys.passphrase, timestamp };
}

/** Answers call this channel by another name than requests do. */
const answeredNames: Readonly<Record<string, string>> = { level2_50: 'level2_batch' };

/** The whole list of what is granted, or an error that may concern any of the open requests. */
function answerOf(bytes: Uint8Array): Answer | undefined {
  const parsed = answerSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
  if (!parsed.success) return undefined;
  const answer = parsed.data;
  if (answer.type === 'error') {
    return { error: answer.reason === undefined ? answer.message : `${answer.message}: ${answer.reason}` };
  }
  return {
    granted: answer.channels.flatMap(
      ({ name, product_ids }) => product_ids?.map((id) => `${answeredNames[name] ?? name}:${id}`) ?? [],
    ),
  };
}
