/** The simulated exchange of the demo: a process of its own, spoken to over IPC. */
import { type ChildProcess, fork } from 'node:child_process';
import type { SimulatorOptions } from '../simulator/options.ts';
import type { SimulatorCommand, SimulatorMessage } from '../simulator/protocol.ts';
import { UsageFault } from './arguments.ts';

export type SimulatorReady = Extract<SimulatorMessage, { kind: 'ready' }>;
export type SimulatorFinished = Extract<SimulatorMessage, { kind: 'finished' }>;

export class ExchangeProcess {
  readonly ready: SimulatorReady;
  /** Resolves when a recording has been played. */
  readonly finished: Promise<SimulatorFinished>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ready: SimulatorReady, onEnd: (reason: string) => void) {
    this.#child = child;
    this.ready = ready;
    this.finished = new Promise((resolve) => {
      child.on('message', (message: SimulatorMessage) => {
        if (message.kind === 'finished') resolve(message);
        if (message.kind === 'fault') onEnd(message.message);
      });
    });
    child.on('exit', (code) => onEnd(`the simulated exchange ended with code ${code}`));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Starts it and waits until it listens.
   * @param onEnd called when it ends, with the reason
   * @param stopping once aborted, ends what has been started and rejects with the signal's reason
   * @throws UsageFault with its own words when it cannot do what is asked
   */
  static async start(
    options: SimulatorOptions,
    onEnd: (reason: string) => void,
    stopping?: AbortSignal,
  ): Promise<ExchangeProcess> {
    stopping?.throwIfAborted();
    const file = new URL('../simulator/process.ts', import.meta.url);
    const child = fork(file, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const stop = (): void => void child.kill();
    stopping?.addEventListener('abort', stop);
    try {
      const ready = await readyOf(child);
      child.removeAllListeners('exit');
      return new ExchangeProcess(child, ready, onEnd);
    } catch (error) {
      stopping?.throwIfAborted();
      throw error;
    } finally {
      stopping?.removeEventListener('abort', stop);
    }
  }

  #send(command: SimulatorCommand): void {
    if (this.#child.connected) this.#child.send(command);
  }

  /** Lets a held recording begin. */
  play(): void {
    this.#send({ kind: 'start' });
  }

  async close(): Promise<void> {
    this.#child.removeAllListeners('exit');
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#send({ kind: 'close' });
    await ended;
  }
}

function readyOf(child: ChildProcess): Promise<SimulatorReady> {
  return new Promise((resolve, reject) => {
    child.once('message', (message: SimulatorMessage) => {
      if (message.kind === 'ready') resolve(message);
      else
        reject(new UsageFault(message.kind === 'fault' ? message.message : `unexpected "${message.kind}"`));
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new UsageFault(`the simulated exchange ended with code ${code}`)));
  });
}
