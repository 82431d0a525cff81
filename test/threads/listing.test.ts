/** What is served at a start when some venues, or all, do not answer. */
import { expect, test } from 'vitest';
import { venues } from '../../src/feeds/registry.ts';
import { RestFault, type VenueRest } from '../../src/feeds/venue-rest.ts';
import type { Log } from '../../src/telemetry/log.ts';
import { type Listed, listAll } from '../../src/threads/listing.ts';
import type { VenueSettings } from '../../src/threads/venues.ts';

function listedOn(venue: string, native: string): Listed {
  const names = { venue, native, symbol: `${venue}:${native}`, base: 'BTC', quote: 'USD' };
  return { ...names, priceDecimals: 2, sizeDecimals: 8, active: true };
}

/** A venue that lists one symbol, or never answers. */
function settings(venue: (typeof venues)[keyof typeof venues], answers: boolean): VenueSettings {
  const instruments = (): Promise<Listed[]> =>
    answers
      ? Promise.resolve([listedOn(venue.name, 'BTC')])
      : Promise.reject(new RestFault('unreachable', 'nobody there'));
  const rest = { instruments } as Partial<VenueRest> as VenueRest;
  return {
    venue: { ...venue, rest: () => rest },
    core: [{ venue: venue.name, native: 'BTC', trades: 'trade' }],
    anySymbol: true,
    restUrl: 'http://127.0.0.1:1',
  } as Partial<VenueSettings> as VenueSettings;
}

function heard(): { log: Log; said: string[] } {
  const said: string[] = [];
  const note = (message: string): void => void said.push(message);
  return {
    said,
    log: { warn: note, info: note, incident: (_: string, text: string) => note(text) } as never,
  };
}

const open = new AbortController().signal;

test('one venue that is down at a first start does not keep the others dark', async () => {
  const { log, said } = heard();
  const all = [settings(venues.binance, true), settings(venues.backpack, false)];
  const listed = await listAll({ venues: all, enrolled: () => [], log, signal: open, graceMs: 50 });
  expect(listed.map(({ symbol }) => symbol)).toEqual(['BINANCE:BTC']);
  expect(said).toContain('the others are served without it until it answers');
});

const enrolled = (venue: string): Listed[] => (venue === 'BACKPACK' ? [listedOn(venue, 'BTC')] : []);

test('a venue that is down, of which earlier runs know symbols, is served from those', async () => {
  const { log } = heard();
  const all = [settings(venues.binance, true), settings(venues.backpack, false)];
  const listed = await listAll({ venues: all, enrolled, log, signal: open, graceMs: 50 });
  expect(listed.map(({ symbol }) => symbol)).toEqual(['BINANCE:BTC', 'BACKPACK:BTC']);
});

test('nothing is served while no venue answers, and an end of it is heard', async () => {
  const { log, said } = heard();
  const ending = new AbortController();
  const all = [settings(venues.binance, false), settings(venues.backpack, false)];
  const listing = listAll({ venues: all, enrolled: () => [], log, signal: ending.signal, graceMs: 10 });
  const outcome = listing.then(
    () => 'listed',
    () => 'ended',
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(said.every((text) => text.startsWith('nothing is served yet'))).toBe(true);
  ending.abort(new Error('stop'));
  expect(await outcome).toBe('ended');
});
