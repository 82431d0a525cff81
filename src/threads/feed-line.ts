/** The way in, on the hub's thread: the venue's instruments and daily extremes over REST, its feed, and the hub. */
import { performance } from 'node:perf_hooks';
import type { Config } from '../config/load.ts';
import { connectionDefaults } from '../feeds/connection.ts';
import { Feed } from '../feeds/feed.ts';
import { LiveClock } from '../feeds/live-clock.ts';
import { type PlausibleTime, recordedTimes, type TradesKind } from '../feeds/normaliser.ts';
import { venues } from '../feeds/registry.ts';
import { steadyTimers } from '../feeds/timers.ts';
import { restDefaults, type VenueRest } from '../feeds/venue.ts';
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

export function venueRest(config: Config): VenueRest {
  return venues.binance.rest({
    ...restDefaults,
    baseUrl: config.exchange.rest_endpoint,
    timers: steadyTimers,
  });
}

/** The listed instruments as the venue describes them; asked for again until it answers. @throws what it does not list */
export async function listInstruments(
  rest: VenueRest,
  listing: readonly ListedStream[],
  log: Log,
  stopped: () => boolean,
): Promise<Omit<Instrument, 'id'>[]> {
  const wanted = new Set(listing.map(({ native }) => native));
  for (;;) {
    try {
      const known = (await rest.instruments()).filter(({ native }) => wanted.has(native));
      const missing = [...wanted].filter((native) => !known.some((one) => one.native === native));
      if (missing.length > 0)
        log.warn('not listed by the venue, so left out', { symbols: missing.join(', ') });
      if (known.length === 0) throw new Error(`the venue lists none of ${[...wanted].join(', ')}`);
      return known;
    } catch (error) {
      if (stopped()) throw error;
      log.warn('the list of instruments cannot be had yet', {
        error: error instanceof Error ? error.message : String(error),
      });
      await new Promise((resolve) => setTimeout(resolve, listingRetryMs));
    }
  }
}

export class FeedLine {
  readonly hub: Hub;
  readonly feed: Feed;
  /** Records that the line itself gave to the hub, beside the feed's. */
  extremes = 0;
  readonly #rest: VenueRest;
  readonly #instruments: readonly Instrument[];
  readonly #checking: NodeJS.Timeout | undefined;
  #closed = false;

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
    this.#rest = venueRest(config);
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
    const record = tickRecords(1);
    for (const instrument of this.#instruments) {
      if (this.#closed) return;
      try {
        const candles = await this.#rest.candles(instrument, { interval: '1d', limit: dailyCandles });
        if (candles.length === 0) continue;
        const high = candles.reduce((best, candle) => (candle.high > best.high ? candle : best));
        const low = candles.reduce((best, candle) => (candle.low < best.low ? candle : best));
        record.halves[tickField.head] = tickKind.extreme;
        record.halves[tickField.instrument] = instrument.id;
        record.words[tickField.price] = high.high;
        record.words[tickField.size] = high.openTime;
        record.words[tickField.firstId] = low.low;
        record.words[tickField.lastId] = low.openTime;
        this.hub.take(record, 1);
        this.extremes++;
      } catch (error) {
        log.incident('extremes', 'daily candles cannot be had; the Enigma level counts from our own trades', {
          symbol: instrument.symbol,
          error: error instanceof Error ? error.message : String(error),
        });
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#checking);
    await this.feed.close();
    this.hub.close();
  }
}

/** The sockets pause at three quarters of the overflow and go on at a quarter. */
function overflowMarks(
  records: number,
): Pick<HubOptions, 'overflowRecords' | 'overflowHigh' | 'overflowLow'> {
  const room = Math.max(4, records);
  return { overflowRecords: room, overflowHigh: Math.floor(room * 0.75), overflowLow: Math.floor(room / 4) };
}
