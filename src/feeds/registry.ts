/** To add a venue: one folder, and one line here (docs/add-a-venue.md). */
import { backpack } from './backpack/venue.ts';
import { binance } from './binance/venue.ts';
import { coinbase } from './coinbase/venue.ts';
import type { Venue } from './venue.ts';

export const venues = { binance, coinbase, backpack } as const satisfies Record<string, Venue>;
