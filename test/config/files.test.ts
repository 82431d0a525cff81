/** The configuration files in the repository say what the schema says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { environmentKeys } from '../../src/config/environment.ts';
import { loadConfig } from '../../src/config/load.ts';
import { memoryBound } from '../../src/config/memory.ts';
import { knownKeys } from '../../src/config/schema.ts';

const root = join(import.meta.dirname, '..', '..');
const text = readFileSync(join(root, 'config.yaml'), 'utf8');
/** What is commented out in config.yaml because it is not used yet, as YAML again. */
const dormant = text.slice(text.indexOf('# database:')).replaceAll(/^# ?/gm, '');
/** Commented out among the others: told at the start when set. */
const neverUsed = ['server.readTimeout', 'exchange.reconnect_interval'];
const empty = { environment: {}, read: noFile };

function noFile(path: string): never {
  throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
}

/** A disk with nothing but a config.yaml of this text. */
function only(yaml: string): { environment: Record<string, string>; read: (path: string) => string } {
  return { environment: {}, read: (path) => (path === 'config.yaml' ? yaml : noFile(path)) };
}

function keysOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([name, inner]) =>
    keysOf(inner, path === '' ? name : `${path}.${name}`),
  );
}

test('config.yaml holds the defaults, and nothing in it is noticed', () => {
  expect(loadConfig(only(text))).toEqual({ config: loadConfig(empty).config, notices: [] });
});

test('its commented part holds the defaults too', () => {
  expect(loadConfig(only(dormant)).config).toEqual(loadConfig(empty).config);
});

test('config.yaml names every key once, each with a comment', () => {
  const leaves = [...knownKeys()].filter(([, { group }]) => !group).map(([key]) => key);
  const written = [...keysOf(parse(text)), ...keysOf(parse(dormant)), ...neverUsed];
  expect(written.toSorted()).toEqual(leaves.toSorted());
  const body = text.slice(text.indexOf('\nserver:'));
  const bare = body.split('\n').filter((line) => /^#? *\w+: +\S/.test(line) && !/\S +# \S/.test(line));
  expect(bare).toEqual([]);
});

test('config.yaml names every environment variable beside its key', () => {
  const lines = text.split('\n');
  const missing = Object.entries(environmentKeys).filter(([name, key]) => {
    const own = key.slice(key.lastIndexOf('.') + 1);
    return !lines.some((line) => line.includes(`[${name}]`) && line.includes(`${own}:`));
  });
  expect(missing).toEqual([]);
});

test('config/production.yaml is taken, and tells what it names too early', () => {
  const { config, notices } = loadConfig({
    ...empty,
    read: readRepository,
    flags: { config: 'config/production.yaml' },
  });
  expect(config.exchange.lines).toBe(2);
  expect(notices).toHaveLength(4);
});

function readRepository(path: string): string {
  return path.endsWith('.yaml') ? readFileSync(join(root, path), 'utf8') : noFile(path);
}

test('the memory bound is the sum of all rings, outboxes and messages under way', () => {
  const flags = {
    'workers.count': 2,
    'workers.queue': 1_024,
    'workers.flushRecords': 1_024,
    'workers.overflow': 1_100,
    'gateway.ringBytes': 65_536,
    'gateway.connections': 10,
    'gateway.softBytes': 1_000,
    'gateway.outboxBytes': 5_000,
    'gateway.messageBytesMax': 256,
    'stores.ringBytes': 131_072,
    'exchange.max_connections': 3,
    'exchange.messageBytesMax': 2_000,
  };
  const bound = memoryBound(loadConfig({ ...empty, flags }).config);
  const start = 2 * 1_024 * 64 + 2 * 65_536 + 3 * 131_072;
  expect(bound.startBytes).toBe(start);
  expect(bound.totalBytes).toBe(start + 2 * 1_100 * 64 + 10 * (1_000 + 5_000 + 16 * 256) + 3 * 2_000);
  expect(bound.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(bound.totalBytes);
});
