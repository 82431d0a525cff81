/** Where messages come from (a simulated market, a recording, a flood), as sockets and REST see it. */

import type { Bar } from './bar.ts';
import type { Command } from './commands.ts';
import type { Dialect, VenueSource } from './dialect.ts';
import type { Instrument } from './instrument.ts';
import type { Interval } from './interval.ts';
import type { LatenessReport, RecordingCounts } from './tally.ts';
import type { Tape } from './tape.ts';

export interface ListedSymbol {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  readonly tickSize: string;
  readonly stepSize: string;
  /** Stream types that exist for the symbol, such as `trade` or `kline_1m`. */
  readonly streams: readonly string[];
}

export interface TimeRange {
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface DepthAnswer {
  readonly lastUpdateId: number;
  readonly bids: readonly (readonly [price: string, size: string])[];
  readonly asks: readonly (readonly [price: string, size: string])[];
}

export interface QuoteAnswer {
  readonly bid: string;
  readonly bidSize: string;
  readonly ask: string;
  readonly askSize: string;
}

/** One symbol as REST may see it: what has happened so far, and nothing of what will. */
export interface SymbolView {
  readonly instrument: Instrument;
  readonly status: 'TRADING' | 'BREAK';
  /** Trades, and what aggregates are made of. */
  readonly trades: Tape;
  readonly aggregates: Tape;
  bars(interval: Interval, fromMs: number | undefined, toMs: number, limit: number): readonly Bar[];
  depth(levels: number): DepthAnswer;
  quote(): QuoteAnswer | undefined;
}

/** Orders that concern the market itself, and so every venue. */
export type MarketCommand = Extract<Command, { kind: 'delist' | 'rename' | 'tickSize' }>;

export interface Source {
  readonly range?: TimeRange;
  /** The market's own time. */
  nowMs(): number;
  /** As a venue sees it. */
  at(dialect: Dialect): VenueSource;
  /** @throws SimulatorFault where the source cannot do it */
  order(command: MarketCommand, dialect: Dialect): void;
  /** Calls back when the market's own time has come so far since the start; where there is no such time, the wall's. */
  schedule(afterMs: number, act: () => void): void;
  start(): void;
  /** Resolves when there is nothing more to come; never for a market without end. */
  readonly finished: Promise<void>;
  readonly recording?: RecordingCounts;
  lateness?(): LatenessReport;
  close(): Promise<void>;
}
