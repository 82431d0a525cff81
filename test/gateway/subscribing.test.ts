import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeFrame } from '../../src/wire/decode-frame.ts';
import { balance, startGateway, TestClient, type TestGateway, until } from './harness.ts';
import { startMicros } from './market-feed.ts';

const isBeat = (one: Uint8Array): boolean =>
  decodeFrame(one).blocks.every(({ kind }) => kind === 'heartbeat');

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ ringCount: 2, limits: { heartbeatMs: 400 } });
});
afterAll(async () => {
  const { code, accounting } = await gateway.close();
  expect(code).toBe(0);
  for (const name of ['state', 'log', 'extra'] as const) {
    expect(balance(accounting.delivery[name]), name).toBe(0);
    expect(accounting.delivery[name].waiting, name).toBe(0);
  }
});

describe('a v2 client', () => {
  test('gets acknowledgement, dictionary, snapshot and then live blocks, in this order and each once', async () => {
    await gateway.feed.trades(1, 10, 3).quote(1, 50).flush();
    const client = await TestClient.open(gateway.port);
    const answer = await client.ask({ type: 'subscribe', symbols: ['BTC/USDT', 'btcusdt'], id: 7 });
    expect(answer).toEqual({
      type: 'subscribed',
      id: 7,
      symbols: ['BINANCE:BTCUSDT'],
      channels: ['trades', 'quotes'],
    });
    await gateway.feed.trades(1, 13, 2).quote(1, 51).trades(2, 99).flush();
    await until(() => client.tradeIds(1).length >= 2, 'live trades');

    const kinds = client.received.flatMap((one) => {
      if (one instanceof Uint8Array) return isBeat(one) ? [] : ['frame'];
      return [one['type']];
    });
    expect(kinds.slice(0, 3)).toEqual(['welcome', 'subscribed', 'frame']);
    const blocks = client.blocks.filter(({ kind }) => kind !== 'heartbeat');
    expect(blocks.map(({ kind, snapshot, cursor }) => [kind, snapshot, cursor])).toEqual([
      ['dictionary', false, 1_723_000_000],
      ['trade', true, 10],
      ['quote', true, 50],
      ['trade', false, 13],
      ['quote', false, 51],
    ]);
    expect(client.frames.every(({ dictionary, skipped }) => dictionary === 7 && skipped === 0)).toBe(true);
    expect(blocks[0]!.kind === 'dictionary' && blocks[0]!.records).toEqual([
      {
        id: 1,
        active: true,
        priceDecimals: 2,
        sizeDecimals: 3,
        symbol: 'BINANCE:BTCUSDT',
        base: 'BTC',
        quote: 'USDT',
      },
    ]);
    expect(blocks[3]!.kind === 'trade' && blocks[3]!.records.map(({ price, size }) => [price, size])).toEqual(
      [
        [100_013, 14],
        [100_014, 15],
      ],
    );
    await client.close();
  });

  test('gets every trade of every ring exactly once and in order, whatever the time base, in frames of at most 64 KiB', async () => {
    const client = await TestClient.open(gateway.port);
    await client.subscribe(['BTCUSDT', 'ETHUSDT'], ['trades']);
    const rounds = 120;
    for (let round = 0; round < rounds; round++) {
      // Every 40 rounds the trades leap over a time base (17.5 minutes).
      const time = startMicros + Math.floor(round / 40) * 1_200_000_000;
      const id = 1_000 + round * 400;
      gateway.feeds[0]!.trades(1, id, 200, time).trades(1, id + 200, 200, time);
      gateway.feeds[1]!.trades(2, id, 400, time);
      await gateway.feeds[0]!.flush();
      await gateway.feeds[1]!.flush();
    }
    const expected = Array.from({ length: rounds * 400 }, (_, index) => 1_000 + index);
    await until(
      () => client.tradeIds(1).length >= expected.length && client.tradeIds(2).length >= expected.length,
      'all',
    );
    expect(client.tradeIds(1)).toEqual(expected);
    expect(client.tradeIds(2)).toEqual(expected);
    const times = client.blocks
      .filter(({ kind, snapshot }) => kind === 'trade' && !snapshot)
      .map(({ time }) => time);
    expect(new Set(times)).toEqual(new Set([0, 1, 2].map((leap) => startMicros + leap * 1_200_000_000)));
    expect(Math.max(...client.binaries.map(({ length }) => length))).toBeLessThanOrEqual(65_536);
    await client.close();
  });

  test('gets nothing of a stream after it unsubscribed, and a fresh snapshot when it subscribes twice', async () => {
    const client = await TestClient.open(gateway.port);
    await gateway.feed.trades(3, 5).quote(3, 5).flush();
    await client.subscribe(['SOLUSDT']);
    await client.subscribe(['SOLUSDT']);
    expect(client.blocks.filter(({ snapshot }) => snapshot).map(({ kind }) => kind)).toEqual([
      'trade',
      'quote',
      'trade',
      'quote',
    ]);
    await gateway.feed.trades(3, 6).flush();
    await until(() => client.tradeIds(3).length > 0, 'a trade');
    expect(client.tradeIds(3)).toEqual([6]);
    expect(
      await client.ask({ type: 'unsubscribe', symbols: ['SOLUSDT'], channels: ['quotes'] }),
    ).toMatchObject({
      type: 'unsubscribed',
      channels: ['quotes'],
    });
    expect(await client.ask({ type: 'unsubscribe', symbols: ['SOLUSDT'] })).toMatchObject({
      channels: ['trades'],
    });
    await gateway.feed.trades(3, 7).quote(3, 8).flush();
    expect(await client.ask({ type: 'ping', id: 'p' })).toMatchObject({ type: 'pong', id: 'p' });
    expect(client.tradeIds(3)).toEqual([6]);
    await client.close();
  });

  test('gets heartbeats with the last cursor of each log stream, gap notices left out', async () => {
    const client = await TestClient.open(gateway.port);
    await client.subscribe(['BTCUSDC'], ['trades', 'quotes', 'bars:1m', 'bars:1h']);
    const open = 1_723_161_240_000_000;
    await gateway.feed.trades(4, 1, 9).gap(4, 3, 4).quote(4, 77).flush();
    await gateway.feed
      .bar(4, 2, open, 5, true)
      .bar(4, 2, open + 60_000_000, 6, false)
      .flush();
    const beat = await until(() => {
      const beats = client.blocks.filter((block) => block.kind === 'heartbeat');
      return beats.find(({ records }) => records.length === 2);
    }, 'a heartbeat with two cursors');
    expect(beat.records).toEqual([
      { kind: 1, instrument: 4, cursor: 9 },
      { kind: 4 + 32 * 2, instrument: 4, cursor: open / 1e6 },
    ]);
    await client.close();
  });
});

describe('requests that are refused', () => {
  test('are all or nothing: one unknown symbol, and nothing is subscribed', async () => {
    const client = await TestClient.open(gateway.port);
    const answer = await client.ask({ type: 'subscribe', symbols: ['ETHUSDT', 'BTCUST'], id: 1 });
    expect(answer).toMatchObject({ type: 'error', id: 1, code: 111, error: 'unknown symbol "BTCUST"' });
    expect(answer['didYouMean']).toContain('BINANCE:BTCUSDT');
    await gateway.feed.trades(2, 1).flush();
    await client.ask({ type: 'ping' });
    expect(client.tradeIds(2)).toEqual([]);
    await client.close();
  });

  test('have their own number each, and exactly one answer', async () => {
    const client = await TestClient.open(gateway.port);
    const table: [message: object | string, code: number][] = [
      ['{"type":"subscribe"', 101],
      ['"subscribe"', 102],
      ['[]', 102],
      ['null', 102],
      [{ type: 'teleport' }, 103],
      [{}, 103],
      [{ type: 'ping', id: 1.5 }, 104],
      [{ type: 'ping', id: {} }, 104],
      [{ type: 'subscribe' }, 105],
      [{ type: 'subscribe', symbols: [] }, 105],
      [{ type: 'subscribe', symbols: [1] }, 105],
      [{ type: 'subscribe', symbols: ['BTCUSDT'], channels: 'trades' }, 106],
      [{ type: 'subscribe', symbols: ['BTCUSDT'], channels: ['levels'] }, 113],
      [{ type: 'subscribe', symbols: Array.from({ length: 1_001 }, () => 'BTCUSDT') }, 121],
      [{ type: 'subscribe', symbols: ['__proto__'] }, 111],
      [{ type: 'unsubscribe', symbols: ['NOPE'] }, 111],
    ];
    for (const [index, [message, code]] of table.entries()) {
      const before = client.texts.length;
      client.send(message);
      await until(() => client.texts.length > before, `the answer to ${JSON.stringify(message)}`);
      expect(client.texts.at(-1), JSON.stringify(message)).toMatchObject({ type: 'error', code });
      expect(client.texts.length, `answers after ${index + 1} requests`).toBe(index + 2);
    }
    expect(client.socket.readyState).toBe(client.socket.OPEN);
    await client.close();
  });
});

test('the first subscriber is reported once', () => {
  expect(gateway.reports.filter(({ kind }) => kind === 'first-subscriber')).toHaveLength(1);
});
