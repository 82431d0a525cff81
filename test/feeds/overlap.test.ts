/** A socket is replaced before it ends; timers are turned by hand. */
import { describe, expect, test } from 'vitest';
import { connectionDefaults } from '../../src/feeds/connection.ts';
import { connect, granted, pause, serve } from './connection-harness.ts';
import { until } from './market.ts';

describe('scenarios 1 and 2: the replacement comes before the end', () => {
  test('scenario 1: at the venue’s lifetime: connected and granted everything before the old socket is let go', async () => {
    const server = await serve();
    const streams = ['a', 'b', 'c'];
    const { connection, timers, messages } = connect(server.wsUrl, {
      streams,
      limited: { lifetimeMs: 60_000 },
    });
    await granted(connection, 3);
    const first = server.sockets[0]!;
    for (let i = 1; i <= 5; i++) {
      timers.advance(10_000);
      first.socket.ping();
      await until(() => connection.health().pings === i, 'the ping');
    }
    expect(server.sockets.length).toBe(1);
    // The venue cuts at 60 s; a random while before, between 48 and 57 s, the replacement is there.
    timers.advance(3_000);
    await until(
      () => server.sockets.length === 2 && server.sockets[1]!.streams.size === 3,
      'the replacement',
    );
    expect([first.closed, first.streams.size]).toEqual([false, 3]);
    await pause(20);
    // Read on for a while: a trade that only the old one still brings is not lost.
    timers.advance(connectionDefaults.overlapMs - 1);
    first.socket.send('T 1 1');
    await until(() => messages.length === 1, 'the late trade');
    timers.advance(1);
    await until(() => first.closed, 'the end of the old socket');
    server.tell('a', 'T 1 2');
    await until(() => messages.length === 2, 'the next trade');
    expect(messages).toEqual(['T 1 1', 'T 1 2']);
    expect(connection.health()).toMatchObject({ state: 'open', granted: 3, connects: 2 });
    expect(connection.health().ended).toMatchObject({ lifetime: 1, cut: 0 });
  });

  test('scenario 2: serverShutdown: at once, without waiting for the end, and without a pause in the streams', async () => {
    const server = await serve();
    const { connection, timers } = connect(server.wsUrl);
    await granted(connection);
    timers.advance(5_000);
    const states: string[] = [];
    server.sockets[0]!.socket.send('X');
    await until(() => server.sockets.length === 2, 'the second socket');
    expect(timers.now()).toBe(5_000);
    expect(server.sockets[0]!.closed).toBe(false);
    await until(() => server.sockets[1]!.streams.has('a'), 'its stream');
    await until(() => {
      timers.advance(100);
      states.push(connection.state);
      return server.sockets[0]!.closed;
    }, 'the end of the first one');
    expect(new Set(states)).toEqual(new Set(['open']));
    expect(connection.health().ended['venue-shutdown']).toBe(1);
  });

  test('scenario 2: a venue that greets with a shutdown is not asked in a tight loop', async () => {
    const server = await serve();
    const { connection, timers } = connect(server.wsUrl);
    await granted(connection);
    server.sockets[0]!.socket.send('X');
    await pause(30);
    expect(server.attempts).toBe(1);
    timers.advance(500);
    await until(() => server.attempts === 2, 'the second attempt');
    await until(() => server.sockets.length === 2, 'the second socket');
    server.sockets[1]!.socket.send('X');
    await until(() => connection.health().ended['venue-shutdown'] === 1, 'its end');
    await pause(30);
    expect(server.attempts).toBe(2);
    timers.advance(1_000);
    await until(() => server.attempts === 3, 'the third attempt');
    expect(connection.health()).toMatchObject({ state: 'open', granted: 1 });
  });

  test('when the old socket dies first, the replacement takes its place at once', async () => {
    const server = await serve();
    const { connection, timers } = connect(server.wsUrl);
    await granted(connection);
    timers.advance(5_000);
    server.sockets[0]!.socket.send('X');
    await until(() => server.sockets.length === 2, 'the second socket');
    server.sockets[0]!.socket.terminate();
    await until(() => connection.health().ended.cut === 1, 'the cut');
    await granted(connection);
    timers.advance(5_000);
    await pause(30);
    expect(server.attempts).toBe(2);
    expect(connection.health()).toMatchObject({ state: 'open', replacing: false });
  });

  test('a replacement that fails is tried again, and the old socket goes on', async () => {
    const server = await serve();
    const { connection, timers } = connect(server.wsUrl);
    await granted(connection);
    timers.advance(5_000);
    server.status = 503;
    server.sockets[0]!.socket.send('X');
    await until(() => connection.health().ended['refused-upgrade'] === 1, 'the refusal');
    expect(connection.health()).toMatchObject({ state: 'open', granted: 1 });
    server.status = 101;
    timers.advance(1_000);
    await until(() => server.sockets.length === 2, 'the second socket');
  });

  test('while paused nothing changes places: the old socket is closed after the pause', async () => {
    const server = await serve();
    const { connection, timers } = connect(server.wsUrl);
    await granted(connection);
    timers.advance(5_000);
    server.sockets[0]!.socket.send('X');
    await until(() => server.sockets[1]?.streams.has('a') === true, 'the replacement');
    await pause(20);
    connection.pause();
    timers.advance(connectionDefaults.overlapMs * 3);
    await pause(20);
    expect(server.open.length).toBe(2);
    connection.resume();
    timers.advance(connectionDefaults.overlapMs);
    await until(() => server.open.length === 1, 'the end of the old socket');
    expect(connection.health()).toMatchObject({ state: 'open', granted: 1 });
  });
});
