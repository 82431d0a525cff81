/** What was set and has no effect, or another effect than its name says: told at the start, never ignored silently. */
import type { Config } from './schema.ts';

/** Groups of keys for parts that later versions bring. */
const laterParts: readonly { readonly group: string; readonly instead: string }[] = [
  { group: 'database.mysql', instead: 'SQLite files in dataDir are used instead of MySQL' },
  { group: 'database.influx', instead: 'SQLite files in dataDir are used instead of InfluxDB' },
  { group: 'cache.redis', instead: 'Redis is used for watch lists only, when cache.redis.enabled is true' },
  { group: 'messaging.nats', instead: 'memory is used instead of NATS' },
];

/**
 * @param origins for each key that was set: where, as people name it (`SERVER_PORT`, `server.port in config.yaml`)
 */
export function noticesOf(config: Config, origins: ReadonlyMap<string, string>): string[] {
  const notices: string[] = [];
  for (const { group, instead } of laterParts) {
    if (group === 'cache.redis' && config.cache.redis.enabled) continue;
    const names = [...origins].filter(([key]) => key.startsWith(`${group}.`)).map(([, origin]) => origin);
    if (names.length > 0) notices.push(`not used yet: ${names.join(', ')} (${instead})`);
  }
  if (!config.gateway.binary)
    notices.push(`not used yet: ${origins.get('gateway.binary') ?? 'gateway.binary'} (it stays on)`);
  const readTimeout = origins.get('server.readTimeout');
  if (readTimeout !== undefined)
    notices.push(`not used: ${readTimeout} (uWebSockets cuts a request that is not whole after 10 to 12 s)`);
  const reconnect = origins.get('exchange.reconnect_interval');
  if (reconnect !== undefined) {
    const own = origins.get('exchange.backoffMin');
    notices.push(
      own === undefined
        ? `${reconnect} is taken as exchange.backoffMin: waits between attempts grow from there to exchange.backoffMax`
        : `${reconnect} is not used, since ${own} says the same`,
    );
  }
  return notices;
}
