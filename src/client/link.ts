/** One connection after the other to the same address: opens, tells what comes, and comes back after a break. */
import { type Backoff, backoffMs } from './backoff.ts';
import type { ClientSocket, OpenSocket } from './socket.ts';

/** Where the connection stands. `open` is told by the server's welcome, not by the socket. */
export type ConnectionState =
  | { readonly state: 'connecting'; readonly attempt: number }
  | { readonly state: 'open' }
  | {
      readonly state: 'waiting';
      readonly attempt: number;
      readonly retryInMs: number;
      readonly code: number;
      readonly reason: string;
    }
  | { readonly state: 'closed'; readonly code: number; readonly reason: string };

export interface LinkOptions {
  readonly url: string;
  readonly subprotocol: string;
  readonly openSocket: OpenSocket;
  readonly backoff: Backoff;
  /** A connection that is not welcomed within this is given up and tried again. */
  readonly openTimeoutMs: number;
  /** 0 to 1, for the backoff. */
  readonly random: () => number;
}

export interface LinkListener {
  text(text: string): void;
  binary(bytes: Uint8Array): void;
  state(state: ConnectionState): void;
}

/** Close codes of a broken protocol: coming back would end the same way. */
const finalCodes = new Set([1002, 1003, 1007, 1008, 1010]);

/** Whether to come back. The server may say so in the close's reason (`proto/control.md`). */
function isFinal(code: number, reason: string): boolean {
  return finalCodes.has(code) || /"resume":\s*false/.test(reason);
}

export class Link {
  readonly #options: LinkOptions;
  readonly #listener: LinkListener;
  #socket: ClientSocket | undefined;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: LinkOptions, listener: LinkListener) {
    this.#options = options;
    this.#listener = listener;
  }

  open(): void {
    this.#attempt++;
    this.#listener.state({ state: 'connecting', attempt: this.#attempt });
    const { url, subprotocol, openSocket, openTimeoutMs } = this.#options;
    const socket = openSocket(url, subprotocol);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#timer = setTimeout(() => this.breakOff('no welcome in time'), openTimeoutMs);
    socket.addEventListener('message', ({ data }) => {
      if (this.#socket !== socket) return;
      if (typeof data === 'string') this.#listener.text(data);
      else this.#listener.binary(new Uint8Array(data as ArrayBuffer));
    });
    // An error is always followed by a close; without a listener, some runtimes throw it.
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.#socket === socket) this.#broke(code ?? 1006, reason ?? '');
    });
  }

  /** The server has welcomed us: the next break starts its waiting anew. */
  welcomed(): void {
    clearTimeout(this.#timer);
    this.#attempt = 0;
    this.#listener.state({ state: 'open' });
  }

  send(text: string): void {
    this.#socket?.send(text);
  }

  /** Gives this connection up, as dead, and comes back. */
  breakOff(reason: string): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#broke(4000, reason);
    socket.close();
  }

  /** For good. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close(1000);
    this.#listener.state({ state: 'closed', code: 1000, reason: 'closed by the client' });
  }

  #broke(code: number, reason: string): void {
    clearTimeout(this.#timer);
    this.#socket = undefined;
    if (isFinal(code, reason)) {
      this.#closed = true;
      this.#listener.state({ state: 'closed', code, reason });
      return;
    }
    const { backoff, random } = this.#options;
    const attempt = Math.max(1, this.#attempt);
    const retryInMs = backoffMs(attempt, backoff, random());
    this.#timer = setTimeout(() => this.open(), retryInMs);
    this.#listener.state({ state: 'waiting', attempt, retryInMs, code, reason });
  }
}
