/**
 * The way in, on the hub's thread: the venues' feeds, who wants what of them, and the hub. What the shards ask for
 * (repairs, snapshots of books) comes in through a ring of its own and goes to the REST thread, whose answers are records
 * like any others.
 */
import type { Config } from '../config/load.ts';
import type { FeedAccount } from '../feeds/feed-counts.ts';
import { LiveClock } from '../feeds/live-clock.ts';
import { slowestOf } from '../feeds/slowest-clock.ts';
import { steadyTimers } from '../feeds/timers.ts';
import { Demand } from '../hub/demand.ts';
import { dealInstruments, Hub, type HubOptions, hubDefaults } from '../hub/hub.ts';
import { EventClock } from '../market/clock.ts';
import { Directory } from '../market/directory.ts';
import type { Dictionary, Instrument } from '../market/instrument.ts';
import { RedisWatchLists } from '../stores/redis-watch-lists.ts';
import type { Log } from '../telemetry/log.ts';
import { tickRecordsIn } from '../wire/tick-record.ts';
import { TickWriter } from '../wire/tick-ring.ts';
import type { ShardOptions } from '../workers/shard-options.ts';
import { FetchedRecords } from './fetched-records.ts';
import type { IndexDefinition } from './indexes.ts';
import type { RestThread } from './rest-thread.ts';
import { type IndexSource, ShardRequests } from './shard-requests.ts';
import { type RecordedSpan, VenueLine } from './venue-line.ts';
import type { VenueSettings } from './venues.ts';

export interface FeedLineParts {
  readonly config: Config;
  readonly dictionary: Dictionary;
  /** The highest number that an instrument may get in this run. */
  readonly instrumentsMax: number;
  readonly venues: readonly VenueSettings[];
  readonly indexes: readonly IndexDefinition[];
  readonly shards: readonly ShardOptions[];
  readonly requestBell: SharedArrayBuffer;
  /** None in a replay: a recording has no REST behind it but its own. */
  readonly rest: RestThread;
  readonly recorded?: RecordedSpan;
  readonly log: Log;
}

/** So many of the symbols that are left out are named in the log. */
const leftOutNamed = 10;

export class FeedLine {
  readonly hub: Hub;
  readonly demand: Demand;
  readonly venues: readonly VenueLine[];
  /** What came from the REST thread. */
  readonly #fetched = new FetchedRecords();
  readonly #parts: FeedLineParts;
  readonly #requests: ShardRequests;
  readonly #byVenue: ReadonlyMap<string, VenueLine>;
  #directory: Directory;
  #lists: RedisWatchLists | undefined;
  /** Symbols of watch lists that name no instrument, or several. */
  #leftOut = 0;
  readonly #checking: NodeJS.Timeout | undefined;
  /** By index: how its parts do, by their symbols. */
  readonly #sources = new Map<string, Record<string, IndexSource>>();

  constructor(parts: FeedLineParts) {
    this.#parts = parts;
    const { config, dictionary, venues, indexes, shards, recorded, rest, log } = parts;
    const live = new LiveClock();
    const replay = recorded === undefined ? undefined : { clock: new EventClock(), span: recorded };
    // Quotes have no time of their own: those before the first trade are of the recording's beginning.
    if (replay === undefined) this.#checking = setInterval(() => live.check(), 1_000).unref();
    else replay.clock.advanceTo(replay.span.firstMs * 1_000);
    this.venues = venues.map(
      (settings) =>
        new VenueLine({
          config,
          settings,
          instruments: dictionary.instruments.filter(({ venue }) => venue === settings.venue.name),
          live,
          log,
          ...(replay === undefined ? {} : { replay }),
          sink: (records, count) => this.hub.take(records, count),
        }),
    );
    this.hub = new Hub({
      ...hubDefaults,
      ...hubOptions(config),
      writers: shards.map(({ input, bell }) => new TickWriter(input, new Int32Array(bell))),
      shardOf: dealInstruments(parts.instrumentsMax, shards.length),
      clock: replay?.clock ?? slowestOf(this.venues.map(({ clock }) => clock)),
      parts: indexes.flatMap(({ instrument, parts: list }) =>
        list.map((part, number) => ({ index: instrument, part: number, instrument: part.instrument })),
      ),
    });
    for (const { feed } of this.venues) this.hub.attach(feed);
    this.#byVenue = new Map(this.venues.map((line) => [line.settings.venue.name, line]));
    this.#directory = new Directory(dictionary);
    this.demand = new Demand({
      core: [...this.venues.flatMap(({ core }) => core), ...indexes.flatMap(partsOf)],
      lingerMs: config.demand.linger,
      after: (ms, run) => steadyTimers.after(ms, run),
      onWant: (instrument) => this.#want(instrument),
      onLetGo: (instrument) => this.#letGo(instrument),
      onWatched: (instrument, watched) => rest.watched(instrument, watched),
    });
    this.#requests = new ShardRequests(shards, parts.requestBell, {
      onGap: (instrument, from, to) => config.repair.enabled && rest.gap(instrument, from, to),
      onBook: (instrument, reason) => this.#askForBook(instrument, reason),
      onSource: (instrument, source) => this.#noteSource(instrument, source),
      isTaken: (instrument) => this.#isTaken(instrument),
    });
  }

  start(): void {
    this.#parts.rest.onRecords((memory, count, version) => {
      const records = tickRecordsIn(memory, 0, count);
      this.hub.take(records, this.#fetched.keep(records, count, version));
    });
    for (const { feed } of this.venues) feed.start();
    this.demand.start();
    this.#lists = this.#watchLists();
    this.#lists?.start();
  }

  /** What came in over all sockets. */
  account(): FeedAccount {
    return sumOf(this.venues.map(({ feed }) => feed.health().account));
  }

  /** True when every socket is open and every stream that is wanted is granted. */
  get isReady(): boolean {
    return this.venues.every(({ feed }) => {
      const { connections, lines } = feed.health();
      return (
        connections.every(({ state }) => state === 'open') && lines.every(({ missing }) => missing === 0)
      );
    });
  }

  health(): Record<string, unknown> {
    return {
      feeds: Object.fromEntries(
        this.venues.map(({ settings, feed }) => [settings.venue.name.toLowerCase(), feed.health()]),
      ),
      demand: {
        ...this.demand.health(),
        redis:
          this.#lists === undefined ? 'not configured' : { ...this.#lists.health(), leftOut: this.#leftOut },
      },
      streams: this.#requests.health(),
      indexes: Object.fromEntries(this.#sources),
    };
  }

  /** How many streams are stale, and sockets not open: nothing of either when all is well. */
  get isWell(): boolean {
    return (
      this.#requests.staleStreams === 0 &&
      this.venues.every(({ feed }) => feed.health().connections.every(({ state }) => state === 'open'))
    );
  }

  async close(): Promise<void> {
    clearInterval(this.#checking);
    this.#lists?.close();
    this.demand.close();
    this.#requests.close();
    await Promise.all(this.venues.map(({ feed }) => feed.close()));
    this.hub.close();
  }

  /** Records that came from the REST thread and went on. */
  get fetched(): number {
    return this.#fetched.came - this.#fetched.old;
  }

  /**
   * Another version of the dictionary. What the venue sends is read by it from its next message on; a change of decimals
   * goes down the stream right before that.
   */
  adopt(dictionary: Dictionary): void {
    const before = this.#directory.dictionary;
    this.#directory = new Directory(dictionary);
    this.#fetched.adopt(before, dictionary);
    const changed = dictionary.instruments.filter((one) => one !== before.instruments[one.id - 1]);
    for (const venue of new Set(changed.map((one) => one.venue))) {
      const own = dictionary.instruments.filter((one) => one.venue === venue);
      this.#byVenue.get(venue)?.feed.adopt(own, dictionary.version);
    }
    for (const one of changed) this.#changeWant(one, before.instruments[one.id - 1]);
  }

  /** By venue: messages refused because they are of another tick size, or of a symbol that is not known. */
  oldMetadata(): ReadonlyMap<string, number> {
    return new Map(
      this.venues.map(({ settings, feed }) => {
        const { tooPrecise, unknownSymbol } = feed.health().account.refused;
        return [settings.venue.name, tooPrecise + unknownSymbol];
      }),
    );
  }

  #changeWant(now: Instrument, before: Instrument | undefined): void {
    const { id, symbol } = now;
    if (before !== undefined) this.#rescale(now, before);
    if (before?.active === true && !now.active) this.#letGo(id);
    else if (now.active && before?.active !== true) {
      if (this.#byVenue.get(now.venue)?.isCore(symbol) === true) this.demand.addCore(id);
      if (this.demand.isTaken(id)) this.#want(id);
    }
  }

  #rescale({ id, venue, priceDecimals, sizeDecimals }: Instrument, before: Instrument): void {
    if (priceDecimals === before.priceDecimals && sizeDecimals === before.sizeDecimals) return;
    this.hub.rescalePart(id, priceDecimals - before.priceDecimals);
    const line = this.#byVenue.get(venue);
    // Its shard has forgotten the book. Where changes have no ids nothing would tell it that one is missing.
    if (line?.settings.venue.bookFrom === 'stream') line.feed.resubscribe(id);
  }

  #venueOf(instrument: number): VenueLine | undefined {
    return this.#byVenue.get(this.#directory.byId(instrument)?.venue ?? '');
  }

  /** What is not traded is taken when it is again. */
  #want(instrument: number): void {
    if (this.#directory.byId(instrument)?.active === true) this.#venueOf(instrument)?.feed.want(instrument);
  }

  /** An index is, while one of its parts is. */
  #isTaken(instrument: number): boolean {
    const index = this.#parts.indexes.find((one) => one.instrument === instrument);
    if (index !== undefined) return index.parts.some((part) => this.#isTaken(part.instrument));
    return this.#directory.byId(instrument)?.active === true && this.demand.isTaken(instrument);
  }

  #letGo(instrument: number): void {
    this.#venueOf(instrument)?.feed.unwant(instrument);
    this.#parts.rest.forgetBook(instrument);
  }

  /** Watch lists that others keep in Redis (document 002): what they want is taken too. */
  #watchLists(): RedisWatchLists | undefined {
    const { config, log } = this.#parts;
    const { redis } = config.cache;
    if (!redis.enabled) return undefined;
    return new RedisWatchLists({
      addr: redis.addr,
      password: redis.password,
      db: redis.db,
      everyMs: config.demand.reconcileEvery,
      onSymbols: (symbols) => this.#takeWatchLists(symbols),
      onFault: (reason) =>
        log.incident('watch lists', 'Redis does not give its watch lists: the last ones hold', { reason }),
    });
  }

  #takeWatchLists(symbols: ReadonlySet<string>): void {
    const wanted = new Set<number>();
    const left: string[] = [];
    for (const symbol of symbols) {
      const resolved = this.#directory.resolve(symbol);
      if ('instrument' in resolved) wanted.add(resolved.instrument.id);
      else left.push(`${symbol.slice(0, 64)} (${resolved.reason})`);
    }
    this.#leftOut = left.length;
    if (left.length > 0) {
      const symbolsLeft = left.slice(0, leftOutNamed).join(', ');
      this.#parts.log.incident('watch list symbols', 'symbols of watch lists that are not taken', {
        symbolsLeft,
      });
    }
    this.demand.replace('redis', wanted);
  }

  #noteSource(instrument: number, source: IndexSource): void {
    const index = this.#parts.indexes.find((one) => one.instrument === instrument);
    const part = index?.parts[source.part];
    if (index === undefined || part === undefined) return;
    const sources = this.#sources.get(index.symbol) ?? {};
    this.#sources.set(index.symbol, { ...sources, [part.symbol]: source });
  }

  #askForBook(instrument: number, reason: number): void {
    const line = this.#venueOf(instrument);
    if (line === undefined) return;
    if (line.settings.venue.bookFrom === 'rest') this.#parts.rest.book(instrument, reason);
    else line.feed.resubscribe(instrument);
  }
}

function partsOf({ parts }: IndexDefinition): number[] {
  return parts.map(({ instrument }) => instrument);
}

function hubOptions({
  bars,
  workers,
}: Config): Omit<HubOptions, 'writers' | 'shardOf' | 'clock' | 'retryMs'> {
  // The sockets pause at three quarters of the overflow and go on at a quarter.
  const room = Math.max(4, workers.overflow);
  return {
    clockMs: bars.clock,
    publishAt: Math.min(workers.flushRecords, workers.queue / 4),
    overflowRecords: room,
    overflowHigh: Math.floor(room * 0.75),
    overflowLow: Math.floor(room / 4),
    conflates: workers.whenFull === 'conflate',
  };
}

/** The same keys, each number the sum. */
function sumOf<T extends object>(all: readonly T[]): T {
  const [first] = all;
  if (first === undefined) throw new RangeError('nothing to add up');
  const sum: Record<string, unknown> = {};
  for (const key of Object.keys(first)) {
    const values = all.map((one) => (one as Record<string, unknown>)[key]);
    sum[key] =
      typeof values[0] === 'number'
        ? (values as number[]).reduce((total, value) => total + value, 0)
        : sumOf(values as object[]);
  }
  return sum as T;
}
