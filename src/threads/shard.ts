/** A shard's thread: the piscina task that `workers/pool.ts` runs, one for each shard. */
import { SharedLatestPrices } from '../stores/memory-latest.ts';
import type { ShardOptions } from '../workers/shard-options.ts';
import { ShardRun } from '../workers/shard-run.ts';

export default function runShard(options: ShardOptions): void {
  new ShardRun(options, new SharedLatestPrices(options.latest)).run();
}
