/**
 * A venue's streams for the instruments that are wanted: reads what its sockets bring, and gives the records to the hub
 * in the same turn. With two lines every stream runs twice, on different sockets, and the second one's records carry
 * `tickFlag.lineB`, for the shard to arbitrate.
 */
import type { EventClock, MarketClock } from '../market/clock.ts';
import type { Instrument } from '../market/instrument.ts';
import { type TickRecords, tickField, tickFlag, tickKind, tickRecords } from '../wire/tick-record.ts';
import { BookSources } from './book-sources.ts';
import { ConnectBudget, type ConnectBudgetHealth } from './connect-budget.ts';
import { Connection, type ConnectionHealth, type ConnectionLimits } from './connection.ts';
import { type Ending, endingWords } from './ending.ts';
import { type FeedAccount, FeedCounts } from './feed-counts.ts';
import { followEvents, markLineB, type OwnRecord, ownRecord } from './feed-records.ts';
import { type Normaliser, type PlausibleTime, recordsPerMessageMax, type TradesKind } from './normaliser.ts';
import { type LineHealth, Pool } from './pool.ts';
import { ignored, isRefusal } from './refusal.ts';
import type { Timers } from './timers.ts';
import type { StreamWish, Venue, VenueKeys, VenueLimits, VenueStream } from './venue.ts';

export interface FeedOptions {
  readonly venue: Venue;
  /** All that may be wanted. */
  readonly instruments: readonly Instrument[];
  /** Ids of those that are wanted from the start; all of them unless told. */
  readonly wanted?: Iterable<number>;
  readonly wsUrl: string;
  readonly tradesOf: (instrument: Instrument) => TradesKind;
  /** Order books: none unless told. */
  readonly bookOf?: (instrument: Instrument) => StreamWish['book'];
  /** Levels a side that are kept of a book's snapshot. */
  readonly bookLevels?: number;
  readonly plausible: PlausibleTime;
  /** Tells the time of receipt. */
  readonly clock: MarketClock;
  /** In a replay: moved on by the venue's times, and then the time of receipt. The same object as `clock`. */
  readonly eventClock?: EventClock;
  readonly timers: Timers;
  readonly roll: () => number;
  readonly lines: 1 | 2;
  /** Sockets a line. */
  readonly maxConnections: number;
  readonly limits: ConnectionLimits;
  /** Limits that differ from the venue's own. */
  readonly venueLimits?: Partial<VenueLimits>;
  /** Attempts to connect: to be shared by all feeds of one venue in the process. */
  readonly budget?: ConnectBudget;
  readonly balance?: Partial<typeof balanceDefaults>;
  readonly keys?: VenueKeys;
  /** Wall time in s, for signatures. */
  readonly seconds?: () => number;
  /** Ask for times in µs where the venue can. */
  readonly micros?: boolean;
  /** Takes records 0 to count − 1 before it returns. */
  readonly sink: (records: TickRecords, count: number) => void;
  /** Sees every message as it came, before it is read. */
  readonly tap?: (bytes: Uint8Array, line: 0 | 1) => void;
  readonly onState?: (connection: Connection) => void;
  /** A ban, a legal block, a name or a certificate that is wrong: told once, until a socket is open again. */
  readonly onTrouble?: (ending: Ending, words: string) => void;
}

export const balanceDefaults = { balanceMs: 10_000, busyRate: 2_000 };

export interface FeedHealth {
  readonly account: FeedAccount;
  readonly connections: readonly ConnectionHealth[];
  readonly lines: readonly LineHealth[];
  readonly budget: ConnectBudgetHealth;
  /** Instruments that are wanted. */
  readonly wanted: number;
}

/** How many messages may share one reading of the clock within a turn. */
const messagesPerReading = 32;

export class Feed {
  readonly #options: FeedOptions;
  readonly #venueLimits: VenueLimits;
  readonly #budget: ConnectBudget;
  readonly #pools: readonly Pool[];
  readonly #counts = new FeedCounts();
  readonly #records = tickRecords(recordsPerMessageMax);
  /** Which socket each order book follows, by line; only where changes have no ids. */
  readonly #sources: readonly BookSources[];
  readonly #wanted = new Map<number, readonly VenueStream[]>();
  readonly #told = new Set<Ending>();
  readonly #forget = (): void => {
    this.#readings = 0;
  };
  #instruments: ReadonlyMap<number, Instrument>;
  #normaliser: Normaliser;
  #started = false;
  #paused = false;
  #received = 0;
  /** Messages that may still use `#received`; none after the turn. */
  #readings = 0;

  /** @throws RangeError when the streams wanted from the start do not fit on the connections. */
  constructor(options: FeedOptions) {
    this.#options = options;
    this.#venueLimits = { ...options.venue.limits, ...options.venueLimits };
    this.#budget = options.budget ?? new ConnectBudget({ limits: this.#venueLimits, timers: options.timers });
    this.#instruments = byId(options.instruments);
    this.#normaliser = this.#normaliserFor(options.instruments);
    this.#sources = options.lines === 2 ? [new BookSources(), new BookSources()] : [new BookSources()];
    this.#pools = this.#sources.map((_, line) => this.#pool(line as 0 | 1));
    for (const id of options.wanted ?? this.#instruments.keys()) {
      const instrument = this.#instruments.get(id);
      if (instrument !== undefined) this.#wanted.set(id, this.#streamsOf(instrument));
    }
    this.#checkRoom();
    for (const pool of this.#pools) pool.want([...this.#wanted.values()].flat());
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const id of this.#wanted.keys()) this.#tell({ kind: tickKind.subscribed, instrument: id, id: 1 });
    for (const pool of this.#pools) pool.start();
  }

  /** Takes the instrument's streams, on open sockets where there are any. False when it is not known. */
  want(id: number): boolean {
    const instrument = this.#instruments.get(id);
    if (instrument === undefined) return false;
    if (this.#wanted.has(id)) return true;
    const streams = this.#streamsOf(instrument);
    this.#wanted.set(id, streams);
    if (this.#started) this.#tell({ kind: tickKind.subscribed, instrument: id, id: 1 });
    for (const pool of this.#pools) pool.want(streams);
    return true;
  }

  /** Lets the instrument's streams go. */
  unwant(id: number): void {
    const streams = this.#wanted.get(id);
    if (streams === undefined) return;
    this.#wanted.delete(id);
    for (const pool of this.#pools) pool.unwant(streams);
    if (this.#started) this.#tell({ kind: tickKind.subscribed, instrument: id });
  }

  isWanted(id: number): boolean {
    return this.#wanted.has(id);
  }

  /**
   * Takes the stream of the instrument's order book anew, so that it begins with a snapshot, on the first line that has
   * it. False when none has: then it begins anew anyway as soon as one has.
   */
  resubscribe(id: number): boolean {
    const books = (this.#wanted.get(id) ?? []).filter(({ book }) => book);
    return this.#pools.some((pool) => books.map(({ name }) => pool.again(name)).includes(true));
  }

  pause(): void {
    this.#paused = true;
    for (const pool of this.#pools) pool.pause();
  }

  resume(): void {
    this.#paused = false;
    for (const pool of this.#pools) pool.resume();
  }

  /**
   * Reads by new metadata from the next message on. Instruments that are not listed any more are let go, and those that
   * now have other streams change them; what did not change stays as it is. Decimals that changed are told as `rescale`.
   * @param version of the dictionary that they are from
   */
  adopt(instruments: readonly Instrument[], version = 0): void {
    const before = this.#instruments;
    this.#instruments = byId(instruments);
    this.#normaliser = this.#normaliserFor(instruments);
    for (const [id, old] of before) {
      const now = this.#instruments.get(id);
      if (now === undefined) this.unwant(id);
      else {
        this.#rescale(old, now, version);
        this.#changeStreams(id, now);
      }
    }
  }

  health(): FeedHealth {
    const lines = this.#pools.map((pool) => pool.connections.map((connection) => connection.health()));
    return {
      account: this.#counts.account(),
      connections: lines.flat(),
      lines: this.#pools.map((pool, line) => pool.health(lines[line]!)),
      budget: this.#budget.health(),
      wanted: this.#wanted.size,
    };
  }

  /** Resolves when all sockets are gone. May be called twice. */
  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.close()));
  }

  #normaliserFor(instruments: readonly Instrument[]): Normaliser {
    const { venue, tradesOf, plausible, limits, bookLevels } = this.#options;
    return venue.normaliser({
      instruments,
      tradesOf,
      plausible,
      messageBytesMax: limits.messageBytesMax,
      ...(bookLevels === undefined ? {} : { bookLevels }),
    });
  }

  #streamsOf(instrument: Instrument): VenueStream[] {
    const { venue, tradesOf, bookOf, keys, eventClock } = this.#options;
    const streams = venue.streams(instrument, {
      trades: tradesOf(instrument),
      book: bookOf?.(instrument) ?? 'none',
      signed: keys !== undefined,
    });
    // A replay has one socket, so that trades and quotes come in the order in which they were recorded.
    return eventClock === undefined ? streams : streams.map((stream) => ({ ...stream, group: 'all' }));
  }

  #checkRoom(): void {
    const { venue, maxConnections } = this.#options;
    const streams = [...this.#wanted.values()].reduce((sum, { length }) => sum + length, 0);
    const sockets = Math.ceil(streams / this.#venueLimits.streamsPerConnection);
    if (sockets <= maxConnections) return;
    throw new RangeError(
      `${venue.name}: ${this.#wanted.size} instruments need ${sockets} connections, and ${maxConnections} are allowed`,
    );
  }

  #pool(line: 0 | 1): Pool {
    const { maxConnections, limits, timers, balance, eventClock } = this.#options;
    const pool: Pool = new Pool({
      ...balanceDefaults,
      ...balance,
      limits: this.#venueLimits,
      maxConnections,
      overlapMs: limits.overlapMs,
      rebalances: eventClock === undefined,
      timers,
      open: (name) => this.#connection(name, line, pool),
    });
    return pool;
  }

  #connection(name: string, line: 0 | 1, pool: Pool): Connection {
    const { venue, wsUrl, limits, timers, roll, keys, seconds, micros, onState } = this.#options;
    const connection = new Connection({
      name: `${venue.name} ${name}${line === 0 ? '' : ' B'}`,
      venue,
      venueLimits: this.#venueLimits,
      wsUrl,
      micros: micros ?? false,
      ...(keys === undefined ? {} : { keys }),
      seconds: seconds ?? wallSeconds,
      limits,
      timers,
      roll,
      budget: this.#budget,
      receive: (bytes, link, from) => this.#receive(bytes, link, from, line),
      refuse: (code) => this.#counts.count(code),
      onSettled: (from) => pool.settled(from),
      onLinkEnd: (link) => this.#cut(link, line),
      onEnd: (ending) => this.#ended(venue.name, ending),
      onState: (from) => {
        if (from.state === 'open') this.#told.clear();
        onState?.(from);
      },
    });
    if (this.#paused) connection.pause();
    return connection;
  }

  #receive(bytes: Uint8Array, link: number, connection: Connection, line: 0 | 1): number {
    const records = this.#records;
    this.#options.tap?.(bytes, line);
    const answer = this.#normaliser.normalise(bytes, 0, bytes.length, this.#now(), records);
    if (answer <= 0) {
      this.#counts.count(answer);
      // What could not be read may have been a change of any book of this socket: where changes have no ids, only a new
      // snapshot tells.
      if (isRefusal(answer)) this.#cut(link, line);
      return answer;
    }
    const { halves } = records;
    const instrument = halves[tickField.instrument]!;
    connection.rates.note(instrument);
    if (!this.#sources[line]!.follows(halves[tickField.head]!, instrument, link)) {
      this.#counts.count(ignored.notFollowed);
      return 0;
    }
    this.#counts.count(answer);
    if (line === 1) markLineB(records, answer);
    const { eventClock } = this.#options;
    if (eventClock !== undefined) {
      followEvents(records, answer, eventClock);
      this.#readings = 0;
    }
    this.#options.sink(records, answer);
    return answer;
  }

  /** Order books that followed a socket are void with it. */
  #cut(link: number, line: 0 | 1): void {
    for (const id of this.#sources[line]!.ended(link)) {
      this.#tell({ kind: tickKind.cut, instrument: id, flags: line === 1 ? tickFlag.lineB : 0 });
    }
  }

  #rescale(old: Instrument, now: Instrument, version: number): void {
    const price = now.priceDecimals - old.priceDecimals;
    const size = now.sizeDecimals - old.sizeDecimals;
    if (price === 0 && size === 0) return;
    this.#tell({ kind: tickKind.rescale, instrument: now.id, id: version, price, size });
  }

  #changeStreams(id: number, instrument: Instrument): void {
    const old = this.#wanted.get(id);
    if (old === undefined) return;
    const streams = this.#streamsOf(instrument);
    const before = new Set(old.map(({ name }) => name));
    const after = new Set(streams.map(({ name }) => name));
    this.#wanted.set(id, streams);
    for (const pool of this.#pools) {
      pool.unwant(old.filter(({ name }) => !after.has(name)));
      pool.want(streams.filter(({ name }) => !before.has(name)));
    }
  }

  /** A record of our own, in the stream of the venue's. */
  #tell(record: Omit<OwnRecord, 'now'>): void {
    this.#counts.countOwn();
    this.#options.sink(ownRecord({ ...record, now: this.#options.clock.now() }), 1);
  }

  /** What keeps all of a venue away is told once, and again only after something came through. */
  #ended(name: string, ending: Ending): void {
    const words = endingWords[ending];
    if (words === undefined || this.#told.has(ending)) return;
    this.#told.add(ending);
    this.#options.onTrouble?.(ending, `${name}: ${words}`);
  }

  /** Time of receipt: read anew in each turn, and every few messages within one. */
  #now(): number {
    if (this.#readings === 0) {
      this.#readings = messagesPerReading;
      this.#received = this.#options.clock.now();
      setImmediate(this.#forget);
    }
    this.#readings--;
    return this.#received;
  }
}

const wallSeconds = (): number => Math.floor(Date.now() / 1_000);

function byId(instruments: readonly Instrument[]): ReadonlyMap<number, Instrument> {
  return new Map(instruments.map((one) => [one.id, one]));
}
