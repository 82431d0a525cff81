/** The other thread of the ring tests. */
import { parentPort, workerData } from 'node:worker_threads';
import { onRing, ring, sleepUntilRung } from '../../src/wire/doorbell.ts';
import { SegmentWriter } from '../../src/wire/segment-ring.ts';
import { TickReader } from '../../src/wire/tick-ring.ts';
import { dice } from '../market/dice.ts';
import { checkRecord, signedSegment } from './signed-record.ts';

export interface PeerData {
  readonly role: 'take ticks' | 'write segments' | 'answer' | 'answer in turns';
  readonly memory: SharedArrayBuffer;
  readonly bell: SharedArrayBuffer;
  readonly count: number;
  readonly seed: number;
  /** Longest segment. */
  readonly longest?: number;
}

const { role, memory, bell, count, seed, longest = 0 } = workerData as PeerData;
const ownBell = new Int32Array(bell);

function takeTicks(): void {
  const reader = new TickReader(memory);
  const roll = dice(seed + 1);
  let taken = 0;
  let position = reader.head;
  while (taken < count) {
    while (position !== reader.tail) {
      checkRecord(reader.records, reader.slotOf(position), taken++);
      position = (position + 1) | 0;
      if (roll.chance(0.1)) reader.take(position);
    }
    reader.take(position);
    reader.release(position);
    sleepUntilRung(ownBell, 1_000, () => reader.tail === position && taken < count);
  }
  parentPort?.postMessage({ taken });
}

function writeSegments(): void {
  const writer = new SegmentWriter(memory, ownBell);
  let waits = 0;
  for (let number = 0; number < count; number++) {
    const segment = signedSegment(number, longest);
    while (!writer.write(segment, segment.length, number)) {
      waits++;
      writer.waitForRoom(1_000);
    }
  }
  parentPort?.postMessage({ waits });
}

/** Two bells and two counters in one memory: what the peer has asked, and what was answered. */
const words = new Int32Array(memory);
const asked = 2;
const answered = 3;

function answer(): void {
  for (let round = 1; round <= count; round++) {
    // A ring for the round before may come late and wake in vain; but none may be missing.
    while (Atomics.load(words, asked) < round) {
      const before = performance.now();
      sleepUntilRung(ownBell, 5_000, () => Atomics.load(words, asked) < round);
      if (performance.now() - before > 4_000) throw new Error(`round ${round}: not woken`);
    }
    Atomics.store(words, answered, round);
    ring(words);
  }
}

function answerInTurns(): void {
  const stop = onRing(ownBell, () => {
    const round = Atomics.load(words, asked);
    if (round === Atomics.load(words, answered)) return;
    Atomics.store(words, answered, round);
    ring(words);
    if (round === count) {
      stop();
      clearInterval(alive);
    }
  });
  const alive = setInterval(() => undefined, 1_000);
}

if (role === 'take ticks') takeTicks();
else if (role === 'write segments') writeSegments();
else if (role === 'answer') answer();
else answerInTurns();
