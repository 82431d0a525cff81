/** What was last told of a book, so that a publisher can tell what has changed since, at a pace of its own. */
import { Side } from './book.ts';

interface Book {
  readonly bids: Side;
  readonly asks: Side;
}

export interface BookChanges {
  /** price, size, price, size …; size 0 for a level that is gone. */
  readonly bids: readonly number[];
  readonly asks: readonly number[];
}

export class ShadowBook {
  readonly #bids = new Side(1);
  readonly #asks = new Side(-1);

  /** What has changed since the last call. */
  changes(book: Book): BookChanges {
    return { bids: catchUp(this.#bids, book.bids), asks: catchUp(this.#asks, book.asks) };
  }

  /** All levels go: what was told is void. */
  clear(): BookChanges {
    return this.changes({ bids: new Side(1), asks: new Side(-1) });
  }
}

/** Changes that wait to be sent: the last size of each price counts, and a level that came and went is told of too. */
export class GatheredChanges {
  readonly #bids = new Map<number, number>();
  readonly #asks = new Map<number, number>();

  gather({ bids, asks }: BookChanges): void {
    put(this.#bids, bids);
    put(this.#asks, asks);
  }

  /** All that was gathered, and nothing is left. */
  flush(): BookChanges {
    const changes = { bids: [...this.#bids].flat(), asks: [...this.#asks].flat() };
    this.clear();
    return changes;
  }

  clear(): void {
    this.#bids.clear();
    this.#asks.clear();
  }
}

function put(into: Map<number, number>, levels: readonly number[]): void {
  for (let i = 0; i < levels.length; i += 2) into.set(levels[i]!, levels[i + 1]!);
}

function catchUp(shadow: Side, side: Side): number[] {
  shadow.prices.splice(0, Infinity, ...side.prices);
  shadow.sizes.splice(0, Infinity, ...side.sizes);
  return shadow.changes();
}

/** All levels of one side, best first: price, size, price, size …. */
export function allLevels({ prices, sizes }: Side): number[] {
  return prices.flatMap((price, i) => [price, sizes[i]!]);
}
