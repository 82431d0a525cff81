/** Indexes in a shard: what comes of the parts' quotes, for clients, stores and the hub. */
import { describe, expect, test } from 'vitest';
import { SharedLatestPrices } from '../../src/stores/memory-latest.ts';
import { rowKind } from '../../src/wire/row.ts';
import { tickField, tickKind, tickRecords } from '../../src/wire/tick-record.ts';
import type { ShardIndex } from '../../src/workers/index-stage.ts';
import { ShardRun } from '../../src/workers/shard-run.ts';
import { dice, seed } from '../market/dice.ts';
import { type Bench, blocksOf, joined, push, rowsOf, segmentsOf, shardBench } from './shard-bench.ts';

const start = Date.UTC(2026, 10, 21, 12) * 1_000;
const epoch = 1_795_000_000;
const first = epoch * 2 ** 20 + 1;
/** Instrument 2: its first part has two decimals less. */
const index: ShardIndex = {
  instrument: 2,
  weights: [0.5, 0.5],
  scales: [100, 1],
  epoch,
  staleMicros: 5e6,
  markShare: 0.05,
  quarantineTimes: 100,
};

interface PartQuote {
  readonly part: number;
  readonly version: number;
  readonly bid: number;
  readonly ask: number;
}

const one = tickRecords(1);
function putPart({ writer }: Bench, { part, version, bid, ask }: PartQuote, time: number): void {
  one.words.fill(0);
  one.halves[tickField.head] = tickKind.part | (part << 16);
  one.halves[tickField.instrument] = index.instrument;
  one.words[tickField.time] = time;
  one.words[tickField.id] = version;
  one.words[tickField.bid] = bid;
  one.words[tickField.ask] = ask;
  if (!writer.push(one, 0)) throw new Error('the ring is too small for this test');
}

function running(): { bench: Bench; run: ShardRun } {
  const bench = shardBench({ instruments: 2, rules: { indexes: [index], snapshotRecords: 16 } });
  return { bench, run: new ShardRun(bench.options, new SharedLatestPrices(bench.options.latest)) };
}

function clock(bench: Bench, run: ShardRun, time: number): void {
  push(bench.writer, { kind: 'clock', time });
  bench.writer.publish();
  run.step();
}

function turn(bench: Bench, run: ShardRun, quotes: readonly PartQuote[], time: number): void {
  for (const quote of quotes) putPart(bench, quote, time);
  bench.writer.publish();
  run.step();
}

const blocks = (bench: Bench) => segmentsOf(bench.gateways[0]!).flatMap(blocksOf);

describe('an index in its shard', () => {
  test("is a quote and a trade of size 0, at most once a turn, at the finest part's decimals", () => {
    const { bench, run } = running();
    clock(bench, run, start);
    const quotes = [
      { part: 0, version: 1, bid: 100, ask: 102 },
      { part: 1, version: 9, bid: 10_200, ask: 10_400 },
      { part: 1, version: 10, bid: 10_400, ask: 10_600 },
    ];
    turn(bench, run, quotes, start);
    const told = blocks(bench).filter(({ kind }) => kind === 'trade' || kind === 'quote');
    expect(told).toMatchObject([
      { kind: 'trade', instrument: 2, records: [{ id: first, price: 10_300, size: 0 }] },
      { kind: 'quote', instrument: 2, records: [{ version: first, bid: 10_200, ask: 10_400 }] },
    ]);
    expect(rowsOf(segmentsOf(bench.sinks[0]!)).trades).toMatchObject([{ id: first, price: 10_300 }]);
  });

  test('its trades are numbered without a jump, whether or not a quote moves the middle', () => {
    const { bench, run } = running();
    clock(bench, run, start);
    for (let step = 0; step < 50; step++) {
      const bid = 10_000 + (step % 3 === 0 ? step : 0);
      turn(bench, run, [{ part: 1, version: step + 1, bid, ask: bid + 10 }], start + step * 1_000);
    }
    const ids = blocks(bench).flatMap((block) =>
      block.kind === 'trade' ? block.records.map(({ id }) => id) : [],
    );
    expect(ids.length).toBeGreaterThan(10);
    expect(ids).toEqual(ids.map((_, place) => first + place));
  });

  test('it makes bars, and says by itself when all its parts are stale, and when one is back', () => {
    const { bench, run } = running();
    clock(bench, run, start);
    turn(bench, run, [{ part: 1, version: 1, bid: 10_000, ask: 10_010 }], start);
    for (let second = 1; second <= 8; second++) clock(bench, run, start + second * 1e6);
    const told = blocks(bench);
    expect(told.filter(({ kind }) => kind === 'bar').length).toBeGreaterThan(0);
    expect(told.filter(({ kind }) => kind === 'status')).toMatchObject([{ records: [{ state: 'stale' }] }]);
    turn(bench, run, [{ part: 0, version: 1, bid: 100, ask: 101 }], start + 9e6);
    expect(blocks(bench).filter(({ kind }) => kind === 'status')).toMatchObject([
      { records: [{ state: 'live' }] },
    ]);
  });

  test('the hub is told how each part does', () => {
    const { bench, run } = running();
    clock(bench, run, start);
    turn(bench, run, [{ part: 1, version: 1, bid: 10_000, ask: 10_010 }], start);
    clock(bench, run, start + 1e6);
    const rows = segmentsOf(bench.requests).map((bytes) => new Float64Array(bytes.buffer.slice(0)));
    const kinds = rows.map((words) => Math.floor(words[0]! / 2 ** 32));
    expect(kinds).toContain(rowKind.source);
  });
});

test(`a shard that dies and is run again makes the same index (seed ${seed})`, () => {
  const throws = dice(seed);
  const steps = Array.from({ length: 300 }, (_, step) => ({
    time: start + step * 20_000,
    quotes: Array.from({ length: throws.whole(0, 3) }, () => {
      const part = throws.whole(0, 1);
      const bid = part === 0 ? throws.whole(98, 102) : throws.whole(9_800, 10_200);
      return { part, version: step * 4 + throws.whole(1, 4), bid, ask: bid + throws.whole(0, 3) };
    }),
  }));
  const play = (dies: boolean): Buffer => {
    const bench = running();
    const segments: Uint8Array[] = [];
    let { run } = bench;
    for (const { time, quotes } of steps) {
      turn(bench.bench, run, quotes, time);
      clock(bench.bench, run, time);
      segments.push(...segmentsOf(bench.bench.gateways[0]!));
      const { options } = bench.bench;
      if (dies && throws.chance(0.1)) run = new ShardRun(options, new SharedLatestPrices(options.latest));
    }
    return joined(segments);
  };
  const clean = play(false);
  expect(clean.length).toBeGreaterThan(10_000);
  expect(play(true).equals(clean)).toBe(true);
});
