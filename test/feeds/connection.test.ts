/** A connection against a real socket server on loopback; its timers are turned by hand. */
import { describe, expect, test } from 'vitest';
import { Backoff, backoffDefaults } from '../../src/feeds/backoff.ts';
import { connectionDefaults } from '../../src/feeds/connection.ts';
import { control, refusal } from '../../src/feeds/refusal.ts';
import { RefusalWatch } from '../../src/feeds/refusal-watch.ts';
import { closers, connect, granted, pause, serve } from './connection-harness.ts';
import { dice, seed, until } from './market.ts';

describe('subscribing', () => {
  test('scenario 7: in batches, at least 250 ms apart, and every answer is checked', async () => {
    const server = await serve();
    const streams = Array.from({ length: 25 }, (_, i) => `s${i}`);
    const { connection, timers } = connect(server.wsUrl, { streams });
    await granted(connection, 10);
    timers.advance(249);
    await pause(20);
    expect(server.asked.length).toBe(1);
    timers.advance(1);
    await granted(connection, 20);
    timers.advance(250);
    await granted(connection, 25);
    expect(server.asked.flatMap(({ params }) => params)).toEqual(streams);
    expect(server.asked.map(({ method, id }) => [method, id])).toEqual(
      [1, 2, 3].map((id) => ['SUBSCRIBE', id]),
    );
  });

  test('scenario 9: the first request leaves in the same turn as the socket opens, while another one floods', async () => {
    const server = await serve();
    const first = connect(server.wsUrl, { streams: ['flood'] });
    await granted(first.connection);
    const flooding = setInterval(() => {
      for (let i = 0; i < 5_000; i++) server.tell('flood', `T 1 ${i}`);
    }, 1);
    closers.push(() => clearInterval(flooding));
    await until(() => first.messages.length > 0, 'the flood');
    let opened = 0;
    const second = connect(server.wsUrl, {
      streams: ['a'],
      onState: ({ state }) => {
        if (state === 'open') opened = performance.now();
      },
    });
    await granted(second.connection);
    clearInterval(flooding);
    const { connectedAt, askedAt } = server.sockets[1]!;
    expect(askedAt[0]! - connectedAt).toBeLessThan(5_000);
    expect(opened).toBeGreaterThan(0);
    expect(second.timers.now()).toBe(0);
  });

  test('keys and the time for the signature are handed to the venue', async () => {
    const server = await serve();
    const keys = { key: 'k', secret: 'cw==', passphrase: 'p' };
    const { connection } = connect(server.wsUrl, { keys, seconds: () => 1_700_000_000 });
    await granted(connection);
    expect(server.asked[0]).toMatchObject({ keys, seconds: 1_700_000_000 });
  });

  test('no answer within its time ends a socket that has granted nothing; while paused nothing is expected', async () => {
    const server = await serve();
    server.mute = true;
    const { connection, timers } = connect(server.wsUrl);
    await until(() => server.asked.length === 1, 'the request');
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
  test('scenario 3: silence is noticed within twice the quiet time; the connection comes back and subscribes again', async () => {
    const server = await serve();
    const { connection, timers } = connect(server.wsUrl);
    await granted(connection);
    // Open, and nothing comes: no data, no ping, no pong, no FIN.
    server.sockets[0]!.socket.pause();
    timers.advance(connectionDefaults.quietMs * 0.7);
    await pause(20);
    expect(connection.state).toBe('open');
    timers.advance(connectionDefaults.quietMs * 0.55);
    expect(connection.health().ended.silent).toBe(1);
    expect(connection.state).toBe('backing-off');
    timers.advance(500);
    await granted(connection);
    expect(server.sockets.length).toBe(2);
  });

  test('scenario 3: a socket that answers pings and says nothing is replaced within twice the quiet time, by overlap', async () => {
    const server = await serve();
    const { connection, timers } = connect(server.wsUrl);
    await granted(connection);
    for (let i = 0; i < 5; i++) {
      timers.advance(connectionDefaults.quietMs / 4);
      await pause(20);
    }
    await until(() => server.sockets.length === 2, 'the second socket');
    await until(() => server.sockets[1]!.streams.has('a'), 'its stream');
    expect(server.sockets[0]!.closed).toBe(false);
    await until(() => {
      timers.advance(500);
      return server.sockets[0]!.closed;
    }, 'the end of the first one');
    expect(connection.health()).toMatchObject({ state: 'open', granted: 1 });
    expect(connection.health().ended.silent).toBe(1);
  });

  test('scenario 4: a ping keeps it alive, and its pong carries the same payload', async () => {
    const server = await serve();
    const { connection, timers } = connect(server.wsUrl);
    await granted(connection);
    const pongs: string[] = [];
    server.sockets[0]!.socket.on('pong', (data) => pongs.push(String(data)));
    for (let i = 1; i <= 5; i++) {
      timers.advance(20_000);
      server.sockets[0]!.socket.ping(`1723161255${i}`);
      await until(() => connection.health().pings === i && pongs.length === i, `ping ${i}`);
    }
    expect(pongs).toEqual([1, 2, 3, 4, 5].map((i) => `1723161255${i}`));
    expect(connection.state).toBe('open');
    expect(server.sockets.length).toBe(1);
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
    const server = await serve();
    const { connection, timers, messages, gone } = connect(server.wsUrl);
    await granted(connection);
    // A text frame that announces 100 bytes and brings 5.
    server.sockets[0]!.raw.write(Buffer.from([0x81, 100, ...Buffer.from('{"str')]));
    server.sockets[0]!.socket.terminate();
    await until(() => connection.state === 'backing-off', 'the cut');
    expect(messages).toEqual([]);
    expect(connection.health().ended.cut).toBe(1);
    expect(gone.length).toBe(1);
    timers.advance(1_000);
    await granted(connection);
  });
});

describe('scenario 19: garbage', () => {
  test('100 refused messages within 10 s end the connection, 99 do not', async () => {
    const server = await serve();
    const { connection, messages, timers } = connect(server.wsUrl);
    await granted(connection);
    for (let i = 0; i < 99; i++) server.tell('a', 'garbage');
    await until(() => messages.length === 99, '99 refusals');
    expect(connection.state).toBe('open');
    server.tell('a', 'garbage');
    await until(() => connection.state === 'backing-off', 'the end');
    expect(connection.health().ended.garbage).toBe(1);
    timers.advance(1_000);
    await granted(connection);
  });

  test('scenario 23: what looks like a new tick size or symbol is refused and borne: another socket would bring the same', async () => {
    const server = await serve();
    let seen = 0;
    const receive = (bytes: Uint8Array): number => {
      if (bytes[0] === 'A'.charCodeAt(0)) return control.answer;
      return seen++ % 2 === 0 ? refusal.tooPrecise : refusal.unknownSymbol;
    };
    const { connection } = connect(server.wsUrl, { receive });
    await granted(connection);
    for (let i = 0; i < 300; i++) server.tell('a', 'finer');
    await until(() => seen === 300, 'all of them');
    expect(connection.state).toBe('open');
  });

  test('slow garbage is counted and borne', () => {
    const watch = new RefusalWatch(100, 10_000);
    for (let i = 0; i < 1_000; i++) expect(watch.refused(i * 102)).toBe(false);
    for (let i = 0; i < 99; i++) watch.refused(200_000);
    expect(watch.refused(200_000)).toBe(true);
  });

  test('a message of 10 MB is cut off at the limit: counted, connection ended, memory bounded', async () => {
    const server = await serve();
    const { connection, messages, codes } = connect(server.wsUrl);
    await granted(connection);
    server.tell('a', `T ${'x'.repeat(10 * 2 ** 20)}`);
    await until(() => connection.state === 'backing-off', 'the end');
    expect(codes).toEqual([refusal.tooLarge]);
    expect(connection.health().ended['too-large']).toBe(1);
    expect(messages.length).toBe(0);
  });
});

describe('back-pressure', () => {
  test('a paused connection reads nothing and is not taken for silent; resumed, all of it comes', async () => {
    const server = await serve();
    const { connection, messages, timers } = connect(server.wsUrl);
    await granted(connection);
    connection.pause();
    for (let i = 0; i < 1_000; i++) server.tell('a', `T 1 ${i}`);
    await pause(50);
    expect(messages.length).toBe(0);
    timers.advance(connectionDefaults.quietMs * 5);
    expect(connection.state).toBe('open');
    connection.resume();
    await until(() => messages.length === 1_000, 'what was held back');
    expect(messages).toEqual(Array.from({ length: 1_000 }, (_, i) => `T 1 ${i}`));
  });
});

test('closing is polite, final, and may be asked twice', async () => {
  const server = await serve();
  const { connection, timers } = connect(server.wsUrl);
  await granted(connection);
  const codes: number[] = [];
  server.sockets[0]!.socket.on('close', (code) => codes.push(code));
  await Promise.all([connection.close(), connection.close()]);
  timers.advance(600_000);
  expect(connection.state).toBe('closed');
  expect(connection.health().connects).toBe(1);
  await until(() => codes.length === 1, 'the venue’s end');
  expect(codes).toEqual([1000]);
});
