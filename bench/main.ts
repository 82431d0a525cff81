/**
 * `npm run bench -- NAME [--json] [--tiny]`: runs one bench, or `all`. With `--json` the last line of a bench is its
 * result as one JSON object. `--tiny` is for CI: it proves that a bench still runs, its numbers mean nothing.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { BenchResult } from './result.ts';

type Bench = { run(size: { tiny: boolean }): Promise<BenchResult> };

const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  wire: () => import('./wire.ts'),
  scanner: () => import('./scanner.ts'),
  pipeline: () => import('./pipeline.ts'),
  live: () => import('./live.ts'),
  latency: () => import('./latency.ts'),
  book: () => import('./book.ts'),
};

const words = process.argv.slice(2);
const json = words.includes('--json');
const tiny = words.includes('--tiny');
const [name = 'help'] = words.filter((word) => !word.startsWith('--'));
const chosen = name === 'all' ? Object.keys(benches) : [name];

for (const bench of chosen) {
  const load = benches[bench];
  if (load === undefined) {
    process.stderr.write(`no bench "${bench}"; there are ${Object.keys(benches).join(', ')} and all\n`);
    process.exitCode = 2;
    break;
  }
  const result = await (await load()).run({ tiny });
  process.stdout.write(table(result));
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  if (tiny) continue;
  mkdirSync('artefacts', { recursive: true });
  writeFileSync(`artefacts/bench-${bench}.json`, `${JSON.stringify(result, undefined, 2)}\n`);
}

function table(result: BenchResult): string {
  const rows = [...Object.entries(result.metrics), ...Object.entries(result.ratios)].map(([key, value]) => {
    const goal = result.goals?.[key];
    return [
      key,
      String(value),
      goal === undefined ? '' : `${goal.is} ${goal.value} ${met(value, goal) ? '✓' : '✗'}`,
    ];
  });
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map(([key, value, goal]) =>
    `  ${key!.padEnd(widths[0]!)}  ${value!.padStart(widths[1]!)}  ${goal}`.trimEnd(),
  );
  return `\n${result.bench}: ${result.input}\n${result.machine}\n${lines.join('\n')}\n`;
}

function met(value: unknown, goal: { is: '≤' | '≥'; value: number }): boolean {
  const number = Number(value);
  return goal.is === '≤' ? number <= goal.value : number >= goal.value;
}
