/**
 * The hub's books. At every moment, for each shard and in sum:
 *
 *   taken = pushed + conflated + waiting + dropped
 *
 * Clock records are the hub's own and are counted apart: due = sent + skipped.
 */
export interface ShardAccount {
  /** Records that came from feeds. */
  readonly taken: number;
  /** Records that went into the shard's ring. */
  readonly pushed: number;
  /** Quotes that a newer one of their instrument replaced while the ring was full. */
  readonly conflated: number;
  /** Records in the overflow now. */
  readonly waiting: number;
  /** Log records lost because the overflow was full too. The shard sees their ids missing and asks for repair. */
  readonly dropped: number;
  readonly clocksSent: number;
  /** Clock records left out because older records still waited. */
  readonly clocksSkipped: number;
}

export interface HubAccount extends ShardAccount {
  /** Records that the hub made itself: quotes of index parts, for the shard of the index. */
  readonly parts: number;
  readonly shards: readonly ShardAccount[];
  /** How often the feeds were paused. */
  readonly pauses: number;
  readonly paused: boolean;
}

export function sumOf(shards: readonly ShardAccount[]): ShardAccount {
  const sum = (pick: (shard: ShardAccount) => number): number =>
    shards.reduce((total, shard) => total + pick(shard), 0);
  return {
    taken: sum((shard) => shard.taken),
    pushed: sum((shard) => shard.pushed),
    conflated: sum((shard) => shard.conflated),
    waiting: sum((shard) => shard.waiting),
    dropped: sum((shard) => shard.dropped),
    clocksSent: sum((shard) => shard.clocksSent),
    clocksSkipped: sum((shard) => shard.clocksSkipped),
  };
}
