/** The simulated exchange in a process of its own, for tests whose load would take the server's time: it obeys over IPC. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Command } from '../../src/simulator/commands.ts';
import type { SimulatorOptions } from '../../src/simulator/options.ts';
import type { SimulatorCommand, SimulatorMessage } from '../../src/simulator/protocol.ts';
import type { SimulatorReport } from '../../src/simulator/tally.ts';
import { type Exchange, freely, type Venues } from './server-bench.ts';

export class ExchangeChild implements Exchange {
  readonly venues: Venues;
  /** Resolves when a flood has been played. */
  readonly finished: Promise<SimulatorReport>;
  readonly #child: ChildProcess;
  #orders = 0;

  private constructor(child: ChildProcess, venues: Venues) {
    this.#child = child;
    this.venues = venues;
    this.finished = heard(child, (message) => (message.kind === 'finished' ? message.report : undefined));
    this.finished.catch(() => undefined);
  }

  static async start(options: SimulatorOptions): Promise<ExchangeChild> {
    const file = new URL('../../src/simulator/process.ts', import.meta.url);
    const given = JSON.stringify({ limits: freely, ...options });
    const child = fork(file, [given], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const venues = await heard(child, (message) => (message.kind === 'ready' ? message.venues : undefined));
    return new ExchangeChild(child, venues);
  }

  play(): void {
    this.#send({ kind: 'start' });
  }

  /** @throws Error with the exchange's words when it cannot do that */
  async command(command: Command): Promise<void> {
    const id = ++this.#orders;
    const done = heard(this.#child, (message) =>
      message.kind === 'done' && message.id === id ? message : undefined,
    );
    this.#send({ kind: 'command', id, command });
    const { refusal } = await done;
    if (refusal !== undefined) throw new Error(refusal);
  }

  async report(): Promise<SimulatorReport> {
    const report = heard(this.#child, (message) => (message.kind === 'report' ? message.report : undefined));
    this.#send({ kind: 'report' });
    return report;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#send({ kind: 'close' });
    await ended;
  }

  #send(command: SimulatorCommand): void {
    if (this.#child.connected) this.#child.send(command);
  }
}

/** The first message of which `pick` makes something. */
function heard<T>(child: ChildProcess, pick: (message: SimulatorMessage) => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      child.off('message', take);
      child.off('exit', ended);
    };
    const ended = (code: number | null): void => {
      stop();
      reject(new Error(`the simulated exchange ended with code ${code}`));
    };
    const take = (message: SimulatorMessage): void => {
      if (message.kind === 'fault') {
        stop();
        reject(new Error(message.message));
      }
      const found = pick(message);
      if (found === undefined) return;
      stop();
      resolve(found);
    };
    child.on('message', take);
    child.on('exit', ended);
  });
}
