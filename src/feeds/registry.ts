/** To add a venue: one folder, and one line here. */
import { binance } from './binance/venue.ts';
import type { Venue } from './venue.ts';

export const venues = { binance } as const satisfies Record<string, Venue>;
