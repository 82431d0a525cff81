/** The log: JSON lines, no secrets, no floods. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type LogOptions, openLog } from '../../src/telemetry/log.ts';

type Line = Record<string, unknown>;

function listen(options: LogOptions = {}) {
  const texts: string[] = [];
  const log = openLog({ ...options, stream: { write: (text) => void texts.push(text) } });
  return { log, texts, lines: (): Line[] => texts.map((text) => JSON.parse(text) as Line) };
}

describe('lines', () => {
  test('are JSON with time, level, message and fields', () => {
    const { log, texts } = listen();
    log.info('the hub is up', { port: 8080, cursor: 12n });
    expect(texts).toHaveLength(1);
    expect(texts[0]!.endsWith('}\n')).toBe(true);
    expect(JSON.parse(texts[0]!)).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown,
      port: 8080,
      cursor: '12',
      msg: 'the hub is up',
    });
  });

  test('below the level are not written', () => {
    const { log, lines } = listen({ level: 'warn' });
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) log[level](level);
    log.incident('key', 'incident');
    log.close();
    expect(lines().map(({ msg }) => msg)).toEqual(['warn', 'error', 'fatal', 'incident']);
  });

  test('of a child carry its fields as well', () => {
    const { log, lines } = listen();
    log.child({ thread: 'gateway', token: 't' }).child({ client: 7 }).warn('slow');
    expect(lines()[0]).toMatchObject({ thread: 'gateway', token: '[hidden]', client: 7, msg: 'slow' });
  });

  test('go to stderr whole, even when the process ends at once', () => {
    const url = pathToFileURL(join(import.meta.dirname, '..', '..', 'src', 'telemetry', 'log.ts')).href;
    const script = `import { openLog } from ${JSON.stringify(url)}; openLog().fatal('last words'); process.exit(3);`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect(status).toBe(3);
    expect(stdout).toBe('');
    expect(JSON.parse(stderr)).toMatchObject({ level: 'fatal', msg: 'last words' });
  });

  test('can be written for people', () => {
    const { log, texts } = listen({ format: 'pretty' });
    log.warn('a shard is stuck', { shard: 2, venue: 'BINANCE', note: 'two words', list: [1] });
    expect(texts[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} WARN  a shard is stuck shard=2 venue=BINANCE note="two words" list=\[1\]\n$/,
    );
  });
});

describe('what must not be in the log', () => {
  test('secrets are hidden by their field names, at every depth', () => {
    const { log, texts, lines } = listen();
    log.info('connecting', {
      password: 'hunter2',
      mysql: {
        user: 'trading',
        MYSQL_PASSWORD: 'hunter2',
        nested: [{ apiKey: 'hunter2', session_token: 'hunter2' }],
      },
      headers: { authorization: 'Bearer hunter2', cookie: 'session_token=hunter2' },
      secret: undefined,
    });
    expect(texts.join('')).not.toContain('hunter2');
    expect(lines()[0]).toMatchObject({ password: '[hidden]', mysql: { user: 'trading' } });
  });

  test('credentials in URLs are hidden, in fields, messages and errors', () => {
    const { log, texts, lines } = listen();
    const error = new Error('refused by nats://user:hunter2@bus:4222', {
      cause: new Error('wss://x/ws?token=hunter2&a=1'),
    });
    log.error('no bus at nats://user:hunter2@bus:4222', { url: 'redis://:hunter2@cache', error });
    expect(texts.join('')).not.toContain('hunter2');
    expect(lines()[0]).toMatchObject({
      msg: 'no bus at nats://[hidden]@bus:4222',
      error: {
        type: 'Error',
        message: 'refused by nats://[hidden]@bus:4222',
        cause: { message: 'wss://x/ws?token=[hidden]&a=1' },
      },
    });
  });

  test('scenario material of 10 MB, deep and wide, circular or binary makes a short line', () => {
    const { log, texts } = listen();
    const circle: Line = { name: 'circle' };
    circle['self'] = circle;
    const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`key${index}`, index]));
    log.warn('x'.repeat(10_000_000), {
      message: 'y'.repeat(10_000_000),
      circle,
      wide,
      list: Array.from({ length: 10_000 }, () => 1),
      bytes: new Uint8Array(10_000),
    });
    expect(texts[0]!.length).toBeLessThan(10_000);
    expect(JSON.parse(texts[0]!)).toMatchObject({ bytes: '[10000 bytes]', wide: { more: 9_950 } });
  });
});

describe('incidents', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  test('the first is told at once, then one line a second with the count, and none is lost', () => {
    const { log, lines } = listen();
    for (let index = 0; index < 1_000; index++)
      log.incident('refused.price', 'a price was refused', { price: index });
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toMatchObject({ level: 'warn', price: 0, msg: 'a price was refused' });
    expect(lines()[0]).not.toHaveProperty('repeats');
    vi.advanceTimersByTime(1_000);
    expect(lines()[1]).toMatchObject({ price: 999, repeats: 999 });
    log.incident('refused.price', 'a price was refused', { price: 7 });
    vi.advanceTimersByTime(999);
    expect(lines()).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(lines()[2]).toMatchObject({ price: 7, repeats: 1 });
    vi.advanceTimersByTime(60_000);
    expect(lines()).toHaveLength(3);
    log.incident('refused.price', 'a price was refused', { price: 8 });
    expect(lines()[3]).toMatchObject({ price: 8 });
    expect(vi.getTimerCount()).toBe(1);
  });

  test('each key, and each child, is counted for itself', () => {
    const { log, lines } = listen();
    log.incident('a', 'a');
    log.incident('b', 'b');
    log.child({ symbol: 'X' }).incident('a', 'a');
    log.child({ symbol: 'Y' }).incident('a', 'a');
    log.child({ symbol: 'X' }).incident('a', 'a');
    expect(lines()).toHaveLength(4);
    log.close();
    expect(lines()[4]).toMatchObject({ symbol: 'X', repeats: 1 });
    log.close();
    expect(lines()).toHaveLength(5);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('whatever the burst, told and repeats add up to what happened', () => {
    const { log, lines } = listen();
    let seed = 20_260_801;
    const roll = (): number => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
    const happened = 5_000;
    for (let index = 0; index < happened; index++) {
      log.incident('key', 'something');
      if (roll() < 0.05) vi.advanceTimersByTime(Math.floor(roll() * 3_000));
    }
    log.close();
    expect(lines().reduce((sum, { repeats }) => sum + Number(repeats ?? 1), 0)).toBe(happened);
  });

  test('a flood of different keys is bounded, and still told', () => {
    const { log, lines } = listen();
    for (let index = 0; index < 5_000; index++) log.incident(`symbol ${index}`, `unknown symbol ${index}`);
    expect(lines()).toHaveLength(1_001);
    expect(vi.getTimerCount()).toBe(1_001);
    log.close();
    expect(lines().at(-1)).toMatchObject({ repeats: 3_999, last: 'unknown symbol 4999' });
  });
});
