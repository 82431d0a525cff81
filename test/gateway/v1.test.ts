import { afterEach, expect, test } from 'vitest';
import { decodeV1, v1Batch } from '../../src/wire/frame-v1.ts';
import { balance, startGateway, TestClient, type TestGateway, until } from './harness.ts';

let gateway: TestGateway;
afterEach(async () => {
  const { code, accounting } = await gateway.close();
  expect(code).toBe(0);
  expect(balance(accounting.v1Records)).toBe(0);
});

type Record = readonly [symbolId: number, price: number, volume: number];

function recordsOf(frame: Uint8Array): Record[] {
  const batch = v1Batch();
  decodeV1(frame, batch);
  return Array.from({ length: batch.count }, (_, i) => [
    batch.symbolId[i]!,
    batch.price[i]!,
    batch.volume[i]!,
  ]);
}

/** What the feed's trade of this id is in v1: 2 price and 3 size decimals. */
const record = (instrument: number, id: number): Record => [
  instrument,
  (100_000 + id) / 100,
  (id + 1) / 1_000,
];

test('a v1 client gets welcome, acknowledgement and symbols, then a record for each trade: 50 a frame, the rest when the window ends', async () => {
  gateway = await startGateway({ limits: { v1: { records: 50, windowMs: 50 } } });
  await gateway.feed.trades(1, 900).flush();
  const client = await TestClient.open(gateway.port, '');
  const answer = await client.ask({
    type: 'subscribe',
    symbols: ['BTCUSDT', 'ETHUSDT'],
    channels: ['quotes'],
    id: 'a',
  });
  expect(answer).toEqual({
    type: 'subscribed',
    id: 'a',
    symbols: ['BINANCE:BTCUSDT', 'BINANCE:ETHUSDT'],
    channels: ['trades'],
  });
  expect(await client.text(({ type }) => type === 'symbols')).toEqual({
    type: 'symbols',
    epoch: 1_723_000_000,
    version: 7,
    symbols: [
      { id: 1, symbol: 'BINANCE:BTCUSDT', priceDecimals: 2, sizeDecimals: 3 },
      { id: 2, symbol: 'BINANCE:ETHUSDT', priceDecimals: 2, sizeDecimals: 3 },
    ],
  });
  await gateway.feed.trades(1, 1_000, 70).trades(2, 5_000, 45).quote(1, 3).gap(1, 4, 5).trades(3, 1).flush();
  await until(() => client.binaries.flatMap(recordsOf).length === 115, 'all records');
  const frames = client.binaries.map(recordsOf);
  expect(frames.map(({ length }) => length)).toEqual([50, 50, 15]);
  expect(frames.flat()).toEqual([
    ...Array.from({ length: 70 }, (_, i) => record(1, 1_000 + i)),
    ...Array.from({ length: 45 }, (_, i) => record(2, 5_000 + i)),
  ]);
  expect(client.received.findIndex((one) => one instanceof Uint8Array)).toBe(3);
  await client.close();
});

test('a window that is not full collects several turns into one frame', async () => {
  gateway = await startGateway({ limits: { v1: { records: 50, windowMs: 300 } } });
  const client = await TestClient.open(gateway.port, 'v1');
  await client.subscribe(['BTCUSDT']);
  for (let id = 1; id <= 5; id++) {
    await gateway.feed.trades(1, id).flush();
    await until(async () => (await gateway.account()).v1Records.due === id, 'the turn');
  }
  await until(() => client.binaries.length > 0, 'a frame');
  const frames = client.binaries.map(recordsOf);
  expect(frames.flat()).toEqual([1, 2, 3, 4, 5].map((id) => record(1, id)).slice(0, frames.flat().length));
  await until(() => client.binaries.flatMap(recordsOf).length === 5, 'all five');
  expect(client.binaries.length, 'far fewer frames than turns').toBeLessThanOrEqual(2);
});

test('without a window each turn is a frame; unsubscribing ends it, and what still waits is not lost', async () => {
  gateway = await startGateway({ limits: { v1: { records: 50, windowMs: 0 } } });
  const client = await TestClient.open(gateway.port, 'v1');
  await client.subscribe(['BTCUSDT']);
  await gateway.feed.trades(1, 1, 3).flush();
  await until(() => client.binaries.length === 1, 'a frame');
  expect(await client.ask({ type: 'unsubscribe', symbols: ['BTCUSDT'] })).toMatchObject({
    channels: ['trades'],
  });
  await gateway.feed.trades(1, 4).flush();
  await client.ask({ type: 'ping' });
  expect(client.binaries.flatMap(recordsOf)).toEqual([1, 2, 3].map((id) => record(1, id)));
});

test('what waits in a window when the client goes away is counted as dropped', async () => {
  gateway = await startGateway({ limits: { v1: { records: 50, windowMs: 60_000 } } });
  const client = await TestClient.open(gateway.port, 'v1');
  await client.subscribe(['BTCUSDT']);
  await gateway.feed.trades(1, 1, 7).flush();
  await until(async () => (await gateway.account()).v1Records.waiting === 7, 'the records');
  await client.close();
  const { v1Records } = await gateway.account();
  expect(v1Records).toMatchObject({ due: 7, delivered: 0, waiting: 0, dropped: { disconnected: 7 } });
});
