/** The SDK against a scripted server over real sockets: requests, events, faults, and coming back. */
import { afterEach, expect, test } from 'vitest';
import { backoffMs } from '../../src/client/backoff.ts';
import { type ClientOptions, connect, type TickwireClient } from '../../src/client/client.ts';
import { RequestFault } from '../../src/client/control.ts';
import type { ConnectionState } from '../../src/client/link.ts';
import { tableCrc32 } from '../../src/wire/crc32.ts';
import { putV1, sealV1, v1Bytes } from '../../src/wire/frame-v1.ts';
import { dictionaryOf, frameOf, gapOf, heartbeatOf, tradesOf } from './sample-blocks.ts';
import { type Answer, acknowledge, type ScriptedServer, scriptedServer } from './scripted-server.ts';

const opened: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close();
});

async function serverAndClient(
  options: ClientOptions = {},
  answer?: Answer,
): Promise<[ScriptedServer, TickwireClient]> {
  const server = await scriptedServer(answer);
  opened.push(server);
  return [server, clientOf(server, options)];
}

function clientOf(server: ScriptedServer, options: ClientOptions): TickwireClient {
  const client = connect(server.url, {
    backoff: { firstMs: 5, mostMs: 40 },
    pingEveryMs: 0,
    refreshEveryMs: 5,
    ...options,
  });
  opened.push(client);
  return client;
}

/** The next values of an event. */
function next<T>(listen: (listener: (value: T) => void) => () => void): Promise<T> {
  return new Promise((resolve) => {
    const stop = listen((value) => {
      stop();
      resolve(value);
    });
  });
}

const stateOf = (client: TickwireClient, wanted: ConnectionState['state']): Promise<ConnectionState> =>
  new Promise((resolve) => {
    const stop = client.on('state', (state) => {
      if (state.state !== wanted) return;
      stop();
      resolve(state);
    });
  });

const btc = 'BINANCE:BTCUSDT';

test('each request gets its own acknowledgement, asked before the connection stands even', async () => {
  const [server, client] = await serverAndClient();
  const [both, one] = await Promise.all([
    client.subscribe(['BTCUSDT', 'ETHUSDT']),
    client.subscribe(['SOLUSDT'], { channels: ['bars:1m'] }),
  ]);
  expect(both).toMatchObject({
    type: 'subscribed',
    symbols: [btc, 'BINANCE:ETHUSDT'],
    channels: ['trades', 'quotes'],
  });
  expect(one).toMatchObject({ symbols: ['BINANCE:SOLUSDT'], channels: ['bars:1m'] });
  expect(await client.unsubscribe(['ETHUSDT'])).toMatchObject({
    type: 'unsubscribed',
    symbols: ['BINANCE:ETHUSDT'],
  });
  expect(client.symbols).toEqual([btc, 'BINANCE:SOLUSDT']);
  expect(new Set(server.asked.map(({ id }) => id)).size).toBe(3);
});

test('a refusal rejects with its code and what was meant', async () => {
  const [, client] = await serverAndClient();
  const fault = await client.subscribe(['BTCUST']).catch((error: unknown) => error as RequestFault);
  expect(fault).toBeInstanceOf(RequestFault);
  expect(fault).toMatchObject({ code: 111, message: 'unknown symbol "BTCUST"', didYouMean: [btc] });
});

test('a ping tells the way there and back', async () => {
  let clock = 0;
  const [, client] = await serverAndClient({ now: () => (clock += 7) });
  await client.opened();
  const latency = next<number>((listener) => client.on('latency', listener));
  expect(await client.ping()).toEqual({ roundTripMs: 7, serverTime: 1_700_000_000_000_000 });
  expect([await latency, client.latencyMs]).toEqual([7, 7]);
});

test('an unanswered request rejects in time, and what cannot be sent any more at once', async () => {
  const [, client] = await serverAndClient({ requestTimeoutMs: 20 }, () => undefined);
  await expect(client.subscribe(['BTCUSDT'])).rejects.toThrow('no answer to subscribe within 20 ms');
  const waiting = client.subscribe(['BTCUSDT']);
  client.close();
  await expect(waiting).rejects.toThrow('the client was closed');
  await expect(client.subscribe(['BTCUSDT'])).rejects.toThrow('the client was closed');
});

test('blocks become events, with decimals from the dictionary', async () => {
  const [server, client] = await serverAndClient();
  await client.subscribe(['BTCUSDT']);
  const seen: unknown[] = [];
  client.on('dictionary', (entries) => seen.push(entries.map(({ symbol }) => symbol)));
  client.on('gap', ({ state, from, to }) => seen.push([state, from, to]));
  const done = next<unknown>((listener) => client.on('heartbeat', listener));
  client.on('trades', (batch) => {
    const { instrument, count, snapshot } = batch;
    const { dictionary } = client;
    seen.push([
      count,
      snapshot,
      dictionary.priceText(instrument, batch.price[0]!),
      dictionary.sizeOf(instrument, batch.size[0]!),
    ]);
  });
  const blocks = [
    dictionaryOf(9, [btc]),
    tradesOf([1, 2], { snapshot: true }),
    gapOf('gap', 3, 4),
    tradesOf([5]),
    heartbeatOf(5),
  ];
  server.send(frameOf(...blocks));
  expect(await done).toEqual([{ kind: 1, instrument: 1, cursor: 5 }]);
  expect(seen).toEqual([[btc], [2, true, '61837.64', 0.01], ['gap', 3, 4], [1, false, '61837.68', 0.01]]);
  expect(client.counts).toMatchObject({ frames: 1, jumps: 0, skipped: 0, repeated: 0, faults: {} });
  expect(client.lastTradeId(1)).toBe(5);
});

test('trades that are missing without a word are told as a jump, a lost tail too', async () => {
  const [server, client] = await serverAndClient();
  await client.opened();
  const jumps: unknown[] = [];
  client.on('jump', (jump) => jumps.push(jump));
  server.send(frameOf(tradesOf([1, 4])));
  server.send(frameOf(heartbeatOf(6)));
  await next((listener) => client.on('heartbeat', listener));
  expect(jumps).toEqual([
    { instrument: 1, from: 2, to: 3 },
    { instrument: 1, from: 5, to: 6 },
  ]);
  expect(client.counts.jumps).toBe(2);
});

test('scenario 39: a flipped bit is refused, counted and told, and fresh snapshots are asked for', async () => {
  const [server, client] = await serverAndClient();
  await client.subscribe(['BTCUSDT'], { channels: ['trades'] });
  const trades: number[] = [];
  client.on('trades', (batch) => trades.push(...batch.id.subarray(0, batch.count)));
  const frame = frameOf(tradesOf([1, 2, 3]));
  const reasons: string[] = [];
  client.on('fault', ({ reason }) => reasons.push(reason));
  for (let byte = 0; byte < frame.length; byte++) {
    const flipped = frame.slice();
    flipped[byte]! ^= 1 << (byte & 7);
    server.send(flipped);
  }
  await server.until(2);
  expect(server.asked[1]).toEqual({ type: 'subscribe', symbols: [btc], channels: ['trades'] });
  const snapshot = next((listener) => client.on('trades', listener));
  server.send(frameOf(tradesOf([3], { snapshot: true })));
  await snapshot;
  expect(reasons).toEqual(Array.from({ length: frame.length }, () => 'bad-crc'));
  expect(client.counts.faults).toEqual({ 'bad-crc': frame.length });
  expect(trades).toEqual([3]);
});

test('after a break it comes back, subscribes again, and tells what it missed meanwhile', async () => {
  const [server, client] = await serverAndClient();
  await client.subscribe(['BTCUSDT'], { channels: ['trades'] });
  const first = next((listener) => client.on('trades', listener));
  server.send(frameOf(dictionaryOf(1, [btc]), tradesOf([1, 2])));
  await first;
  const waiting = stateOf(client, 'waiting');
  server.breakOff(4008);
  expect(await waiting).toMatchObject({ code: 4008, attempt: 1 });
  await stateOf(client, 'open');
  await server.until(2);
  expect(server.asked[1]).toEqual({ type: 'subscribe', symbols: [btc], channels: ['trades'] });
  const jump = next((listener) => client.on('jump', listener));
  server.send(frameOf(tradesOf([5, 6], { snapshot: true })));
  expect(await jump).toEqual({ instrument: 1, from: 3, to: 4 });
  expect([server.connections, client.state.state]).toEqual([2, 'open']);
});

test('scenario 38: a new dictionary epoch gives new numbers, and cursors go on by symbol', async () => {
  const [server, client] = await serverAndClient();
  await client.opened();
  const jumps: unknown[] = [];
  client.on('jump', (jump) => jumps.push(jump));
  server.send(
    frameOf(dictionaryOf(1, [btc, 'BINANCE:ETHUSDT']), tradesOf([10]), tradesOf([500], { instrument: 2 })),
  );
  server.send(
    frameOf(dictionaryOf(2, ['BINANCE:ETHUSDT', btc]), tradesOf([501]), tradesOf([12], { instrument: 2 })),
  );
  server.send(frameOf(heartbeatOf(0)));
  await next((listener) => client.on('heartbeat', listener));
  expect(jumps).toEqual([{ instrument: 2, from: 11, to: 11 }]);
  expect(client.dictionary.find(btc)?.id).toBe(2);
});

test('a request that a break left unanswered is asked again, a ping is not', async () => {
  let silent = true;
  const [server, client] = await serverAndClient({}, (asked) => (silent ? undefined : acknowledge(asked)));
  await client.opened();
  const subscribed = client.subscribe(['BTCUSDT']);
  const pinged = client.ping().catch((error: unknown) => error);
  await server.until(2);
  silent = false;
  server.breakOff();
  expect(await subscribed).toMatchObject({ symbols: [btc] });
  expect(await pinged).toMatchObject({ message: 'the connection broke' });
});

test('a server that stops answering pings is given up', async () => {
  const [server, client] = await serverAndClient({ pingEveryMs: 10, requestTimeoutMs: 20 }, () => undefined);
  await client.opened();
  expect(await stateOf(client, 'waiting')).toMatchObject({ reason: 'no answer to a ping' });
  await stateOf(client, 'open');
  expect(server.connections).toBe(2);
});

test('a server that never welcomes is tried again, longer and longer', async () => {
  const server = await scriptedServer(acknowledge, false);
  opened.push(server);
  const client = clientOf(server, {
    openTimeoutMs: 10,
    random: () => 1,
    backoff: { firstMs: 4, mostMs: 10 },
  });
  const waits: number[] = [];
  client.on('state', (state) => {
    if (state.state === 'waiting') waits.push(state.retryInMs);
  });
  while (waits.length < 4) await stateOf(client, 'waiting');
  expect(waits).toEqual([4, 8, 10, 10]);
});

test('waits double, with chance in them, up to a bound', () => {
  const backoff = { firstMs: 100, mostMs: 1_000 };
  expect([1, 2, 3, 4, 5, 99].map((attempt) => backoffMs(attempt, backoff, 1))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  expect([1, 2, 99].map((attempt) => backoffMs(attempt, backoff, 0))).toEqual([50, 100, 500]);
});

test.each([
  [1008, ''],
  [4029, '{"code":4029,"error":"too many messages","resume":false}'],
])('a close that says "never" is final, and a closed client stays closed: %i %s', async (code, reason) => {
  const [server, client] = await serverAndClient();
  await client.opened();
  const closed = stateOf(client, 'closed');
  server.breakOff(code, reason);
  expect(await closed).toMatchObject({ code, reason });
  await expect(client.opened()).rejects.toThrow('the client was closed');
  expect(server.connections).toBe(1);
});

test('v1: symbols come as text, prices and sizes as updates', async () => {
  const [server, client] = await serverAndClient({ protocol: 'v1' });
  await client.subscribe(['BTCUSDT']);
  const bytes = new Uint8Array(v1Bytes(1));
  putV1(bytes, 6, 1, 61_837.63, 0.02);
  sealV1(bytes, 1, tableCrc32);
  const update = new Promise((resolve) => {
    client.on('updates', (batch) =>
      resolve([batch.count, batch.symbolId[0], batch.price[0], batch.volume[0]]),
    );
  });
  server.send({
    type: 'symbols',
    epoch: 3,
    version: 1,
    symbols: [{ id: 1, symbol: btc, priceDecimals: 2, sizeDecimals: 5 }],
  });
  server.send(bytes);
  expect(await update).toEqual([1, 1, 61_837.63, 0.02]);
  expect(client.dictionary.get(1)).toMatchObject({ symbol: btc, priceDecimals: 2 });
});

test('text that is no message of ours, and types of a newer server, are passed over', async () => {
  const [server, client] = await serverAndClient();
  await client.opened();
  server.send({ type: 'poem', lines: 4 });
  server.send([1, 2]);
  server.send({ type: 'error', code: 123, error: 'rate limited' });
  expect(await next((listener) => client.on('refused', listener))).toMatchObject({ code: 123 });
});
