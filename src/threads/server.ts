/** One server: its threads, joined by shared memory, from start to stop. The hub runs on the thread that calls this. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { UsageFault } from '../cli/arguments.ts';
import type { Config } from '../config/load.ts';
import { memoryBound } from '../config/memory.ts';
import type { SimulatorReport } from '../simulator/tally.ts';
import { WriterControl } from '../stores/writer-control.ts';
import type { Stage } from '../telemetry/accounting.ts';
import type { Log } from '../telemetry/log.ts';
import { ShardPool } from '../workers/pool.ts';
import { FeedLine } from './feed-line.ts';
import { GatewayThread, ListenFault } from './gateway-thread.ts';
import { indexDefinitions, indexInstruments } from './indexes.ts';
import { listAll } from './listing.ts';
import { enrolledInstruments, type MarketStart, openMarket } from './market-file.ts';
import { Metadata } from './metadata.ts';
import type { QueryData } from './query.ts';
import { RestThread } from './rest-thread.ts';
import { layRings, type Rings } from './rings.ts';
import { corsRules, gatewayLimits, shardRules } from './rules.ts';
import { isSettled, missingText, stagesOf, wayIn } from './stages.ts';
import { StoredInstruments } from './stored-instruments.ts';
import { Thread } from './thread.ts';
import type { RecordedSpan } from './venue-line.ts';
import { type ListedStream, type VenueSettings, venueSettings } from './venues.ts';
import type { WriterData } from './writer.ts';

export interface ServerOptions {
  readonly config: Config;
  readonly log: Log;
  readonly version: string;
  /** Always taken instead of the symbols of the configuration. */
  readonly core?: readonly ListedStream[];
  /** Set when a recording is played: its times are the market's. */
  readonly recorded?: RecordedSpan;
  /** Breaks the start off: `startServer` then rejects with its reason. */
  readonly signal: AbortSignal;
  /** A part that cannot be started again has failed. */
  readonly onFault: (reason: string) => void;
}

const healthEveryMs = 1_000;
const restartMs = 10;
const settleEveryMs = 50;
/** So long without a message means that no more will come. */
const settleQuietMs = 500;

export class Server {
  readonly port: number;
  /** The market's database file. */
  readonly file: string;
  readonly firstSubscriber: Promise<void>;
  readonly #parts: Parts;
  readonly #health: NodeJS.Timeout;
  #closing = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.port = parts.gateway.port;
    this.file = parts.file;
    this.firstSubscriber = parts.gateway.firstSubscriber;
    this.#health = setInterval(() => void this.#tellHealth(), healthEveryMs);
  }

  async stages(): Promise<Stage[]> {
    const { line, rest, writerControl, gateway } = this.#parts;
    const gatewayAccount = await gateway.account();
    return stagesOf(line, this.#reports(), writerControl.read(), gatewayAccount, rest.rows);
  }

  /** Resolves when the venue has granted every stream. */
  async subscribed(): Promise<void> {
    while (!this.#parts.line.isReady && !this.#closing) await pause(settleEveryMs);
  }

  /** The way in from a simulated exchange, by its own count. */
  wayIn(exchange: SimulatorReport): Stage[] {
    return wayIn(exchange, this.#parts.line);
  }

  /** What is known to be missing, in one sentence. */
  missing(): string | undefined {
    return missingText(this.#reports());
  }

  /**
   * Resolves when nothing has come in for a while, and all that came in has been worked off and stored; or when the
   * server is closed.
   */
  async settle(): Promise<void> {
    const { line, rings, writerControl } = this.#parts;
    let seen = -1;
    for (let quietMs = 0; quietMs < settleQuietMs && !this.#closing; quietMs += settleEveryMs) {
      const { messages } = line.account();
      if (messages !== seen || line.hub.account().paused) quietMs = 0;
      seen = messages;
      await pause(settleEveryMs);
    }
    // Two clock records after the last message: then everything that waits for market time has been let go.
    const clocks = line.hub.account().clocksSent + 3 * rings.shards.length;
    while (line.hub.account().clocksSent < clocks && !this.#closing) await pause(settleEveryMs);
    while (!this.#closing) {
      await writerControl.flush(new Int32Array(rings.sinkBell));
      if (isSettled(await this.stages())) return;
      await pause(settleEveryMs);
    }
  }

  #reports(): ReturnType<ShardPool['report']>[] {
    const { pool, rings } = this.#parts;
    return rings.shards.map(({ index }) => pool.report(index));
  }

  async #tellHealth(): Promise<void> {
    const { line, metadata, pool, rings, rest, writerControl, gateway } = this.#parts;
    const writer = writerControl.read();
    metadata.check();
    gateway.tellHealth({
      status: line.isWell && writer.state === 'embedded' ? 'ok' : 'degraded',
      ...line.health(),
      metadata: metadata.health(),
      rest: rest.health(),
      hub: line.hub.account(),
      shards: rings.shards.map(({ index }) => pool.report(index)),
      store: writer,
    });
  }

  /**
   * Ends in the order of the line, so that whatever has come in goes out and is stored. May take a few seconds.
   * @returns one sentence for each part that could not do that; empty when all is well
   */
  async close(): Promise<string[]> {
    this.#closing = true;
    clearInterval(this.#health);
    const { line, metadata, rest, pool, rings, writer, writerControl, query, gateway, log } = this.#parts;
    metadata.close();
    await line.close();
    const faults = await rest.close();
    faults.push(...(await pool.close()));
    faults.push(...(await writer.close(() => writerControl.stop(new Int32Array(rings.sinkBell)))));
    await gateway.close();
    faults.push(...(await query.close(() => query.worker.postMessage({ stop: true }))));
    log.close();
    return faults;
  }
}

interface Parts {
  readonly file: string;
  readonly log: Log;
  readonly line: FeedLine;
  readonly metadata: Metadata;
  readonly rest: RestThread;
  readonly rings: Rings;
  readonly pool: ShardPool;
  readonly writer: Thread;
  readonly writerControl: WriterControl;
  readonly query: Thread;
  readonly gateway: GatewayThread;
}

/**
 * Starts everything and resolves when the gateway listens. The caller has seen to it that nobody else uses the folder.
 * @throws UsageFault when the address or the folder cannot be had
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { config, log } = options;
  const venues = venueSettings(config, options.core);
  if (venues.length === 0)
    throw new UsageFault('no venue is enabled: set exchange.enabled, coinbase.enabled or backpack.enabled');
  const listed = await listAll({
    venues,
    enrolled: (venue) => enrolledInstruments(config.dataDir, venue),
    log,
    signal: options.signal,
  });
  listed.push(...indexInstruments(config, listed));
  const market = await openMarket(
    config.dataDir,
    listed,
    config.workers.count,
    config.books.levels,
    Math.floor(Date.now() / 1_000),
  );
  const dictionary = market.dictionary;
  const indexes = indexDefinitions(config, dictionary);
  const rings = layRings(config, market, shardRules(config, indexes, dictionary.epoch));

  const started: Ending[] = [];
  try {
    return await startThreads({ options, venues, market, rings, indexes, started });
  } catch (error) {
    for (const end of started.toReversed()) await end();
    // What does not fit is the configuration's to mend.
    if (error instanceof RangeError) throw new UsageFault(error.message, { cause: error });
    throw error;
  }
}

/** Ends a part that was started before another one could not be. */
type Ending = () => unknown;

interface Start {
  readonly options: ServerOptions;
  readonly venues: readonly VenueSettings[];
  readonly market: MarketStart;
  readonly rings: Rings;
  readonly indexes: ReturnType<typeof indexDefinitions>;
  readonly started: Ending[];
}

async function startThreads({ options, venues, market, rings, indexes, started }: Start): Promise<Server> {
  const { config, log } = options;
  const { dictionary } = market;
  const toQuery = new MessageChannel();
  const gateway = await startGateway(options, rings, market, toQuery.port1);
  started.push(() => gateway.close());
  const writerControl = new WriterControl();
  const writer = await startWriter(options, rings, market, writerControl);
  started.push(() => writer.close(() => writerControl.stop(new Int32Array(rings.sinkBell))));
  const query = await startQuery(options, rings, market, toQuery.port2);
  started.push(() => query.close(() => query.worker.postMessage({ stop: true })));
  const pool = startPool(options, rings);
  started.push(() => pool.close());
  const rest = await startRest(options, rings, market, writerControl);
  started.push(() => rest.close());
  const line = new FeedLine({
    config,
    dictionary,
    instrumentsMax: market.instrumentsMax,
    venues,
    indexes,
    shards: rings.shards,
    requestBell: rings.requestBell,
    rest,
    log,
    ...(options.recorded === undefined ? {} : { recorded: options.recorded }),
  });
  gateway.onWish((instrument, wanted) =>
    wanted ? line.demand.wish('gateway', instrument) : line.demand.unwish('gateway', instrument),
  );
  const metadata = new Metadata({
    dictionary,
    instrumentsMax: market.instrumentsMax,
    venues,
    dataDir: config.dataDir,
    line,
    rest,
    stored: new StoredInstruments(writer, new Int32Array(rings.sinkBell)),
    told: [
      (changed) => gateway.adopt(changed),
      (changed) => query.worker.postMessage({ dictionary: changed.instruments }),
      (changed) => rest.adopt(changed),
    ],
    log,
  });
  line.start();
  return new Server({
    file: market.file,
    log,
    line,
    metadata,
    rest,
    rings,
    pool,
    writer,
    writerControl,
    query,
    gateway,
  });
}

async function startGateway(
  { config, version, onFault }: ServerOptions,
  rings: Rings,
  { dictionary, instrumentsMax }: MarketStart,
  query: MessageChannel['port1'],
): Promise<GatewayThread> {
  const webRoot = join(import.meta.dirname, '..', '..', 'web', 'dist');
  try {
    return await GatewayThread.start(
      {
        rings: rings.shards.flatMap(({ gateways }) => gateways.map(({ memory }) => memory)),
        bell: new Int32Array(rings.gatewayBell),
        books: rings.shards.map(({ estate }) => estate.books.table),
        dictionary,
        instrumentsMax,
        latest: rings.latest,
        host: config.server.host,
        port: config.server.port,
        ...(existsSync(webRoot) ? { webRoot } : {}),
        limits: gatewayLimits(config),
        query,
        version,
        cors: corsRules(config),
        facts: { memoryBound: memoryBound(config) },
      },
      { onFault },
    );
  } catch (error) {
    if (error instanceof ListenFault) throw new UsageFault(error.message, { cause: error });
    throw error;
  }
}

function startPool({ config, log }: ServerOptions, { shards }: Rings): ShardPool {
  return new ShardPool({
    filename: new URL(`./shard${import.meta.url.slice(-3)}`, import.meta.url).href,
    shards,
    stuckMs: config.workers.stuckAfter,
    restartMs,
    onRestart: (shard, reason, restarts) =>
      log.incident(`shard ${shard}`, 'a shard was started anew', { shard, reason, restarts }),
  });
}

function startRest(
  { config, core, recorded, onFault }: ServerOptions,
  rings: Rings,
  { dictionary }: MarketStart,
  control: WriterControl,
): Promise<RestThread> {
  return RestThread.start(
    {
      config,
      ...(core === undefined ? {} : { core }),
      dictionary,
      rows: rings.fetched,
      rowBell: rings.sinkBell,
      writerControl: control.memory,
      replay: recorded !== undefined,
    },
    { onFault },
  );
}

async function startWriter(
  { config: { stores }, onFault }: ServerOptions,
  rings: Rings,
  { file, dictionary }: MarketStart,
  control: WriterControl,
): Promise<Thread> {
  const workerData: WriterData = {
    rings: [...rings.shards.flatMap(({ sinks }) => sinks.map(({ memory }) => memory)), rings.fetched],
    bell: rings.sinkBell,
    file,
    dictionary: dictionary.instruments,
    control: control.memory,
    quotes: stores.quotes,
    commitRows: stores.commitRows,
    commitMs: stores.commitEvery,
    formingMs: stores.formingEvery,
  };
  const writer = new Thread('writer', 'writer', { workerData }, { onFault });
  await writer.message(readyOf);
  return writer;
}

async function startQuery(
  { onFault }: ServerOptions,
  rings: Rings,
  { file, dictionary }: MarketStart,
  port: MessageChannel['port2'],
): Promise<Thread> {
  const workerData: QueryData = {
    file,
    dictionary: dictionary.instruments,
    latest: rings.latest,
    books: rings.shards.map(({ estate }) => estate.books.table),
    ports: [port],
  };
  const query = new Thread('query', 'query', { workerData, transferList: [port] }, { onFault });
  await query.message(readyOf);
  return query;
}

function readyOf(message: unknown): true | undefined {
  return (message as { ready?: boolean }).ready === true ? true : undefined;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
