/** Scenario 28 in one thread: a shard that dies at any record, inside any method, leaves the same bytes behind. */
import { afterEach, describe, expect, test } from 'vitest';
import { counterNames, shardWord } from '../../src/compute/shard-memory.ts';
import { SharedLatestPrices } from '../../src/stores/memory-latest.ts';
import { SegmentWriter } from '../../src/wire/segment-ring.ts';
import { TickReader } from '../../src/wire/tick-ring.ts';
import { BarOutput } from '../../src/workers/bar-output.ts';
import { GapOutput } from '../../src/workers/gap-output.ts';
import { BlockBuffer, RowBuffer } from '../../src/workers/output-buffer.ts';
import { QuoteStage } from '../../src/workers/quote-stage.ts';
import { Shard } from '../../src/workers/shard.ts';
import { report } from '../../src/workers/shard-options.ts';
import { ShardRun } from '../../src/workers/shard-run.ts';
import { ShardSnapshots } from '../../src/workers/shard-snapshots.ts';
import { StateOutput } from '../../src/workers/state-output.ts';
import { TradeStage } from '../../src/workers/trade-stage.ts';
import { TurnChains } from '../../src/workers/turn-chains.ts';
import { WatchStage } from '../../src/workers/watch-stage.ts';
import { type Dice, dice, seed } from '../market/dice.ts';
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

const kills = process.env['TICKWIRE_FULL'] === '1' ? 1_000 : 200;
class Death extends Error {}

/** Counts down at every call of the shard's methods and at every atomic store; at zero, the shard dies there. */
const fuse = { left: Number.POSITIVE_INFINITY, places: new Map<string, number>() };

function burn(place: string): void {
  if (--fuse.left > 0) return;
  fuse.left = Number.POSITIVE_INFINITY;
  fuse.places.set(place, (fuse.places.get(place) ?? 0) + 1);
  throw new Death(place);
}

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

/** Makes methods of the shard's classes, and Atomics, places to die at: before the call or after it. */
function layFuses(): void {
  for (const owner of [
    Shard,
    ShardRun,
    ShardSnapshots,
    SegmentWriter,
    BlockBuffer,
    RowBuffer,
    StateOutput,
    TurnChains,
    TickReader,
    TradeStage,
    QuoteStage,
    WatchStage,
    GapOutput,
    BarOutput,
  ]) {
    const prototype = owner.prototype as unknown as Record<string, unknown>;
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (name !== 'constructor' && typeof value === 'function')
        fuseMethod(prototype, name, value as (...args: unknown[]) => unknown, owner.name);
    }
  }
  for (const name of ['store', 'load', 'add'] as const)
    fuseMethod(
      Atomics as unknown as Record<string, unknown>,
      name,
      Atomics[name] as (...args: unknown[]) => unknown,
      'Atomics',
    );
}

function fuseMethod(
  target: Record<string, unknown>,
  name: string,
  method: (...args: unknown[]) => unknown,
  owner: string,
): void {
  target[name] = function (this: unknown, ...args: unknown[]): unknown {
    burn(`before ${owner}.${name}`);
    const result = method.apply(this, args);
    burn(`after ${owner}.${name}`);
    return result;
  };
  undo.push(() => {
    target[name] = method;
  });
}

/** What must have happened for the test to mean something. */
const wanted = [
  ...(['gaps', 'tradesLate', 'idsLost', 'tailGaps', 'heartbeats', 'rescales', 'tradesUnbelieved'] as const),
  ...(['tradesQuarantined', 'extremesQuarantined', 'amendRows', 'completeRows', 'barsCompleted'] as const),
  ...(['streamsStale', 'streamsLive', 'gapRequests'] as const),
];

interface Outcome {
  readonly gateways: readonly Buffer[];
  readonly sinks: readonly Buffer[];
  readonly requests: readonly Buffer[];
  readonly counters: Record<string, number>;
  readonly latest: readonly unknown[];
  readonly full: number;
  readonly waits: number;
  readonly deaths: number;
}

/** Runs all turns through the bench; `deathsWanted` times the shard dies on the way. */
function outcomeOf(
  sizes: BenchSizes,
  turns: readonly (readonly Tick[])[],
  roll: Dice,
  deathsWanted: number,
): Outcome {
  const bench = shardBench(sizes);
  const gateways: Uint8Array[][] = bench.gateways.map(() => []);
  const sinks: Uint8Array[][] = bench.sinks.map(() => []);
  const requests: Uint8Array[] = [];
  const drain = (share: number): void => {
    for (const [index, reader] of bench.gateways.entries())
      if (roll.chance(share)) gateways[index]!.push(...segmentsOf(reader));
    for (const [index, reader] of bench.sinks.entries())
      if (roll.chance(share)) sinks[index]!.push(...segmentsOf(reader));
  };
  let waits = 0;
  // A full ring: the consumer takes a little, as if it ran beside.
  // oxlint-disable-next-line typescript/unbound-method -- it is only put back
  const { waitForRoom } = SegmentWriter.prototype;
  SegmentWriter.prototype.waitForRoom = () => {
    waits++;
    const armed = fuse.left;
    fuse.left = Number.POSITIVE_INFINITY;
    drain(0.7);
    fuse.left = armed;
  };
  const latest = new SharedLatestPrices(bench.options.latest);
  const revive = (): ShardRun => new ShardRun(bench.options, latest);
  let [run, deaths, full, turn, armed] = [revive(), 0, 0, 0, Number.POSITIVE_INFINITY];
  const total = turns.length;
  let passes = 0;
  try {
    while (turn < total || new TickReader(bench.options.input).waiting > 0) {
      // Each pass hands in a turn or works one off; a bench that does neither must not spin for ever.
      if (++passes > 200 * total + 1_000_000)
        throw new Error(`stalled at turn ${turn} of ${total}, ${deaths} deaths`);
      // A turn goes in whole, so that both runs have the same turns.
      for (; turn < total; turn++) {
        const ticks = turns[turn]!;
        if (bench.writer.free < ticks.length) {
          full++;
          break;
        }
        for (const tick of ticks) push(bench.writer, tick);
        bench.writer.publish();
        if (roll.chance(0.1)) {
          turn++;
          break;
        }
      }
      if (armed === Number.POSITIVE_INFINITY && deaths < deathsWanted) armed = roll.whole(1, 2_500);
      fuse.left = armed;
      try {
        run.step();
        armed = fuse.left;
      } catch (error) {
        if (!(error instanceof Death)) throw error;
        armed = Number.POSITIVE_INFINITY;
        deaths++;
        run = revive();
      } finally {
        fuse.left = Number.POSITIVE_INFINITY;
      }
      drain(0.003);
      // What finds no room here is left out, which is another test's concern.
      requests.push(...segmentsOf(bench.requests));
    }
    drain(1);
  } finally {
    SegmentWriter.prototype.waitForRoom = waitForRoom;
  }
  return {
    gateways: gateways.map(joined),
    sinks: sinks.map(joined),
    requests: [joined(requests)],
    ...stateOf(bench, latest, sizes),
    full,
    waits,
    deaths,
  };
}

function stateOf(
  bench: Bench,
  latest: SharedLatestPrices,
  { instruments }: BenchSizes,
): Pick<Outcome, 'counters' | 'latest'> {
  const run = new ShardRun(bench.options, latest);
  run.step();
  const counters = Object.fromEntries(
    [...counterNames, ...Object.keys(shardWord)].map((name, at) => [name, run.shard.memory.counters[at]!]),
  );
  expect(new Float64Array(bench.options.report)[counterNames.length + report.requestsDropped]).toBe(0);
  return { counters, latest: Array.from({ length: instruments }, (_, index) => latest.read(index + 1)) };
}

function sizesOf(snapshotRecords: number): BenchSizes {
  return {
    instruments: 3,
    ringRecords: 256,
    gateways: 2,
    sinks: 2,
    inputStart: 2 ** 32 - 3_000,
    outputStart: 2 ** 32 - 4_096,
    requestBytes: 2 ** 20,
    rules: { snapshotRecords, quotes: 'all', formingMicros: 20_000 },
  };
}

function tradeTick(id: number): Tick {
  return {
    kind: 'trade',
    instrument: 1,
    id,
    time: id * 1_000,
    price: 100 + id,
    size: 1,
    takerSold: false,
  };
}

describe(`a shard that dies (SEED=${seed})`, () => {
  test(`scenario 28: ${kills} deaths inside any method leave every ring as the clean run does, byte for byte`, () => {
    const rounds = 4;
    const seen = { deaths: 0, full: 0, waits: 0, bytes: 0 };
    const happened: Record<string, number> = {};
    for (let round = 0; round < rounds; round++) {
      // Often, so that a snapshot finds rows untouched; and seldom.
      const sizes = sizesOf([1, 16, 64, 100][round]!);
      const turns = randomTurns(dice(seed + round), {
        instruments: 3,
        turns: kills * 3,
        lines: 2,
        faults: true,
      });
      const clean = outcomeOf(sizes, turns, dice(1), 0);
      layFuses();
      const killed = outcomeOf(sizes, turns, dice(seed + 7 * round), kills / rounds);
      for (const step of undo.splice(0)) step();
      for (const kind of ['gateways', 'sinks', 'requests'] as const) {
        for (const [index, bytes] of killed[kind].entries())
          expect(Buffer.compare(bytes, clean[kind][index]!), `round ${round}: ${kind} ${index}`).toBe(0);
      }
      expect(killed.counters).toEqual(clean.counters);
      expect(killed.latest).toEqual(clean.latest);
      seen.deaths += killed.deaths;
      seen.full += killed.full;
      seen.waits += killed.waits;
      for (const name of wanted) happened[name] = (happened[name] ?? 0) + clean.counters[name]!;
      seen.bytes += clean.gateways[0]!.length;
    }
    expect(seen.deaths).toBe(kills);
    expect(Math.min(...Object.values(happened)), JSON.stringify(happened)).toBeGreaterThan(0);
    // The rings were full and came round, and it died in many places.
    expect(seen.full).toBeGreaterThan(0);
    expect(seen.waits).toBeGreaterThan(0);
    expect(seen.bytes).toBeGreaterThan(2 ** 20);
    expect(fuse.places.size).toBeGreaterThan(30);
  });

  test('scenario 28: dead between its last commit and the table of latest prices, it puts them there in its next life', () => {
    const bench = shardBench({ instruments: 1 });
    const latest = new SharedLatestPrices(bench.options.latest);
    const run = new ShardRun(bench.options, latest);
    push(bench.writer, tradeTick(1));
    bench.writer.publish();
    run.step();
    expect(latest.read(1)?.price).toBe(101);
    push(bench.writer, tradeTick(2));
    bench.writer.publish();
    latest.putWords = () => {
      throw new Death('between commit and table');
    };
    expect(() => run.step()).toThrow(Death);
    const after = new SharedLatestPrices(bench.options.latest);
    expect(after.read(1)?.price).toBe(101);
    new ShardRun(bench.options, after).step();
    expect(after.read(1)?.price).toBe(102);
    expect(segmentsOf(bench.sinks[0]!).length).toBe(2);
  });
});
