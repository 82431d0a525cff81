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
import { FeedLine, type ListedStream, listInstruments, type RecordedSpan, venueRest } from './feed-line.ts';
import { GatewayThread, ListenFault } from './gateway-thread.ts';
import { enrolledInstruments, openMarket } from './market-file.ts';
import type { QueryData } from './query.ts';
import { layRings, type Rings } from './rings.ts';
import { corsRules, gatewayLimits } from './rules.ts';
import { isSettled, missingText, stagesOf, wayIn } from './stages.ts';
import { Thread } from './thread.ts';
import type { WriterData } from './writer.ts';

export type { ListedStream, RecordedSpan };

export interface ServerOptions {
  readonly config: Config;
  readonly log: Log;
  readonly version: string;
  readonly listing: readonly ListedStream[];
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
    const { line, writerControl, gateway } = this.#parts;
    return stagesOf(line, this.#reports(), writerControl.read(), await gateway.account());
  }

  /** Resolves when the venue has granted every stream. */
  async subscribed(): Promise<void> {
    const { line } = this.#parts;
    const ready = (): boolean =>
      line.feed.health().connections.every(({ state, missing }) => state === 'open' && missing === 0);
    while (!ready() && !this.#closing) {
      await pause(settleEveryMs);
    }
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
      const { messages } = line.feed.health().account;
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
    const { line, pool, rings, writerControl, gateway } = this.#parts;
    const feed = line.feed.health();
    const writer = writerControl.read();
    const open = feed.connections.filter(({ state }) => state === 'open').length;
    gateway.tellHealth({
      status: open === feed.connections.length && writer.state === 'embedded' ? 'ok' : 'degraded',
      feeds: feed,
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
    const { line, pool, rings, writer, writerControl, query, gateway, log } = this.#parts;
    await line.close();
    const faults = await pool.close();
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
  const { config, log, listing, onFault } = options;
  const natives = new Set(listing.map(({ native }) => native));
  const listed = await listInstruments({
    rest: venueRest(config, options.signal),
    endpoint: config.exchange.rest_endpoint,
    natives,
    enrolled: enrolledInstruments(config.dataDir, config.exchange.venue, natives),
    log,
    signal: options.signal,
  });
  const market = await openMarket(
    config.dataDir,
    listed,
    config.workers.count,
    Math.floor(Date.now() / 1_000),
  );
  const rings = layRings(config, market);
  const dictionary = market.dictionary;

  const toQuery = new MessageChannel();
  const gateway = await startGateway(options, rings, market.dictionary, toQuery.port1);
  const writerControl = new WriterControl();
  const writerData: WriterData = {
    rings: rings.shards.flatMap(({ sinks }) => sinks.map(({ memory }) => memory)),
    bell: rings.sinkBell,
    file: market.file,
    dictionary: dictionary.instruments,
    control: writerControl.memory,
    quotes: config.stores.quotes,
    commitRows: config.stores.commitRows,
    commitMs: config.stores.commitEvery,
    formingMs: config.stores.formingEvery,
  };
  const writer = new Thread('writer', 'writer', { workerData: writerData }, { onFault });
  await writer.message(readyOf);
  const queryData: QueryData = {
    file: market.file,
    dictionary: dictionary.instruments,
    latest: rings.latest,
    ports: [toQuery.port2],
  };
  const query = new Thread(
    'query',
    'query',
    { workerData: queryData, transferList: [toQuery.port2] },
    { onFault },
  );
  await query.message(readyOf);

  const pool = new ShardPool({
    filename: new URL(`./shard${import.meta.url.slice(-3)}`, import.meta.url).href,
    shards: rings.shards,
    stuckMs: config.workers.stuckAfter,
    restartMs,
    onRestart: (shard, reason, restarts) =>
      log.incident(`shard ${shard}`, 'a shard was started anew', { shard, reason, restarts }),
  });
  const line = new FeedLine(config, dictionary, rings.shards, listing, options.recorded);
  line.start(log);
  return new Server({ file: market.file, log, line, rings, pool, writer, writerControl, query, gateway });
}

async function startGateway(
  { config, version, onFault }: ServerOptions,
  rings: Rings,
  dictionary: Parameters<typeof GatewayThread.start>[0]['dictionary'],
  query: MessageChannel['port1'],
): Promise<GatewayThread> {
  const webRoot = join(import.meta.dirname, '..', '..', 'web', 'dist');
  try {
    return await GatewayThread.start(
      {
        rings: rings.shards.flatMap(({ gateways }) => gateways.map(({ memory }) => memory)),
        bell: new Int32Array(rings.gatewayBell),
        dictionary,
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

function readyOf(message: unknown): true | undefined {
  return (message as { ready?: boolean }).ready === true ? true : undefined;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
