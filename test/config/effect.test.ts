/** No key may be taken and then do nothing: each is read by some part, or said at the start to be without effect. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { expect, test } from 'vitest';
import { knownKeys } from '../../src/config/schema.ts';
import { corsRules, gatewayLimits } from '../../src/threads/rules.ts';
import { load, nested } from './in-memory.ts';

const root = join(import.meta.dirname, '..', '..', 'src');
const parts = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.startsWith(`config${sep}`))
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n');

const venueSections = ['exchange', 'coinbase', 'backpack'];

/** Whether any part has `group.key` in its text (`config.key` for one without a group). */
function isRead(key: string): boolean {
  const path = key.includes('.') ? key.split('.').slice(-2) : ['config', key];
  if (new RegExp(String.raw`\b${path.join(String.raw`\.`)}\b`).test(parts)) return true;
  // What every venue has is read in one place, from whichever section it is.
  return venueSections.includes(path[0]!) && new RegExp(String.raw`\bown\.${path[1]}\b`).test(parts);
}

/** A value that is not the default of a key that nobody reads. */
const values: Readonly<Record<string, unknown>> = {
  'server.readTimeout': '20s',
  'exchange.reconnect_interval': '2s',
  'gateway.binary': false,
};

/** Of document 002's remote stores. */
function remoteValue(key: string): unknown {
  if (/(port|conns|db|size)$/.test(key)) return 7;
  if (/(lifetime|timeout)$/.test(key)) return '7s';
  if (key === 'database.influx.url') return 'http://elsewhere:1';
  return key === 'messaging.nats.url' ? 'nats://elsewhere:1' : 'else';
}

const keys = [...knownKeys()].filter(([, { group }]) => !group).map(([key]) => key);

test('all four lists of server.cors and its credentials reach the gateway, and so does writeTimeout', () => {
  const { config } = load(
    'server: { writeTimeout: 7s, cors: { allowed_origins: ["http://a"], allowed_methods: [GET], allowed_headers: [X-B], expose_headers: [X-C], allow_credentials: false } }',
  );
  expect(corsRules(config)).toEqual({
    origins: ['http://a'],
    methods: ['GET'],
    headers: ['X-B'],
    exposed: ['X-C'],
    credentials: false,
  });
  expect(gatewayLimits(config).answerMs).toBe(7_000);
});

test('the search tells a key that is read from one that is not', () => {
  expect(isRead('server.port')).toBe(true);
  expect(isRead('dataDir')).toBe(true);
  expect(isRead('server.prot')).toBe(false);
});

test.each(keys.filter((key) => !isRead(key)))(
  '%s is read nowhere, so the start says that it is not used',
  (key) => {
    const { notices } = load(nested(key, values[key] ?? remoteValue(key)));
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain(`${key} in config.yaml`);
    expect(notices[0]).toMatch(/^not used|is taken as/);
  },
);
