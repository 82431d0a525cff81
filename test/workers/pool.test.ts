/** Scenarios 28 and 29 with real threads: piscina runs the shards, and they die in every way that a thread can. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SharedLatestPrices } from '../../src/stores/memory-latest.ts';
import { ShardPool } from '../../src/workers/pool.ts';
import { ShardRun } from '../../src/workers/shard-run.ts';
import { dice, seed } from '../market/dice.ts';
import { type DyingOptions, fateWord, type Way } from './dying-shard-task.ts';
import { randomTurns } from './random-turns.ts';
import {
  type Bench,
  type BenchSizes,
  joined,
  push,
  segmentsOf,
  shardBench,
  type Tick,
} from './shard-bench.ts';

const kills = process.env['TICKWIRE_FULL'] === '1' ? 1_000 : 25;
const filename = new URL('./dying-shard-task.ts', import.meta.url).pathname;

/** What the clean run leaves in each ring. */
function cleanRun(sizes: BenchSizes, turns: readonly (readonly Tick[])[]): Buffer[] {
  const bench = shardBench(sizes);
  const run = new ShardRun(bench.options, new SharedLatestPrices(bench.options.latest));
  const segments: Uint8Array[][] = [[], []];
  for (const turn of turns) {
    for (const tick of turn) if (!push(bench.writer, tick)) throw new Error('a clean run takes all');
    bench.writer.publish();
    run.step();
    segments[0]!.push(...segmentsOf(bench.gateways[0]!));
    segments[1]!.push(...segmentsOf(bench.sinks[0]!));
  }
  run.finish();
  segments[0]!.push(...segmentsOf(bench.gateways[0]!));
  segments[1]!.push(...segmentsOf(bench.sinks[0]!));
  return segments.map(joined);
}

/** One shard on a thread of its own: its memory, what to hand to it, what came out. */
class Line {
  readonly bench: Bench;
  readonly options: DyingOptions;
  readonly words: Int32Array;
  readonly #turns: readonly (readonly Tick[])[];
  readonly #segments: Uint8Array[][] = [[], []];
  #turn = 0;
  refused = 0;

  constructor(
    sizes: BenchSizes,
    turns: readonly (readonly Tick[])[],
    fate: Omit<DyingOptions['fate'], 'words'>,
    deaths: number,
  ) {
    this.bench = shardBench(sizes);
    this.#turns = turns;
    const words = new SharedArrayBuffer(16);
    this.words = new Int32Array(words);
    this.words[fateWord.left] = deaths;
    this.options = { ...this.bench.options, fate: { ...fate, words } };
  }

  get allIn(): boolean {
    return this.#turn === this.#turns.length;
  }

  /** Hands over at most one turn; false when the ring was full. */
  feed(): boolean {
    const turn = this.#turns[this.#turn];
    if (turn === undefined) return true;
    if (this.bench.writer.free < turn.length) {
      this.refused++;
      return false;
    }
    for (const tick of turn) push(this.bench.writer, tick);
    this.bench.writer.publish();
    this.#turn++;
    return true;
  }

  drain(): void {
    this.#segments[0]!.push(...segmentsOf(this.bench.gateways[0]!));
    this.#segments[1]!.push(...segmentsOf(this.bench.sinks[0]!));
  }

  outcome(): Buffer[] {
    this.drain();
    return this.#segments.map(joined);
  }
}

describe(`the pool of shards (SEED=${seed})`, () => {
  test(
    `scenario 28: ${kills} threads that throw, exit, run out of memory, hang or are ended lose and double nothing`,
    async () => {
      const roll = dice(seed);
      const shards = 2;
      const sizesOf = (index: number): BenchSizes => ({
        instruments: 2,
        index,
        shards,
        ringRecords: 512,
        rules: { snapshotRecords: 200 },
      });
      const turnsOf = [0, 1].map((index) => {
        const turns = randomTurns(dice(seed + index), { instruments: 2, turns: kills * 12 });
        // Instruments 1 and 2 of the dice are 1 + index and 3 + index of the dictionary.
        return turns.map((turn) =>
          turn.map((tick) =>
            tick.kind === 'clock' ? tick : { ...tick, instrument: tick.instrument * 2 - 1 + index },
          ),
        );
      });
      const ways: Way[] = [
        'throw',
        'throw',
        'exit',
        'throw',
        'throw',
        'memory',
        'throw',
        'throw',
        'loop',
        'throw',
      ];
      const perShard = Math.ceil(kills / shards);
      const lines = turnsOf.map(
        (turns, index) =>
          new Line(sizesOf(index), turns, { seed: seed + index, ways, within: 400 }, perShard),
      );
      const reasons: string[] = [];
      const pool = new ShardPool({
        filename,
        shards: lines.map((line) => line.options),
        stuckMs: 1_000,
        restartMs: 0,
        heapMegabytes: 48,
        onRestart: (_shard, reason) => reasons.push(reason),
      });
      let endedByHand = 0;
      while (lines.some((line) => !line.allIn)) {
        for (const line of lines) {
          line.feed();
          if (roll.chance(0.3)) line.drain();
        }
        if (endedByHand < 3 && reasons.length > 3 * (endedByHand + 1)) {
          pool.end(roll.whole(0, shards - 1), 'ended by the test');
          endedByHand++;
        }
        await nextTurn();
      }
      const life = { open: true };
      const closed = pool.close().finally(() => {
        life.open = false;
      });
      while (life.open) {
        for (const line of lines) line.drain();
        await nextTurn();
      }
      await closed;
      for (const [index, line] of lines.entries()) {
        const clean = cleanRun(sizesOf(index), turnsOf[index]!);
        const ours = line.outcome();
        for (const [ring, bytes] of ours.entries())
          expect(Buffer.compare(bytes, clean[ring]!), `shard ${index}, ring ${ring}`).toBe(0);
        expect(Atomics.load(line.words, fateWord.left)).toBe(0);
        expect(pool.report(index)['waiting']).toBe(0);
      }
      expect(reasons.length).toBeGreaterThanOrEqual(perShard * shards);
      for (const reason of ['was to throw', 'exited with code: 3', 'no pulse', 'memory limit'])
        expect(
          reasons.some((told) => told.includes(reason)),
          `${reason} in ${[...new Set(reasons)].join(' | ')}`,
        ).toBe(true);
    },
    kills * 4_000,
  );

  test('scenario 29: a shard that stalls for 2 s fills its ring, and the producer is told; afterwards nothing is missing', async () => {
    const turns = randomTurns(dice(seed), { instruments: 2, turns: 300 });
    const sizes: BenchSizes = { instruments: 2, ringRecords: 256, rules: { snapshotRecords: 100 } };
    const line = new Line(sizes, turns, { seed, ways: ['stall'], within: 50, stallMs: 2_000 }, 1);
    const restarts: string[] = [];
    const pool = new ShardPool({
      filename,
      shards: [line.options],
      stuckMs: 20_000,
      restartMs: 0,
      onRestart: (_shard, reason) => restarts.push(reason),
    });
    let refusedWhileStalled = 0;
    while (!line.allIn) {
      const took = line.feed();
      if (!took && Atomics.load(line.words, fateWord.stalled) === 1) refusedWhileStalled++;
      line.drain();
      await nextTurn();
    }
    await pool.close();
    const clean = cleanRun(sizes, turns);
    for (const [ring, bytes] of line.outcome().entries())
      expect(Buffer.compare(bytes, clean[ring]!), `ring ${ring}`).toBe(0);
    // This thread went on all the while.
    expect(refusedWhileStalled).toBeGreaterThan(100);
    expect(Atomics.load(line.words, fateWord.stalled)).toBe(2);
    expect(restarts).toEqual([]);
    const { trades, tradesPassed, tradesDuplicate, quotes, quotesPassed, quotesStale } = pool.report(0);
    expect([trades, quotes]).toEqual([
      turns.flat().filter((tick) => tick.kind === 'trade').length,
      turns.flat().filter((tick) => tick.kind === 'quote').length,
    ]);
    expect(tradesPassed! + tradesDuplicate!).toBeLessThanOrEqual(trades!);
    expect(quotesPassed! + quotesStale!).toBe(quotes);
  });
});
