/** Drives one shard through ticks on its workbench, and gathers what it makes. */
import assert from 'node:assert/strict';
import { counter, counterNames } from '../../src/compute/shard-memory.ts';
import { SharedLatestPrices } from '../../src/stores/memory-latest.ts';
import type { Block } from '../../src/wire/decode-frame.ts';
import { ShardRun } from '../../src/workers/shard-run.ts';
import {
  type Bench,
  type BenchSizes,
  blocksOf,
  type PlainRow,
  plainRowsOf,
  push,
  segmentsOf,
  shardBench,
  type Tick,
} from './shard-bench.ts';

export class DrivenShard {
  readonly bench: Bench;
  readonly run: ShardRun;
  readonly blocks: Block[] = [];
  readonly rows: PlainRow[] = [];
  readonly requests: PlainRow[] = [];

  constructor(sizes: BenchSizes = { instruments: 1, ringRecords: 4_096 }) {
    this.bench = shardBench(sizes);
    this.run = new ShardRun(this.bench.options, new SharedLatestPrices(this.bench.options.latest));
  }

  /** One turn. */
  take(...ticks: readonly Tick[]): this {
    for (const tick of ticks) assert.ok(push(this.bench.writer, tick), 'a turn fits in the ring');
    this.bench.writer.publish();
    this.run.step();
    this.blocks.push(...segmentsOf(this.bench.gateways[0]!).flatMap(blocksOf));
    this.rows.push(...plainRowsOf(segmentsOf(this.bench.sinks[0]!)));
    this.requests.push(...plainRowsOf(segmentsOf(this.bench.requests)));
    return this;
  }

  count(name: keyof typeof counter): number {
    return this.run.shard.memory.counters[counter[name]]!;
  }

  counts(): Record<string, number> {
    return Object.fromEntries(counterNames.map((name) => [name, this.count(name)]));
  }

  /** Notices of gaps, as `gap 3–5`. */
  notices(): string[] {
    return this.blocks.flatMap((block) =>
      block.kind === 'gap' ? block.records.map(({ state, from, to }) => `${state} ${from}–${to}`) : [],
    );
  }

  /** What was said of streams, as `quotes stale`. */
  statuses(): { channel: number; state: string; since: number; time: number }[] {
    return this.blocks.flatMap((block) =>
      block.kind === 'status'
        ? block.records.map(({ channel, state, since, time }) => ({ channel, state, since, time }))
        : [],
    );
  }
}
