/**
 * Questions to the query thread and its answers, which are finished bytes: so the gateway never opens a database.
 * Bounded in number and in time; an answer that comes too late is counted and forgotten.
 */
import type { MessagePort } from 'node:worker_threads';
import { type Answer, problem } from './answer.ts';

export type QueryKind = 'bars' | 'book' | 'enigma' | 'price' | 'symbols' | 'trades';

/** To the query thread: `symbol` (canonical) and `instrument` (its number) first, then the request's own parameters as they came. */
export interface QueryQuestion {
  readonly id: number;
  readonly kind: QueryKind;
  readonly params: Readonly<Record<string, string | number>>;
}

/** From the query thread. */
export interface QueryAnswer {
  readonly id: number;
  readonly status: number;
  readonly body: Uint8Array;
  readonly contentType: string;
}

interface Pending {
  readonly settle: (answer: Answer) => void;
  readonly timer: NodeJS.Timeout;
}

export class QueryDesk {
  readonly #port: MessagePort;
  readonly #most: number;
  readonly #timeoutMs: number;
  readonly #pending = new Map<number, Pending>();
  readonly #counts = { asked: 0, answered: 0, timedOut: 0, refused: 0, late: 0 };
  #lastId = 0;

  constructor(port: MessagePort, most: number, timeoutMs: number) {
    this.#port = port;
    this.#most = most;
    this.#timeoutMs = timeoutMs;
    port.on('message', (answer: QueryAnswer) => this.#settle(answer));
  }

  /** Always resolves: 503 when too many questions are open, 504 when no answer comes in time. */
  ask(kind: QueryKind, params: QueryQuestion['params']): Promise<Answer> {
    if (this.#pending.size >= this.#most) {
      this.#counts.refused++;
      return Promise.resolve(
        problem(503, 'too many questions at once: ask again in a second', {}, { 'retry-after': '1' }),
      );
    }
    this.#counts.asked++;
    const id = ++this.#lastId;
    return new Promise((settle) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        this.#counts.timedOut++;
        settle(problem(504, `no answer from the stores within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
      this.#pending.set(id, { settle, timer });
      this.#port.postMessage({ id, kind, params } satisfies QueryQuestion);
    });
  }

  #settle({ id, status, body, contentType }: QueryAnswer): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      this.#counts.late++;
      return;
    }
    clearTimeout(pending.timer);
    this.#pending.delete(id);
    this.#counts.answered++;
    pending.settle({ status, contentType, body, headers: { 'cache-control': 'no-store' } });
  }

  account(): {
    asked: number;
    answered: number;
    timedOut: number;
    refused: number;
    late: number;
    open: number;
  } {
    return { ...this.#counts, open: this.#pending.size };
  }

  /** Nobody waits any longer. */
  close(): void {
    for (const { settle, timer } of this.#pending.values()) {
      clearTimeout(timer);
      settle(problem(503, 'the server is going away'));
    }
    this.#pending.clear();
    this.#port.close();
  }
}
