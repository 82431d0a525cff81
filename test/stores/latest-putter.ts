/** A thread that puts as fast as it can, until it is stopped. */
import { workerData } from 'node:worker_threads';
import { SharedLatestPrices } from '../../src/stores/memory-latest.ts';

const { memory, stop } = workerData as { memory: SharedArrayBuffer; stop: Int32Array };
const prices = new SharedLatestPrices(memory);
for (let n = 1; Atomics.load(stop, 0) === 0; n++)
  prices.putWords(2, n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7);
