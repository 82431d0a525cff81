/** What the demo cannot do is one clear sentence and exit code 2. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { DemoProcess, removeFolder, temporaryFolder } from './demo-process.ts';

// Each is a process that loads the whole program: two at once are enough for two cores.
vi.setConfig({ maxConcurrency: 2 });

let folder: string;

beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => removeFolder(folder));

/** Runs it, and gives back the one line that it says. */
async function refused(...given: string[]): Promise<string> {
  const demo = new DemoProcess(['--data', join(folder, 'data'), ...given]);
  try {
    expect({ code: await demo.ended(), said: demo.stderr }).toMatchObject({ code: 2 });
  } finally {
    demo.kill();
  }
  const lines = demo.stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(1);
  expect(lines[0]!.length).toBeGreaterThan(20);
  expect(demo.stdout).toBe('');
  return lines[0]!;
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
});
