import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RedisWatchLists } from '../../src/stores/redis-watch-lists.ts';
import { freePort, type RedisServer, redisInstalled, startRedis } from './redis-server.ts';

describe.skipIf(!redisInstalled)('watch lists in a real Redis', () => {
  let server: RedisServer;
  let other: Redis;
  const lists: RedisWatchLists[] = [];

  beforeEach(async () => {
    server = await startRedis();
    other = new Redis({ port: server.port, host: '127.0.0.1' });
  });
  afterEach(async () => {
    for (const one of lists.splice(0)) one.close();
    other.disconnect();
    await server.stop();
  });

  function read(port = server.port) {
    const readings: string[][] = [];
    const faults: string[] = [];
    const one = new RedisWatchLists({
      addr: `127.0.0.1:${port}`,
      password: '',
      db: 0,
      everyMs: 20,
      onSymbols: (symbols) => readings.push([...symbols].toSorted()),
      onFault: (reason) => faults.push(reason),
    });
    lists.push(one);
    one.start();
    return { one, readings, faults, last: () => readings.at(-1) };
  }

  test('what all lists want together is told, and what changes is told again', async () => {
    await other.sadd('marketwatch:a', 'BTCUSDT', 'ETHUSDT');
    await other.sadd('marketwatch:b', 'ETHUSDT', 'SOLUSDT');
    await other.set('marketwatch:odd', 'not a set');
    await other.sadd('elsewhere:c', 'XRPUSDT');
    const { last, one } = read();
    await expect.poll(last).toEqual(['BTCUSDT', 'ETHUSDT', 'SOLUSDT']);
    expect(one.health()).toMatchObject({ state: 'connected', lists: 3, symbols: 3 });
    await other.del('marketwatch:b');
    await other.sadd('marketwatch:d', 'DOGEUSDT');
    await expect.poll(last).toEqual(['BTCUSDT', 'DOGEUSDT', 'ETHUSDT']);
    await other.flushall();
    await expect.poll(last).toEqual([]);
  });

  test('thousands of lists are read whole', async () => {
    const pipeline = other.pipeline();
    for (let list = 0; list < 5_000; list++)
      pipeline.sadd(`marketwatch:${list}`, `S${list % 700}`, 'BTCUSDT');
    await pipeline.exec();
    const { last } = read();
    await expect.poll(() => last()?.length, { timeout: 10_000 }).toBe(701);
  });

  test('while Redis is away the last wishes hold, and it says so; afterwards it goes on by itself', async () => {
    await other.sadd('marketwatch:a', 'BTCUSDT');
    const { last, readings, faults, one } = read();
    await expect.poll(last).toEqual(['BTCUSDT']);
    const { port } = server;
    other.disconnect();
    await server.stop();
    await expect.poll(() => faults.length).toBeGreaterThan(0);
    const before = readings.length;
    expect(one.health().state).toBe('degraded');
    server = await startRedis(port);
    other = new Redis({ port, host: '127.0.0.1' });
    await other.sadd('marketwatch:b', 'ETHUSDT');
    await expect.poll(last, { timeout: 10_000 }).toEqual(['ETHUSDT']);
    expect(readings.slice(before).every((reading) => reading.length <= 1)).toBe(true);
    expect(one.health().state).toBe('connected');
  });

  test('nobody there: a fault each time, no reading, and the process goes on', async () => {
    const { faults, readings } = read(await freePort());
    await expect.poll(() => faults.length).toBeGreaterThan(1);
    expect(readings).toEqual([]);
  });
});
