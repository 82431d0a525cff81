/** What a sink can rely on at whatever row it stops, and what a burst of waits does to a shard. */
import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { counter, heldMax } from '../../src/compute/shard-memory.ts';
import { SharedLatestPrices } from '../../src/stores/memory-latest.ts';
import { SegmentWriter } from '../../src/wire/segment-ring.ts';
import { ShardRun } from '../../src/workers/shard-run.ts';
import { dice, seed } from '../market/dice.ts';
import { randomTurns } from './random-turns.ts';
import { type Bench, blocksOf, push, rowsOf, segmentsOf, shardBench, type Tick } from './shard-bench.ts';

function runAll(
  bench: Bench,
  turns: readonly (readonly Tick[])[],
): { run: ShardRun; blocks: Uint8Array[]; rows: Uint8Array[] } {
  const run = new ShardRun(bench.options, new SharedLatestPrices(bench.options.latest));
  const [blocks, rows]: [Uint8Array[], Uint8Array[]] = [[], []];
  for (const turn of turns) {
    for (const tick of turn)
      if (!push(bench.writer, tick)) throw new Error('the ring is too small for this test');
    bench.writer.publish();
    run.step();
    blocks.push(...segmentsOf(bench.gateways[0]!));
    rows.push(...segmentsOf(bench.sinks[0]!));
  }
  return { run, blocks, rows };
}

function latestOf(bench: Bench): SharedLatestPrices {
  return new SharedLatestPrices(bench.options.latest);
}

describe(`rows of a shard (SEED=${seed})`, () => {
  test('a bar comes after its trades, and no newer bar before the older one is closed', () => {
    let bars = 0;
    for (let round = 0; round < 5; round++) {
      const bench = shardBench({ instruments: 1, ringRecords: 4_096, rules: { formingMicros: 1_000 } });
      const { rows } = runAll(
        bench,
        randomTurns(dice(seed + round), { instruments: 1, turns: 300, missing: 0, jumbled: 0 }),
      );
      const newest = new Map<number, { openTime: number; closed: boolean }>();
      let lastId = 0;
      for (const words of wholeRows(rows)) {
        const {
          trades,
          bars: [bar],
        } = rowsOf([words]);
        if (trades[0] !== undefined) lastId = Math.max(lastId, trades[0].lastId);
        if (bar === undefined) continue;
        bars++;
        expect(bar.lastId).toBeLessThanOrEqual(lastId);
        const before = newest.get(bar.resolution);
        if (before !== undefined && bar.openTime > before.openTime)
          assert.ok(before.closed, `${bar.resolution} ${bar.openTime}`);
        if (before === undefined || bar.openTime >= before.openTime) newest.set(bar.resolution, bar);
      }
    }
    expect(bars).toBeGreaterThan(1_000);
  });

  test('a clock that releases all that 200 instruments hold loses none and tears none', () => {
    const instruments = 200;
    const bench = shardBench({ instruments, ringRecords: 16_384, rules: { snapshotRecords: 4_096 } });
    const time = Date.UTC(2024, 6, 31, 23, 59, 58) * 1_000;
    const trade = (instrument: number, id: number): Tick => ({
      kind: 'trade',
      instrument,
      id,
      time: time + id * 1_000,
      price: 1_000 + id,
      size: id,
      takerSold: false,
    });
    const all = Array.from({ length: instruments }, (_, row) => row + 1);
    const firsts = all.map((instrument) => trade(instrument, 1));
    const held = all.flatMap((instrument) =>
      Array.from({ length: heldMax }, (_, index) => trade(instrument, 3 + index)),
    );
    const clocks = Array.from({ length: 40 }, (_, index): Tick[] => [
      { kind: 'clock', time: time + 1_000_000 + index * 100_000 },
    ]);
    const { run, blocks, rows } = runAll(bench, [firsts, held, ...clocks]);
    const { counters } = run.shard.memory;
    expect(counters[counter.tradesPassed]).toBe(instruments * (heldMax + 1));
    expect(counters[counter.gaps]).toBe(instruments);
    const sent = blocks.flatMap(blocksOf).flatMap((block) => (block.kind === 'trade' ? block.records : []));
    expect(sent.length).toBe(instruments * (heldMax + 1));
    for (const { id, price, size } of sent) expect([price, size]).toEqual([1_000 + id, id]);
    const kept = rowsOf(rows).trades;
    expect(kept.length).toBe(sent.length);
    for (const { id, price } of kept) expect(price).toBe(1_000 + id);
  });

  test('rings that could never work are refused at the start', () => {
    const rare = shardBench({ instruments: 1, ringRecords: 64, rules: { snapshotRecords: 65 } });
    expect(() => new ShardRun(rare.options, latestOf(rare))).toThrow(
      'a snapshot each 65 records; the ring holds 64',
    );
    const small = shardBench({ instruments: 1, outputBytes: 4_096 });
    expect(() => new ShardRun(small.options, latestOf(small))).toThrow('rings of 2040 bytes a turn');
  });

  test('two full gateways: each gets the last quote of each instrument, every trade and the state', () => {
    const bench = shardBench({
      instruments: 1,
      gateways: 2,
      ringRecords: 1_024,
      rules: { waitWhenFull: false, formingMicros: 0 },
    });
    const run = new ShardRun(bench.options, new SharedLatestPrices(bench.options.latest));
    const time = Date.UTC(2024, 6, 31) * 1_000;
    const turns = Array.from({ length: 200 }, (_, turn): Tick[] => [
      ...Array.from(
        { length: 300 },
        (_none, index): Tick => ({
          kind: 'quote',
          instrument: 1,
          version: turn * 300 + index + 1,
          time: time + turn,
          bid: 10 ** 15 + index,
          bidSize: 10 ** 15 + index,
          ask: 10 ** 15 + 7 * index,
          askSize: 10 ** 15 + 3 * index,
        }),
      ),
      {
        kind: 'trade',
        instrument: 1,
        id: turn + 1,
        time: time + turn,
        price: 10 ** 15,
        size: 5,
        takerSold: true,
      },
    ]);
    const found: Uint8Array[][] = [[], []];
    // oxlint-disable-next-line typescript/unbound-method -- it is only put back
    const { waitForRoom } = SegmentWriter.prototype;
    const drain = (memory?: ArrayBufferLike): void => {
      for (const [index, reader] of bench.gateways.entries())
        if (memory === undefined || reader.bytes.buffer === memory) found[index]!.push(...segmentsOf(reader));
    };
    SegmentWriter.prototype.waitForRoom = function (this: SegmentWriter): void {
      drain(this.bytes.buffer);
    };
    for (const turn of turns) {
      for (const tick of turn) push(bench.writer, tick);
      bench.writer.publish();
      // Both rings are full now and then, in the same turn: the shard waits, and only that ring's consumer takes all.
      run.step();
      for (const reader of bench.sinks) segmentsOf(reader);
    }
    drain();
    SegmentWriter.prototype.waitForRoom = waitForRoom;
    const conflated = run.shard.quotesConflated;
    expect(conflated).toBeGreaterThan(0);
    expect(conflated % 299).toBe(0);
    for (const segments of found) {
      const perTurn = segments.map(blocksOf);
      expect(perTurn.length).toBe(turns.length);
      let quotes = 0;
      for (const [turn, blocks] of perTurn.entries()) {
        const ids = blocks.flatMap((block) =>
          block.kind === 'trade' ? block.records.map(({ id }) => id) : [],
        );
        expect(ids).toEqual([turn + 1]);
        const versions = blocks.flatMap((block) =>
          block.kind === 'quote' ? block.records.map(({ version }) => version) : [],
        );
        expect(versions.at(-1)).toBe(turn * 300 + 300);
        quotes += versions.length;
        expect(blocks.filter((block) => block.kind === 'ticker').length).toBe(1);
        expect(blocks.filter((block) => block.kind === 'bar' && !block.records[0]!.closed).length).toBe(10);
      }
      expect(quotes).toBeLessThan(300 * turns.length);
    }
  });
});

/** Each row of a sink's segments by itself. */
function* wholeRows(segments: readonly Uint8Array[]): Generator<Uint8Array> {
  const lengths = [0, 12, 22, 8, 9, 6];
  for (const segment of segments) {
    const words = new Float64Array(segment.slice().buffer);
    for (let at = 0; at < words.length; ) {
      const length = lengths[Math.floor(words[at]! / 2 ** 32)]!;
      yield segment.slice(at * 8, (at + length) * 8);
      at += length;
    }
  }
}
