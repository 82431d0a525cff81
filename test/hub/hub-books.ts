/** Whether the hub's books balance (see `src/hub/accounting.ts`). */
import type { HubAccount } from '../../src/hub/accounting.ts';

/** Undefined when the books balance, else the equation that does not hold. */
export function imbalance(account: HubAccount): string | undefined {
  for (const [i, shard] of [account, ...account.shards].entries()) {
    const out = shard.pushed + shard.conflated + shard.waiting + shard.dropped;
    if (shard.taken !== out) {
      const where = i === 0 ? 'the hub' : `shard ${i - 1}`;
      return `${where}: ${shard.taken} taken, but ${shard.pushed} pushed + ${shard.conflated} conflated + ${shard.waiting} waiting + ${shard.dropped} dropped`;
    }
  }
  return undefined;
}
