/** The README's client runs as it is written there, against a running demo. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DemoProcess, removeFolder, temporaryFolder } from '../demo/demo-process.ts';
import { Program, root } from './program.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
let folder: string;
let demo: DemoProcess | undefined;
let client: Program | undefined;

beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(async () => {
  client?.signal('SIGKILL');
  await demo?.stop();
  removeFolder(folder);
});

test('the client of the README prints trades', async () => {
  const example = /```js\n(.*?)```/s.exec(readme)?.[1];
  expect(example).toContain("connect('ws://localhost:8080/");
  demo = await DemoProcess.start(['--port', '0', '--data', folder, '--set', 'workers.count=1']);
  // From its input a module is resolved as from a file in the working folder: the root, as the README says.
  client = new Program(
    ['--input-type=module'],
    example!.replace('//localhost:8080/', `//localhost:${demo.port}/`),
  );
  await client.says(/^BINANCE:(?:BTC|ETH)USDT \d+ \d+\.\d+$/m);
  expect(client.stderr).toBe('');
});

test('its command runs the Node that comes with the packages', () => {
  expect(readme).toContain('npm exec -- node client.mjs');
  const version = execFileSync('npm', ['exec', '--offline', '--', 'node', '--version'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, npm_config_update_notifier: 'false' },
  });
  const [major, minor] = /\d+\.\d+/.exec(version)![0].split('.').map(Number);
  expect(major! * 1_000 + minor!, version).toBeGreaterThanOrEqual(22_018);
});
