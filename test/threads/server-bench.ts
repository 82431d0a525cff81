/**
 * The whole server on a simulated exchange, both over real sockets, in a folder of its own: for tests that order faults of
 * the exchange and look at what clients got and what was stored.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { onSimulatedVenues, simulatedCore } from '../../src/cli/simulated-venues.ts';
import { type Config, loadConfig, type Settings } from '../../src/config/load.ts';
import type { GapRange, QuarantinedTrade } from '../../src/market/history.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { resolutions } from '../../src/market/resolution.ts';
import type { Bar, TradeRow } from '../../src/market/tick.ts';
import type { Simulator, SimulatorOptions } from '../../src/simulator/options.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { SqliteHistoryReader } from '../../src/stores/sqlite-history-reader.ts';
import { instrumentsOf } from '../../src/stores/sqlite-instruments.ts';
import { openMarketReader } from '../../src/stores/sqlite-schema.ts';
import { accountsText, balance, type Stage } from '../../src/telemetry/accounting.ts';
import { openLog } from '../../src/telemetry/log.ts';
import { type Server, startServer } from '../../src/threads/server.ts';
import type { ListedStream } from '../../src/threads/venues.ts';
import { Watcher } from './watcher.ts';

export type Venues = Simulator['venues'];

/** What a test needs of an exchange: that of this process, or of one of its own. */
export interface Exchange {
  readonly venues: Venues;
  close(): Promise<void>;
}

export interface BenchOptions {
  /** Keys of config.yaml by their path, over those of the bench. */
  readonly settings?: Settings;
  /** What is always taken: all that is listed unless told; `[]` takes the symbols of the settings. */
  readonly core?: readonly ListedStream[];
}

/** Quick reconnects, two shards, and no limits of the venues': tests kill sockets faster than a venue would let us come back. */
const usual: Settings = {
  'server.host': '127.0.0.1',
  'server.port': 0,
  'workers.count': 2,
  'log.level': 'silent',
  'exchange.backoffMin': 20,
  'exchange.backoffMax': 100,
  ...Object.fromEntries(
    ['exchange', 'coinbase', 'backpack'].flatMap((venue) => [
      [`${venue}.connects`, 100_000],
      [`${venue}.connectsPerSecond`, 0],
      [`${venue}.requestGap`, venue === 'exchange' ? 210 : 50],
    ]),
  ),
};

const balanceEveryMs = 50;
const balanceWithinMs = 10_000;
const rowsMax = 1_000_000;

export class ServerBench {
  readonly folder: string;
  /** Lines of the server's log, warnings and worse. */
  readonly log: string[] = [];
  /** Sentences of parts that failed: none in a test that passes. */
  readonly faults: string[] = [];
  readonly #exchange: Exchange;
  readonly #options: BenchOptions;
  readonly #watchers: Watcher[] = [];
  #server: Server | undefined;

  private constructor(exchange: Exchange, options: BenchOptions) {
    this.#exchange = exchange;
    this.#options = options;
    this.folder = mkdtempSync(join(tmpdir(), 'tickwire-server-'));
  }

  /** Ends with the test. */
  static async start(exchange: Exchange, options: BenchOptions = {}): Promise<ServerBench> {
    const bench = new ServerBench(exchange, options);
    onTestFinished(() => bench.#end());
    await bench.startServer();
    return bench;
  }

  get server(): Server {
    if (this.#server === undefined) throw new Error('the server does not run');
    return this.#server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  /** Starts the server on the folder, again after `stopServer`. */
  async startServer(): Promise<void> {
    const { venues } = this.#exchange;
    const { settings, core } = this.#options;
    const { config } = loadConfig({
      environment: {},
      preset: { ...usual, dataDir: this.folder },
      flags: settings ?? {},
    });
    const ready = { venues } as Parameters<typeof onSimulatedVenues>[1];
    const taken = core ?? simulatedCore(ready);
    this.#server = await startServer({
      config: onSimulatedVenues(config, ready) satisfies Config,
      log: openLog({ level: 'warn', stream: { write: (line) => void this.log.push(line) } }),
      version: 'test',
      ...(taken.length === 0 ? {} : { core: taken }),
      signal: new AbortController().signal,
      onFault: (reason) => this.faults.push(reason),
    });
  }

  /** Ends the server in order; its folder stays. */
  async stopServer(): Promise<void> {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    const server = this.#server;
    this.#server = undefined;
    this.faults.push(...((await server?.close()) ?? []));
    if (this.faults.length > 0) throw new Error(this.faults.join('\n'));
  }

  /** A client that keeps what it gets; without channels: trades and quotes. */
  async watch(symbols: readonly string[], channels?: readonly string[]): Promise<Watcher> {
    const watcher = new Watcher(`ws://127.0.0.1:${this.server.port}/api/v1/ws`);
    this.#watchers.push(watcher);
    await watcher.client.subscribe(symbols, channels === undefined ? {} : { channels });
    return watcher;
  }

  /** As the server tells it, each second; waits for the first time. */
  async health<T = Record<string, unknown>>(): Promise<T> {
    for (;;) {
      const told = (await (await fetch(`${this.url}/api/v1/health`)).json()) as T & { feeds?: unknown };
      if (told.feeds !== undefined) return told;
      await pause(50);
    }
  }

  /** All that came in is worked off and stored; where it comes without end, as soon as the counts agree once. */
  async balanced(): Promise<readonly Stage[]> {
    const end = Date.now() + balanceWithinMs;
    for (;;) {
      const stages = await this.server.stages();
      if (stages.every((stage) => balance(stage) === 0n)) return stages;
      if (Date.now() > end) throw new Error(`what went in did not come out:\n${accountsText(stages)}`);
      await new Promise((resolve) => setTimeout(resolve, balanceEveryMs));
    }
  }

  trades(symbol: string): Promise<TradeRow[]> {
    return this.#read((reader) =>
      reader.trades({ symbol, fromId: 0, toId: Number.MAX_SAFE_INTEGER, limit: rowsMax }),
    );
  }

  bars(symbol: string, resolution: (typeof resolutions)[number]): Promise<Bar[]> {
    return this.#read((reader) =>
      reader.bars({
        symbol,
        resolution: resolutions.indexOf(resolution),
        from: 0,
        to: Number.MAX_SAFE_INTEGER,
        limit: rowsMax,
      }),
    );
  }

  gaps(symbol: string): Promise<GapRange[]> {
    return this.#read((reader) => reader.gaps(symbol, rowsMax));
  }

  quarantined(symbol: string): Promise<QuarantinedTrade[]> {
    return this.#read((reader) => reader.quarantined(symbol, rowsMax));
  }

  /** As it is enrolled. */
  instrument(symbol: string): Instrument {
    const db = openMarketReader(this.#file);
    try {
      const found = instrumentsOf(db).find((one) => one.symbol === symbol);
      if (found === undefined) throw new Error(`${symbol} is not enrolled`);
      return found;
    } finally {
      db.close();
    }
  }

  get #file(): string {
    return join(this.folder, 'market.db');
  }

  async #read<T>(take: (reader: SqliteHistoryReader) => Promise<T>): Promise<T> {
    const reader = new SqliteHistoryReader(openMarketReader(this.#file));
    try {
      return await take(reader);
    } finally {
      await reader.close();
    }
  }

  async #end(): Promise<void> {
    try {
      await this.stopServer();
    } finally {
      await this.#exchange.close();
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}

/** An exchange in this process that lets us connect and ask as often as we like. */
export function startExchange(options: SimulatorOptions): Promise<Simulator> {
  return startSimulator({ limits: freely, ...options });
}

const connects = { most: 0, withinMs: 0 };
export const freely = {
  binance: { connects, incomingPerSecond: 0, restBudget: 0 },
  coinbase: { connects, incomingPerSecond: 0, restBudget: 0 },
  backpack: { connects, incomingPerSecond: 0, restBudget: 0 },
} as const;

/** Asks until the answer is yes; fails, with `what`, when that does not come in time. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 20_000,
): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(20);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
