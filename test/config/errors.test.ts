/** Wrong settings are refused all at once, each by its key; a file that cannot be used, in one sentence. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { ConfigFault } from '../../src/config/fault.ts';
import { loadConfig } from '../../src/config/load.ts';
import { knownKeys } from '../../src/config/schema.ts';
import { disk, faultOf, load, nested } from './in-memory.ts';

const leaves = [...knownKeys()].filter(([, { group }]) => !group).map(([key]) => key);

describe('errors', () => {
  test.each(leaves)('a wrong value of %s is refused by its key, with the value and the rule', (key) => {
    const { problems } = faultOf(nested(key, [[true]]));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(key);
    expect(problems[0]).toContain(knownKeys().get(key)!.secret ? '(hidden)' : '[[true]]');
    expect(problems[0]).toMatch(/; it must be /);
  });

  test.each(leaves)('a slip in the name of %s is refused, and the right name is offered', (key) => {
    const slip = `${key.slice(0, -2)}${key.at(-1)}${key.at(-2)}q`;
    const { problems } = faultOf(nested(slip, 1));
    expect(problems).toEqual([`${slip} is not a known key; did you mean ${key}?`]);
  });

  test('all errors come at once, each with where its value was set', () => {
    const fault = faultOf(
      'server:\n  port: 70000\n  cors: 5\nworkers: { count: 2.5 }\nport: 1\nnothinglikethis: 1\n',
      {
        environment: { SERVER_READ_TIMEOUT: 'soon', EXCHANGE_WS_ENDPOINT: 'https://u:p@wrong' },
        flags: { 'server.hots': 'x' },
      },
    );
    expect(fault.problems.toSorted()).toEqual([
      'exchange.ws_endpoint (EXCHANGE_WS_ENDPOINT) is "https://(hidden)@wrong"; it must be a URL that begins with ws:// or wss://',
      'nothinglikethis is not a known key; known here are server, dataDir, exchange, coinbase, backpack, demand, books, repair, quiet, index, workers, bars, enigma, frames, gateway, stores, log, database, cache, messaging',
      'port is not a known key; did you mean server.port?',
      'server.cors is 5; it must be a group of keys',
      'server.hots (--server.hots) is not a known key; did you mean server.host?',
      'server.port is 70000; it must be a whole number from 0 to 65535',
      'server.readTimeout (SERVER_READ_TIMEOUT) is "soon"; it must be a duration from 1s to 1h, such as 5s, 100ms or a number of ms',
      'workers.count is 2.5; it must be a whole number from 1 to 64',
    ]);
    expect(fault.message).toBe(
      `The configuration (config.yaml) has 8 wrong settings:\n  ${fault.problems.join('\n  ')}`,
    );
    expect(fault.exitCode).toBe(2);
  });

  test.each([
    [
      'exchange: { backoffMin: 2m }',
      'exchange.backoffMax is not set; it must be at least exchange.backoffMin (2m)',
    ],
    [
      'gateway: { softBytes: 64KiB, outboxBytes: 32KiB }',
      'gateway.softBytes is "64KiB"; it must be at most gateway.outboxBytes (32KiB)',
    ],
    [
      'index: { definitions: ["A1 = BINANCE:X * 1 + COINBASE:X * 1", "A1 = BINANCE:X * 1 + COINBASE:Y * 1"] }',
      'must name each index once, and A1 is there twice',
    ],
    ['index: { definitions: ["A1 = BINANCE:X * 1 + BINANCE:X * 1"] }', 'must name each part of A1 once'],
    ['index: { definitions: ["A1 = INDEX:B * 1 + BINANCE:X * 1"] }', 'not of other indexes'],
    ['index: { definitions: ["A1 = BINANCE:X * 0 + BINANCE:Y * 0"] }', 'a weight above 0'],
    ['workers: { queue: 100 }', 'workers.flushRecords is not set; it must be at most workers.queue (128)'],
    [
      'server: { cors: { allowed_origins: ["*"] } }',
      'server.cors.allowed_origins is ["*"]; it must name its origins',
    ],
  ])('keys that contradict each other are refused: %s', (yaml, words) => {
    expect(faultOf(yaml).problems).toEqual([expect.stringContaining(words)]);
  });

  test('numbers that are none are refused', () => {
    for (const text of [
      '.nan',
      '.inf',
      '1e309',
      '-1',
      '0x',
      '1.5',
      'true',
      '"9 0"',
      '""',
      'null',
      '[8080]',
    ]) {
      expect(faultOf(`server: { port: ${text} }`).problems).toEqual([
        expect.stringMatching(/^server\.port .*whole number/),
      ]);
    }
  });

  test('__proto__ and constructor are unknown keys like others, and change nothing', () => {
    expect(
      faultOf('__proto__: { port: 1 }\nserver: { __proto__: { port: 1 } }\nconstructor: 1').problems,
    ).toHaveLength(3);
    expect(faultOf('', { flags: { '__proto__.port': '1' } }).problems).toHaveLength(1);
    expect(({} as Record<string, unknown>)['port']).toBeUndefined();
  });

  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  test(`whatever a file holds, it is taken or refused with a ConfigFault (SEED=${seed})`, () => {
    const key = fc.oneof(
      fc.constantFrom(...leaves.flatMap((leaf) => leaf.split('.'))),
      fc.string({ maxLength: 8 }),
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.dictionary(key, fc.oneof({ maxDepth: 4 }, fc.jsonValue({ maxDepth: 1 }), tie('tree')), {
        maxKeys: 5,
      }),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        expect(outcome(stringify(value))).toMatch(/^(taken|refused)$/);
      }),
      { seed, numRuns: 200 },
    );
  });
});

function outcome(yaml: string): string {
  try {
    return Object.isFrozen(load(yaml).config) ? 'taken' : 'not frozen';
  } catch (error) {
    return error instanceof ConfigFault && error.exitCode === 2 ? 'refused' : String(error);
  }
}

describe('the file itself', () => {
  test.each([
    ['a list without its end', 'a: [1', /^config\.yaml is not valid YAML: .* at line 1, column \d+$/],
    [
      'a key twice',
      'a: {}\na: {}',
      /^config\.yaml is not valid YAML: Map keys must be unique at line 2, column 1$/,
    ],
    ['an unknown tag', 'server: !!js/function "x"', /^config\.yaml is not valid YAML: Unresolved tag/],
    ['two documents', 'a: 1\n---\nb: 2', /^config\.yaml is not valid YAML: /],
    ['a list', '- 1\n- 2', /^config\.yaml must hold keys with values, but holds a list$/],
    ['bare text', 'just text', /^config\.yaml must hold keys with values, but holds a single value$/],
    ['an anchor that holds itself', 'a: &a\n  b: *a', /^config\.yaml nests keys deeper than 20 levels$/],
    ['endless nesting', '{a: '.repeat(50_000), /^config\.yaml (is not valid YAML|nests)/],
  ])('is refused in one sentence: %s', (_, yaml, sentence) => {
    const { message, exitCode } = faultOf(yaml);
    expect(message).toMatch(sentence);
    expect(exitCode).toBe(2);
  });

  test('a named file that is absent is refused; without a name the defaults hold', () => {
    expect(faultOf('', { environment: { CONFIG_PATH: 'gone.yaml' } }).message).toBe(
      'gone.yaml, which CONFIG_PATH names as the configuration, does not exist',
    );
    expect(faultOf('', { flags: { config: 'gone.yaml' } }).message).toContain('which --config names');
    expect(loadConfig({ environment: {}, read: disk({}) })).toEqual(load(''));
  });

  test('an empty file and empty groups mean the defaults', () => {
    expect(load('# nothing\n')).toEqual(load('server:\nexchange:\n'));
  });

  test('a folder and a huge file are refused in one sentence', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tickwire-config-'));
    const huge = join(folder, 'huge.yaml');
    writeFileSync(huge, '#'.repeat(1_048_577));
    try {
      expect(refusalOf(folder)).toBe(`${folder} cannot be read: it is a folder`);
      expect(refusalOf(huge)).toBe(`${huge} cannot be read: it has 1048577 bytes, more than 1048576`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a file without permission is refused in one sentence', () => {
    expect(refusalOf('config.yaml', denied)).toBe('config.yaml cannot be read: its permissions forbid it');
  });
});

/** A disk on which only `.env` is absent and all else forbidden (a real one would let root in). */
function denied(path: string): never {
  throw Object.assign(new Error('no'), { code: path === '.env' ? 'ENOENT' : 'EACCES' });
}

function refusalOf(path: string, read?: (path: string) => string): string {
  try {
    loadConfig({ environment: {}, flags: { config: path }, ...(read && { read }) });
  } catch (error) {
    if (error instanceof ConfigFault) return error.message;
    throw error;
  }
  return 'taken';
}
