/** Requests that wait for their answer. Each has an id; answers come in any order, or not at all. */
import {
  type Acknowledgement,
  type Pong,
  RequestFault,
  type RequestId,
  type ServerMessage,
} from './control.ts';

export type Request =
  | {
      readonly type: 'subscribe' | 'unsubscribe';
      readonly symbols: readonly string[];
      readonly channels?: readonly string[];
    }
  | { readonly type: 'ping' };
export type Answer = Acknowledgement | Pong;

interface Waiting {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (fault: RequestFault) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class Requests {
  readonly #waiting = new Map<RequestId, Waiting>();
  readonly #timeoutMs: number;
  readonly #waitingMax: number;
  #lastId = 0;

  constructor(timeoutMs: number, waitingMax: number) {
    this.#timeoutMs = timeoutMs;
    this.#waitingMax = waitingMax;
  }

  /** Takes a request in; `send` gets its text now, when there is a connection. Rejects with `RequestFault`. */
  ask(request: Request, send: ((text: string) => void) | undefined): Promise<Answer> {
    if (this.#waiting.size >= this.#waitingMax) {
      return Promise.reject(new RequestFault(`${this.#waitingMax} requests are waiting already`));
    }
    const id = ++this.#lastId;
    return new Promise<Answer>((resolve, reject) => {
      const late = (): void => {
        this.#waiting.delete(id);
        reject(new RequestFault(`no answer to ${request.type} within ${this.#timeoutMs} ms`));
      };
      this.#waiting.set(id, { request, resolve, reject, timer: setTimeout(late, this.#timeoutMs) });
      send?.(textOf(id, request));
    });
  }

  /** Sends what is still unanswered, on a new connection. Asking twice for the same changes nothing. */
  resend(send: (text: string) => void): void {
    for (const [id, { request }] of this.#waiting) send(textOf(id, request));
  }

  /** Hands an answer to who asked; false when nobody did. */
  answer(message: ServerMessage): boolean {
    const id = 'id' in message ? message.id : undefined;
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (waiting === undefined) return false;
    this.#settle(id!, waiting);
    if (message.type === 'error') {
      waiting.reject(new RequestFault(message.error, message.code, message.didYouMean));
    } else waiting.resolve(message as Answer);
    return true;
  }

  /** The connection broke: pings are void; subscriptions wait for the next one. */
  broke(): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.request.type !== 'ping') continue;
      this.#settle(id, waiting);
      waiting.reject(new RequestFault('the connection broke'));
    }
  }

  /** There will be no answers any more. */
  close(): void {
    for (const [id, waiting] of this.#waiting) {
      this.#settle(id, waiting);
      waiting.reject(new RequestFault('the client was closed'));
    }
  }

  #settle(id: RequestId, waiting: Waiting): void {
    clearTimeout(waiting.timer);
    this.#waiting.delete(id);
  }
}

function textOf(id: RequestId, request: Request): string {
  return JSON.stringify({ ...request, id });
}
