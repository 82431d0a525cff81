/** What can be traded: asked of every enabled venue at the start, and what earlier runs know where one does not answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { steadyTimers } from '../feeds/timers.ts';
import { RestFault, restDefaults, type VenueRest } from '../feeds/venue-rest.ts';
import type { Instrument } from '../market/instrument.ts';
import type { Log } from '../telemetry/log.ts';
import type { VenueSettings } from './venues.ts';

export type Listed = Omit<Instrument, 'id'>;

const listingRetryMs = 2_000;

/** @param signal once aborted, no request is under way any more */
export function venueRest(
  { venue, restUrl, budget, budgetMs }: VenueSettings,
  signal: AbortSignal,
): VenueRest {
  return venue.rest({ ...restDefaults, baseUrl: restUrl, timers: steadyTimers, budget, budgetMs, signal });
}

export interface Listing {
  readonly settings: VenueSettings;
  readonly rest: VenueRest;
  /** The instruments of the venue that an earlier run knows. */
  readonly enrolled: readonly Listed[];
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * The instruments to enrol, as the venue describes them: all that are traded where any symbol may be wanted, else the
 * core. When the venue does not answer, those that are enrolled, so that their history is served; when none is, it is
 * asked again until it answers. @throws the signal's reason once aborted
 */
export async function listInstruments(listing: Listing): Promise<readonly Listed[]> {
  const { settings, rest, log, signal } = listing;
  const enrolled = coreOf(listing.enrolled, settings);
  for (;;) {
    signal.throwIfAborted();
    try {
      return listedOf(await rest.instruments(), settings, log);
    } catch (error) {
      signal.throwIfAborted();
      const facts = { venue: settings.venue.name, endpoint: settings.restUrl, error: reasonOf(error) };
      if (error instanceof RestFault && enrolled.length > 0) {
        const unknown = missingOf(enrolled, settings);
        log.warn('the exchange does not list its instruments: going on with those known from earlier runs', {
          ...facts,
          known: enrolled.length,
          ...(unknown.length === 0 ? {} : { leftOut: unknown.join(', ') }),
        });
        return listing.enrolled;
      }
      const waitMs = Math.max(listingRetryMs, error instanceof RestFault ? error.retryAfterMs : 0);
      log.warn(
        'nothing is served yet: the exchange does not list its instruments, and none is known from earlier',
        { ...facts, nextTryInSeconds: Math.ceil(waitMs / 1_000) },
      );
      await pause(waitMs, signal);
    }
  }
}

const graceUsual = 5_000;

export interface Listings {
  readonly venues: readonly VenueSettings[];
  /** The instruments of a venue that an earlier run knows. */
  readonly enrolled: (venue: string) => readonly Listed[];
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Once one venue has listed its instruments, the others have so long (ms). */
  readonly graceMs?: number;
}

/**
 * The instruments of all venues. One that does not answer must not keep the others from being served: it is left out, and
 * taken as soon as it answers (metadata.ts). Nothing is served while none answers.
 */
export async function listAll(listings: Listings): Promise<Listed[]> {
  const { venues, enrolled, log, signal, graceMs = graceUsual } = listings;
  const late = new AbortController();
  const either = AbortSignal.any([signal, late.signal]);
  const lists = venues.map((settings) =>
    listInstruments({
      settings,
      rest: venueRest(settings, either),
      enrolled: enrolled(settings.venue.name),
      log,
      signal: either,
    }).catch((error: unknown): readonly Listed[] => {
      if (!late.signal.aborted || signal.aborted) throw error;
      log.warn('the others are served without it until it answers', { venue: settings.venue.name });
      return [];
    }),
  );
  const all = Promise.all(lists);
  await Promise.race([all, Promise.race(lists).then(() => pause(graceMs, signal))]);
  late.abort();
  return (await all).flat();
}

function coreOf(all: readonly Listed[], { core }: VenueSettings): Listed[] {
  const natives = new Set(core.map(({ native }) => native));
  return all.filter(({ native }) => natives.has(native));
}

function missingOf(known: readonly Listed[], { core }: VenueSettings): string[] {
  return core.map(({ native }) => native).filter((native) => !known.some((one) => one.native === native));
}

/** What of a venue's listing is enrolled. @throws when none of the core is listed */
export function listedOf(all: readonly Listed[], settings: VenueSettings, log: Log): Listed[] {
  const core = coreOf(all, settings);
  const missing = missingOf(core, settings);
  if (core.length === 0) throw new Error(`the venue lists none of ${missing.join(', ')}`);
  if (missing.length > 0) {
    log.warn('not listed by the venue, so left out', {
      venue: settings.venue.name,
      symbols: missing.join(', '),
    });
  }
  if (!settings.anySymbol) return core;
  return all.filter((one) => one.active || core.includes(one));
}

/** Its own words and those of the innermost cause, such as ECONNREFUSED. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  let inner: unknown = error;
  while (inner instanceof Error && inner.cause !== undefined) inner = inner.cause;
  if (inner === error || !(inner instanceof Error)) return error.message;
  return `${error.message} (${(inner as NodeJS.ErrnoException).code ?? inner.message})`;
}

/** Ends early, and without an error, once the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
