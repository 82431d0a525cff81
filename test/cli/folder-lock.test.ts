/** One process for one data folder: the second is refused before it touches anything. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UsageFault } from '../../src/cli/arguments.ts';
import { FolderLock } from '../../src/cli/folder-lock.ts';
import { removeFolder, temporaryFolder } from '../demo/demo-process.ts';
import { Program, root } from './program.ts';

let folder: string;
let running: Program[];

beforeEach(() => {
  folder = temporaryFolder();
  running = [];
});
afterEach(async () => {
  for (const program of running) {
    program.signal('SIGKILL');
    await program.ended();
  }
  removeFolder(folder);
});

function run(given: readonly string[], input?: string): Program {
  const started = new Program(given, input);
  running.push(started);
  return started;
}

/** A process that holds the lock and does nothing else. */
async function holder(how: 'inside' | 'beside', path: string): Promise<Program> {
  const file = pathToFileURL(join(root, 'src/cli/folder-lock.ts')).href;
  const held = run(
    ['--input-type=module'],
    `import { FolderLock } from '${file}';
     globalThis.lock = FolderLock.${how}(${JSON.stringify(path)});
     console.log('held');
     setInterval(() => undefined, 1000);`,
  );
  await held.says(/held/);
  return held;
}

test('the lock goes with a process that is killed', async () => {
  const held = await holder('inside', folder);
  expect(() => FolderLock.inside(folder)).toThrow(UsageFault);
  held.signal('SIGKILL');
  await held.ended();
  FolderLock.inside(folder).release();
});

test('released, it can be had again; of several at once exactly one gets it', async () => {
  const lock = FolderLock.inside(folder);
  expect(() => FolderLock.inside(folder)).toThrow(/in use.*--data/);
  lock.release();
  const contenders = Array.from({ length: 4 }, () =>
    run(
      ['--input-type=module'],
      `import { FolderLock } from '${pathToFileURL(join(root, 'src/cli/folder-lock.ts')).href}';
       try { globalThis.lock = FolderLock.inside(${JSON.stringify(folder)}); console.log('mine'); }
       catch { console.log('refused'); }
       setInterval(() => undefined, 1000);`,
    ),
  );
  await Promise.all(contenders.map((one) => one.says(/mine|refused/)));
  expect(contenders.map(({ stdout }) => stdout.trim()).toSorted()).toEqual([
    'mine',
    'refused',
    'refused',
    'refused',
  ]);
});

test.each(['serve', 'demo'])('%s is refused on a folder in use, and leaves it as it is', async (command) => {
  writeFileSync(join(folder, 'simulator.json'), 'of the other one');
  await holder('inside', folder);
  const second = run(['src/main.ts', command, '--port', '0', '--data', folder]);
  expect({ code: await second.ended(), said: second.stderr }).toMatchObject({ code: 2 });
  expect(second.stderr).toContain(folder);
  expect(second.stderr).toMatch(/^[^\n]*in use[^\n]*--data\n$/);
  expect(readFileSync(join(folder, 'simulator.json'), 'utf8')).toBe('of the other one');
  expect(existsSync(join(folder, 'market.db'))).toBe(false);
});

const message = '1723161254087896568\t{"stream":"btcusdt@trade","data":{"e":"trade"}}\n';

test('a second replay is refused and deletes nothing', async () => {
  const replay = join(folder, 'replay', 'session');
  mkdirSync(replay, { recursive: true });
  writeFileSync(join(replay, 'market.db'), 'of the other one');
  const recording = join(folder, 'session.tsv.gz');
  writeFileSync(recording, gzipSync(message));
  await holder('beside', replay);
  const second = run(['src/main.ts', 'demo', '--port', '0', '--data', folder, '--recording', recording]);
  expect({ code: await second.ended(), said: second.stderr }).toMatchObject({ code: 2 });
  expect(second.stderr).toContain(replay);
  expect(readFileSync(join(replay, 'market.db'), 'utf8')).toBe('of the other one');
});

test('a name that is no recording deletes nothing, not even ".." or one that is not there', async () => {
  const kept = join(folder, 'replay', 'gone', 'market.db');
  mkdirSync(join(kept, '..'), { recursive: true });
  writeFileSync(kept, 'kept');
  for (const name of ['..', join(folder, 'gone.tsv.gz')]) {
    const second = run(['src/main.ts', 'demo', '--port', '0', '--data', folder, '--recording', name]);
    expect({ name, code: await second.ended(), said: second.stderr }).toMatchObject({ code: 2 });
    expect(readFileSync(kept, 'utf8')).toBe('kept');
  }
});
