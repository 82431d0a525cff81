/** The demo as a user gets it: a process of its own, on a free port, with a data folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const node = join(root, 'node_modules', '.bin', 'node');
const screenWaitMs = 30_000;

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'tickwire-demo-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** The program with these arguments, as `npm run demo` runs it. */
export class DemoProcess {
  readonly #child: ChildProcess;
  stdout = '';
  stderr = '';

  constructor(given: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(node, ['src/main.ts', 'demo', ...given], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  /** Starts it and waits for its screen. */
  static async start(given: readonly string[]): Promise<DemoProcess> {
    const demo = new DemoProcess(given);
    await demo.says(/page +http:\/\/[^\s]+:\d+\//, screenWaitMs);
    return demo;
  }

  /** Waits until its output has this. */
  async says(pattern: RegExp, withinMs: number): Promise<void> {
    const until = Date.now() + withinMs;
    while (!pattern.test(this.stdout)) {
      if (this.#child.exitCode !== null)
        throw new Error(`it ended with ${this.#child.exitCode}: ${this.stderr}`);
      if (Date.now() > until)
        throw new Error(`no ${pattern} within ${withinMs} ms:\n${this.stdout}${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** From its screen. */
  get port(): number {
    return Number(/page +http:\/\/[^\s]+:(\d+)\//.exec(this.stdout)?.[1]);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  get socketUrl(): string {
    return `ws://127.0.0.1:${this.port}/api/v1/ws`;
  }

  /** Its exit code, when it ends by itself. */
  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'close');
    return this.#child.exitCode;
  }

  /** Ctrl-C; its exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null) this.#child.kill('SIGINT');
    return this.ended();
  }

  /** For the end of a test that failed half-way. */
  kill(): void {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
  }
}
