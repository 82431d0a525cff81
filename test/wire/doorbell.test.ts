/** The doorbell between two threads: whoever sleeps is woken, 100,000 times. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { doorbell, onRing, ring, sleepUntilRung } from '../../src/wire/doorbell.ts';

const asked = 2;
const answered = 3;

/** Asks `rounds` times, each only after the last was answered; a lost wake-up would stand still for 5 s and throw. */
async function roundsAnswered(role: string, rounds: number): Promise<number> {
  // A bell of our own, then the two counters.
  const words = new Int32Array(new SharedArrayBuffer(16));
  const bell = doorbell();
  const peer = new Worker(new URL('./ring-peer.ts', import.meta.url), {
    workerData: { role, memory: words.buffer, bell: bell.buffer, count: rounds, seed: 0 },
  });
  const ended = once(peer, 'exit');
  await once(peer, 'online');
  for (let round = 1; round <= rounds; round++) {
    Atomics.store(words, asked, round);
    ring(bell);
    while (Atomics.load(words, answered) < round) {
      const before = performance.now();
      sleepUntilRung(words, 5_000, () => Atomics.load(words, answered) < round);
      if (performance.now() - before > 4_000) throw new Error(`round ${round} was not answered`);
    }
  }
  if ((await ended)[0] !== 0) throw new Error('the other thread failed');
  return Atomics.load(words, answered);
}

describe('doorbell', () => {
  test('no wake-up is lost between two threads that sleep: 100,000 rounds', async () => {
    expect(await roundsAnswered('answer', 100_000)).toBe(100_000);
  });

  test('no wake-up is lost by an event loop that waits: 20,000 rounds', async () => {
    expect(await roundsAnswered('answer in turns', 20_000)).toBe(20_000);
  });

  test('rings that come while nobody looks are one wake-up, and after a stop there is none', async () => {
    const bell = doorbell();
    let woken = 0;
    const stop = onRing(bell, () => woken++);
    expect(woken).toBe(1);
    for (let index = 0; index < 5; index++) ring(bell);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(woken).toBe(2);
    stop();
    await new Promise((resolve) => setTimeout(resolve, 20));
    ring(bell);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(woken).toBe(2);
  });

  test('a busy bell leaves the event loop its turns', async () => {
    const bell = doorbell();
    let woken = 0;
    const stop = onRing(bell, () => {
      woken++;
      ring(bell);
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    stop();
    const before = woken;
    expect(before).toBeGreaterThan(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(woken).toBe(before);
  });

  test('a ring before the sleep ends it at once', () => {
    const bell = doorbell();
    ring(bell);
    let looks = 0;
    sleepUntilRung(bell, 60_000, () => {
      if (looks++ === 0) ring(bell);
      return true;
    });
    expect(looks).toBe(1);
  });
});
