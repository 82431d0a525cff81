/** A shard's task that dies, hangs or stalls at records it is told to: for tests of the pool. */
import { threadId } from 'node:worker_threads';
import runShard from '../../src/threads/shard.ts';
import { Shard } from '../../src/workers/shard.ts';
import type { ShardOptions } from '../../src/workers/shard-options.ts';
import { dice } from '../market/dice.ts';

export type Way = 'throw' | 'exit' | 'memory' | 'loop' | 'stall';

export interface DyingOptions extends ShardOptions {
  readonly fate: {
    readonly seed: number;
    readonly ways: readonly Way[];
    /** It dies at one of its next so many records. */
    readonly within: number;
    readonly stallMs?: number;
    /** i32: deaths left, lives begun, stalls under way. */
    readonly words: SharedArrayBuffer;
  };
}
export const fateWord = { left: 0, lives: 1, stalled: 2 } as const;

// oxlint-disable-next-line typescript/unbound-method -- it is called with its own shard
const { take } = Shard.prototype;

export default function runDyingShard(options: DyingOptions): void {
  const { fate } = options;
  const words = new Int32Array(fate.words);
  const life = Atomics.add(words, fateWord.lives, 1);
  const roll = dice(fate.seed + life);
  const left = Atomics.load(words, fateWord.left);
  // In turn, so that each way comes.
  const way = fate.ways[left % fate.ways.length]!;
  let records = left > 0 ? roll.whole(1, fate.within) : Number.POSITIVE_INFINITY;
  // A thread may serve several lives, one after the other.
  Shard.prototype.take = function (this: Shard, slot: number): void {
    take.call(this, slot);
    if (--records > 0) return;
    records = Number.POSITIVE_INFINITY;
    Atomics.sub(words, fateWord.left, 1);
    die(way, words, fate.stallMs ?? 0);
  };
  try {
    runShard(options);
  } finally {
    Shard.prototype.take = take;
  }
}

function die(way: Way, words: Int32Array, stallMs: number): void {
  switch (way) {
    case 'throw':
      throw new Error(`the shard on thread ${threadId} was to throw`);
    case 'exit':
      process.exit(3);
      break;
    case 'memory': {
      const hoard: number[][] = [];
      const block = Array.from({ length: 10_000 }, (_, index) => index + 0.5);
      for (;;) hoard.push(block.slice());
    }
    case 'loop':
      for (;;) Atomics.load(words, fateWord.left);
    case 'stall':
      Atomics.store(words, fateWord.stalled, 1);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMs);
      Atomics.store(words, fateWord.stalled, 2);
  }
}
