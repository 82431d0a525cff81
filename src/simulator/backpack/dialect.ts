/** Backpack Exchange: its public streams, and the REST that goes with them. */
import type { Dialect, StreamTraits, VenueSource } from '../dialect.ts';
import { Satellites } from '../satellites.ts';
import type { StreamKind } from '../tally.ts';
import { depthWindows, partsOf } from './control.ts';
import { klineNames } from './intervals.ts';
import type { BackpackOptions } from './notation.ts';
import { satelliteRows } from './products.ts';
import { recorded } from './recorded.ts';
import { BackpackRest } from './rest.ts';
import { crossed, priced } from './spoil.ts';
import { answer } from './subscribe.ts';
import { BackpackVoice } from './voice.ts';

const kinds: Readonly<Record<string, StreamKind>> = {
  trade: 'trade',
  bookTicker: 'bookTicker',
  depth: 'depth',
  kline: 'kline',
  ticker: 'ticker',
};

/** A dialect is made for one simulator: it remembers what the venue lists. */
export function backpackDialect(options: BackpackOptions = {}): Dialect {
  let market: Satellites<BackpackVoice> | undefined;
  let source: VenueSource | undefined;
  const desk = {
    listed: (symbol: string) => source?.view(symbol) !== undefined,
    beforeSubscribe: (stream: string) => market?.voice.beforeSubscribe(stream),
  };
  return {
    name: 'backpack',
    limits: {
      incomingPerSecond: 0, // not published
      controlBytesMax: 256 * 1024,
      streamsPerConnection: 0,
      pingIntervalMs: 60_000,
      pongTimeoutMs: 120_000,
      lifetimeMs: 0,
      subscribeWithinMs: 0,
      connects: { most: 0, withinMs: 0 },
      restBudget: 10, // not published: twice what a careful reader asks
      restWindowMs: 1_000,
      banMs: 0,
      graceMs: 0,
    },
    symbolOf: ({ base }) => `${base}_USDC`,
    streamTypes: [
      'bookTicker',
      'trade',
      'ticker',
      ...[...depthWindows.keys()].map((name) => (name === '' ? 'depth' : `depth.${name}`)),
      ...[...klineNames.keys()].map((name) => `kline.${name}`),
    ],
    traits,
    wish: () => ({ combined: true, micro: false, streams: [] }),
    control: (session, text) => {
      answer(session, text, desk);
      return undefined;
    },
    satellites: (parts) => {
      market = new Satellites(parts, satelliteRows, (ours) => new BackpackVoice(ours, options));
      return market.all;
    },
    voice: () => market!,
    source: (given) => market?.source(given) ?? given,
    rest: (given, floor) => {
      source = given;
      const rest = new BackpackRest(given, floor, options, (symbol) => market?.voice.pastBook(symbol));
      return (request, response) => rest.handle(request, response);
    },
    shutdownNotice: () => undefined, // a Close frame says it
    priced,
    crossed: (message, { ask }) => crossed(message, ask),
    recordings: { of: 'Backpack streams', form: '{"stream":…,"data":…}' },
    recorded,
  };
}

function traits(stream: string): StreamTraits {
  const { type, symbol } = partsOf(stream);
  return { kind: Object.hasOwn(kinds, type) ? kinds[type]! : 'other', symbol, head: '' };
}
