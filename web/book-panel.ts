/** The best levels of the selected symbol's order book: asks above, bids below, with their sizes as bars. */
import type { ClientEvents, TickwireClient } from '../src/client/client.ts';
import { byId, child, write } from './dom.ts';
import type { MarketState } from './market-state.ts';
import { grouped } from './number-text.ts';
import type { RenderPass } from './render-pass.ts';

type BookTop = Parameters<ClientEvents['bookTop']>[0];
type Status = Parameters<ClientEvents['status']>[0];

interface Level {
  readonly price: number;
  readonly size: number;
}

const levelsShown = 8;

export class BookPanel {
  readonly touch: () => void;
  readonly #state: MarketState;
  readonly #client: TickwireClient;
  readonly #asks: readonly HTMLTableRowElement[];
  readonly #bids: readonly HTMLTableRowElement[];
  #instrument = 0;
  #bidLevels: readonly Level[] = [];
  #askLevels: readonly Level[] = [];
  #stale = '';

  constructor(state: MarketState, client: TickwireClient, pass: RenderPass) {
    this.#state = state;
    this.#client = client;
    this.#asks = rows(byId('book-asks')).toReversed();
    this.#bids = rows(byId('book-bids'));
    this.touch = pass.part(() => this.#draw());
  }

  /** The batch holds only during the call: what is shown of it is kept. */
  take(batch: BookTop): void {
    if (!this.#state.isSelected(batch.instrument)) return;
    this.#instrument = batch.instrument;
    this.#bidLevels = levelsOf(batch.bidPrice, batch.bidSize, batch.bidCount);
    this.#askLevels = levelsOf(batch.askPrice, batch.askSize, batch.askCount);
    this.#stale = '';
    this.touch();
  }

  takeStatus({ instrument, state }: Status): void {
    if (!this.#state.isSelected(instrument)) return;
    this.#stale = state === 'live' ? '' : state;
    this.touch();
  }

  #draw(): void {
    const isOurs = this.#state.selected?.instrument === this.#instrument && this.#instrument !== 0;
    const bids = isOurs ? this.#bidLevels : [];
    const asks = isOurs ? this.#askLevels : [];
    const largest = Math.max(1, ...[...bids, ...asks].map(({ size }) => size));
    this.#fill(this.#bids, bids, largest);
    this.#fill(this.#asks, asks, largest);
    write(byId('book-state'), this.#stateText(bids, asks));
  }

  #stateText(bids: readonly Level[], asks: readonly Level[]): string {
    if (this.#stale !== '') return this.#stale === 'syncing' ? 'waiting for a snapshot' : 'stale';
    if (bids.length === 0 || asks.length === 0) return 'no order book of this symbol';
    const spread = asks[0]!.price - bids[0]!.price;
    return `spread ${grouped(this.#client.dictionary.priceText(this.#instrument, spread))}`;
  }

  #fill(lines: readonly HTMLTableRowElement[], levels: readonly Level[], largest: number): void {
    const { dictionary } = this.#client;
    for (const [index, line] of lines.entries()) {
      const level = levels[index];
      const [price, size] = line.cells;
      write(price!, level === undefined ? '' : grouped(dictionary.priceText(this.#instrument, level.price)));
      write(size!, level === undefined ? '' : grouped(dictionary.sizeText(this.#instrument, level.size)));
      line.style.setProperty('--share', level === undefined ? '0' : String(level.size / largest));
    }
  }
}

function levelsOf(prices: Float64Array, sizes: Float64Array, count: number): Level[] {
  return Array.from({ length: Math.min(count, levelsShown) }, (_, level) => ({
    price: prices[level]!,
    size: sizes[level]!,
  }));
}

function rows(body: HTMLElement): HTMLTableRowElement[] {
  return Array.from({ length: levelsShown }, () => {
    const row = child(body, 'tr');
    child(row, 'td');
    child(row, 'td');
    return row;
  });
}
