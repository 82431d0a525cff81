import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import type { LatestPrice } from '../../src/market/latest.ts';
import { latestPricesMemory, SharedLatestPrices } from '../../src/stores/memory-latest.ts';
import { latestExam, latestOf } from './latest-exam.ts';

latestExam('shared memory', async () => new SharedLatestPrices(latestPricesMemory(9)));

test('shared memory: an instrument past the table is an error of the writer', () => {
  const prices = new SharedLatestPrices(latestPricesMemory(2));
  for (const instrument of [0, -1, 3]) expect(() => prices.put(latestOf(instrument))).toThrow('is unknown');
});

test('shared memory: the version comes by 0 once in 2^32 puts, and the price stays', () => {
  const memory = latestPricesMemory(1);
  const prices = new SharedLatestPrices(memory);
  new Int32Array(memory)[24 * 2] = -2;
  for (let price = 1; price <= 6; price++) {
    prices.put(latestOf(1, { price }));
    expect(prices.read(1)).toEqual(latestOf(1, { price }));
  }
});

test('shared memory: a writer that dies within a put leaves the last whole price', () => {
  const memory = latestPricesMemory(1);
  const prices = new SharedLatestPrices(memory);
  prices.put(latestOf(1, { price: 7 }));
  // What half a put leaves: the copy that does not hold yet is scribbled on, the version is as it was.
  const next = (new Int32Array(memory)[24 * 2]! + 1) & 1;
  new Float64Array(memory).fill(-1, 24 + 1 + next * 8, 24 + 1 + next * 8 + 4);
  expect(prices.read(1)).toEqual(latestOf(1, { price: 7 }));
  prices.put(latestOf(1, { price: 8 }));
  expect(prices.read(1)).toEqual(latestOf(1, { price: 8 }));
});

test('shared memory: a reader on another thread never sees two puts mixed', async () => {
  const memory = latestPricesMemory(2);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./latest-putter.ts', import.meta.url), { workerData: { memory, stop } });
  const prices = new SharedLatestPrices(memory);
  let newest = 0;
  let changes = 0;
  let mixed: LatestPrice | undefined;
  // The putter writes n, n + 1, … n + 7 into the eight fields, n rising.
  for (let reads = 0; mixed === undefined && (reads < 300_000 || changes < 1_000); reads++) {
    const latest = prices.read(2);
    if (latest === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      continue;
    }
    const { price: n, bid, ask, bidSize, askSize, size, tradeId, time } = latest;
    const isWhole =
      bid - n === 1 && ask - n === 2 && bidSize - n === 3 && askSize - n === 4 && size - n === 5;
    if (!isWhole || tradeId - n !== 6 || time - n !== 7 || n < newest) mixed = latest;
    if (n > newest) changes++;
    newest = n;
  }
  Atomics.store(stop, 0, 1);
  await new Promise((resolve) => worker.once('exit', resolve));
  expect(mixed).toBeUndefined();
  expect(changes).toBeGreaterThanOrEqual(1_000);
  expect(prices.read(1)).toBeUndefined();
});
