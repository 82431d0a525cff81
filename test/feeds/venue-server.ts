/** A small HTTP server that answers a venue's REST calls as a test says, and remembers what it was asked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';
import type { Venue } from '../../src/feeds/venue.ts';
import { restDefaults, type VenueRest } from '../../src/feeds/venue-rest.ts';
import { HandTimers } from './market.ts';

export async function askedVenue(
  venue: Venue,
  bodyOf: (url: URL) => unknown,
): Promise<{ rest: VenueRest; urls: URL[] }> {
  const urls: URL[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://venue');
    urls.push(url);
    response.end(JSON.stringify(bodyOf(url)));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const rest = venue.rest({
    ...restDefaults,
    baseUrl,
    timers: new HandTimers(),
    budget: 1_000,
    budgetMs: 1_000,
  });
  return { rest, urls };
}
