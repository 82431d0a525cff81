/** One depth stream of one symbol: what has changed since its last message, and up to which update that was. */
import type { Channel } from '../channel.ts';
import { type BookChanges, GatheredChanges } from '../shadow-book.ts';
import type { DepthUpdate } from './messages.ts';

export class DepthWindow {
  readonly channel: Channel;
  readonly ms: number;
  readonly #gathered = new GatheredChanges();
  /** The last update that was told of, and the last that was gathered. */
  #publishedId = 0;
  #gatheredId = 0;

  constructor(channel: Channel, ms: number) {
    this.channel = channel;
    this.ms = ms;
  }

  /** Goes on from the book as it is after this update. */
  reset(updateId: number): void {
    this.#gathered.clear();
    this.#publishedId = updateId;
    this.#gatheredId = updateId;
  }

  gather(changes: BookChanges, updateId: number): void {
    this.#gathered.gather(changes);
    this.#gatheredId = updateId;
  }

  /** The next message, or undefined when no level has changed; the ids then belong to the one after. */
  take(): DepthUpdate | undefined {
    const { bids, asks } = this.#gathered.flush();
    if (bids.length + asks.length === 0) return undefined;
    const firstId = this.#publishedId + 1;
    this.#publishedId = this.#gatheredId;
    return { bids, asks, firstId, lastId: this.#gatheredId };
  }
}
