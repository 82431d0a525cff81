/** The keys that every venue's section of config.yaml has; their defaults are the limits in the venue's folder. */
import { venues } from '../feeds/registry.ts';
import type { Venue } from '../feeds/venue.ts';
import { bytes, duration, flag, list, oneOf, secret, url, whole } from './leaf.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const MiB = 1_024 * 1_024;

interface VenueDefaults {
  readonly venue: Venue;
  readonly enabled: boolean;
  readonly symbols: readonly string[];
  readonly messageBytesMax: number;
  readonly restBudget: number;
  readonly restBudgetWindow: number;
  readonly ping: number;
}

const symbol = {
  rule: 'is a symbol as the exchange writes it, in capitals (BTCUSDT)',
  read: (given: unknown) =>
    typeof given === 'string' && /^[A-Z0-9._-]{1,32}$/.test(given) ? given : undefined,
};

export function venueKeys({ venue, ...usual }: VenueDefaults) {
  const { limits } = venue;
  return {
    enabled: flag(usual.enabled),
    ws_endpoint: url(venue.wsUrl, ['ws', 'wss']),
    rest_endpoint: url(venue.restUrl, ['http', 'https']),
    max_connections: whole(3, 1, 100),
    lines: whole(1, 1, 2),
    symbols: list(usual.symbols, 5_000, symbol),
    ping_interval: duration(usual.ping, 100, hour),
    messageBytesMax: bytes(usual.messageBytesMax, 1_024, 64 * MiB),
    streamsPerConnection: whole(limits.streamsPerConnection, 1, 100_000),
    streamsPerRequest: whole(limits.streamsPerRequest, 1, 1_000),
    requestGap: duration(limits.requestGapMs, 0, minute),
    connects: whole(limits.connects.most, 1, 100_000),
    connectsWithin: duration(limits.connects.withinMs, second, hour),
    connectsPerSecond: whole(limits.connectsPerSecond, 0, 1_000),
    lifetime: duration(limits.lifetimeMs, 0, 7 * 24 * hour),
    restBudget: whole(usual.restBudget, 1, 1_000_000),
    restBudgetWindow: duration(usual.restBudgetWindow, 100, hour),
  };
}

const majors = 'BTC ETH SOL XRP ADA DOGE AVAX LINK LTC DOT'.split(' ');

export const coinbaseKeys = {
  ...venueKeys({
    venue: venues.coinbase,
    enabled: false,
    symbols: majors.map((base) => `${base}-USD`),
    messageBytesMax: 16 * MiB,
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
    venue: venues.backpack,
    enabled: false,
    symbols: ['SOL_USDC', 'BTC_USDC', 'ETH_USDC', 'SOL_USDC_PERP', 'BTC_USDC_PERP', 'ETH_USDC_PERP'],
    messageBytesMax: 4 * MiB,
    restBudget: 5,
    restBudgetWindow: second,
    ping: 75 * second,
  }),
  book: oneOf('changes', ['changes', 'none']),
};
