/** What a simulator can be told, and what it offers. */
import type { FaultPlan } from './faults.ts';
import type { ListedSymbol, TimeRange } from './source.ts';
import type { SimulatorReport } from './tally.ts';

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
  /** Evenly paced instead of as fast as the socket takes them. */
  readonly pace?: { readonly perSecond: number };
}

export interface SimulatorOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Default now. The same seed and start time give the same session, byte for byte. */
  readonly startTimeMs?: number;
  /** How many instruments to list, busiest first; default 24, at most 600. */
  readonly symbols?: number;
  /** Mean rate of trade and quote messages over all symbols; default 400. */
  readonly ticksPerSecond?: number;
  /** Prices, ids and time are kept here, and continued at the next start. */
  readonly stateFile?: string;
  /** Plays a recording instead of the simulated market. */
  readonly recording?: RecordingOptions;
  /** Plays a prepared block of messages, for benches. */
  readonly flood?: FloodOptions;
  /** Nothing is played until `start()` is called. */
  readonly hold?: boolean;
  readonly faults?: FaultPlan;
  /** Default 20,000. */
  readonly pingIntervalMs?: number;
  /** Default 60,000. */
  readonly pongTimeoutMs?: number;
  /** A connection is cut at this age; default 24 hours. */
  readonly lifetimeMs?: number;
}

export interface Simulator {
  readonly wsUrl: string;
  readonly restUrl: string;
  readonly port: number;
  readonly listing: readonly ListedSymbol[];
  /** Of a recording: the smallest and the largest of all receive and event times in it. */
  readonly range?: TimeRange;
  start(): void;
  /** Resolves when a recording or a flood has been played completely and handed to the sockets. */
  readonly finished: Promise<SimulatorReport>;
  report(): SimulatorReport;
  close(): Promise<void>;
}
