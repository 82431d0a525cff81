/** Coinbase Exchange: its public WebSocket feed, and the REST that goes with it. */
import type { Dialect, StreamTraits, VenueSource } from '../dialect.ts';
import { Satellites } from '../satellites.ts';
import type { StreamKind } from '../tally.ts';
import { type ChannelName, channelNames, isChannel } from './control.ts';
import { snapshotOfRows } from './messages.ts';
import { satelliteRows } from './products.ts';
import { recorded } from './recorded.ts';
import { CoinbaseRest } from './rest.ts';
import { type CoinbaseKeys, signatureFault } from './signature.ts';
import { crossed, priced, timeless } from './spoil.ts';
import { answer } from './subscribe.ts';
import { CoinbaseVoice } from './voice.ts';

export interface CoinbaseOptions {
  /** Who may subscribe to level2; default nobody. */
  readonly keys?: CoinbaseKeys;
}

const kinds: Readonly<Record<ChannelName, StreamKind>> = {
  ticker: 'ticker',
  ticker_batch: 'ticker',
  matches: 'trade',
  heartbeat: 'heartbeat',
  level2_batch: 'depth',
  level2: 'depth',
};

/** A dialect is made for one simulator: it remembers what the venue lists. */
export function coinbaseDialect({ keys }: CoinbaseOptions = {}): Dialect {
  let market: Satellites<CoinbaseVoice> | undefined;
  let source: VenueSource | undefined;
  const welcome = (channel: ChannelName, product: string): string | undefined =>
    market === undefined ? playedBook(source, channel, product) : market.voice.welcome(channel, product);
  const desk = {
    listed: (product: string) => source?.view(product) !== undefined,
    signatureFault: (request: Readonly<Record<string, unknown>>) => signatureFault(request, keys, Date.now()),
    welcome,
  };
  return {
    name: 'coinbase',
    limits: {
      incomingPerSecond: 100,
      controlBytesMax: 256 * 1024,
      streamsPerConnection: 0,
      pingIntervalMs: 0,
      pongTimeoutMs: 0,
      lifetimeMs: 0,
      subscribeWithinMs: 5_000,
      connects: { most: 20, withinMs: 2_500, status: 429 }, // 8 a second
      restBudget: 10,
      restWindowMs: 1_000,
      banMs: 1_000,
      graceMs: 0,
    },
    symbolOf: ({ base }) => `${base}-USD`,
    streamTypes: channelNames,
    traits,
    wish: () => ({ combined: true, micro: false, streams: [] }),
    control: (session, text) => {
      answer(session, text, desk);
      return undefined;
    },
    satellites: (parts) => {
      market = new Satellites(parts, satelliteRows, (ours) => new CoinbaseVoice(ours));
      return market.all;
    },
    voice: () => market!,
    source: (given) => market?.source(given) ?? given,
    rest: (given, floor) => {
      source = given;
      const rest = new CoinbaseRest(given, floor);
      return (request, response) => rest.handle(request, response);
    },
    shutdownNotice: () => undefined, // it closes without a word
    priced,
    crossed: (message, { ask }) => crossed(message, ask),
    timeless,
    recordings: { of: 'a Coinbase Exchange feed', form: '{"type":…,"product_id":…}' },
    recorded,
  };
}

function traits(stream: string): StreamTraits {
  const at = stream.indexOf(':');
  const channel = stream.slice(0, at);
  return { kind: isChannel(channel) ? kinds[channel] : 'other', symbol: stream.slice(at + 1), head: '' };
}

/** Who comes in the middle of a recording gets the book as it has been played so far. */
function playedBook(
  source: VenueSource | undefined,
  channel: ChannelName,
  product: string,
): string | undefined {
  if (channel !== 'level2_batch') return undefined;
  const book = source?.view(product)?.depth(Infinity);
  if (book === undefined || book.bids.length + book.asks.length === 0) return undefined;
  return snapshotOfRows(product, book.bids, book.asks);
}
