/**
 * House rules, kept by the test run: who may import whom, what touches no outside world, sizes, names, and what must
 * not be committed. To change a rule, change it here and in ARCHITECTURE.md, and say why in the commit or an ADR.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

const everything = 'everything';

/** Folder of src: the other folders it may import. */
const mayImport: Readonly<Record<string, readonly string[] | typeof everything>> = {
  market: [],
  wire: ['market'],
  compute: ['market'],
  orders: ['market'],
  auth: ['market'],
  telemetry: [],
  feeds: ['market', 'wire', 'telemetry'],
  hub: ['market', 'wire', 'telemetry'],
  workers: ['market', 'wire', 'compute', 'telemetry'],
  bus: ['market', 'wire', 'telemetry'],
  stores: ['market', 'wire', 'auth', 'orders', 'telemetry'],
  desk: ['market', 'wire', 'orders', 'telemetry'],
  broker: ['market', 'orders', 'telemetry'],
  mail: ['auth', 'telemetry'],
  gateway: ['market', 'wire', 'auth', 'orders', 'telemetry'],
  // Not feeds, not broker: it is the independent judge of both.
  simulator: ['market', 'telemetry'],
  client: ['wire', 'market'],
  threads: everything,
  cli: everything,
  config: everything,
};

/** From these, only types may be taken. */
const typesOnly: Readonly<Record<string, readonly string[]>> = { gateway: ['orders'], broker: ['orders'] };

/** Folders without an outside world, and the packages they may still use. */
const pure: Readonly<Record<string, readonly string[]>> = {
  market: [],
  wire: [],
  compute: [],
  orders: [],
  auth: ['node:crypto', '@node-rs/argon2', 'jose'],
};
/** The SDK runs in browsers: a socket is all it has. */
const clientPackages = ['ws'];
/** Clocks, dice, processes and the console, as code uses them. */
const outsideWorld =
  /\b(?:Date\.now\(|new Date\(\)|Math\.random\(|performance\.|process\.|console\.|crypto\.(?:random|getRandom)|setTimeout\(|setInterval\(|setImmediate\(|fetch\()/;

const linesMax = 400;
const vague = /^(?:utils?|helpers?|common|misc|managers?|services?)$/;
const uwsPackage = 'uWebSockets.js';
const uwsHome = 'src/gateway/uws.ts';

/** Written in two pieces, so that this file does not match its own rules. */
const machinePath = new RegExp(
  ['(?:^|[\\s"\'`(=:])/(?:wo', 'rk|home/[a-z]|Users/[A-Za-z]|root/)|[A-Z]:\\\\\\\\Use', 'rs'].join(''),
  'm',
);
const registryHost = new RegExp(
  ['https?://(?:[\\w.-]*\\.)?(?:regis', 'try|npm|artifactory|nexus|verdaccio|pypi)[\\w.-]*[:/]'].join(''),
  'i',
);
const registrySetting = /^\s*(?:[\w@-]+:)?registry\s*=|"resolved":\s*"/m;
const committedCode =
  /^\s*\/\/ ?(?:(?:const|let|var|import|export|return|await|throw|if|for|while|function|class)\b.*[;{]|[\w.]+\(.*\);|\})\s*$/m;

interface Edge {
  readonly specifier: string;
  readonly type: boolean;
}

/** Everything that code says after `from`, `import`, `require` or `new URL(..., import.meta.url)`. */
function edgesOf(text: string): Edge[] {
  const statements = text.matchAll(/\b(import|export)(\s+type)?\s+[^'";]*?\bfrom\s*['"]([^'"]+)['"]/g);
  const bare = text.matchAll(
    /\bimport\s*(?:\(\s*)?['"]([^'"]+)['"]|\brequire(?:\.resolve)?\(\s*['"]([^'"]+)['"]/g,
  );
  const urls = text.matchAll(/\bnew URL\(\s*['"`]([^'"`]+)['"`]\s*,\s*import\.meta\.url/g);
  return [
    ...[...statements].map(([, , type, specifier]) => ({ specifier: specifier!, type: type !== undefined })),
    ...[...bare].map(([, imported, required]) => ({ specifier: (imported ?? required)!, type: false })),
    ...[...urls].map(([, url]) => ({ specifier: url!, type: false })),
  ];
}

/** Code without its comments, for rules about what it does. */
function codeOf(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

/** Folder of src that a relative specifier leads to: `market`; '' for a file of src itself; undefined outside of src. */
function houseOf(file: string, specifier: string): string | undefined {
  const [top, house, ...rest] = posix.join(posix.dirname(file), specifier).split('/');
  if (top !== 'src' || house === undefined) return undefined;
  return rest.length === 0 ? '' : house;
}

function importBreaches(file: string, text: string): string[] {
  const [, home, ...rest] = file.split('/');
  if (home === undefined || rest.length === 0) return []; // main.ts sees everything
  const allowed = mayImport[home];
  if (allowed === undefined) return [`folder ${home} is not in the table`];
  const purePackages = /^src\/feeds\/.+\/normalise\.ts$/.test(file) ? [] : pure[home];
  const packages = home === 'client' ? clientPackages : purePackages;
  const found: string[] = [];
  for (const { specifier, type } of edgesOf(text)) {
    if (!specifier.startsWith('.')) {
      if (packages !== undefined && !packages.includes(specifier))
        found.push(`has no outside world, so may not import ${specifier}`);
      continue;
    }
    const target = houseOf(file, specifier);
    if (allowed === everything && specifier === '../../package.json') continue; // for the version
    if (target === undefined || target === '') found.push(`may not import ${specifier}`);
    else if (target !== home && allowed !== everything && !allowed.includes(target))
      found.push(`may not import ${target}`);
    else if (!type && typesOnly[home]?.includes(target)) found.push(`may import only types of ${target}`);
    else if (
      purePackages?.length === 0 &&
      home === 'feeds' &&
      !['market', 'wire', 'feeds'].includes(target)
    ) {
      found.push(`is pure, so may not import ${target}`);
    }
  }
  const outside = purePackages === undefined ? null : outsideWorld.exec(codeOf(text));
  if (outside !== null) found.push(`is pure, so may not use ${outside[0]}`);
  return found;
}

function codeBreaches(file: string, text: string): string[] {
  const found: string[] = [];
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  if (lines > linesMax) found.push(`${lines} lines, at most ${linesMax}`);
  if (/(?:^|\/)index\.[cm]?[jt]sx?$/.test(file))
    found.push('an index file: imports name the file that holds the thing');
  if (committedCode.test(text)) found.push(`commented-out code: ${committedCode.exec(text)![0].trim()}`);
  const edges = edgesOf(text);
  if (file !== uwsHome && edges.some(({ specifier }) => specifier === uwsPackage))
    found.push(`only ${uwsHome} imports ${uwsPackage}`);
  if (file.startsWith('src/')) found.push(...importBreaches(file, text));
  if (file.startsWith('web/')) {
    const others = edges
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => houseOf(file, specifier));
    for (const house of others)
      if (house !== undefined && house !== 'client') found.push(`the page may not import ${house || 'src'}`);
  }
  if (/\.test\.[jt]s$/.test(file)) found.push(...testBreaches(codeOf(text)));
  return found;
}

function testBreaches(code: string): string[] {
  const found: string[] = [];
  const alone = /\b(?:test|it|describe|suite|bench)(?:\.\w+)*\.only\b|\b(?:fit|fdescribe)\(/.exec(code);
  if (alone !== null) found.push(`${alone[0]} leaves the other tests out`);
  const skipped =
    /\b(?:test|it|describe|suite|bench)(?:\.\w+)*\.(?:skip|todo|fails)\b|\b(?:xit|xtest|xdescribe)\(/.exec(
      code,
    );
  if (skipped !== null) found.push(`${skipped[0]} skips without a condition (skipIf has one)`);
  return found;
}

function nameBreaches(file: string): string[] {
  const words = file.split('/').map((part) => part.replace(/(?:\.test)?\.\w+$/, ''));
  const saysNothing = words.find((word) => vague.test(word) || vague.test(word.split('-').at(-1)!));
  return saysNothing === undefined ? [] : [`a name that says nothing: ${saysNothing}`];
}

function textBreaches(file: string, text: string): string[] {
  const found: string[] = [];
  const path = machinePath.exec(text);
  if (path !== null) found.push(`a path of one machine: ${path[0].trim()}`);
  const host =
    registryHost.exec(text) ??
    (/(?:^|\/)(?:package-lock\.json|\.npmrc)$/.test(file) ? registrySetting.exec(text) : null);
  if (host !== null) found.push(`a registry's host: ${host[0].trim()}`);
  return found;
}

/** All breaches of one file, which is named from the repository's root with slashes. */
function breachesOf(file: string, text: string): string[] {
  const code = /\.[cm]?[jt]sx?$/.test(file) ? codeBreaches(file, text) : [];
  return [...nameBreaches(file), ...code, ...textBreaches(file, text)].map((breach) => `${file}: ${breach}`);
}

const root = join(import.meta.dirname, '..');
const leftOut = new Set([
  'node_modules',
  '.git',
  'dist',
  'data',
  'artefacts',
  'coverage',
  '.vite',
  '__pycache__',
]);
const textFile =
  /(?:\.(?:[cm]?[jt]sx?|json|jsonl|md|ya?ml|html|css|svg|py|ksy|sql|sh|toml|txt|env|conf)|\/run|\/LICENSE|rc|file|ignore)$/i;

function* committedFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (leftOut.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* committedFiles(path);
    else if (textFile.test(path)) yield relative(root, path).split(sep).join('/');
  }
}

test('the house rules are kept', () => {
  const files = [...committedFiles(root)];
  expect(files.filter((file) => file.startsWith('src/')).length).toBeGreaterThan(20);
  expect(files.flatMap((file) => breachesOf(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
});

test('the lock lists every optional package, for all platforms', () => {
  interface Lock {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  }
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const wanted = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).map((name) => ({ path, name })),
  );
  expect(wanted.length).toBeGreaterThan(0);
  const missing = wanted.filter(
    ({ path, name }) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
  );
  expect(missing).toEqual([]);
});

const from = (specifier: string): string => `import { x } from '${specifier}';\n`;

describe('each rule fires', () => {
  const [only, skip] = ['on ly', 'sk ip'].map((word) => word.replace(' ', ''));
  const home = ['/ho', 'me/someone/x'].join('');
  const host = ['https://regis', 'try.example.com/x'].join('');

  test.each([
    ['src/market/price.ts', from('../wire/row.ts'), 'may not import wire'],
    ['src/wire/row.ts', `export type { A } from '../compute/a.ts';`, 'may not import compute'],
    ['src/compute/bars.ts', `const a = await import('../hub/hub.ts');`, 'may not import hub'],
    ['src/hub/hub.ts', `import '../stores/sqlite.ts';`, 'may not import stores'],
    [
      'src/hub/hub.ts',
      `new Worker(new URL('../workers/task.ts', import.meta.url));`,
      'may not import workers',
    ],
    ['src/hub/hub.ts', from('../main.ts'), 'may not import ../main.ts'],
    ['src/hub/hub.ts', from('../../test/fake.ts'), 'may not import ../../test/fake.ts'],
    ['src/feeds/binance/venue.ts', from('../../hub/hub.ts'), 'may not import hub'],
    [
      'src/feeds/binance/normalise.ts',
      from('../../telemetry/log.ts'),
      'is pure, so may not import telemetry',
    ],
    ['src/feeds/binance/normalise.ts', from('ws'), 'may not import ws'],
    ['src/feeds/binance/normalise.ts', 'const now = Date.now();', 'is pure, so may not use Date.now('],
    ['src/simulator/market.ts', from('../feeds/binance/messages.ts'), 'may not import feeds'],
    ['src/simulator/market.ts', from('../broker/coinbase.ts'), 'may not import broker'],
    ['src/simulator/market.ts', from('../wire/row.ts'), 'may not import wire'],
    ['src/telemetry/log.ts', from('../market/clock.ts'), 'may not import market'],
    ['src/gateway/rest.ts', from('../orders/decide.ts'), 'may import only types of orders'],
    ['src/gateway/rest.ts', from('../config/load.ts'), 'may not import config'],
    ['src/client/client.ts', from('node:fs'), 'may not import node:fs'],
    ['src/wire/crc32.ts', from('node:zlib'), 'may not import node:zlib'],
    ['src/auth/tokens.ts', from('node:fs'), 'may not import node:fs'],
    ['src/market/clock.ts', 'const roll = Math.random();', 'may not use Math.random('],
    ['src/cellar/wine.ts', '', 'folder cellar is not in the table'],
    ['src/gateway/server.ts', from(uwsPackage), 'only src/gateway/uws.ts imports'],
    ['bench/live.ts', `const uws = require('${uwsPackage}');`, 'only src/gateway/uws.ts imports'],
    ['web/page.ts', from('../src/wire/row.ts'), 'the page may not import wire'],
    ['src/hub/index.ts', '', 'an index file'],
    ['src/hub/hub.ts', 'x\n'.repeat(401), '401 lines, at most 400'],
    ['src/hub/utils.ts', '', 'a name that says nothing: utils'],
    ['test/helpers/a.test.ts', '', 'a name that says nothing: helpers'],
    ['src/hub/symbol-manager.ts', '', 'a name that says nothing: symbol-manager'],
    ['src/hub/hub.ts', '// const old = new Hub();', 'commented-out code'],
    ['test/a.test.ts', `test.${only}('x', () => {});`, 'leaves the other tests out'],
    ['test/a.test.ts', `describe.concurrent.${skip}('x', () => {});`, 'skips without a condition'],
    ['docs/a.md', `see ${home}`, 'a path of one machine'],
    ['docker/compose.yaml', `image: ${host}`, "a registry's host"],
    ['package-lock.json', `{"resolved": "${host}"}`, "a registry's host"],
    ['.npmrc', 'registry=http://10.0.0.1/', "a registry's host"],
  ])('%s with %s', (file, text, breach) => {
    expect(breachesOf(file, text)).toEqual([expect.stringContaining(breach)]);
  });

  test.each([
    ['src/main.ts', from('./hub/hub.ts')],
    ['src/threads/hub.ts', from('../gateway/server.ts')],
    ['src/cli/version.ts', from('../../package.json')],
    ['src/wire/row.ts', from('../market/tick.ts') + from('./block.ts')],
    ['src/gateway/rest.ts', `import type { Order } from '../orders/order.ts';`],
    ['src/gateway/uws.ts', from(uwsPackage)],
    ['src/feeds/binance/normalise.ts', `// Date.now() is not for here\n${from('../../wire/tick-record.ts')}`],
    ['src/auth/tokens.ts', from('node:crypto') + from('jose')],
    ['web/page.ts', from('../src/client/client.ts') + from('lightweight-charts')],
    ['test/a.test.ts', `test.skipIf(absent)('x', () => {});\n// the session is read from ../shared/data\n`],
    ['docs/a.md', 'mount it at /var/lib/tickwire'],
  ])('and lets pass %s with %s', (file, text) => {
    expect(breachesOf(file, text)).toEqual([]);
  });

  test('the table names every folder of src', () => {
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    expect(folders.map(({ name }) => name).filter((name) => mayImport[name] === undefined)).toEqual([]);
  });
});
