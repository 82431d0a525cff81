/** All shared memory between the threads of one server. */
import type { Config } from '../config/load.ts';
import { latestPricesMemory } from '../stores/memory-latest.ts';
import { segmentRingMemory } from '../wire/segment-ring.ts';
import { powerOfTwo, tickRingMemory } from '../wire/tick-ring.ts';
import { outputBytesMin } from '../workers/shard.ts';
import type { ShardOptions, ShardRules } from '../workers/shard-options.ts';
import { reportLength } from '../workers/shard-run.ts';
import type { MarketStart } from './market-file.ts';

export interface Rings {
  readonly shards: readonly ShardOptions[];
  readonly gatewayBell: SharedArrayBuffer;
  readonly sinkBell: SharedArrayBuffer;
  /** Rung when a shard asks the hub's thread for something. */
  readonly requestBell: SharedArrayBuffer;
  /** Rows from the REST thread to the stores. */
  readonly fetched: SharedArrayBuffer;
  readonly latest: SharedArrayBuffer;
}

/** Of the ring for requests to the hub's thread: what finds no room is asked again later. */
const requestBytes = 262_144;

/** A ring must hold two turns in which all bars of its shard's instruments close. */
function ringBytes(configured: number, instruments: number): number {
  return powerOfTwo(Math.max(configured, 2 * outputBytesMin(instruments) + 64));
}

export function layRings(config: Config, market: MarketStart, rules: ShardRules): Rings {
  const gatewayBell = new SharedArrayBuffer(8);
  const sinkBell = new SharedArrayBuffer(8);
  const requestBell = new SharedArrayBuffer(8);
  const latest = latestPricesMemory(market.instrumentsMax);
  const shards = market.estates.map((estate, index): ShardOptions => {
    const gateway = segmentRingMemory(ringBytes(config.gateway.ringBytes, estate.instruments));
    const sink = segmentRingMemory(ringBytes(config.stores.ringBytes, estate.instruments));
    return {
      index,
      shards: market.estates.length,
      estate,
      input: tickRingMemory(config.workers.queue),
      bell: new SharedArrayBuffer(8),
      gateways: [{ memory: gateway, bell: gatewayBell }],
      sinks: [{ memory: sink, bell: sinkBell }],
      requests: { memory: segmentRingMemory(requestBytes), bell: requestBell },
      latest,
      control: new SharedArrayBuffer(16),
      report: new SharedArrayBuffer(8 * reportLength),
      rules,
    };
  });
  return {
    shards,
    gatewayBell,
    sinkBell,
    requestBell,
    fetched: segmentRingMemory(config.stores.ringBytes),
    latest,
  };
}
