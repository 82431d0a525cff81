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
  for (const rule of indexFaults(config.index.definitions)) claim(false, 'index.definitions', rule);
  return found;
}

/** What is wrong with indexes whose form is right. */
function indexFaults(definitions: readonly string[]): string[] {
  const names = definitions.map((text) => text.split(' = ')[0]!);
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  const faults = twice === undefined ? [] : [`must name each index once, and ${twice} is there twice`];
  for (const [place, text] of definitions.entries()) {
    const parts = text
      .split(' = ')[1]!
      .split(' + ')
      .map((part) => part.split(' * '));
    const symbols = parts.map(([symbol]) => symbol!);
    if (new Set(symbols).size < symbols.length) faults.push(`must name each part of ${names[place]} once`);
    if (symbols.some((symbol) => symbol.startsWith('INDEX:')))
      faults.push(`must make ${names[place]} of instruments, not of other indexes`);
    if (parts.every(([, weight]) => Number(weight) === 0))
      faults.push(`must give some part of ${names[place]} a weight above 0`);
  }
  return faults;
}
