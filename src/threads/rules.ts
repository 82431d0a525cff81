/** The configuration in the words of the parts. */
import type { Config } from '../config/load.ts';
import type { CorsRules } from '../gateway/cors.ts';
import type { GatewayLimits } from '../gateway/limits.ts';
import type { ShardRules } from '../workers/shard-options.ts';
import type { IndexDefinition } from './indexes.ts';

/** A book that waits for its snapshot asks again after so long. */
const bookRequestMicros = 5_000_000;

export function shardRules(config: Config, indexes: readonly IndexDefinition[], epoch: number): ShardRules {
  return {
    graceMicros: config.bars.grace * 1_000,
    formingMicros: config.bars.formingEvery * 1_000,
    reorderMicros: config.workers.reorderTime * 1_000,
    reorderRecords: config.workers.reorderRecords,
    quotes: config.stores.quotes,
    bars: config.bars.enabled,
    enigma: config.enigma.enabled,
    snapshotRecords: config.workers.queue / 2,
    waitWhenFull: config.workers.whenFull === 'wait',
    books: {
      levels: config.books.levels,
      topLevels: config.books.topLevels,
      lowWater: config.books.lowWater,
      requestMicros: bookRequestMicros,
    },
    tailMicros: config.repair.tail * 1_000,
    repeatMicros: config.repair.repeatEvery * 1_000,
    quietMicrosMin: config.quiet.least * 1_000,
    quietMicrosMax: config.quiet.most * 1_000,
    indexes: indexes.map(({ instrument, parts }) => ({
      instrument,
      weights: parts.map(({ weight }) => weight),
      scales: parts.map(({ shift }) => 10 ** shift),
      staleMicros: config.index.staleAfter * 1_000,
      markShare: config.index.markPercent / 100,
      quarantineTimes: config.index.quarantineTimes,
      epoch,
    })),
  };
}

export function gatewayLimits(config: Config): GatewayLimits {
  const { gateway, frames, server } = config;
  return {
    connections: gateway.connections,
    messageBytesMax: gateway.messageBytesMax,
    messagesPerSecond: gateway.messagesPerSecond,
    symbolsPerRequest: gateway.symbolsPerRequest,
    subscriptionsPerConnection: gateway.subscriptionsPerConnection,
    softBytes: gateway.softBytes,
    outboxBytes: gateway.outboxBytes,
    idleTimeoutS: Math.ceil(gateway.idleTimeout / 1_000),
    heartbeatMs: gateway.heartbeat,
    queriesInFlight: gateway.queriesInFlight,
    queryTimeoutMs: gateway.queryTimeout,
    answerMs: server.writeTimeout,
    v1: { records: frames.v1Records, windowMs: frames.v1Window },
  };
}

export function corsRules({ server: { cors } }: Config): CorsRules {
  return {
    origins: cors.allowed_origins,
    methods: cors.allowed_methods,
    headers: cors.allowed_headers,
    exposed: cors.expose_headers,
    credentials: cors.allow_credentials,
  };
}
