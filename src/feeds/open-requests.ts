/** Requests for streams that a venue has not answered, oldest first, and the last ones that were given up. */

export interface Request {
  readonly id: number;
  readonly kind: 'subscribe' | 'unsubscribe';
  readonly streams: readonly string[];
  /** Of an unsubscribe: made before. */
  readonly tries: number;
  /** Calls off the wait for its answer. */
  cancelWait: () => void;
}

const lateMax = 32;

export class OpenRequests {
  readonly #open = new Map<number, Request>();
  readonly #late = new Map<number, Request>();

  get size(): number {
    return this.#open.size;
  }

  [Symbol.iterator](): Iterator<Request> {
    return this.#open.values();
  }

  /** An open one, or one that was given up not long ago: an answer counts however late it comes. */
  find(id: number): Request | undefined {
    return this.#open.get(id) ?? this.#late.get(id);
  }

  /** Streams that are being let go. */
  get leaving(): number {
    let count = 0;
    for (const { kind, streams } of this.#open.values()) if (kind === 'unsubscribe') count += streams.length;
    return count;
  }

  add(request: Request): void {
    this.#open.set(request.id, request);
  }

  close(request: Request): void {
    request.cancelWait();
    this.#open.delete(request.id);
    this.#late.delete(request.id);
  }

  giveUp(request: Request): void {
    this.close(request);
    this.#late.set(request.id, request);
    if (this.#late.size > lateMax) this.#late.delete(this.#late.keys().next().value!);
  }

  stop(): void {
    for (const request of this.#open.values()) request.cancelWait();
    this.#open.clear();
  }
}
