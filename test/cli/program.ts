/** The program as a process of its own, any command of it; ended by its own id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');
export const node = join(root, 'node_modules', '.bin', 'node');

export class Program {
  readonly #child: ChildProcess;
  #ended = false;
  stdout = '';
  stderr = '';

  constructor(given: readonly string[], input?: string) {
    this.#child = spawn(node, given, { cwd: root, stdio: 'pipe' });
    this.#child.stdin!.end(input);
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#child.once('close', () => {
      this.#ended = true;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Waits until its output or its log has this. */
  async says(pattern: RegExp): Promise<void> {
    for (const until = Date.now() + 40_000; ; ) {
      if (pattern.test(this.stdout) || pattern.test(this.stderr)) return;
      if (this.#ended || Date.now() > until)
        throw new Error(`no ${pattern} in\n${this.stdout}\n${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Its exit code once it has ended; null: by a signal. */
  async ended(): Promise<number | null> {
    if (!this.#ended) await once(this.#child, 'close');
    return this.#child.exitCode;
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#ended) this.#child.kill(name);
  }
}
