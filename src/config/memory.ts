/** How much memory the limits of the configuration allow in rings, outboxes and messages under way; `/api/v1/health` says it. */
import { tickBytes } from '../wire/tick-record.ts';
import type { Config } from './schema.ts';

export interface MemoryPart {
  readonly name: string;
  /** How the bytes come about, in key names. */
  readonly sum: string;
  readonly bytes: number;
  /** `start`: taken when the server starts. `most`: only when every one is full at the same moment. */
  readonly when: 'start' | 'most';
}

export interface MemoryBound {
  readonly parts: readonly MemoryPart[];
  readonly startBytes: number;
  /** Start and most together. */
  readonly totalBytes: number;
}

/** The most that all rings, outboxes and messages under way can take together. Not in it: code, stores, page cache. */
export function memoryBound(config: Config): MemoryBound {
  const { gateway, stores, workers } = config;
  const venues = [config.exchange, config.coinbase, config.backpack].filter(({ enabled }) => enabled);
  const parts = [
    part(
      'start',
      'rings, hub to shards',
      `workers.count x workers.queue x ${tickBytes} B`,
      workers.count * workers.queue * tickBytes,
    ),
    part(
      'start',
      'rings, shards to gateway',
      'workers.count x gateway.ringBytes',
      workers.count * gateway.ringBytes,
    ),
    part(
      'start',
      'rings, shards and REST to stores',
      '(workers.count + 1) x stores.ringBytes',
      (workers.count + 1) * stores.ringBytes,
    ),
    part(
      'most',
      'trades waiting for shards',
      `workers.count x workers.overflow x ${tickBytes} B`,
      workers.count * workers.overflow * tickBytes,
    ),
    part(
      'most',
      'messages from the exchanges',
      'for each venue: lines x max_connections x messageBytesMax',
      venues.reduce((sum, own) => sum + own.lines * own.max_connections * own.messageBytesMax, 0),
    ),
    part(
      'most',
      'outboxes of clients',
      'gateway.connections x gateway.outboxBytes',
      gateway.connections * gateway.outboxBytes,
    ),
    part(
      'most',
      'socket buffers of clients',
      'gateway.connections x gateway.softBytes',
      gateway.connections * gateway.softBytes,
    ),
    part(
      'most',
      'messages from clients',
      'gateway.connections x 16 x gateway.messageBytesMax (16 MiB at most)',
      gateway.connections * socketMessageBytesMax(gateway.messageBytesMax),
    ),
  ];
  return { parts, startBytes: sumOf(parts.filter(({ when }) => when === 'start')), totalBytes: sumOf(parts) };
}

/** What a socket takes of one message before it is cut: more than the limit, so that the close can say why. */
function socketMessageBytesMax(messageBytesMax: number): number {
  return Math.min(16 * messageBytesMax, 2 ** 24);
}

function part(when: MemoryPart['when'], name: string, sum: string, bytes: number): MemoryPart {
  return { name, sum, bytes, when };
}

function sumOf(parts: readonly MemoryPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
