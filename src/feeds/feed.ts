/**
 * A venue's sockets for a list of instruments: reads what they bring, and gives the records to the hub in the same
 * turn. Each group of streams (trades, quotes …) has sockets of its own; with two lines each runs twice, and the
 * second one's records carry `tickFlag.lineB`, for the shard to arbitrate.
 */
import type { EventClock, MarketClock } from '../market/clock.ts';
import type { Instrument } from '../market/instrument.ts';
import { type TickRecords, tickField, tickFlag, tickRecords, tickWords } from '../wire/tick-record.ts';
import { Connection, type ConnectionHealth, type ConnectionLimits } from './connection.ts';
import { type FeedAccount, FeedCounts } from './feed-counts.ts';
import { type Normaliser, type PlausibleTime, recordsPerMessageMax, type TradesKind } from './normaliser.ts';
import type { Timers } from './timers.ts';
import type { StreamGroup, Venue } from './venue.ts';

export interface FeedOptions {
  readonly venue: Venue;
  readonly instruments: readonly Instrument[];
  readonly wsUrl: string;
  readonly tradesOf: (instrument: Instrument) => TradesKind;
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
  /** Takes records 0 to count − 1 before it returns. */
  readonly sink: (records: TickRecords, count: number) => void;
  readonly onState?: (connection: Connection) => void;
}

export interface FeedHealth {
  readonly account: FeedAccount;
  readonly connections: readonly ConnectionHealth[];
}

/** How many messages may share one reading of the clock within a turn. */
const messagesPerReading = 32;

export class Feed {
  readonly #options: FeedOptions;
  readonly #connections: readonly Connection[];
  readonly #counts = new FeedCounts();
  readonly #records = tickRecords(recordsPerMessageMax);
  readonly #forget = (): void => {
    this.#readings = 0;
  };
  #normaliser: Normaliser;
  #received = 0;
  /** Messages that may still use `#received`; none after the turn. */
  #readings = 0;

  /** @throws RangeError when the streams do not fit on the connections. */
  constructor(options: FeedOptions) {
    this.#options = options;
    this.#normaliser = this.#normaliserFor(options.instruments);
    const sockets = spread(options);
    const lineFlags = options.lines === 2 ? [0, tickFlag.lineB] : [0];
    this.#connections = lineFlags.flatMap((flag) => sockets.map((socket) => this.#connection(socket, flag)));
  }

  start(): void {
    for (const connection of this.#connections) connection.start();
  }

  pause(): void {
    for (const connection of this.#connections) connection.pause();
  }

  resume(): void {
    for (const connection of this.#connections) connection.resume();
  }

  /** Reads by new metadata from the next message on; the streams stay as they are. */
  adopt(instruments: readonly Instrument[]): void {
    this.#normaliser = this.#normaliserFor(instruments);
  }

  health(): FeedHealth {
    return {
      account: this.#counts.account(),
      connections: this.#connections.map((connection) => connection.health()),
    };
  }

  /** Resolves when all sockets are gone. May be called twice. */
  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  #normaliserFor(instruments: readonly Instrument[]): Normaliser {
    const { venue, tradesOf, plausible, limits } = this.#options;
    return venue.normaliser({ instruments, tradesOf, plausible, messageBytesMax: limits.messageBytesMax });
  }

  #connection(socket: Socket, flag: number): Connection {
    const { venue, wsUrl, limits, timers, roll, onState } = this.#options;
    return new Connection({
      name: `${venue.name} ${socket.name}${flag === 0 ? '' : ' B'}`,
      venue,
      wsUrl,
      streams: socket.streams,
      limits,
      timers,
      roll,
      receive: (bytes) => this.#receive(bytes, flag),
      refuse: (code) => this.#counts.count(code),
      ...(onState === undefined ? {} : { onState }),
    });
  }

  #receive(bytes: Uint8Array, flag: number): number {
    const records = this.#records;
    const answer = this.#normaliser.normalise(bytes, 0, bytes.length, this.#now(), records);
    this.#counts.count(answer);
    if (answer <= 0) return answer;
    if (flag !== 0) {
      for (let i = 0; i < answer; i++) {
        const head = i * tickWords * 2 + tickField.head;
        records.halves[head] = records.halves[head]! | flag;
      }
    }
    const { eventClock } = this.#options;
    if (eventClock !== undefined) this.#follow(eventClock, answer);
    this.#options.sink(records, answer);
    return answer;
  }

  /** In a replay the market's time is the highest seen; a tick is received then, not at the time of the playing. */
  #follow(eventClock: EventClock, count: number): void {
    const { words, halves } = this.#records;
    for (let i = 0; i < count; i++) {
      const at = i * tickWords;
      if ((halves[at * 2 + tickField.head]! & tickFlag.noVenueTime) === 0)
        eventClock.advanceTo(words[at + tickField.time]!);
      words[at + tickField.received] = eventClock.now();
    }
    this.#readings = 0;
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

interface Socket {
  readonly name: string;
  readonly streams: readonly string[];
}

function together(groups: readonly StreamGroup[]): StreamGroup {
  return { name: 'all', streams: groups.flatMap(({ streams }) => streams) };
}

/** Puts each group of streams on sockets of its own, as few as the venue's limit allows. */
function spread(options: FeedOptions): Socket[] {
  const { venue, instruments, tradesOf, maxConnections } = options;
  const groups = venue.groups(instruments, tradesOf);
  // A replay has one socket, so that trades and quotes come in the order in which they were recorded.
  const apart = options.eventClock === undefined ? groups : [together(groups)];
  const sockets = apart.flatMap(({ name, streams }): Socket[] => {
    const count = Math.ceil(streams.length / venue.streamsPerConnectionMax);
    const each = Math.ceil(streams.length / count);
    return Array.from({ length: count }, (_, i) => ({
      name: count === 1 ? name : `${name} ${i + 1}`,
      streams: streams.slice(i * each, (i + 1) * each),
    }));
  });
  if (sockets.length > maxConnections) {
    throw new RangeError(
      `${venue.name}: ${instruments.length} instruments need ${sockets.length} connections, and ${maxConnections} are allowed`,
    );
  }
  return sockets;
}
