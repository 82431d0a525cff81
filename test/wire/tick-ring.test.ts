/** Scenario 31 for the ring into a shard: full, wrap at the exact boundary, a producer faster than its consumer. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { doorbell } from '../../src/wire/doorbell.ts';
import { tickField, tickFlag, tickRecords } from '../../src/wire/tick-record.ts';
import { TickReader, TickWriter, tickRingMemory } from '../../src/wire/tick-ring.ts';
import { dice, seed } from '../market/dice.ts';
import { checkRecord, signRecord } from './signed-record.ts';

const one = tickRecords(1);

/** A ring whose positions have come to `start` (modulo 2^32). */
function ringAt(capacity: number, start: number): SharedArrayBuffer {
  const memory = tickRingMemory(capacity);
  new Int32Array(memory, 0, 3).fill(start);
  return memory;
}

describe(`tick ring (SEED=${seed})`, () => {
  for (const start of [0, 2 ** 31 - 5, 2 ** 32 - 5]) {
    test(`scenario 31: any order of push, publish, take and release, from position ${start} on, equals a queue`, () => {
      for (let round = 0; round < 20; round++) {
        const roll = dice(seed + round);
        const capacity = roll.pick([2, 4, 8, 64]);
        const memory = ringAt(capacity, start);
        const writer = new TickWriter(memory, doorbell());
        const reader = new TickReader(memory);
        // Counted without a wrap: pushed ≥ published ≥ taken ≥ released.
        let [pushed, published, taken, released, refused] = [0, 0, 0, 0, 0];
        for (let step = 0; step < 2_000; step++) {
          const what = roll.real();
          if (what < 0.5) {
            signRecord(one, 0, pushed);
            const took = writer.push(one, 0);
            assert.equal(took, pushed - released < capacity);
            if (took) pushed++;
            else refused++;
          } else if (what < 0.65) {
            writer.publish();
            published = pushed;
          } else if (what < 0.9) {
            assert.equal(reader.tail, (start + published) | 0);
            if (taken < published) checkRecord(reader.records, reader.slotOf((start + taken) | 0), taken++);
            reader.take((start + taken) | 0);
          } else if (released < taken) {
            released = roll.whole(released, taken);
            reader.release((start + released) | 0);
          }
          assert.equal(writer.unpublished, pushed - published);
          assert.equal(reader.waiting, published - taken);
          if (roll.chance(0.1)) assert.equal(writer.free, capacity - (pushed - released));
        }
        expect(refused).toBeGreaterThan(0);
        // What was taken and not released is still there for a restart.
        for (let kept = released; kept < published; kept++)
          checkRecord(reader.records, reader.slotOf((reader.released + kept - released) | 0), kept);
      }
    });
  }

  test('only the last record of a publish ends a turn', () => {
    const memory = tickRingMemory(8);
    const writer = new TickWriter(memory, doorbell());
    for (let index = 0; index < 8; index++) {
      signRecord(one, 0, index);
      expect(writer.push(one, 0)).toBe(true);
      if (index === 2 || index === 7) writer.publish();
    }
    const flushes = Array.from(
      { length: 8 },
      (_, slot) => (writer.records.halves[slot * 16 + tickField.head]! & tickFlag.flush) !== 0,
    );
    expect(flushes).toEqual([false, false, true, false, false, false, false, true]);
  });

  test('a writer that is made anew goes on where the last one published', () => {
    const memory = ringAt(4, 2 ** 32 - 2);
    const bell = doorbell();
    for (let index = 0; index < 4; index++) {
      const writer = new TickWriter(memory, bell);
      signRecord(one, 0, index);
      expect(writer.push(one, 0)).toBe(true);
      writer.publish();
    }
    expect(new TickWriter(memory, bell).push(one, 0)).toBe(false);
    const reader = new TickReader(memory);
    for (let index = 0; index < 4; index++)
      checkRecord(reader.records, reader.slotOf((reader.head + index) | 0), index);
  });

  test('sizes that are no power of two are refused', () => {
    for (const size of [0, 1, 3, 1_000]) expect(() => tickRingMemory(size)).toThrow('power of two');
  });

  test('scenario 31: over two threads no record is torn, lost or doubled', async () => {
    const count = 400_000;
    const memory = ringAt(256, 2 ** 32 - 1_000);
    const bell = doorbell();
    const peer = new Worker(new URL('./ring-peer.ts', import.meta.url), {
      workerData: { role: 'take ticks', memory, bell: bell.buffer, count, seed },
    });
    const ended = once(peer, 'message') as Promise<[{ taken: number }]>;
    const writer = new TickWriter(memory, bell);
    const roll = dice(seed);
    let full = 0;
    for (let index = 0; index < count; ) {
      signRecord(one, 0, index);
      if (writer.push(one, 0)) {
        index++;
        if (roll.chance(0.05)) writer.publish();
        continue;
      }
      full++;
      writer.publish();
      await new Promise((resolve) => setImmediate(resolve));
    }
    writer.publish();
    expect((await ended)[0]).toEqual({ taken: count });
    expect(full).toBeGreaterThan(0);
  });
});
