/** The venues' REST for commands that run without a server: one client and one limiter each, for all of a command. */
import type { Config } from '../config/load.ts';
import type { VenueRest } from '../feeds/venue-rest.ts';
import { venueRest } from '../threads/listing.ts';
import { venueSettings } from '../threads/venues.ts';

/** By the venue's name, such as `BINANCE`; those that are enabled. */
export type VenueRests = ReadonlyMap<string, VenueRest>;

/** @param signal once aborted, nothing is asked any more */
export function venueRests(config: Config, signal: AbortSignal): VenueRests {
  return new Map(venueSettings(config).map((settings) => [settings.venue.name, venueRest(settings, signal)]));
}
