/** Sends each v1 frame at the latest so long after its first record. One timer, outboxes in the order of their windows. */
import type { V1Outbox } from './v1-outbox.ts';

export class V1Windows {
  readonly #windowMs: number;
  readonly #now: () => number;
  /** A set keeps the order of entry, and all windows are equally long: the first one ends first. */
  readonly #open = new Set<V1Outbox>();
  #timer: NodeJS.Timeout | undefined;

  /** @param now ms, rising */
  constructor(windowMs: number, now: () => number) {
    this.#windowMs = windowMs;
    this.#now = now;
  }

  open(outbox: V1Outbox): void {
    outbox.deadline = this.#now() + this.#windowMs;
    this.#open.add(outbox);
    if (this.#windowMs > 0) this.#timer ??= setTimeout(this.#expire, this.#windowMs);
  }

  shut(outbox: V1Outbox): void {
    this.#open.delete(outbox);
  }

  /** The turn is over: without a window, everything goes out now. */
  endTurn(): void {
    if (this.#windowMs === 0) for (const outbox of this.#open) outbox.send();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  readonly #expire = (): void => {
    this.#timer = undefined;
    const now = this.#now();
    for (const outbox of this.#open) {
      const left = outbox.deadline - now;
      if (left > 0.5) {
        this.#timer = setTimeout(this.#expire, left);
        return;
      }
      outbox.send();
    }
  };
}
