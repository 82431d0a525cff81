/** Scenario 31 for the rings out of a shard, and what a restart finds after a death between any two stores. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { doorbell } from '../../src/wire/doorbell.ts';
import { SegmentReader, SegmentWriter, segmentRingMemory } from '../../src/wire/segment-ring.ts';
import { dice, seed } from '../market/dice.ts';
import { signedSegment } from './signed-record.ts';

/** A ring whose positions have come to `start`, with nothing in it. */
function ringAt(bytes: number, start: number): SharedArrayBuffer {
  const memory = segmentRingMemory(bytes);
  new Int32Array(memory, 0, 4).set([start, start, -1_000, start]);
  return memory;
}

function taken(reader: SegmentReader, most?: number): Uint8Array[] {
  const segments: Uint8Array[] = [];
  const count = reader.read((bytes, from, to) => segments.push(bytes.slice(from, to)), most);
  expect(count).toBe(segments.length);
  return segments;
}

describe(`segment ring (SEED=${seed})`, () => {
  for (const start of [0, 2 ** 32 - 256]) {
    test(`scenario 31: any order of write and read, from position ${start} on, equals a queue`, () => {
      for (let round = 0; round < 30; round++) {
        const roll = dice(seed + round);
        const bytes = roll.pick([64, 128, 1_024]);
        const memory = start === 0 ? segmentRingMemory(bytes) : ringAt(bytes, start);
        let writer = new SegmentWriter(memory, doorbell());
        const reader = new SegmentReader(memory);
        if (start === 0) assert.equal(writer.committed, undefined);
        let [written, read, refused] = [0, 0, 0];
        for (let step = 0; step < 2_000; step++) {
          if (roll.chance(0.6)) {
            const segment = signedSegment(written, writer.payloadMax);
            if (writer.write(segment, segment.length, written)) assert.equal(writer.committed, written++);
            else refused++;
          } else {
            for (const segment of taken(reader, roll.whole(1, 3)))
              assert.deepEqual(segment, signedSegment(read++, writer.payloadMax));
          }
          if (roll.chance(0.05)) writer = new SegmentWriter(memory, doorbell());
          if (written > 0) assert.equal(writer.committed, written - 1);
          if (read === written) assert.equal(writer.used, 0);
        }
        expect(refused).toBeGreaterThan(0);
      }
    });
  }

  test('an empty ring takes the longest segment wherever it stands, and full means full to the last byte', () => {
    const memory = segmentRingMemory(128);
    const writer = new SegmentWriter(memory, doorbell());
    const reader = new SegmentReader(memory);
    expect(writer.payloadMax).toBe(56);
    for (let number = 0; number < 64; number++) {
      expect(writer.write(new Uint8Array(56).fill(number), 56, number)).toBe(true);
      expect(taken(reader)).toEqual([new Uint8Array(56).fill(number)]);
      // Moves the start of the next one by a word each time.
      expect(writer.write(new Uint8Array(0), 0, number)).toBe(true);
      expect(taken(reader)).toEqual([new Uint8Array(0)]);
    }
    expect(writer.used).toBe(0);
    const fresh = segmentRingMemory(128);
    const filler = new SegmentWriter(fresh, doorbell());
    expect(filler.write(new Uint8Array(56), 56, 0) && filler.write(new Uint8Array(56), 56, 1)).toBe(true);
    expect(filler.used).toBe(128);
    expect(filler.write(new Uint8Array(0), 0, 2)).toBe(false);
    expect(() => filler.write(new Uint8Array(57), 57, 2)).toThrow('at most 56');
    expect(taken(new SegmentReader(fresh)).length).toBe(2);
  });

  test('scenario 31: over two threads no segment is torn, lost or doubled, at full speed and by a slow reader', async () => {
    const count = 60_000;
    const memory = ringAt(4_096, 2 ** 32 - 1_024);
    const bell = doorbell();
    const peer = new Worker(new URL('./ring-peer.ts', import.meta.url), {
      workerData: { role: 'write segments', memory, bell: bell.buffer, count, seed, longest: 300 },
    });
    const ended = once(peer, 'message') as Promise<[{ waits: number }]>;
    const reader = new SegmentReader(memory);
    const roll = dice(seed);
    for (let read = 0; read < count; ) {
      for (const segment of taken(reader, roll.whole(1, 50))) {
        const expected = signedSegment(read++, 300);
        if (Buffer.compare(segment, expected) !== 0) throw new Error(`segment ${read - 1} is torn`);
      }
      if (roll.chance(0.3)) await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await ended)[0].waits).toBeGreaterThan(0);
  });

  test('scenario 28: a death between any two stores of a commit leaves it done or undone, and `committed` says which', () => {
    let [done, undone] = [0, 0];
    for (let round = 0; round < 400; round++) {
      const roll = dice(seed + round);
      const memory = round % 2 === 0 ? segmentRingMemory(512) : ringAt(512, 2 ** 32 - 64);
      const reader = new SegmentReader(memory);
      let sequence = roll.pick([0, 2 ** 31 - 3, -4]);
      const expected: Uint8Array[] = [];
      const found: Uint8Array[] = [];
      for (let number = 0; number < 12; number++) {
        const segment = signedSegment(number, 120);
        sequence = (sequence + roll.whole(1, 3)) | 0;
        // It dies a few times on the same segment, each time at another store, until it is out.
        for (let life = 0; ; life++) {
          const writer = new SegmentWriter(memory, doorbell());
          const { committed } = writer;
          if (life > 0 && committed === sequence) {
            done++;
            break;
          }
          if (life > 0) undone++;
          try {
            dieAtStore(life < 6 && roll.chance(0.8) ? roll.whole(1, 5) : Number.POSITIVE_INFINITY, () => {
              if (!writer.write(segment, segment.length, sequence)) throw new Error('no room');
            });
            break;
          } catch (error) {
            if (!(error instanceof Death)) throw error;
          }
        }
        expect(new SegmentWriter(memory, doorbell()).committed).toBe(sequence);
        expected.push(segment);
        if (roll.chance(0.7) || new SegmentWriter(memory, doorbell()).used > 200)
          found.push(...taken(reader));
      }
      found.push(...taken(reader));
      expect(found).toEqual(expected);
    }
    expect(Math.min(done, undone)).toBeGreaterThan(50);
  });
});

class Death extends Error {}

/** Runs `act` and throws Death in place of its atomic store number `at` (the bell's ring counts as the last). */
function dieAtStore(at: number, act: () => void): void {
  const { store, add } = Atomics;
  let stores = 0;
  const count = (): void => {
    if (++stores === at) throw new Death();
  };
  Object.assign(Atomics, {
    store: (words: Int32Array, index: number, value: number) => {
      count();
      return store(words, index, value);
    },
    add: (words: Int32Array, index: number, value: number) => {
      count();
      return add(words, index, value);
    },
  });
  try {
    act();
  } finally {
    Object.assign(Atomics, { store, add });
  }
}
