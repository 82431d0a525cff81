/** A connection against a real socket server on loopback; its timers are turned by hand. */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { Backoff, backoffDefaults } from '../../src/feeds/backoff.ts';
import { binance } from '../../src/feeds/binance/venue.ts';
import { Connection, type ConnectionOptions, connectionDefaults } from '../../src/feeds/connection.ts';
import { control, refusal } from '../../src/feeds/refusal.ts';
import { RefusalWatch } from '../../src/feeds/refusal-watch.ts';
import { dice, HandTimers, seed, until } from './market.ts';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Asked {
  readonly method: string;
  readonly params: string[];
  readonly id: number;
}

/** A venue that notes what it is asked, and answers as told. */
async function venueServer(
  answer: (asked: Asked) => object | undefined = ({ id }) => ({ result: null, id }),
) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
  closers.push(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const sockets: WebSocket[] = [];
  const raw: Socket[] = [];
  const asked: Asked[] = [];
  server.on('connection', (socket, upgrade) => {
    raw.push(upgrade.socket);
    sockets.push(socket);
    socket.on('message', (data) => {
      const request = JSON.parse((data as Buffer).toString()) as Asked;
      asked.push(request);
      const reply = answer(request);
      if (reply !== undefined) socket.send(JSON.stringify(reply));
    });
  });
  return { wsUrl: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets, raw, asked };
}

function connect(wsUrl: string, changes: Partial<ConnectionOptions> = {}) {
  const timers = new HandTimers();
  const messages: string[] = [];
  const codes: number[] = [];
  const connection = new Connection({
    name: 'test',
    venue: binance,
    wsUrl,
    streams: ['btcusdt@trade'],
    limits: connectionDefaults,
    timers,
    roll: () => 0.5,
    receive: (bytes) => {
      const text = Buffer.from(bytes).toString();
      messages.push(text);
      if (text.includes('"id"')) return control.answer;
      if (text.includes('serverShutdown')) return control.shutdown;
      return text.includes('garbage') ? refusal.notJson : 1;
    },
    refuse: (code) => codes.push(code),
    ...changes,
  });
  closers.push(() => connection.close());
  connection.start();
  return { connection, timers, messages, codes };
}

describe('subscribing', () => {
  test('in batches, at least 250 ms apart, and every answer is checked', async () => {
    const venue = await venueServer();
    const streams = Array.from({ length: 450 }, (_, i) => `s${i}@trade`);
    const { connection, timers } = connect(venue.wsUrl, { streams });
    await until(() => venue.asked.length === 1, 'the first request');
    timers.advance(249);
    await until(() => connection.health().granted === 200, 'the first answer');
    expect(venue.asked.length).toBe(1);
    timers.advance(1);
    await until(() => connection.health().granted === 400, 'the second answer');
    timers.advance(250);
    await until(() => connection.health().missing === 0, 'the third answer');
    expect(venue.asked.flatMap(({ params }) => params)).toEqual(streams);
    expect(venue.asked.map(({ method, id }) => [method, id])).toEqual(
      [1, 2, 3].map((id) => ['SUBSCRIBE', id]),
    );
  });

  test('a refused batch is cut until the refused streams are known by name', async () => {
    const venue = await venueServer(({ id, params }) =>
      params.includes('bad@trade') ? { code: 2, msg: 'Invalid request', id } : { result: null, id },
    );
    const streams = ['a@trade', 'b@trade', 'bad@trade', 'c@trade', 'd@trade'];
    const { connection, timers } = connect(venue.wsUrl, { streams });
    for (
      let i = 1;
      connection.health().granted < 4 || Object.keys(connection.health().refusedStreams).length < 1;
      i++
    ) {
      await until(() => venue.asked.length === i, `request ${i}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      timers.advance(250);
    }
    expect(connection.health()).toMatchObject({
      missing: 1,
      refusedStreams: { 'bad@trade': '2: Invalid request' },
    });
  });

  test('no answer within its time ends the connection; while paused nothing is expected', async () => {
    const venue = await venueServer(() => undefined);
    const { connection, timers } = connect(venue.wsUrl);
    await until(() => venue.asked.length === 1, 'the request');
    connection.pause();
    timers.advance(60_000);
    expect(connection.state).toBe('open');
    connection.resume();
    timers.advance(connectionDefaults.answerMs);
    expect(connection.state).toBe('backing-off');
    expect(connection.health().ended.unanswered).toBe(1);
  });
});

describe('staying alive', () => {
  test('scenario 3: silence is noticed within twice the quiet time, and the connection comes back and subscribes again', async () => {
    const venue = await venueServer();
    const { connection, timers } = connect(venue.wsUrl);
    await until(() => connection.health().granted === 1, 'the subscription');
    timers.advance(connectionDefaults.quietMs * 0.7);
    expect(connection.state).toBe('open');
    timers.advance(connectionDefaults.quietMs * 0.55);
    expect(connection.health().ended.silent).toBe(1);
    expect(connection.state).toBe('backing-off');
    timers.advance(500);
    await until(() => venue.asked.length === 2, 'the second subscription');
    expect(connection.state).toBe('open');
  });

  test('scenario 4: a ping keeps it alive, and its pong carries the same payload', async () => {
    const venue = await venueServer();
    const { connection, timers } = connect(venue.wsUrl);
    await until(() => connection.health().granted === 1, 'the subscription');
    const pongs: string[] = [];
    venue.sockets[0]!.on('pong', (data) => pongs.push(String(data)));
    for (let i = 1; i <= 5; i++) {
      timers.advance(20_000);
      venue.sockets[0]!.ping(`1723161255${i}`);
      await until(() => connection.health().pings === i && pongs.length === i, `ping ${i}`);
    }
    expect(pongs).toEqual([1, 2, 3, 4, 5].map((i) => `1723161255${i}`));
    expect(connection.state).toBe('open');
  });

  test('scenario 5: back-off doubles to a minute with full jitter, and begins again after a healthy minute', () => {
    const most = Array.from({ length: 9 }, () => 0);
    const roll = dice(seed);
    for (let round = 0; round < 500; round++) {
      const backoff = new Backoff(backoffDefaults, roll);
      for (let i = 0; i < most.length; i++) most[i] = Math.max(most[i]!, backoff.next(0));
    }
    const caps = [1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000);
    expect(
      most.every((value, i) => value <= caps[i]! && value > caps[i]! * 0.9),
      `SEED=${seed}: ${most.join()}`,
    ).toBe(true);
    const backoff = new Backoff(backoffDefaults, () => 1);
    expect([backoff.next(0), backoff.next(59_999), backoff.next(60_000), backoff.next(0)]).toEqual([
      1e3, 2e3, 1e3, 2e3,
    ]);
  });

  test('scenario 5: a socket cut mid-frame gives no message, and the connection comes back', async () => {
    const venue = await venueServer();
    const { connection, timers, messages } = connect(venue.wsUrl);
    await until(() => connection.health().granted === 1, 'the subscription');
    // A text frame that announces 100 bytes and brings 5.
    venue.raw[0]!.write(Buffer.from([0x81, 100, ...Buffer.from('{"str')]));
    venue.sockets[0]!.terminate();
    await until(() => connection.state === 'backing-off', 'the cut');
    expect(messages.length).toBe(1);
    timers.advance(1_000);
    await until(() => venue.asked.length === 2, 'the second subscription');
  });

  test('scenario 10: a refused upgrade waits as long as its status asks, and no server means back-off', async () => {
    for (const [status, leastMs] of [
      [418, 120_000],
      [429, 90_000],
      [503, 0],
    ] as const) {
      const server = createServer().listen(0, '127.0.0.1');
      server.on('upgrade', (_request, socket) =>
        socket.end(
          `HTTP/1.1 ${status} No\r\n${status === 429 ? 'Retry-After: 90\r\n' : ''}Content-Length: 0\r\nConnection: close\r\n\r\n`,
        ),
      );
      await new Promise((resolve) => server.once('listening', resolve));
      closers.push(() => void server.close());
      const { connection, timers } = connect(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
      await until(() => connection.state === 'backing-off', `the refusal by ${status}`);
      expect(connection.health().ended['refused-upgrade']).toBe(1);
      expect(timers.nextIn).toBe(leastMs + 500);
    }
    const { connection } = connect('ws://127.0.0.1:1');
    await until(() => connection.state === 'backing-off', 'the refused connection');
    expect(connection.health().ended['cannot-connect']).toBe(1);
  });

  test('serverShutdown: back at once, without waiting for the end', async () => {
    const venue = await venueServer();
    const { connection, timers } = connect(venue.wsUrl);
    await until(() => connection.health().granted === 1, 'the subscription');
    timers.advance(5_000);
    venue.sockets[0]!.send('{"e":"serverShutdown","E":1}');
    await until(() => connection.health().ended['venue-shutdown'] === 1, 'the shutdown');
    timers.advance(0);
    await until(() => venue.asked.length === 2, 'the second subscription');
    expect(connection.health().connects).toBe(2);
  });
});

describe('scenario 19: garbage', () => {
  test('100 refused messages within 10 s end the connection, 99 do not', async () => {
    const venue = await venueServer();
    const { connection, messages, timers } = connect(venue.wsUrl);
    await until(() => connection.health().granted === 1, 'the subscription');
    for (let i = 0; i < 99; i++) venue.sockets[0]!.send('garbage');
    await until(() => messages.length === 100, '99 refusals');
    expect(connection.state).toBe('open');
    venue.sockets[0]!.send('garbage');
    await until(() => connection.state === 'backing-off', 'the end');
    expect(connection.health().ended.garbage).toBe(1);
    timers.advance(1_000);
    await until(() => venue.asked.length === 2, 'the second subscription');
  });

  test('slow garbage is counted and borne', () => {
    const watch = new RefusalWatch(100, 10_000);
    for (let i = 0; i < 1_000; i++) expect(watch.refused(i * 102)).toBe(false);
    for (let i = 0; i < 99; i++) watch.refused(200_000);
    expect(watch.refused(200_000)).toBe(true);
  });

  test('a message of 10 MB is cut off at the limit: counted, connection ended, memory bounded', async () => {
    const venue = await venueServer();
    const { connection, messages, codes } = connect(venue.wsUrl);
    await until(() => connection.health().granted === 1, 'the subscription');
    venue.sockets[0]!.send(`{"stream":"btcusdt@trade","data":"${'x'.repeat(10 * 2 ** 20)}"}`);
    await until(() => connection.state === 'backing-off', 'the end');
    expect(codes).toEqual([refusal.tooLarge]);
    expect(connection.health().ended['too-large']).toBe(1);
    expect(messages.length).toBe(1);
  });
});

describe('back-pressure', () => {
  test('a paused connection reads nothing and is not taken for silent; resumed, all of it comes', async () => {
    const venue = await venueServer();
    const { connection, messages, timers } = connect(venue.wsUrl);
    await until(() => connection.health().granted === 1, 'the subscription');
    connection.pause();
    for (let i = 0; i < 1_000; i++) venue.sockets[0]!.send(`tick ${i}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(messages.length).toBe(1);
    timers.advance(connectionDefaults.quietMs * 5);
    expect(connection.state).toBe('open');
    connection.resume();
    await until(() => messages.length === 1_001, 'what was held back');
    expect(messages.slice(1)).toEqual(Array.from({ length: 1_000 }, (_, i) => `tick ${i}`));
  });
});

test('closing is polite, final, and may be asked twice', async () => {
  const venue = await venueServer();
  const { connection, timers } = connect(venue.wsUrl);
  await until(() => connection.health().granted === 1, 'the subscription');
  const codes: number[] = [];
  venue.sockets[0]!.on('close', (code) => codes.push(code));
  await Promise.all([connection.close(), connection.close()]);
  timers.advance(600_000);
  expect(connection.state).toBe('closed');
  expect(connection.health().connects).toBe(1);
  await until(() => codes.length === 1, 'the venue’s end');
  expect(codes).toEqual([1000]);
});
