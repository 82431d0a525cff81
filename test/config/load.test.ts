/** Where the configuration comes from, what its values may look like, and what is said about those not used yet. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { environmentKeys } from '../../src/config/environment.ts';
import { loadConfig, type Sources } from '../../src/config/load.ts';
import { durationText, parseDuration } from '../../src/config/units.ts';
import { disk, faultOf, load, nested } from './in-memory.ts';

function port(sources: Sources, files: Readonly<Record<string, string>>): number {
  return loadConfig({ environment: {}, ...sources, read: disk(files) }).config.server.port;
}

describe('sources', () => {
  test('flags before environment before .env before the command before the file before the defaults', () => {
    const file = { 'config.yaml': 'server: { port: 1 }' };
    const both = { ...file, '.env': 'SERVER_PORT=3\n' };
    const preset = { 'server.port': 2 };
    expect(port({}, {})).toBe(8080);
    expect(port({}, file)).toBe(1);
    expect(port({ preset }, file)).toBe(2);
    expect(port({ preset }, both)).toBe(3);
    expect(port({ preset, environment: { SERVER_PORT: '4' } }, both)).toBe(4);
    expect(port({ preset, environment: { SERVER_PORT: '4' }, flags: { 'server.port': '5' } }, both)).toBe(5);
  });

  test('an empty environment variable counts as not set', () => {
    expect(load('server: { port: 7 }', { environment: { SERVER_PORT: '' } }).config.server.port).toBe(7);
  });

  test('CONFIG_PATH names the file, --config goes before it', () => {
    const read = disk({ 'a.yaml': 'dataDir: a', 'b.yaml': 'dataDir: b', 'config.yaml': 'dataDir: c' });
    const environment = { CONFIG_PATH: 'a.yaml' };
    expect(loadConfig({ environment, read }).config.dataDir).toBe('a');
    expect(loadConfig({ environment, read, flags: { config: 'b.yaml' } }).config.dataDir).toBe('b');
    expect(loadConfig({ environment: {}, read }).config.dataDir).toBe('c');
  });

  const given: Readonly<Record<string, readonly [string, unknown]>> = {
    SERVER_HOST: ['127.0.0.1', '127.0.0.1'],
    SERVER_PORT: ['9000', 9_000],
    SERVER_READ_TIMEOUT: ['20s', 20_000],
    SERVER_WRITE_TIMEOUT: ['1m', 60_000],
    TICKWIRE_DATA_DIR: ['elsewhere', 'elsewhere'],
    EXCHANGE_WS_ENDPOINT: ['ws://127.0.0.1:9443/', 'ws://127.0.0.1:9443'],
    EXCHANGE_REST_ENDPOINT: ['http://127.0.0.1:9444', 'http://127.0.0.1:9444'],
    EXCHANGE_MAX_CONNECTIONS: ['5', 5],
    FEATURE_ENIGMA_ENABLED: ['false', false],
    FEATURE_AGGREGATION_ENABLED: ['0', false],
    FEATURE_BINARY_WEBSOCKET: ['false', false],
    LOG_LEVEL: ['debug', 'debug'],
    LOG_FORMAT: ['pretty', 'pretty'],
    MYSQL_HOST: ['db', 'db'],
    MYSQL_PORT: ['3307', 3_307],
    MYSQL_DATABASE: ['other', 'other'],
    MYSQL_USER: ['someone', 'someone'],
    MYSQL_PASSWORD: ['12345', '12345'],
    INFLUX_URL: ['https://influx:8086', 'https://influx:8086'],
    INFLUX_TOKEN: ['my-token', 'my-token'],
    INFLUX_ORG: ['org', 'org'],
    INFLUX_BUCKET: ['bucket', 'bucket'],
    REDIS_ADDR: ['redis:6379', 'redis:6379'],
    REDIS_PASSWORD: ['000', '000'],
    REDIS_DB: ['2', 2],
    NATS_URL: ['nats://user:pass@bus:4222', 'nats://user:pass@bus:4222'],
  };

  test.each(Object.entries(environmentKeys))('the variable %s sets %s', (name, key) => {
    const [text, value] = given[name]!;
    const { config } = load('', { environment: { [name]: text } });
    expect(
      key.split('.').reduce<unknown>((inner, part) => (inner as Record<string, unknown>)[part], config),
    ).toBe(value);
  });

  test('EXCHANGE_MAX_CONNECTIONS is of every venue, but for those that have a number of their own', () => {
    const { config } = load('backpack: { max_connections: 2 }', {
      environment: { EXCHANGE_MAX_CONNECTIONS: '7' },
    });
    const { exchange, coinbase, backpack } = config;
    expect([exchange, coinbase, backpack].map((own) => own.max_connections)).toEqual([7, 7, 2]);
  });

  test('every variable of document 002 is known', () => {
    const document = `SERVER_HOST SERVER_PORT SERVER_READ_TIMEOUT SERVER_WRITE_TIMEOUT MYSQL_HOST MYSQL_PORT
      MYSQL_DATABASE MYSQL_USER MYSQL_PASSWORD INFLUX_URL INFLUX_TOKEN INFLUX_ORG INFLUX_BUCKET REDIS_ADDR
      REDIS_PASSWORD REDIS_DB NATS_URL EXCHANGE_WS_ENDPOINT EXCHANGE_REST_ENDPOINT EXCHANGE_MAX_CONNECTIONS
      FEATURE_ENIGMA_ENABLED FEATURE_AGGREGATION_ENABLED FEATURE_BINARY_WEBSOCKET`.split(/\s+/);
    expect(document.filter((name) => environmentKeys[name] === undefined)).toEqual([]);
    expect(Object.keys(environmentKeys).toSorted()).toEqual(Object.keys(given).toSorted());
  });

  test('the result is frozen to its depth', () => {
    const { config } = load('');
    expect(() => Object.assign(config.server.cors, { allow_credentials: false })).toThrow(TypeError);
    expect(() => (config.exchange.symbols as string[]).push('X')).toThrow(TypeError);
    const thawed = (value: unknown): boolean =>
      typeof value === 'object' &&
      value !== null &&
      (!Object.isFrozen(value) || Object.values(value).some(thawed));
    expect(thawed(config)).toBe(false);
    expect(thawed(load('exchange: { reconnect_interval: 5s }').config)).toBe(false);
  });
});

describe('values', () => {
  test.each([
    ['5s', 5_000],
    ['100ms', 100],
    ['1.5s', 1_500],
    ['1m30s', 90_000],
    ['5m0s', 300_000],
    ['12h', 43_200_000],
    ['1d', 86_400_000],
    ['250', 250],
    [250, 250],
  ])('%s is a duration of %s ms', (given, ms) => {
    expect(parseDuration(given)).toBe(ms);
  });

  test.each(['5', 's', '5 s', '-5s', '5sec', '1e3s', '', 'NaN', Number.NaN, null, {}])(
    '%s is refused for a duration of at least 1 s',
    (given) => {
      expect(faultOf(nested('server.readTimeout', given)).problems).toHaveLength(1);
    },
  );

  test('a duration written out is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 39 }), (ms) => {
        expect(parseDuration(durationText(ms))).toBe(ms);
      }),
    );
  });

  test('sizes come as numbers or with their unit; ring sizes are rounded up to a power of two', () => {
    const { config } = load(
      'gateway: { outboxBytes: 2MiB, softBytes: 1024, ringBytes: 65537 }\nworkers: { queue: 10000 }',
    );
    expect(config.gateway).toMatchObject({ outboxBytes: 2_097_152, softBytes: 1_024, ringBytes: 131_072 });
    expect(config.workers.queue).toBe(16_384);
  });

  test('a list comes from text with commas too; doubles and small letters are refused', () => {
    expect(load('', { flags: { 'exchange.symbols': 'BTCUSDT, ETHUSDT' } }).config.exchange.symbols).toEqual([
      'BTCUSDT',
      'ETHUSDT',
    ]);
    expect(faultOf('exchange: { symbols: [BTCUSDT, BTCUSDT] }').problems).toHaveLength(1);
    expect(faultOf('exchange: { symbols: [btcusdt] }').problems[0]).toContain('in capitals');
  });
});

describe('notices', () => {
  test('what is set and not used yet is named, without its value', () => {
    const { notices } = load(
      'database: { mysql: { host: db } }\ngateway: { binary: false }\nserver: { readTimeout: 20s }',
      {
        environment: {
          MYSQL_PASSWORD: 'hunter2',
          NATS_URL: 'nats://bus:4222',
          SERVER_PROT: '1',
          SERVER_SOFTWARE: 'x',
        },
      },
    );
    expect(notices).toEqual([
      'not used yet: database.mysql.host in config.yaml, MYSQL_PASSWORD (SQLite files in dataDir are used instead of MySQL)',
      'not used yet: NATS_URL (memory is used instead of NATS)',
      'not used yet: gateway.binary in config.yaml (it stays on)',
      'not used: server.readTimeout in config.yaml (uWebSockets cuts a request that is not whole after 10 to 12 s)',
      'SERVER_PROT is set but not known; did you mean SERVER_PORT?',
    ]);
    expect(load('').notices).toEqual([]);
    expect(load('bars: { enabled: false }\nworkers: { reorderRecords: 8 }').notices).toEqual([]);
    expect(faultOf('workers: { reorderRecords: 33 }').problems).toHaveLength(1);
  });

  test.each(['MYSQL_PORT', 'REDIS_DB', 'INFLUX_URL', 'NATS_URL'])(
    '%s is validated though it is not used yet',
    (name) => {
      expect(faultOf('', { environment: { [name]: 'wrong' } }).problems).toEqual([
        expect.stringContaining(name),
      ]);
    },
  );

  test("document 002's reconnect_interval is the first wait, unless backoffMin is set", () => {
    const taken = load('exchange: { reconnect_interval: 2m }');
    expect(taken.config.exchange).toMatchObject({ backoffMin: 120_000, backoffMax: 120_000 });
    expect(taken.notices).toEqual([expect.stringContaining('is taken as exchange.backoffMin')]);
    const beside = load('exchange: { reconnect_interval: 5s, backoffMin: 2s }');
    expect(beside.config.exchange.backoffMin).toBe(2_000);
    expect(beside.notices).toEqual([expect.stringContaining('is not used')]);
  });
});
