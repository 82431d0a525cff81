/** One venue's way in: its feed, its clock, and its place in the hub. */
import { performance } from 'node:perf_hooks';
import type { Config } from '../config/load.ts';
import { Feed } from '../feeds/feed.ts';
import { type PlausibleTime, recordedTimes } from '../feeds/normaliser.ts';
import { steadyTimers } from '../feeds/timers.ts';
import { VenueClock } from '../feeds/venue-clock.ts';
import type { EventClock, MarketClock } from '../market/clock.ts';
import { canonicalSymbol, type Instrument } from '../market/instrument.ts';
import type { Log } from '../telemetry/log.ts';
import type { TickRecords } from '../wire/tick-record.ts';
import type { VenueSettings } from './venues.ts';

/** First and last time (ms) of a recording that is played. */
export interface RecordedSpan {
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface VenueLineParts {
  readonly config: Config;
  readonly settings: VenueSettings;
  /** Those of the venue. */
  readonly instruments: readonly Instrument[];
  /** Our own market time. */
  readonly live: MarketClock;
  readonly log: Log;
  readonly replay?: { readonly clock: EventClock; readonly span: RecordedSpan };
  readonly sink: (records: TickRecords, count: number) => void;
}

export class VenueLine {
  readonly settings: VenueSettings;
  readonly feed: Feed;
  /** The venue's time. */
  readonly clock: MarketClock;
  /** Ids of the core. */
  readonly core: readonly number[];
  readonly #coreSymbols: ReadonlySet<string>;

  constructor(parts: VenueLineParts) {
    const { config, settings, instruments, live, log, replay, sink } = parts;
    const { venue } = settings;
    this.settings = settings;
    const tradesBy = new Map(
      settings.core.map(({ native, trades }) => [canonicalSymbol(venue.name, native), trades]),
    );
    this.#coreSymbols = new Set(tradesBy.keys());
    this.core = instruments.filter(({ symbol }) => tradesBy.has(symbol)).map(({ id }) => id);
    const venueClock = new VenueClock(live, () => performance.now());
    this.clock = replay?.clock ?? venueClock;
    const ownPast: PlausibleTime = {
      around: 'receipt',
      pastMicros: config.exchange.pastTolerance * 1_000,
      futureMicros: config.exchange.futureTolerance * 1_000,
    };
    this.feed = new Feed({
      venue,
      instruments,
      wsUrl: settings.wsUrl,
      tradesOf: (instrument) => tradesBy.get(instrument.symbol) ?? settings.trades,
      bookOf: () => settings.book,
      wanted: this.core,
      micros: settings.micros,
      bookLevels: config.books.levels,
      ...(settings.keys === undefined ? {} : { keys: settings.keys }),
      plausible:
        replay === undefined
          ? ownPast
          : recordedTimes(replay.span.firstMs * 1_000, replay.span.lastMs * 1_000),
      clock: replay?.clock ?? live,
      ...(replay === undefined ? {} : { eventClock: replay.clock }),
      timers: steadyTimers,
      roll: Math.random,
      lines: settings.lines,
      maxConnections: settings.maxConnections,
      venueLimits: settings.limits,
      limits: settings.connection,
      balance: { balanceMs: config.exchange.balanceEvery, busyRate: config.exchange.busyRate },
      onTrouble: (ending, words) => log.warn(words, { ending }),
      sink: (records, count) => {
        if (replay === undefined) venueClock.observe(records, count);
        sink(records, count);
      },
    });
  }

  /** Whether the symbol is one of those that are always taken. */
  isCore(symbol: string): boolean {
    return this.#coreSymbols.has(symbol);
  }
}
