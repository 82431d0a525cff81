/**
 * One line of a venue: its streams spread over sockets within the venue's limits. Groups (trades, quotes …) have sockets
 * of their own as long as there are enough; a stream goes to the socket of its group with the least message rate that
 * has room. Streams come and go on open sockets; one socket's end touches no stream of another.
 */
import type { Connection, ConnectionHealth } from './connection.ts';
import { streamsToMove } from './rebalance.ts';
import type { Timers } from './timers.ts';
import type { VenueLimits, VenueStream } from './venue.ts';

export interface PoolOptions {
  readonly limits: VenueLimits;
  readonly maxConnections: number;
  /** How often loads are measured, and streams moved from a busy socket to a quiet one. */
  readonly balanceMs: number;
  /** A group whose only sockets take more than so many messages a second gets another one, where there is one left. */
  readonly busyRate: number;
  /** How long a moved stream comes over both sockets. */
  readonly overlapMs: number;
  /** False: streams stay where they are (a replay). */
  readonly rebalances: boolean;
  readonly timers: Timers;
  /** A connection that has no streams yet, by its name within the line. */
  readonly open: (name: string) => Connection;
}

/** Streams that are wanted and do not come. */
export interface MissingStream {
  readonly stream: string;
  /** '' when the answer has not come yet. */
  readonly reason: string;
}

export interface LineHealth {
  readonly wanted: number;
  readonly granted: number;
  /** How many are missing, and the first of them by name. */
  readonly missing: number;
  readonly missingStreams: readonly MissingStream[];
  /** Messages a second. */
  readonly rate: number;
  readonly connections: number;
  /** Streams moved from one socket to another so far. */
  readonly moved: number;
}

interface Place {
  readonly connection: Connection;
  readonly groups: Set<string>;
  readonly streams: Map<string, VenueStream>;
  /** Streams of each instrument, which share its rate. */
  readonly shares: Map<number, number>;
  /** Messages a second, measured or supposed. */
  load: number;
}

interface Move {
  readonly stream: VenueStream;
  readonly from: Place;
  readonly to: Place;
  /** Balances since it began. */
  rounds: number;
  cancel: (() => void) | undefined;
}

const namedMax = 200;
/** A move whose new socket is not granted the stream within so many balances is taken back. */
const movePatience = 3;
/** Streams that change sockets at one balance. */
const movesMost = 50;
const noRoom = 'no connection has room for it, and no more are allowed';

export class Pool {
  readonly #options: PoolOptions;
  readonly #places: Place[] = [];
  /** Where each wanted stream is; a moving one counts for where it goes. */
  readonly #homes = new Map<string, Place>();
  readonly #homeless = new Map<string, VenueStream>();
  readonly #moves = new Map<string, Move>();
  readonly #closing = new Set<Promise<void>>();
  readonly #opened = new Map<string, number>();
  #cancelBalance: (() => void) | undefined;
  #balancedAt = 0;
  /** What a stream is supposed to bring until it is measured. */
  #meanRate = 1;
  #started = false;
  #closed = false;
  #moved = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get connections(): readonly Connection[] {
    return this.#places.map(({ connection }) => connection);
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const { connection } of this.#places) connection.start();
    this.#balancedAt = this.#options.timers.now();
    this.#balanceLater();
  }

  want(streams: readonly VenueStream[]): void {
    for (const stream of streams) {
      if (this.#homes.has(stream.name)) continue;
      this.#homeless.set(stream.name, stream);
    }
    this.#house();
  }

  unwant(streams: readonly VenueStream[]): void {
    for (const { name } of streams) {
      this.#homeless.delete(name);
      const home = this.#homes.get(name);
      if (home === undefined) continue;
      this.#homes.delete(name);
      const move = this.#moves.get(name);
      move?.cancel?.();
      this.#moves.delete(name);
      for (const place of move === undefined ? [home] : [move.from, move.to]) {
        this.#takeAway(name, place);
      }
    }
    this.#house();
  }

  isGranted(stream: string): boolean {
    if (this.#homes.get(stream)?.connection.isGranted(stream) === true) return true;
    return this.#moves.get(stream)?.from.connection.isGranted(stream) ?? false;
  }

  /** Lets go of a granted stream and asks for it anew; false when it is not granted. */
  again(stream: string): boolean {
    return this.#homes.get(stream)?.connection.again(stream) ?? false;
  }

  pause(): void {
    for (const { connection } of this.#places) connection.pause();
  }

  resume(): void {
    for (const { connection } of this.#places) connection.resume();
  }

  /** To be called when the venue has answered a connection: moves go on, and room may have come. */
  settled(connection: Connection): void {
    for (const move of this.#moves.values()) {
      if (move.to.connection === connection) this.#advance(move);
    }
    if (this.#homeless.size > 0) this.#house();
  }

  health(connections: readonly ConnectionHealth[]): LineHealth {
    const missing: MissingStream[] = [];
    let granted = 0;
    for (const stream of this.#homeless.keys()) missing.push({ stream, reason: noRoom });
    for (const name of this.#homes.keys()) if (this.isGranted(name)) granted++;
    for (const { connection } of this.#places) {
      for (const { stream, reason } of connection.missing()) {
        if (missing.length >= namedMax) break;
        if (!this.isGranted(stream)) missing.push({ stream, reason });
      }
    }
    const wanted = this.#homes.size + this.#homeless.size;
    return {
      wanted,
      granted,
      missing: wanted - granted,
      missingStreams: missing.slice(0, namedMax),
      rate: connections.reduce((sum, { rate }) => sum + rate, 0),
      connections: connections.length,
      moved: this.#moved,
    };
  }

  /** Resolves when all sockets are gone. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelBalance?.();
    for (const move of this.#moves.values()) move.cancel?.();
    this.#moves.clear();
    await Promise.all([...this.#places.map(({ connection }) => connection.close()), ...this.#closing]);
  }

  /** Finds a socket for every stream that has none. */
  #house(): void {
    if (this.#closed) return;
    for (const [name, stream] of this.#homeless) {
      const place = this.#placeFor(stream);
      if (place === undefined) continue;
      this.#homeless.delete(name);
      this.#homes.set(name, place);
      this.#put(stream, place);
    }
  }

  #put(stream: VenueStream, place: Place): void {
    place.streams.set(stream.name, stream);
    place.groups.add(stream.group);
    place.shares.set(stream.instrument.id, (place.shares.get(stream.instrument.id) ?? 0) + 1);
    place.load += this.#rateOf(stream, place);
    place.connection.want(stream.name);
  }

  #takeAway(name: string, place: Place): void {
    const stream = place.streams.get(name);
    if (stream === undefined) return;
    place.streams.delete(name);
    place.load -= this.#rateOf(stream, place);
    const left = place.shares.get(stream.instrument.id)! - 1;
    if (left > 0) place.shares.set(stream.instrument.id, left);
    else place.shares.delete(stream.instrument.id);
    place.connection.unwant(name);
  }

  #rateOf({ instrument }: VenueStream, { connection, shares }: Place): number {
    const rate = connection.rates.of(instrument.id);
    return rate === undefined ? this.#meanRate : rate / (shares.get(instrument.id) ?? 1);
  }

  /** Of its group the least busy with room; else a new one; else, when no more are allowed, any with room. */
  #placeFor({ group }: VenueStream): Place | undefined {
    const own = this.#leastBusy((place) => place.groups.has(group));
    if (own !== undefined) return own;
    if (this.#places.length < this.#options.maxConnections) return this.#open(group);
    return this.#leastBusy(() => true);
  }

  #leastBusy(isFit: (place: Place) => boolean): Place | undefined {
    const fit = this.#places.filter((place) => isFit(place) && this.#room(place) > 0);
    return fit.length === 0
      ? undefined
      : fit.reduce((best, place) => (place.load < best.load ? place : best));
  }

  #room({ connection }: Place): number {
    return this.#options.limits.streamsPerConnection - connection.load;
  }

  #open(group: string): Place {
    const count = (this.#opened.get(group) ?? 0) + 1;
    this.#opened.set(group, count);
    const connection = this.#options.open(count === 1 ? group : `${group} ${count}`);
    const place: Place = {
      connection,
      groups: new Set([group]),
      streams: new Map(),
      shares: new Map(),
      load: 0,
    };
    this.#places.push(place);
    if (this.#started) connection.start();
    return place;
  }

  #balanceLater(): void {
    this.#cancelBalance = this.#options.timers.after(this.#options.balanceMs, () => {
      this.#balance();
      this.#balanceLater();
    });
  }

  #balance(): void {
    const now = this.#options.timers.now();
    this.#measure(Math.max(1e-3, (now - this.#balancedAt) / 1_000));
    this.#balancedAt = now;
    for (const place of this.#places.filter(({ streams }) => streams.size === 0)) this.#giveUp(place);
    this.#house();
    for (const move of this.#moves.values()) if (++move.rounds > movePatience) this.#revert(move);
    if (!this.#options.rebalances || this.#moves.size > 0) return;
    for (const group of new Set(this.#places.flatMap(({ groups }) => [...groups]))) this.#level(group);
  }

  #measure(seconds: number): void {
    let sum = 0;
    let streams = 0;
    for (const place of this.#places) {
      place.connection.rates.settle(seconds);
      sum += place.connection.rates.total;
      streams += place.streams.size;
    }
    this.#meanRate = Math.max(1e-3, sum / Math.max(1, streams));
    for (const place of this.#places) {
      place.load = 0;
      place.groups.clear();
      for (const stream of place.streams.values()) {
        place.load += this.#rateOf(stream, place);
        place.groups.add(stream.group);
      }
    }
  }

  #giveUp(place: Place): void {
    this.#places.splice(this.#places.indexOf(place), 1);
    const gone = place.connection.close().finally(() => this.#closing.delete(gone));
    this.#closing.add(gone);
  }

  /** Moves streams from the busiest socket of a group to the quietest, which is a new one when all are busy. */
  #level(group: string): void {
    const own = this.#places.filter(({ groups }) => groups.size === 1 && groups.has(group));
    if (own.length === 0) return;
    const busy = own.reduce((best, place) => (place.load > best.load ? place : best));
    const least = own.reduce((best, place) => (place.load < best.load ? place : best));
    const isNew = least.load > this.#options.busyRate && this.#places.length < this.#options.maxConnections;
    if (busy === least && !isNew) return;
    const rates = new Map([...busy.streams].map(([name, stream]) => [name, this.#rateOf(stream, busy)]));
    const most = isNew ? movesMost : Math.min(movesMost, this.#room(least));
    const names = streamsToMove({ rate: busy.load, streams: rates }, { rate: isNew ? 0 : least.load }, most);
    if (names.length === 0) return;
    const quiet = isNew ? this.#open(group) : least;
    for (const name of names) this.#move(busy.streams.get(name)!, busy, quiet);
  }

  /** Asked for on the new socket first: until the old one is let go it comes twice, and the shard takes it once. */
  #move(stream: VenueStream, from: Place, to: Place): void {
    this.#homes.set(stream.name, to);
    this.#moves.set(stream.name, { stream, from, to, rounds: 0, cancel: undefined });
    this.#put(stream, to);
  }

  #advance(move: Move): void {
    const { stream, from, to } = move;
    if (move.cancel !== undefined || !to.connection.isGranted(stream.name)) return;
    move.cancel = this.#options.timers.after(this.#options.overlapMs, () => {
      move.cancel = undefined;
      // It may have been lost meanwhile.
      if (!to.connection.isGranted(stream.name)) return;
      this.#moves.delete(stream.name);
      this.#moved++;
      this.#takeAway(stream.name, from);
    });
  }

  /** The new socket does not get it: it stays where it was. */
  #revert(move: Move): void {
    if (move.cancel !== undefined || move.to.connection.isGranted(move.stream.name)) return;
    this.#moves.delete(move.stream.name);
    this.#homes.set(move.stream.name, move.from);
    this.#takeAway(move.stream.name, move.to);
  }
}
