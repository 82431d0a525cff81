/** The keys that every venue's section of config.yaml has; their defaults are the venue's own published limits. */
import { bytes, duration, flag, list, oneOf, secret, url, whole } from './leaf.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const MiB = 1_024 * 1_024;

interface VenueDefaults {
  readonly enabled: boolean;
  readonly ws: string;
  readonly rest: string;
  readonly symbols: readonly string[];
  readonly messageBytesMax: number;
  readonly streamsPerConnection: number;
  readonly streamsPerRequest: number;
  readonly requestGap: number;
  readonly connects: number;
  readonly connectsWithin: number;
  readonly connectsPerSecond: number;
  readonly lifetime: number;
  readonly restBudget: number;
  readonly restBudgetWindow: number;
  readonly ping: number;
}

const symbol = {
  rule: 'is a symbol as the exchange writes it, in capitals (BTCUSDT)',
  read: (given: unknown) =>
    typeof given === 'string' && /^[A-Z0-9._-]{1,32}$/.test(given) ? given : undefined,
};

export function venueKeys(usual: VenueDefaults) {
  return {
    enabled: flag(usual.enabled),
    ws_endpoint: url(usual.ws, ['ws', 'wss']),
    rest_endpoint: url(usual.rest, ['http', 'https']),
    max_connections: whole(3, 1, 100),
    lines: whole(1, 1, 2),
    symbols: list(usual.symbols, 5_000, symbol),
    ping_interval: duration(usual.ping, 100, hour),
    messageBytesMax: bytes(usual.messageBytesMax, 1_024, 64 * MiB),
    streamsPerConnection: whole(usual.streamsPerConnection, 1, 100_000),
    streamsPerRequest: whole(usual.streamsPerRequest, 1, 1_000),
    requestGap: duration(usual.requestGap, 0, minute),
    connects: whole(usual.connects, 1, 100_000),
    connectsWithin: duration(usual.connectsWithin, second, hour),
    connectsPerSecond: whole(usual.connectsPerSecond, 0, 1_000),
    lifetime: duration(usual.lifetime, 0, 7 * 24 * hour),
    restBudget: whole(usual.restBudget, 1, 1_000_000),
    restBudgetWindow: duration(usual.restBudgetWindow, 100, hour),
  };
}

const majors = 'BTC ETH SOL XRP ADA DOGE AVAX LINK LTC DOT'.split(' ');

export const coinbaseKeys = {
  ...venueKeys({
    enabled: false,
    ws: 'wss://ws-feed.exchange.coinbase.com',
    rest: 'https://api.exchange.coinbase.com',
    symbols: majors.map((base) => `${base}-USD`),
    messageBytesMax: 16 * MiB,
    streamsPerConnection: 400,
    streamsPerRequest: 100,
    requestGap: 250,
    connects: 100,
    connectsWithin: minute,
    connectsPerSecond: 6,
    lifetime: 0,
    restBudget: 8,
    restBudgetWindow: second,
    ping: 30 * second,
  }),
  book: oneOf('changes', ['changes', 'none']),
  key: secret(''),
  secret: secret(''),
  passphrase: secret(''),
};

export const backpackKeys = {
  ...venueKeys({
    enabled: false,
    ws: 'wss://ws.backpack.exchange',
    rest: 'https://api.backpack.exchange',
    symbols: ['SOL_USDC', 'BTC_USDC', 'ETH_USDC', 'SOL_USDC_PERP', 'BTC_USDC_PERP', 'ETH_USDC_PERP'],
    messageBytesMax: 4 * MiB,
    streamsPerConnection: 200,
    streamsPerRequest: 50,
    requestGap: 250,
    connects: 30,
    connectsWithin: minute,
    connectsPerSecond: 2,
    lifetime: 0,
    restBudget: 5,
    restBudgetWindow: second,
    ping: 75 * second,
  }),
  book: oneOf('changes', ['changes', 'none']),
};
