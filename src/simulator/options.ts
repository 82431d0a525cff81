/** What a simulator can be told, and what it offers. */
import type { Command, ScriptedCommand } from './commands.ts';
import type { VenueLimits, VenueName } from './dialect.ts';
import type { FaultPlan } from './faults.ts';
import type { ListedSymbol, TimeRange } from './source.ts';
import type { SimulatorReport } from './tally.ts';
import type { DialectOptions } from './venues.ts';

export interface RecordingOptions {
  readonly file: string;
  /** Times the recorded speed, or as fast as the slowest reader takes it. */
  readonly speed: number | 'max';
}

export interface FloodOptions {
  readonly symbols: number;
  /** Messages in all, over all symbols. */
  readonly messages: number;
  /** Quotes for each trade; default 3.5, and 0 for trades alone. */
  readonly quotesPerTrade?: number;
  /**
   * Evenly paced instead of as fast as the socket takes them. Only then REST knows the trades, and faults can be
   * ordered for streams.
   */
  readonly pace?: { readonly perSecond: number };
}

export interface SimulatorOptions extends DialectOptions {
  /** All share one market, each behind a port of its own; default Binance alone. */
  readonly venues?: readonly VenueName[];
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Of Binance, or of the first venue where it is not among them; default 0: any free one, as of the others. */
  readonly port?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Default now. The same seed and start time give the same session, byte for byte. */
  readonly startTimeMs?: number;
  /** How many instruments to list, busiest first; default 24, at most 600. */
  readonly symbols?: number;
  /** Mean rate of trade and quote messages over all symbols; default 400. */
  readonly ticksPerSecond?: number;
  /** Seconds of the simulated market in one of the wall, up to 100; default 1. Its times then run ahead of the wall's. */
  readonly speed?: number;
  /** Levels of a side of a simulated book, from 2 to 5,000; default 20. */
  readonly bookLevels?: number;
  /** Prices, ids and time are kept here, and continued at the next start. */
  readonly stateFile?: string;
  /** Plays a recording instead of the simulated market. */
  readonly recording?: RecordingOptions;
  /** Plays a prepared block of messages, for benches. */
  readonly flood?: FloodOptions;
  /** Nothing is played until `start()` is called. */
  readonly hold?: boolean;
  readonly faults?: FaultPlan;
  /** Faults at moments of the market's own time. */
  readonly script?: readonly ScriptedCommand[];
  /** Of all venues; default what each venue does. */
  readonly pingIntervalMs?: number;
  readonly pongTimeoutMs?: number;
  /** A connection is cut at this age. */
  readonly lifetimeMs?: number;
  /** Other limits than the venue's own. */
  readonly limits?: Readonly<Partial<Record<VenueName, Partial<VenueLimits>>>>;
}

export interface VenueAddress {
  readonly wsUrl: string;
  readonly restUrl: string;
  readonly listing: readonly ListedSymbol[];
}

export interface Simulator {
  readonly venues: Readonly<Partial<Record<VenueName, VenueAddress>>>;
  /** These four: of Binance, or of the first venue where it is not among them. */
  readonly wsUrl: string;
  readonly restUrl: string;
  readonly port: number;
  readonly listing: readonly ListedSymbol[];
  /** Of a recording: the smallest and the largest of all receive and event times in it. */
  readonly range?: TimeRange;
  start(): void;
  /**
   * A fault on demand.
   * @throws SimulatorFault when there is no such connection, stream or symbol
   */
  command(command: Command): void;
  /** Resolves when a recording or a flood has been played completely and handed to the sockets. */
  readonly finished: Promise<SimulatorReport>;
  report(): SimulatorReport;
  close(): Promise<void>;
}
