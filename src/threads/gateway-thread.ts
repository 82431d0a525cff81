/** The gateway's thread, from the side of the server. */
import type { GatewayAccount } from '../gateway/gateway.ts';
import type { Dictionary } from '../market/instrument.ts';
import type { GatewayCommand, GatewayReport, GatewayThreadData } from './gateway.ts';
import { Thread, type ThreadWatch } from './thread.ts';

/** The address cannot be listened on: the user's to mend. */
export class ListenFault extends Error {
  override readonly name = 'ListenFault';
}

export class GatewayThread {
  readonly firstSubscriber: Promise<void>;
  #port = 0;
  readonly #thread: Thread;

  private constructor(thread: Thread) {
    this.#thread = thread;
    this.firstSubscriber = new Promise((resolve) => {
      thread.worker.on('message', (message: GatewayReport) => {
        if (message.kind === 'first-subscriber') resolve();
      });
    });
  }

  /** Starts it and waits until it listens. @throws ListenFault when the port cannot be had */
  static async start(data: GatewayThreadData, watch: ThreadWatch): Promise<GatewayThread> {
    let listening = false;
    const thread = new Thread(
      'gateway',
      'gateway',
      { workerData: data, transferList: [data.query] },
      {
        onFault: (reason) => listening && watch.onFault(reason),
      },
    );
    const gateway = new GatewayThread(thread);
    const answer = await thread.message((message) => {
      const report = message as GatewayReport;
      return report.kind === 'listening' || report.kind === 'fault' ? report : undefined;
    });
    if (answer.kind === 'fault') throw new ListenFault(answer.message);
    listening = true;
    gateway.#port = answer.port;
    return gateway;
  }

  get port(): number {
    return this.#port;
  }

  #send(command: GatewayCommand): void {
    this.#thread.worker.postMessage(command);
  }

  /** The first client wants an instrument, or the last has let it go. */
  onWish(take: (instrument: number, wanted: boolean) => void): void {
    this.#thread.worker.on('message', (message: GatewayReport) => {
      if (message.kind === 'wish') take(message.instrument, message.wanted);
    });
  }

  /** Another version of the dictionary. */
  adopt(dictionary: Dictionary): void {
    this.#send({ kind: 'dictionary', dictionary });
  }

  tellHealth(body: Record<string, unknown>): void {
    this.#send({ kind: 'health', body });
  }

  async account(): Promise<GatewayAccount> {
    const answer = this.#thread.message((message) => {
      const report = message as GatewayReport;
      return report.kind === 'accounting' ? report.accounting : undefined;
    });
    this.#send({ kind: 'accounting' });
    return answer;
  }

  async close(): Promise<void> {
    await this.#thread.close(() => this.#send({ kind: 'close' }));
  }
}
