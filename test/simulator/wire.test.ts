import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connect, get, sharedData, simulate, streams, untilMarket } from './client.ts';

const startTimeMs = Date.UTC(2026, 0, 31, 23, 59, 57);
const types = [
  'trade',
  'aggTrade',
  'bookTicker',
  'miniTicker',
  'depth@100ms',
  'kline_1s',
  'kline_1m',
  'kline_5m',
  'kline_15m',
  'kline_1h',
  'kline_4h',
  'kline_1d',
];

const fields: Readonly<Record<string, readonly string[]>> = {
  trade: ['e', 'E', 's', 't', 'p', 'q', 'T', 'm', 'M'],
  aggTrade: ['e', 'E', 's', 'a', 'p', 'q', 'f', 'l', 'T', 'm', 'M'],
  bookTicker: ['u', 's', 'b', 'B', 'a', 'A'],
  miniTicker: ['e', 'E', 's', 'c', 'o', 'h', 'l', 'v', 'q'],
  depth: ['e', 'E', 's', 'U', 'u', 'b', 'a'],
  kline: ['e', 'E', 's', 'k'],
};
const klineFields = ['t', 'T', 's', 'i', 'f', 'L', 'o', 'c', 'h', 'l', 'v', 'n', 'x', 'q', 'V', 'Q', 'B'];
const documented = join(sharedData, 'binance-ws-payloads.jsonl');
const eventNames: Readonly<Record<string, string>> = {
  trade: 'trade',
  aggTrade: 'aggTrade',
  miniTicker: '24hrMiniTicker',
  depth: 'depthUpdate',
  kline: 'kline',
};

function kindOf(stream: string): string {
  return /@([a-zA-Z]+)/.exec(stream)![1]!;
}

describe('the WebSocket of the simulated market', () => {
  test('sends the same bytes for the same seed and start time', async () => {
    const digests: string[] = [];
    for (let i = 0; i < 2; i++) {
      const simulator = await simulate({
        seed: 11,
        startTimeMs,
        hold: true,
        ticksPerSecond: 2_000,
        speed: 5,
      });
      const client = await connect(simulator, `/stream?streams=${streams(simulator, types)}`);
      simulator.start();
      const messages = await client.until(4_000);
      digests.push(createHash('sha256').update(messages.slice(0, 4_000).join('\n')).digest('hex'));
    }
    expect(digests[1]).toBe(digests[0]);
  });

  test('writes every stream with the keys of the venue in their order, and decimals of eight digits', async () => {
    const simulator = await simulate({ seed: 12, startTimeMs, hold: true, ticksPerSecond: 500, speed: 5 });
    const client = await connect(simulator, `/stream?streams=${streams(simulator, types, 3)}`);
    simulator.start();
    await untilMarket(simulator, startTimeMs + 3_500);
    const seen = new Set<string>();
    for (const text of client.messages) {
      const { stream, data, ...rest } = JSON.parse(text) as { stream: string; data: Record<string, unknown> };
      const kind = kindOf(stream);
      expect(rest).toEqual({});
      expect(Object.keys(data)).toEqual(fields[kind]);
      expect(text).toBe(JSON.stringify({ stream, data })); // no spaces, no other spelling of numbers
      expect(data['e']).toBe(eventNames[kind]);
      expect(data['s']).toBe(stream.split('@')[0]!.toUpperCase());
      const terms = kind === 'kline' ? (data['k'] as Record<string, unknown>) : data;
      expect(Object.keys(terms)).toEqual(kind === 'kline' ? klineFields : fields[kind]);
      const words = kind === 'kline' ? ['s', 'i', 'B'] : ['e', 's'];
      const decimals = Object.entries(terms).filter(
        ([key, value]) => typeof value === 'string' && !words.includes(key),
      );
      expect(decimals.filter(([, value]) => !/^\d+\.\d{8}$/.test(value as string))).toEqual([]);
      seen.add(stream.replace(/^[a-z]+@/, ''));
    }
    expect(new Set(seen)).toEqual(new Set(types));
  });

  test.skipIf(!existsSync(documented))(
    'uses the field names of the official documents (../shared/data)',
    () => {
      const rows = readFileSync(documented, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { payload: Record<string, unknown> });
      for (const [kind, name] of Object.entries(eventNames)) {
        const row = rows.find(({ payload }) => payload['e'] === name);
        expect(Object.keys(row!.payload)).toEqual(fields[kind]);
      }
    },
  );

  test('closes bars with x true at the boundary, and 1m, 1h, 1d close together at midnight of a month', async () => {
    const simulator = await simulate({ seed: 13, startTimeMs, hold: true, speed: 5 });
    const client = await connect(
      simulator,
      '/stream?streams=btcusdt@kline_1m/btcusdt@kline_1h/btcusdt@kline_1d/btcusdt@kline_1M',
    );
    simulator.start();
    await untilMarket(simulator, startTimeMs + 4_500);
    const closed = client.messages.map((text) => JSON.parse(text).data).filter(({ k }) => k.x);
    expect(new Set(closed.map(({ k }) => k.i as string))).toEqual(new Set(['1M', '1d', '1h', '1m']));
    expect(closed).toHaveLength(4);
    for (const { E, k } of closed) {
      expect(E).toBe(Date.UTC(2026, 1, 1));
      expect(k.T).toBe(Date.UTC(2026, 1, 1) - 1);
    }
    const [row] = (
      await get(simulator, `/api/v3/klines?symbol=BTCUSDT&interval=1d&endTime=${startTimeMs}&limit=1`)
    ).body;
    const day = closed.find(({ k }) => k.i === '1d').k;
    expect([day.t, day.o, day.h, day.l, day.c, day.v, day.T, day.q, day.n, day.V, day.Q, day.B]).toEqual(row);
  });

  test('speaks microseconds when asked to, of the same moments', async () => {
    const simulator = await simulate({ seed: 14, startTimeMs, hold: true });
    const milli = await connect(simulator, '/ws/btcusdt@trade');
    const micro = await connect(simulator, '/ws/btcusdt@trade?timeUnit=MICROSECOND');
    simulator.start();
    const [ms, us] = [await milli.until(20), await micro.until(20)].map((list) =>
      list.slice(0, 20).map((text) => JSON.parse(text)),
    );
    for (const [i, trade] of us!.entries()) {
      expect(Math.floor(trade.T / 1_000)).toBe(ms![i].T);
      expect({ ...trade, T: 0, E: 0 }).toEqual({ ...ms![i], T: 0, E: 0 });
    }
    expect(us!.some((trade) => trade.T % 1_000 !== 0)).toBe(true);
  });

  test('sends bare payloads on /ws and wrapped ones on /stream', async () => {
    const simulator = await simulate({ seed: 15, startTimeMs, hold: true });
    const raw = await connect(simulator, '/ws/btcusdt@bookTicker/ethusdt@bookTicker');
    const wrapped = await connect(simulator, '/stream?streams=btcusdt@bookTicker/ethusdt@bookTicker');
    simulator.start();
    const [bare, whole] = [await raw.until(30), await wrapped.until(30)];
    expect(bare.slice(0, 30)).toEqual(
      whole.slice(0, 30).map((text) => JSON.stringify(JSON.parse(text).data)),
    );
  });
});

describe('control messages', () => {
  test('are acknowledged as the documents say', async () => {
    const simulator = await simulate({ hold: true });
    const { ask } = await connect(simulator, '/ws');
    expect(await ask({ method: 'SUBSCRIBE', params: ['btcusdt@aggTrade', 'btcusdt@depth'], id: 1 })).toEqual({
      result: null,
      id: 1,
    });
    expect(await ask({ method: 'UNSUBSCRIBE', params: ['btcusdt@depth'], id: 312 })).toEqual({
      result: null,
      id: 312,
    });
    expect(await ask({ method: 'LIST_SUBSCRIPTIONS', id: 'three' })).toEqual({
      result: ['btcusdt@aggTrade'],
      id: 'three',
    });
    await sleep(1_050);
    expect(await ask({ method: 'GET_PROPERTY', params: ['combined'], id: 2 })).toEqual({
      result: false,
      id: 2,
    });
    expect(await ask({ method: 'SET_PROPERTY', params: ['combined', true], id: 5 })).toEqual({
      result: null,
      id: 5,
    });
    expect(await ask({ method: 'GET_PROPERTY', params: ['combined'], id: null })).toEqual({
      result: true,
      id: null,
    });
  });

  test('begin and end a stream, and nothing else', async () => {
    const simulator = await simulate({ ticksPerSecond: 2_000 });
    const client = await connect(simulator, '/stream');
    await sleep(100);
    expect(client.messages).toEqual([]);
    await client.ask({ method: 'SUBSCRIBE', params: ['ethusdt@bookTicker'], id: 1 });
    const messages = await client.until(20);
    expect(messages.slice(1).every((text) => text.startsWith('{"stream":"ethusdt@bookTicker"'))).toBe(true);
    client.socket.send(JSON.stringify({ method: 'UNSUBSCRIBE', params: ['ethusdt@bookTicker'], id: 2 }));
    await sleep(100);
    expect(client.messages.at(-1)).toBe('{"result":null,"id":2}');
  });

  test.each([
    ['no JSON', 'hello', 3, /^Invalid JSON: expected value at line 1 column 1$/],
    ['no object', '[]', 2, /^Invalid request/],
    ['no method', '{"id":1}', 2, /^Invalid request: missing field `method`/],
    [
      'an unknown method',
      '{"method":"LISTEN","id":1}',
      2,
      /^Invalid request: unknown variant `LISTEN`, expected one of `SUBSCRIBE`/,
    ],
    ['params that are no list', '{"method":"SUBSCRIBE","params":"x","id":1}', 2, /^Invalid request/],
    [
      'an id that is none',
      '{"method":"LIST_SUBSCRIPTIONS","id":1.5}',
      2,
      /^Invalid request: request ID must be an unsigned integer$/,
    ],
    ['an id too long', `{"method":"LIST_SUBSCRIPTIONS","id":"${'x'.repeat(37)}"}`, 2, /request ID/],
    ['an unknown property', '{"method":"GET_PROPERTY","params":["speed"],"id":1}', 0, /^Unknown property$/],
    [
      'a property without a name',
      '{"method":"GET_PROPERTY","params":[7],"id":1}',
      2,
      /property name must be a string$/,
    ],
    [
      'a property of a wrong type',
      '{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}',
      1,
      /^Invalid value type: expected Boolean$/,
    ],
    [
      'too many parameters',
      '{"method":"SET_PROPERTY","params":["combined",true,1],"id":1}',
      2,
      /too many parameters$/,
    ],
    [
      'more than 1,024 streams',
      JSON.stringify({
        method: 'SUBSCRIBE',
        params: Array.from({ length: 1_025 }, (_, i) => `x${i}@trade`),
        id: 1,
      }),
      2,
      /too many/,
    ],
  ])('with %s are refused in the words of the venue', async (_name, text, code, message) => {
    const simulator = await simulate({ hold: true });
    const client = await connect(simulator, '/ws');
    client.socket.send(text);
    const answer = JSON.parse((await client.until(1))[0]!);
    expect(answer.code).toBe(code);
    expect(answer.msg).toMatch(message);
  });

  test('an id past 2^53 comes back digit by digit', async () => {
    const simulator = await simulate({ hold: true });
    const client = await connect(simulator, '/ws');
    client.socket.send('{"method":"LIST_SUBSCRIPTIONS","id":9223372036854775807}');
    expect((await client.until(1))[0]).toBe('{"result":[],"id":9223372036854775807}');
  });

  test.each([
    ['requests', (socket: WebSocket) => socket.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')],
    ['pings', (socket: WebSocket) => socket.ping()],
    ['pongs', (socket: WebSocket) => socket.pong()],
  ])('more than five %s in a second end the connection with 1008', async (_name, send) => {
    const simulator = await simulate({ hold: true });
    const client = await connect(simulator, '/ws');
    for (let i = 0; i < 5; i++) send(client.socket);
    await sleep(100);
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
    send(client.socket);
    expect(await client.closed).toBe(1008);
  });

  test('a connection takes 1,024 streams in its address, and not one more', async () => {
    const simulator = await simulate({ hold: true, symbols: 600 });
    const names = simulator.listing.flatMap(({ symbol }) => [
      `${symbol.toLowerCase()}@trade`,
      `${symbol.toLowerCase()}@bookTicker`,
    ]);
    const client = await connect(simulator, `/stream?streams=${names.slice(0, 1_024).join('/')}`);
    expect(
      ((await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 1 })) as { result: unknown[] }).result,
    ).toHaveLength(1_024);
    await expect(connect(simulator, `/stream?streams=${names.slice(0, 1_025).join('/')}`)).rejects.toThrow(
      '400',
    );
    await expect(connect(simulator, '/nowhere')).rejects.toThrow('404');
    await expect(connect(simulator, '/ws/%zz')).resolves.toBeDefined();
    await expect(connect(simulator, '/ws?timeUnit=DAY')).rejects.toThrow('400');
  });
});

describe('the life of a connection', () => {
  test('pings carry the time in ms; who answers them stays, who does not is closed', async () => {
    const simulator = await simulate({ hold: true, pingIntervalMs: 250, pongTimeoutMs: 700 });
    const good = await connect(simulator, '/ws/btcusdt@trade');
    const payloads: string[] = [];
    good.socket.on('ping', (payload: Buffer) => payloads.push(payload.toString()));
    const mute = await connect(simulator, '/ws/btcusdt@trade', { autoPong: false });
    const liar = await connect(simulator, '/ws/btcusdt@trade', { autoPong: false });
    liar.socket.on('ping', () => liar.socket.pong('something else'));
    expect(await mute.closed).toBe(1008);
    expect(await liar.closed).toBe(1008);
    expect(good.socket.readyState).toBe(WebSocket.OPEN);
    expect(payloads.length).toBeGreaterThan(2);
    for (const payload of payloads) expect(Math.abs(Number(payload) - Date.now())).toBeLessThan(60_000);
  });

  test('it is cut at the end of its life, as after 24 hours', async () => {
    const simulator = await simulate({ hold: true, lifetimeMs: 150 });
    const client = await connect(simulator, '/ws/btcusdt@trade');
    expect(await client.closed).toBe(1001);
    expect(simulator.report().connections).toEqual({
      opened: 1,
      closed: 1,
      refused: 0,
      cut: { 1001: 1 },
    });
  });

  test('a reader who stands still at a paced speed is cut, and the memory behind it bounded', async () => {
    const simulator = await simulate({ ticksPerSecond: 3_000_000 });
    const client = await connect(simulator, `/stream?streams=${streams(simulator, ['trade', 'bookTicker'])}`);
    client.socket.pause();
    while (simulator.report().connections.cut['backlog'] === undefined) await sleep(20);
    expect(simulator.report().bytesSent).toBeGreaterThan(64 * 1024 * 1024);
    expect(simulator.report().balanced).toBe(true);
  });
});
