/** The venues of the configuration, each as the parts of the server want to know it. */
import type { Config } from '../config/load.ts';
import { type ConnectionLimits, connectionDefaults } from '../feeds/connection.ts';
import type { TradesKind } from '../feeds/normaliser.ts';
import { venues } from '../feeds/registry.ts';
import type { StreamWish, Venue, VenueKeys, VenueLimits } from '../feeds/venue.ts';

/** A symbol of a venue, by the venue's name, and which of its trade streams makes the ticks. */
export interface ListedStream {
  readonly venue: string;
  readonly native: string;
  readonly trades: TradesKind;
}

export interface VenueSettings {
  readonly venue: Venue;
  readonly wsUrl: string;
  readonly restUrl: string;
  /** Symbols that are always taken. */
  readonly core: readonly ListedStream[];
  /** Any other listed symbol is taken as soon as somebody wants it. */
  readonly anySymbol: boolean;
  readonly trades: TradesKind;
  readonly book: StreamWish['book'];
  readonly micros: boolean;
  readonly lines: 1 | 2;
  /** Sockets of a line. */
  readonly maxConnections: number;
  readonly limits: VenueLimits;
  readonly connection: ConnectionLimits;
  readonly keys?: VenueKeys;
  /** What REST may use, and in which time (ms). */
  readonly budget: number;
  readonly budgetMs: number;
}

type VenueConfig = Config['exchange'] | Config['coinbase'] | Config['backpack'];

/**
 * The venues that are enabled.
 * @param core what is always taken instead of the configured symbols: what a recording holds, or the simulator lists
 */
export function venueSettings(config: Config, core?: readonly ListedStream[]): VenueSettings[] {
  const { exchange, coinbase, backpack } = config;
  const all: readonly (readonly [Venue, VenueConfig])[] = [
    [venues.binance, exchange],
    [venues.coinbase, coinbase],
    [venues.backpack, backpack],
  ];
  return all
    .filter(([, own]) => own.enabled)
    .map(([venue, own]) => {
      const settings = settingsOf(config, venue, own);
      return core === undefined
        ? settings
        : { ...settings, core: core.filter((one) => one.venue === venue.name) };
    })
    .filter((settings) => settings.core.length > 0);
}

/** What is the same for all comes from `exchange`. */

function settingsOf(config: Config, venue: Venue, own: VenueConfig): VenueSettings {
  const { exchange, coinbase } = config;
  const kind = venue === venues.binance ? exchange.trades : 'trade';
  const keys = { key: coinbase.key, secret: coinbase.secret, passphrase: coinbase.passphrase };
  const signed = venue === venues.coinbase && Object.values(keys).every((value) => value !== '');
  return {
    venue,
    wsUrl: own.ws_endpoint,
    restUrl: own.rest_endpoint,
    core: own.symbols.map((native) => ({ venue: venue.name, native, trades: kind })),
    anySymbol: config.demand.anySymbol,
    trades: kind,
    book: bookOf(own.book),
    micros: venue === venues.binance && exchange.micros,
    ...(signed ? { keys } : {}),
    lines: own.lines === 2 ? 2 : 1,
    maxConnections: own.max_connections,
    limits: {
      streamsPerConnection: own.streamsPerConnection,
      streamsPerRequest: own.streamsPerRequest,
      requestGapMs: own.requestGap,
      connects: { most: own.connects, withinMs: own.connectsWithin },
      connectsPerSecond: own.connectsPerSecond,
      subscribeWithinMs: venue.limits.subscribeWithinMs,
      lifetimeMs: own.lifetime,
    },
    connection: connectionLimits(config, own),
    budget: own.restBudget,
    budgetMs: own.restBudgetWindow,
  };
}

function connectionLimits({ exchange }: Config, own: VenueConfig): ConnectionLimits {
  return {
    ...connectionDefaults,
    quietMs: own.ping_interval,
    messageBytesMax: own.messageBytesMax,
    answerMs: exchange.answerTimeout,
    overlapMs: exchange.overlap,
    refusalsMax: exchange.refusedMax,
    refusalsWithinMs: exchange.refusedWindow,
    backoff: { ...connectionDefaults.backoff, firstMs: exchange.backoffMin, mostMs: exchange.backoffMax },
  };
}

function bookOf(text: 'changes' | '5' | '10' | '20' | 'none'): StreamWish['book'] {
  return text === '5' || text === '10' || text === '20' ? (Number(text) as 5 | 10 | 20) : text;
}
