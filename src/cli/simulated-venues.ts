/** The configuration with its venues where a simulated exchange listens, and the symbols that it lists as the core. */
import type { Config } from '../config/load.ts';
import type { ListedStream } from '../threads/venues.ts';
import type { SimulatorReady } from './exchange-process.ts';

type Venues = SimulatorReady['venues'];
type VenueConfig = Pick<Config['exchange'], 'enabled' | 'ws_endpoint' | 'rest_endpoint'>;

export function onSimulatedVenues(config: Config, { venues }: SimulatorReady): Config {
  return {
    ...config,
    exchange: { ...config.exchange, ...placeOf(config.exchange, venues.binance) },
    coinbase: { ...config.coinbase, ...placeOf(config.coinbase, venues.coinbase) },
    backpack: { ...config.backpack, ...placeOf(config.backpack, venues.backpack) },
  };
}

function placeOf(own: VenueConfig, venue: Venues[keyof Venues]): VenueConfig {
  if (venue === undefined) return { ...own, enabled: false };
  return { enabled: true, ws_endpoint: venue.wsUrl, rest_endpoint: venue.restUrl };
}

/** Everything that is listed. */
export function simulatedCore({ venues }: SimulatorReady): ListedStream[] {
  return Object.entries(venues).flatMap(([name, venue]) =>
    (venue?.listing ?? []).map(({ symbol, streams }) => ({
      venue: name.toUpperCase(),
      native: symbol,
      // Trades make the ticks where there are any, aggregate trades where there are only those.
      trades:
        name !== 'binance' || streams.includes('trade') || !streams.includes('aggTrade')
          ? 'trade'
          : 'aggTrade',
    })),
  );
}
