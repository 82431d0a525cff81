/** Which environment variable sets which key: document 002's names, and ours. An empty variable counts as not set. */

export const environmentKeys: Readonly<Record<string, string>> = {
  SERVER_HOST: 'server.host',
  SERVER_PORT: 'server.port',
  SERVER_READ_TIMEOUT: 'server.readTimeout',
  SERVER_WRITE_TIMEOUT: 'server.writeTimeout',
  TICKWIRE_DATA_DIR: 'dataDir',
  EXCHANGE_WS_ENDPOINT: 'exchange.ws_endpoint',
  EXCHANGE_REST_ENDPOINT: 'exchange.rest_endpoint',
  EXCHANGE_MAX_CONNECTIONS: 'exchange.max_connections',
  FEATURE_ENIGMA_ENABLED: 'enigma.enabled',
  FEATURE_AGGREGATION_ENABLED: 'bars.enabled',
  FEATURE_BINARY_WEBSOCKET: 'gateway.binary',
  LOG_LEVEL: 'log.level',
  LOG_FORMAT: 'log.format',
  MYSQL_HOST: 'database.mysql.host',
  MYSQL_PORT: 'database.mysql.port',
  MYSQL_DATABASE: 'database.mysql.database',
  MYSQL_USER: 'database.mysql.user',
  MYSQL_PASSWORD: 'database.mysql.password',
  INFLUX_URL: 'database.influx.url',
  INFLUX_TOKEN: 'database.influx.token',
  INFLUX_ORG: 'database.influx.org',
  INFLUX_BUCKET: 'database.influx.bucket',
  REDIS_ADDR: 'cache.redis.addr',
  REDIS_PASSWORD: 'cache.redis.password',
  REDIS_DB: 'cache.redis.db',
  NATS_URL: 'messaging.nats.url',
};

/** Keys that a variable sets besides, unless they are set: document 002 knows one exchange. */
export const alsoSets: Readonly<Record<string, readonly string[]>> = {
  EXCHANGE_MAX_CONNECTIONS: ['coinbase.max_connections', 'backpack.max_connections'],
};

/** Names that say where the file is or that the tests use: known, but no keys. */
const otherNames = ['CONFIG_PATH', 'TICKWIRE_REQUIRE_SERVICES'];

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Variables that look like ours and are not (`SERVER_PROT`). They are no error, since the environment belongs to
 * everyone, but must not pass in silence.
 */
export function strangers(
  environment: Environment,
  nearest: (given: string, among: string[]) => string | undefined,
): string[] {
  const known = [...Object.keys(environmentKeys), ...otherNames];
  return Object.keys(environment)
    .filter((name) => /^(SERVER|EXCHANGE|FEATURE|TICKWIRE)_[A-Z_]+$/.test(name) && !known.includes(name))
    .toSorted()
    .flatMap((name) => {
      const meant = nearest(name, known);
      return meant === undefined ? [] : [`${name} is set but not known; did you mean ${meant}?`];
    });
}
