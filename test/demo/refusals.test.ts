/** What the demo cannot do is one clear sentence and exit code 2. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { FolderLock } from '../../src/cli/folder-lock.ts';
import { DemoProcess, removeFolder, temporaryFolder } from './demo-process.ts';

// Each is a process that loads the whole program: two at once are enough for two cores.
vi.setConfig({ maxConcurrency: 2 });

let folder: string;

beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => removeFolder(folder));

/** Runs it, and gives back what it says: exit code 2 and no stack trace. */
async function refusal(...given: string[]): Promise<string> {
  const demo = new DemoProcess(['--data', join(folder, 'data'), ...given]);
  try {
    expect({ code: await demo.ended(), said: demo.stderr }).toMatchObject({ code: 2 });
  } finally {
    demo.kill();
  }
  expect(demo.stdout).toBe('');
  expect(demo.stderr).not.toMatch(/^ +at /m);
  return demo.stderr.trimEnd();
}

/** The one line that it says. */
async function refused(...given: string[]): Promise<string> {
  const said = await refusal(...given);
  expect(said.split('\n')).toHaveLength(1);
  expect(said.length).toBeGreaterThan(20);
  return said;
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const message = '1723161254087896568\t{"stream":"btcusdt@trade","data":{"e":"trade"}}\n';

describe.concurrent('one sentence and exit code 2', () => {
  test('a taken port', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    try {
      expect(await refused('--port', String(port))).toMatch(new RegExp(`\\b${port}\\b`));
    } finally {
      holder.close();
    }
  });

  test('a recording that is not there', async () => {
    expect(await refused('--port', '0', '--recording', join(folder, 'nowhere.tsv.gz'))).toContain(
      'nowhere.tsv.gz',
    );
  });

  test.for([
    ['plain.tsv.gz', 'this is no recording\n'],
    ['other.tsv.gz', gzipSync('one,two\nthree,four\n')],
    ['empty.tsv.gz', gzipSync('')],
    ['cut.tsv.gz', gzipSync(message).subarray(0, 40)],
  ] as const)('a recording that is none: %s', async ([name, content]) => {
    expect(await refused('--port', '0', '--recording', file(name, content))).toContain(name);
  });

  test('a configuration that is not there, is a folder, or is no YAML', async () => {
    expect(await refused('--port', '0', '--config', join(folder, 'absent.yaml'))).toContain('absent.yaml');
    expect(await refused('--port', '0', '--config', folder)).toContain(folder);
    expect(await refused('--port', '0', '--config', file('broken.yaml', 'server: [1, 2\n'))).toContain(
      'broken.yaml',
    );
  });

  test('an option that does not exist, with the one that was meant', async () => {
    expect(await refused('--prot', '0')).toContain('--port');
  });

  test.for([
    ['--port', 'abc', '--port is "abc"; it must be a whole number from 0 to 65535'],
    ['--port', '70000', '--port is "70000"; it must be a whole number from 0 to 65535'],
    ['--set', 'workers.count=many', '--set workers.count is "many"; it must be a whole number from 1 to 64'],
    ['--set', 'server.prot=1', '--set server.prot is not a known key; did you mean server.port?'],
    ['--speed', 'fast', '--speed takes a number from 0.001 to 1000000 or max, not "fast"'],
    ['--speed', '0', '--speed takes a number from 0.001 to 1000000 or max, not "0"'],
    ['--fault', '', '--fault takes a list such as drop,duplicate:0.01, not ""'],
    ['--fault', ' , ', '--fault takes a list such as drop,duplicate:0.01, not " , "'],
    ['--recording', '', '--recording takes the name of a file'],
  ] as const)('%s "%s" is named as it was typed', async ([option, value, sentence]) => {
    expect(await refused(option, value)).toBe(sentence);
  });

  test.for(['drip', 'drop:2', 'drop:'])('--fault %s', async (list) => {
    expect(await refused('--port', '0', '--fault', list)).toMatch(new RegExp(`^--fault ${list}: .*drop`));
  });

  test('an unknown key in the configuration, with the one that was meant', async () => {
    const said = await refusal('--config', file('slip.yaml', 'server:\n  prot: 8081\n'));
    expect(said).toMatch(
      /slip\.yaml\) has one wrong setting:\n  server\.prot .*did you mean server\.port\?$/,
    );
  });

  test('a data folder that is a file, or lies in one', async () => {
    const path = file('no-folder', '');
    for (const data of [path, join(path, 'data')]) {
      const said = await refused('--port', '0', '--data', data);
      expect(said).toContain(data);
      expect(said).toContain('--data');
    }
  });

  test.skipIf(process.getuid?.() === 0)('a folder that cannot be written (root may: skipped)', async () => {
    const path = join(folder, 'read-only');
    mkdirSync(path, { mode: 0o555 });
    expect(await refused('--port', '0', '--data', path)).toContain(path);
  });

  test('what lies in the folder is no database, or no state of the simulator', async () => {
    const [database, state] = [join(folder, 'other-database'), join(folder, 'other-state')];
    mkdirSync(database);
    writeFileSync(join(database, 'market.db'), 'x'.repeat(4_096));
    expect(await refused('--port', '0', '--data', database)).toMatch(/market\.db.*--data/);
    mkdirSync(join(state, 'simulator.json'), { recursive: true });
    expect(await refused('--port', '0', '--data', state)).toContain('simulator.json');
  });

  test('streams that do not fit on the sockets that are allowed', async () => {
    const settings = ['--set', 'exchange.max_connections=1', '--set', 'exchange.streamsPerConnection=5'];
    expect(await refused('--port', '0', ...settings)).toContain('24 instruments need');
  });

  test('a data folder in use', async () => {
    const path = join(folder, 'used');
    const lock = FolderLock.inside(path);
    try {
      expect(await refused('--port', '0', '--data', path)).toMatch(/in use.*--data/);
    } finally {
      lock.release();
    }
  });
});
