/** The way in, on the hub's thread: the venue's instruments and daily extremes over REST, its feed, and the hub. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/load.ts';
import { Backoff, backoffDefaults } from '../feeds/backoff.ts';
import { connectionDefaults } from '../feeds/connection.ts';
import { Feed } from '../feeds/feed.ts';
import { LiveClock } from '../feeds/live-clock.ts';
import { type PlausibleTime, recordedTimes, type TradesKind } from '../feeds/normaliser.ts';
import { venues } from '../feeds/registry.ts';
import { steadyTimers } from '../feeds/timers.ts';
import { RestFault, restDefaults, type VenueCandle, type VenueRest } from '../feeds/venue.ts';
import { VenueClock } from '../feeds/venue-clock.ts';
import { dealInstruments, Hub, type HubOptions, hubDefaults } from '../hub/hub.ts';
import { EventClock } from '../market/clock.ts';
import { canonicalSymbol, type Dictionary, type Instrument } from '../market/instrument.ts';
import type { Log } from '../telemetry/log.ts';
import { tickField, tickKind, tickRecords } from '../wire/tick-record.ts';
import { TickWriter } from '../wire/tick-ring.ts';
import type { ShardOptions } from '../workers/shard-options.ts';

/** A symbol to take, by the venue's name, and which of its trade streams makes the ticks. */
export interface ListedStream {
  readonly native: string;
  readonly trades: TradesKind;
}

/** First and last time (ms) of a recording that is played. */
export interface RecordedSpan {
  readonly firstMs: number;
  readonly lastMs: number;
}

const listingRetryMs = 2_000;
const dailyCandles = 1_000;

/** @param signal once aborted, no request is under way any more */
export function venueRest(config: Config, signal: AbortSignal): VenueRest {
  return venues.binance.rest({
    ...restDefaults,
    baseUrl: config.exchange.rest_endpoint,
    timers: steadyTimers,
    fetch: (url, init) => {
      const own = init?.signal ?? undefined;
      return fetch(url, { ...init, signal: own === undefined ? signal : AbortSignal.any([own, signal]) });
    },
  });
}

export interface Listing {
  readonly rest: VenueRest;
  /** Where that asks: for the log. */
  readonly endpoint: string;
  /** The wanted symbols, by the venue's name. */
  readonly natives: ReadonlySet<string>;
  /** Those of them that an earlier run knows. */
  readonly enrolled: readonly Omit<Instrument, 'id'>[];
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * The wanted instruments as the venue describes them. When it does not answer, those that are enrolled, so that their
 * history is served; when none is, it is asked for again until it answers. @throws the signal's reason once aborted
 */
export async function listInstruments(listing: Listing): Promise<readonly Omit<Instrument, 'id'>[]> {
  const { rest, endpoint, natives, enrolled, log, signal } = listing;
  for (;;) {
    signal.throwIfAborted();
    try {
      return listedOf(await rest.instruments(), natives, log);
    } catch (error) {
      signal.throwIfAborted();
      const facts = { endpoint, error: reasonOf(error) };
      if (error instanceof RestFault && enrolled.length > 0) {
        const unknown = [...natives].filter((native) => !enrolled.some((one) => one.native === native));
        log.warn('the exchange does not list its instruments: going on with those known from earlier runs', {
          ...facts,
          known: enrolled.length,
          ...(unknown.length === 0 ? {} : { leftOut: unknown.join(', ') }),
        });
        return enrolled;
      }
      const waitMs = Math.max(listingRetryMs, error instanceof RestFault ? error.retryAfterMs : 0);
      log.warn(
        'nothing is served yet: the exchange does not list its instruments, and none is known from earlier',
        {
          ...facts,
          nextTryInSeconds: Math.ceil(waitMs / 1_000),
        },
      );
      await pause(waitMs, signal);
    }
  }
}

function listedOf(
  all: readonly Omit<Instrument, 'id'>[],
  natives: ReadonlySet<string>,
  log: Log,
): Omit<Instrument, 'id'>[] {
  const known = all.filter(({ native }) => natives.has(native));
  const missing = [...natives].filter((native) => !known.some((one) => one.native === native));
  if (known.length === 0) throw new Error(`the venue lists none of ${missing.join(', ')}`);
  if (missing.length > 0) log.warn('not listed by the venue, so left out', { symbols: missing.join(', ') });
  return known;
}

/** Its own words and those of the innermost cause, such as ECONNREFUSED. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  let inner: unknown = error;
  while (inner instanceof Error && inner.cause !== undefined) inner = inner.cause;
  if (inner === error || !(inner instanceof Error)) return error.message;
  return `${error.message} (${(inner as NodeJS.ErrnoException).code ?? inner.message})`;
}

/** Ends early, and without an error, once the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

export class FeedLine {
  readonly hub: Hub;
  readonly feed: Feed;
  /** Records that the line itself gave to the hub, beside the feed's. */
  extremes = 0;
  readonly #rest: VenueRest;
  readonly #instruments: readonly Instrument[];
  readonly #checking: NodeJS.Timeout | undefined;
  readonly #closing = new AbortController();

  constructor(
    config: Config,
    dictionary: Dictionary,
    shards: readonly ShardOptions[],
    listing: readonly ListedStream[],
    recorded: RecordedSpan | undefined,
  ) {
    const { exchange, workers } = config;
    const tradesBy = new Map(
      listing.map(({ native, trades }) => [canonicalSymbol(exchange.venue, native), trades]),
    );
    this.#instruments = dictionary.instruments.filter(({ symbol }) => tradesBy.has(symbol));
    this.#rest = venueRest(config, this.#closing.signal);
    const live = new LiveClock();
    const replay = recorded === undefined ? undefined : new EventClock();
    const venueClock = new VenueClock(live, () => performance.now());
    // Quotes have no time of their own: those before the first trade are of the recording's beginning.
    if (recorded !== undefined) replay?.advanceTo(recorded.firstMs * 1_000);
    if (replay === undefined) this.#checking = setInterval(() => live.check(), 1_000).unref();
    this.hub = new Hub({
      ...hubDefaults,
      writers: shards.map(({ input, bell }) => new TickWriter(input, new Int32Array(bell))),
      shardOf: dealInstruments(dictionary.instruments.length, shards.length),
      clock: replay ?? venueClock,
      clockMs: config.bars.clock,
      publishAt: Math.min(workers.flushRecords, workers.queue / 4),
      ...overflowMarks(workers.overflow),
      conflates: workers.whenFull === 'conflate',
    });
    const hub = this.hub;
    const ownPast: PlausibleTime = {
      around: 'receipt',
      pastMicros: exchange.pastTolerance * 1_000,
      futureMicros: exchange.futureTolerance * 1_000,
    };
    this.feed = new Feed({
      venue: venues.binance,
      instruments: this.#instruments,
      wsUrl: exchange.ws_endpoint,
      tradesOf: (instrument) => tradesBy.get(instrument.symbol) ?? 'trade',
      plausible:
        recorded === undefined ? ownPast : recordedTimes(recorded.firstMs * 1_000, recorded.lastMs * 1_000),
      clock: replay ?? live,
      ...(replay === undefined ? {} : { eventClock: replay }),
      timers: steadyTimers,
      roll: Math.random,
      lines: exchange.lines === 2 ? 2 : 1,
      maxConnections: exchange.max_connections,
      limits: {
        ...connectionDefaults,
        quietMs: exchange.ping_interval,
        messageBytesMax: exchange.messageBytesMax,
        refusalsMax: exchange.refusedMax,
        refusalsWithinMs: exchange.refusedWindow,
        backoff: { ...connectionDefaults.backoff, firstMs: exchange.backoffMin, mostMs: exchange.backoffMax },
      },
      sink: (records, count) => {
        if (replay === undefined) venueClock.observe(records, count);
        hub.take(records, count);
      },
    });
    this.hub.attach(this.feed);
  }

  start(log: Log): void {
    this.feed.start();
    void this.#takeExtremes(log);
  }

  /** Highs and lows of the venue's daily candles, for the Enigma level; one instrument after the other. */
  async #takeExtremes(log: Log): Promise<void> {
    const { signal } = this.#closing;
    for (const instrument of this.#instruments) {
      const backoff = new Backoff(backoffDefaults, Math.random);
      while (!signal.aborted) {
        try {
          const candles = await this.#rest.candles(instrument, { interval: '1d', limit: dailyCandles });
          this.#giveExtremes(instrument, candles);
          break;
        } catch (error) {
          if (signal.aborted) return;
          log.incident(
            'extremes',
            'daily candles cannot be had; the Enigma level counts from our own trades',
            {
              symbol: instrument.symbol,
              error: reasonOf(error),
            },
          );
          if (!isPassing(error)) break;
          await pause(backoff.next(0, Math.max(listingRetryMs, error.retryAfterMs)), signal);
        }
      }
    }
  }

  #giveExtremes(instrument: Instrument, candles: readonly VenueCandle[]): void {
    if (candles.length === 0 || this.#closing.signal.aborted) return;
    const high = candles.reduce((best, candle) => (candle.high > best.high ? candle : best));
    const low = candles.reduce((best, candle) => (candle.low < best.low ? candle : best));
    const record = tickRecords(1);
    record.halves[tickField.head] = tickKind.extreme;
    record.halves[tickField.instrument] = instrument.id;
    record.words[tickField.price] = high.high;
    record.words[tickField.size] = high.openTime;
    record.words[tickField.firstId] = low.low;
    record.words[tickField.lastId] = low.openTime;
    this.hub.take(record, 1);
    this.extremes++;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#checking);
    await this.feed.close();
    this.hub.close();
  }
}

/** The venue may well answer later. */
function isPassing(error: unknown): error is RestFault {
  return error instanceof RestFault && ['unreachable', 'limited', 'banned'].includes(error.kind);
}

/** The sockets pause at three quarters of the overflow and go on at a quarter. */
function overflowMarks(
  records: number,
): Pick<HubOptions, 'overflowRecords' | 'overflowHigh' | 'overflowLow'> {
  const room = Math.max(4, records);
  return { overflowRecords: room, overflowHigh: Math.floor(room * 0.75), overflowLow: Math.floor(room / 4) };
}
