/** Keys that are right alone and wrong together. */
import type { z } from 'zod';
import type { schema } from './schema.ts';
import { bytesText, durationText } from './units.ts';

export interface Contradiction {
  readonly key: string;
  readonly rule: string;
}

export function contradictions(config: z.output<typeof schema>): Contradiction[] {
  const { exchange, gateway, server, workers } = config;
  const found: Contradiction[] = [];
  const claim = (holds: boolean, key: string, rule: string): void => {
    if (!holds) found.push({ key, rule });
  };
  claim(
    exchange.backoffMax >= exchange.backoffMin,
    'exchange.backoffMax',
    `must be at least exchange.backoffMin (${durationText(exchange.backoffMin)})`,
  );
  claim(
    gateway.softBytes <= gateway.outboxBytes,
    'gateway.softBytes',
    `must be at most gateway.outboxBytes (${bytesText(gateway.outboxBytes)})`,
  );
  claim(
    workers.flushRecords <= workers.queue,
    'workers.flushRecords',
    `must be at most workers.queue (${workers.queue})`,
  );
  claim(
    !server.cors.allow_credentials || !server.cors.allowed_origins.includes('*'),
    'server.cors.allowed_origins',
    'must name its origins instead of * while server.cors.allow_credentials is true (browsers refuse both together)',
  );
  return found;
}
