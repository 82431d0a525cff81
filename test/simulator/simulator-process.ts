/** The simulator as a process of its own, as the demo runs it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { SimulatorOptions } from '../../src/simulator/options.ts';
import type { SimulatorCommand, SimulatorMessage } from '../../src/simulator/protocol.ts';

const entry = join(import.meta.dirname, '../../src/simulator/process.ts');
const node = join(import.meta.dirname, '../../node_modules/.bin/node');

export function launch(options: SimulatorOptions, stderr: 'inherit' | 'pipe' = 'inherit'): ChildProcess {
  const child = fork(entry, [JSON.stringify(options)], {
    execPath: node,
    execArgv: [],
    stdio: ['ignore', 'ignore', stderr, 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

export async function told<K extends SimulatorMessage['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<SimulatorMessage, { kind: K }>> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [SimulatorMessage];
    if (message.kind === kind) return message as Extract<SimulatorMessage, { kind: K }>;
  }
}

export const tell = (child: ChildProcess, command: SimulatorCommand): boolean => child.send(command);
