/** The books of the last updates, so that REST can lie behind the stream, as the venue's does. */
import type { Pit } from '../pit.ts';
import { allLevels } from '../shadow-book.ts';

export interface PastBook {
  readonly updateId: number;
  readonly timeUs: number;
  readonly bids: readonly number[];
  readonly asks: readonly number[];
}

export class LaggingBook {
  readonly #updates: number;
  readonly #past: PastBook[] = [];

  /** `updates`: how many messages of the depth stream the answer lies behind. */
  constructor(updates: number) {
    this.#updates = updates;
  }

  /** After each update. */
  note(pit: Pit): void {
    if (this.#updates === 0) return;
    this.#past.push(bookOf(pit));
    if (this.#past.length > this.#updates + 1) this.#past.shift();
  }

  /** The book as REST tells it: the oldest that is known, or the present one where nothing lags. */
  tell(pit: Pit): PastBook {
    return this.#past[0] ?? bookOf(pit);
  }
}

function bookOf(pit: Pit): PastBook {
  return {
    updateId: pit.updateId,
    timeUs: pit.lastUs,
    bids: allLevels(pit.bids),
    asks: allLevels(pit.asks),
  };
}
