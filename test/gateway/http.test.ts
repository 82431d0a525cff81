import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { QueryQuestion } from '../../src/gateway/query-desk.ts';
import { sleep, startGateway, type TestGateway, until } from './harness.ts';

let gateway: TestGateway;
let root: string;
const jsonType = 'application/json; charset=utf-8';
/** More than a socket takes at once. */
const longBytes = 24 * 1_048_576;
/** What the pretended query thread was asked; it answers all but `silent` symbols. */
const asked: QueryQuestion[] = [];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tickwire-page-'));
  mkdirSync(join(root, 'web', 'assets'), { recursive: true });
  writeFileSync(join(root, 'secret.txt'), 'secret');
  writeFileSync(join(root, 'web', 'index.html'), '<p>page</p>');
  writeFileSync(join(root, 'web', 'assets', 'main-B2xkq0aZ.js'), 'export {};');
  writeFileSync(join(root, 'web', 'long.txt'), longText());
  gateway = await startGateway({
    webRoot: join(root, 'web'),
    limits: { queriesInFlight: 3, queryTimeoutMs: 250, answerMs: 1_500 },
    facts: { memoryBound: { totalBytes: 123 } },
  });
  gateway.query.on('message', (question: QueryQuestion) => {
    asked.push(question);
    if (question.params['symbol'] === 'BINANCE:SOLUSDT') return;
    const body = new TextEncoder().encode(JSON.stringify({ kind: question.kind }));
    gateway.query.postMessage({ id: question.id, status: 200, body, contentType: jsonType });
  });
});

afterAll(async () => {
  expect((await gateway.close()).code).toBe(0);
  rmSync(root, { recursive: true });
});

/** Numbered lines, so that a part in the wrong place shows. */
function longText(): string {
  const lines = Array.from({ length: longBytes / 16 }, (_, i) => `${String(i).padStart(15, '0')}\n`);
  return lines.join('');
}

interface Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: gateway.port, path, headers, method }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('data routes', () => {
  test('reach the query thread with the canonical symbol, its number, and the parameters as they came', async () => {
    for (const [path, kind, params] of [
      ['/api/v1/symbols', 'symbols', {}],
      ['/api/v1/symbols/btc-usdt/price', 'price', { symbol: 'BINANCE:BTCUSDT', instrument: 1 }],
      ['/api/v1/symbols/BINANCE:ETHUSDT/enigma', 'enigma', { symbol: 'BINANCE:ETHUSDT', instrument: 2 }],
      [
        '/api/v1/symbols/ETH%2FUSDT/bars?resolution=1d&from=1723161255&instrument=9',
        'bars',
        { symbol: 'BINANCE:ETHUSDT', instrument: 2, resolution: '1d', from: '1723161255' },
      ],
      [
        '/api/v1/symbols/ETHUSDT/trades?limit=5',
        'trades',
        { symbol: 'BINANCE:ETHUSDT', instrument: 2, limit: '5' },
      ],
    ] as const) {
      const response = await ask(path);
      expect(response.status, path).toBe(200);
      expect(response.headers['content-type']).toBe(jsonType);
      expect(JSON.parse(response.body)).toEqual({ kind });
      expect(asked.at(-1)).toMatchObject({ kind, params });
    }
  });

  test('answer 404 with what may have been meant, 400 for parameters beyond reason, as problem+json with an error', async () => {
    const unknown = await ask('/api/v1/symbols/BTCUSTD/price');
    expect(unknown.status).toBe(404);
    expect(unknown.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(unknown.body)).toMatchObject({
      status: 404,
      detail: 'unknown symbol "BTCUSTD"',
      error: 'unknown symbol "BTCUSTD"',
      title: 'Not Found',
    });
    expect(JSON.parse(unknown.body).didYouMean).toContain('BINANCE:BTCUSDT');
    const long = await ask(`/api/v1/symbols/BTCUSDT/bars?resolution=${'1'.repeat(100)}`);
    expect(long.status).toBe(400);
    expect(JSON.parse(long.body).error).toMatch(/^resolution: /);
    const many = await ask(`/api/v1/symbols?${Array.from({ length: 20 }, (_, i) => `p${i}=1`).join('&')}`);
    expect(many.status).toBe(400);
    expect((await ask('/api/v1/symbols/%E0%A4%A/price')).status).toBe(404);
  });

  test('answer 504 when the stores are silent, 503 when too many questions are open; a late answer is only counted', async () => {
    const silent = '/api/v1/symbols/SOLUSDT/price';
    const responses = await Promise.all(Array.from({ length: 5 }, () => ask(silent)));
    expect(responses.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      503, 503, 504, 504, 504,
    ]);
    expect(responses.find(({ status }) => status === 503)!.headers['retry-after']).toBe('1');
    const late = asked.at(-1)!;
    gateway.query.postMessage({
      id: late.id,
      status: 200,
      body: new Uint8Array(1),
      contentType: 'text/plain',
    });
    const { queries } = await until(async () => {
      const account = await gateway.account();
      return account.queries.late === 1 && account;
    }, 'the late answer');
    expect(queries).toMatchObject({ timedOut: 3, refused: 2, open: 0 });
    expect(queries.asked).toBe(queries.answered + queries.timedOut);
  });

  test('scenario 45: a client that goes away before the answer is not written to', async () => {
    const before = asked.length;
    const sockets = Array.from({ length: 3 }, () => {
      const socket = connect(gateway.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write('GET /api/v1/symbols/SOLUSDT/price HTTP/1.1\r\nHost: x\r\n\r\n');
      return socket;
    });
    await until(() => asked.length === before + 3, 'the questions');
    for (const socket of sockets) socket.resetAndDestroy();
    await until(async () => (await gateway.account()).http.aborted === 3, 'the aborts');
    for (const { id } of asked.slice(before)) {
      gateway.query.postMessage({ id, status: 200, body: new Uint8Array(10), contentType: 'text/plain' });
    }
    expect((await ask('/api/v1/symbols')).status).toBe(200);
  });
});

describe('health', () => {
  test('says what the supervisor told and what the gateway counted', async () => {
    gateway.tell({ kind: 'health', body: { status: 'degraded', shards: [{ alive: true }] } });
    const body = await until(async () => {
      const health = JSON.parse((await ask('/api/v1/health')).body) as Record<string, unknown>;
      return health['status'] === 'degraded' && health;
    }, 'the supervisor');
    expect(body).toMatchObject({ version: '0.0.0-test', shards: [{ alive: true }] });
    expect(body['gateway']).toMatchObject({ connections: { open: 0 }, delivery: { log: { due: 0 } } });
    expect(body['memoryBound']).toEqual({ totalBytes: 123 });
    expect(body['uptimeS']).toBeTypeOf('number');
    expect((await ask('/api/v1/health')).headers['content-type']).toBe(jsonType);
  });
});

describe('the page', () => {
  test('comes from memory: index at /, hashed files for ever, etags', async () => {
    const page = await ask('/');
    expect(page).toMatchObject({ status: 200, body: '<p>page</p>' });
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    const again = await ask('/index.html', { 'if-none-match': page.headers.etag! });
    expect(again).toMatchObject({ status: 304, body: '' });
    const asset = await ask('/assets/main-B2xkq0aZ.js');
    expect(asset).toMatchObject({ status: 200, body: 'export {};' });
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    const head = await ask('/', {}, 'HEAD');
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers['content-length']).toBe('11');
  });

  test('no path leads out of its folder', async () => {
    for (const path of [
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/assets/../../secret.txt',
      '/%2e%2e%5csecret.txt',
      '//etc/passwd',
      '/\0',
      '/secret.txt',
    ]) {
      const socket = connect(gateway.port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('error', () => undefined);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      await Promise.race([closed, until(() => text.includes('\r\n\r\n'), 'a response')]);
      socket.destroy();
      expect(text, path).not.toMatch(/\r\n\r\nsecret/);
      expect(text, path).toMatch(/^(HTTP\/1\.1 (4\d\d|505)|$)/);
    }
  });

  test('is answered 404 and 405 as problem+json', async () => {
    const nothing = await ask('/nothing');
    expect(nothing.status).toBe(404);
    expect(JSON.parse(nothing.body)).toMatchObject({ status: 404, error: 'nothing at /nothing' });
    for (const path of ['/', '/api/v1/symbols', '/api/v1/symbols/BTCUSDT/price']) {
      const wrong = await ask(path, {}, 'POST');
      expect(wrong.status, path).toBe(405);
      expect(wrong.headers.allow, path).toBe('GET, HEAD, OPTIONS');
      expect(wrong.headers['content-type']).toBe('application/problem+json');
    }
  });

  test('says how to build it when it is not there', async () => {
    const bare = await startGateway({ webRoot: join(root, 'not-built') });
    const response = await fetch(`http://127.0.0.1:${bare.port}/`);
    expect(await response.text()).toContain('npx vite build web');
    await bare.close();
  });
});

describe('CORS', () => {
  test('scenario 85: listed origins may read, others and "null" and suffix tricks get no header', async () => {
    const allowed = await ask('/api/v1/symbols', { origin: 'https://page.example' });
    expect(allowed.headers['access-control-allow-origin']).toBe('https://page.example');
    const own = await ask('/api/v1/symbols', { origin: `http://127.0.0.1:${gateway.port}` });
    expect(own.headers['access-control-allow-origin']).toBe(`http://127.0.0.1:${gateway.port}`);
    for (const origin of [
      'null',
      'https://evil-page.example',
      'https://page.example.evil',
      'http://page.example',
    ]) {
      const other = await ask('/api/v1/symbols', { origin });
      expect(other.headers['access-control-allow-origin'], origin).toBeUndefined();
      expect(other.headers['vary']).toBe('Origin');
    }
    const preflight = await ask(
      '/api/v1/symbols',
      { origin: 'https://page.example', 'access-control-request-method': 'GET' },
      'OPTIONS',
    );
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': 'https://page.example',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-allow-headers': 'X-Asked',
      'access-control-allow-credentials': 'true',
    });
    expect(preflight.headers['access-control-expose-headers']).toBeUndefined();
  });

  test('an answer says what a script may read of it, and whether cookies may come along', async () => {
    const { headers } = await ask('/api/v1/symbols', { origin: 'https://page.example' });
    expect(headers['access-control-expose-headers']).toBe('X-Total-Count');
    expect(headers['access-control-allow-credentials']).toBe('true');
    expect(headers['access-control-allow-methods']).toBeUndefined();
  });

  test('the origin * lets every page in but "null"; without credentials and lists their headers are left out', async () => {
    const cors = { origins: ['*'], methods: [], headers: [], exposed: [], credentials: false };
    const open = await startGateway({ cors });
    const headersFor = async (origin: string): Promise<string[]> => {
      const response = await fetch(`http://127.0.0.1:${open.port}/api/v1/health`, { headers: { origin } });
      await response.text();
      return [...response.headers].filter(([name]) => name.startsWith('access-control')).map(String);
    };
    expect(await headersFor('https://any.example')).toEqual([
      'access-control-allow-origin,https://any.example',
    ]);
    expect(await headersFor('null')).toEqual([]);
    await open.close();
  });
});

describe('a long answer', () => {
  test('comes whole, in parts', async () => {
    const { status, body, headers } = await ask('/long.txt');
    expect([status, headers['content-length']]).toEqual([200, String(longBytes)]);
    expect(body === longText()).toBe(true);
    expect((await gateway.account()).http.cut).toBe(0);
  });

  test('that is not taken in time is cut and counted; others are served meanwhile', async () => {
    const { aborted } = (await gateway.account()).http;
    const socket = connect(gateway.port, '127.0.0.1').pause();
    socket.on('error', () => undefined);
    socket.write('GET /long.txt HTTP/1.1\r\nHost: x\r\n\r\n');
    expect((await ask('/api/v1/health')).status).toBe(200);
    await until(async () => (await gateway.account()).http.cut === 1, 'the cut');
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => (bytes += chunk.length)).resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(longBytes);
    expect((await gateway.account()).http).toMatchObject({ cut: 1, aborted });
  });

  test('whose client goes away half-way is counted as aborted', async () => {
    const { aborted } = (await gateway.account()).http;
    const socket = connect(gateway.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET /long.txt HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    socket.resetAndDestroy();
    await until(async () => (await gateway.account()).http.aborted > aborted, 'the abort');
    expect((await gateway.account()).http.aborted).toBe(aborted + 1);
  });
});

test('garbage in place of HTTP harms nobody', async () => {
  for (const text of [
    '\0\0\0\0',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n\r\n`,
  ]) {
    const socket = connect(gateway.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(text);
    await sleep(20);
    socket.destroy();
  }
  expect((await ask('/api/v1/health')).status).toBe(200);
});
