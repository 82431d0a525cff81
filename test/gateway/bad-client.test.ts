import { afterEach, describe, expect, test } from 'vitest';
import {
  clientFrame,
  rawSocket,
  serverFrames,
  sleep,
  startGateway,
  TestClient,
  type TestGateway,
  until,
} from './harness.ts';

let gateway: TestGateway | undefined;
afterEach(async () => {
  if (gateway === undefined) return;
  // Whatever a client did: the gateway still serves the next one, and ends in order.
  const client = await TestClient.open(gateway.port);
  await client.subscribe(['BTCUSDT'], ['trades']);
  await gateway.feed.trades(1, 1).flush();
  await until(() => client.tradeIds(1).length === 1, 'a trade for the next client');
  expect((await gateway.close()).code).toBe(0);
  gateway = undefined;
});

const garbage = Uint8Array.from({ length: 200 }, (_, index) => (index * 73 + 11) & 255);

describe('scenario 41: a client sends', () => {
  test('binary garbage: error 107, each time', async () => {
    gateway = await startGateway();
    const client = await TestClient.open(gateway.port);
    for (const length of [0, 1, 16, 200]) {
      const before = client.texts.length;
      client.socket.send(garbage.subarray(0, length), { binary: true });
      await until(() => client.texts.length > before, 'the error');
      expect(client.texts.at(-1)).toMatchObject({ type: 'error', code: 107 });
    }
  });

  test('text that is not UTF-8: the connection ends', async () => {
    gateway = await startGateway();
    const { socket, bytes } = await rawSocket(gateway.port);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(clientFrame(1, Buffer.from([0xc3, 0x28, 0xff])));
    await closed;
    expect(serverFrames(Buffer.concat(bytes)).map(([opcode]) => opcode)).toEqual([1]);
  });

  test('invalid JSON: error 101; an unknown symbol: error 111 with what it may have meant', async () => {
    gateway = await startGateway();
    const client = await TestClient.open(gateway.port);
    client.send('{"type":"subscribe","symbols":["BTCUSDT"');
    expect(await client.text((text) => text['type'] === 'error')).toMatchObject({ code: 101 });
    const answer = await client.subscribe(['ETHUSTD']);
    expect(answer).toMatchObject({ type: 'error', code: 111, didYouMean: ['BINANCE:ETHUSDT'] });
  });

  test('an unmasked frame: it is never taken for a request; the connection ends or it gets an error', async () => {
    gateway = await startGateway();
    const { socket, bytes } = await rawSocket(gateway.port);
    const state = { closed: false };
    socket.once('close', () => {
      state.closed = true;
    });
    const request = Buffer.from(JSON.stringify({ type: 'subscribe', symbols: ['BTCUSDT'], id: 'unmasked' }));
    for (let sent = 0; sent < 20 && !state.closed; sent++) {
      socket.write(clientFrame(1, request, false));
      await sleep(5);
    }
    const answers = (): (string | undefined)[] =>
      serverFrames(Buffer.concat(bytes)).map(([opcode, payload]) =>
        opcode === 1 ? (JSON.parse(payload.toString())['type'] as string) : undefined,
      );
    await until(() => state.closed || answers().includes('error'), 'the end of the connection, or an error');
    expect(answers()).not.toContain('subscribed');
    socket.destroy();
  });

  test('a message of more than 16 KiB: close 1009; a list of 10,000 symbols as well', async () => {
    gateway = await startGateway();
    const symbols = Array.from({ length: 10_000 }, (_, index) => `BINANCE:X${index}USDT`);
    for (const message of ['x'.repeat(16_385), JSON.stringify({ type: 'subscribe', symbols })]) {
      const client = await TestClient.open(gateway.port);
      client.send(message);
      expect((await until(() => client.closed, 'the close')).code).toBe(1009);
    }
    // The largest that is allowed is read, and refused for what it is.
    const client = await TestClient.open(gateway.port);
    client.send('x'.repeat(16_384));
    expect(await client.text((text) => text['type'] === 'error')).toMatchObject({ code: 101 });
    // Far above: uWebSockets itself cuts the connection before it is read.
    const other = await TestClient.open(gateway.port);
    other.send('x'.repeat(1_000_000));
    expect((await until(() => other.closed, 'the close')).code).toBe(1006);
  });

  test('1,000 requests at once: some answered, some "rate limited" (123), then close 4029', async () => {
    gateway = await startGateway();
    const client = await TestClient.open(gateway.port);
    for (let id = 0; id < 1_000; id++) client.send({ type: 'ping', id });
    expect(await until(() => client.closed, 'the close')).toMatchObject({ code: 4029 });
    expect(JSON.parse(client.closed!.reason)).toMatchObject({ code: 4029, resume: false });
    const answers = client.texts.slice(1);
    const pongs = answers.filter(({ type }) => type === 'pong');
    expect(pongs.length).toBeGreaterThanOrEqual(100);
    expect(pongs.length).toBeLessThan(200);
    expect(answers.filter(({ type }) => type === 'error').every(({ code }) => code === 123)).toBe(true);
    expect(
      answers.map(({ id }) => id),
      'one answer a request, in order',
    ).toEqual(answers.map((_, index) => index));
    expect(answers.length).toBeLessThan(600);
  });

  test('1,000 ping frames at once: close 4029', async () => {
    gateway = await startGateway();
    const { socket, bytes } = await rawSocket(gateway.port);
    socket.write(Buffer.concat(Array.from({ length: 1_000 }, () => clientFrame(9, Buffer.from('hi')))));
    const close = await until(
      () => serverFrames(Buffer.concat(bytes)).find(([opcode]) => opcode === 8),
      'the close',
    );
    expect(close[1].readUInt16BE(0)).toBe(4029);
    socket.destroy();
  });

  test('a subscription of more streams than allowed: error 122, and none of it holds', async () => {
    gateway = await startGateway({ limits: { subscriptionsPerConnection: 3 } });
    const client = await TestClient.open(gateway.port);
    expect(await client.subscribe(['BTCUSDT', 'ETHUSDT'])).toMatchObject({ type: 'error', code: 122 });
    await client.subscribe(['BTCUSDT']);
    expect(await client.subscribe(['BTCUSDT', 'ETHUSDT'], ['trades'])).toMatchObject({ type: 'subscribed' });
    expect(await client.subscribe(['SOLUSDT'])).toMatchObject({ code: 122 });
  });

  test('pings and never reads the answers: closed with 4008, whatever fits in the kernel', async () => {
    gateway = await startGateway({
      limits: { messagesPerSecond: 10_000_000, softBytes: 1_024, outboxBytes: 4_096, heartbeatMs: 600_000 },
    });
    const { socket } = await rawSocket(gateway.port);
    socket.pause();
    const many = Buffer.concat(
      Array.from({ length: 2_000 }, () => clientFrame(1, Buffer.from('{"type":"teleport"}'))),
    );
    let isClosed = false;
    await until(async () => {
      if (!isClosed) socket.write(many);
      isClosed = (await gateway!.account()).connections.closed['4008'] === 1;
      return isClosed;
    }, 'the close');
    expect((await gateway.account()).connections.open).toBe(0);
    socket.destroy();
  });
});

describe('the upgrade', () => {
  test('refuses protocols it does not know with 400 and the names of those it does', async () => {
    gateway = await startGateway();
    const upgrade = {
      upgrade: 'websocket',
      connection: 'Upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    for (const [path, headers] of [
      ['?protocol=v3', {}],
      ['', { 'sec-websocket-protocol': 'tickwire.v9, other' }],
    ] as const) {
      const { status, body } = await plainGet(gateway.port, `/api/v1/ws${path}`, { ...upgrade, ...headers });
      expect(status).toBe(400);
      expect(JSON.parse(body).error).toMatch(/tickwire\.v2 or tickwire\.v1.*v2 or v1/);
    }
    const { status } = await plainGet(gateway.port, '/api/v1/ws', {});
    expect(status).toBe(426);
    expect((await gateway.account()).connections.refused).toEqual({ '400': 2 });
  });

  test('takes v1 without a name, the subprotocol before the parameter, and says which', async () => {
    gateway = await startGateway();
    const protocols: [query: string, offered: string[], welcome: string, chosen: string][] = [
      ['', [], 'v1', ''],
      ['?protocol=v1', [], 'v1', ''],
      ['?protocol=v2', [], 'v2', ''],
      ['', ['tickwire.json', 'tickwire.v2'], 'v2', 'tickwire.v2'],
      ['?protocol=v2', ['tickwire.v1'], 'v1', 'tickwire.v1'],
    ];
    const { WebSocket } = await import('ws');
    for (const [query, offered, welcome, chosen] of protocols) {
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/api/v1/ws${query}`, offered);
      const first = await new Promise<string>((resolve) =>
        socket.once('message', (data: Buffer) => resolve(data.toString())),
      );
      expect(JSON.parse(first)).toMatchObject({
        type: 'welcome',
        protocol: welcome,
        server: 'tickwire',
        version: '0.0.0-test',
      });
      expect(socket.protocol).toBe(chosen);
      socket.close();
    }
  });

  test('refuses pages of other hosts with 403; lets in our own host, listed origins, and programs without Origin', async () => {
    gateway = await startGateway();
    const { port } = gateway;
    for (const origin of [
      'https://evil.example',
      'null',
      'https://page.example.evil.example',
      `http://127.0.0.1:${port + 1}`,
    ]) {
      const client = new TestClient(port, 'v2', { origin });
      const status = new Promise((resolve) =>
        client.socket.once('unexpected-response', (_, response) => resolve(response.statusCode)),
      );
      expect(await status, origin).toBe(403);
      client.socket.terminate();
    }
    for (const origin of ['https://page.example', `http://127.0.0.1:${port}`]) {
      await (await TestClient.open(port, 'v2', { origin })).close();
    }
    expect((await gateway.account()).connections.refused).toEqual({ '403': 4 });
  });

  test('answers 503 when there are connections enough', async () => {
    gateway = await startGateway({ limits: { connections: 2 } });
    const first = await TestClient.open(gateway.port);
    const second = await TestClient.open(gateway.port);
    const third = new TestClient(gateway.port);
    const status = new Promise((resolve) =>
      third.socket.once('unexpected-response', (_, response) => resolve(response.statusCode)),
    );
    expect(await status).toBe(503);
    third.socket.terminate();
    await first.close();
    await (await TestClient.open(gateway.port)).close();
    await second.close();
  });
});

async function plainGet(
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string }> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, headers }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode!, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}
