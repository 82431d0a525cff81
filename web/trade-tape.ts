/** The last trades of the selected symbol, newest first. */
import type { TickwireClient } from '../src/client/client.ts';
import { byId, child, write } from './dom.ts';
import type { MarketState } from './market-state.ts';
import { clockText, grouped } from './number-text.ts';
import type { RenderPass } from './render-pass.ts';

const rowsShown = 18;

export class TradeTape {
  readonly touch: () => void;
  readonly #rows: readonly HTMLTableRowElement[];

  constructor(state: MarketState, client: TickwireClient, pass: RenderPass) {
    const body = byId('tape');
    this.#rows = Array.from({ length: rowsShown }, () => {
      const row = child(body, 'tr');
      for (let cell = 0; cell < 3; cell++) child(row, 'td');
      return row;
    });
    this.touch = pass.part(() => this.#draw(state, client));
  }

  #draw(state: MarketState, { dictionary }: TickwireClient): void {
    const instrument = state.selected?.instrument ?? 0;
    for (const [index, row] of this.#rows.entries()) {
      const trade = state.tape[index];
      const [time, price, size] = row.cells;
      const id = trade === undefined ? '' : String(trade.id);
      if (row.dataset['id'] === id) continue;
      row.dataset['id'] = id;
      row.className = trade === undefined ? '' : trade.takerSold ? 'down' : 'up';
      row.title =
        trade === undefined ? '' : `trade ${trade.id}, the taker ${trade.takerSold ? 'sold' : 'bought'}`;
      write(time!, trade === undefined ? '' : clockText(trade.time));
      write(price!, trade === undefined ? '' : grouped(dictionary.priceText(instrument, trade.price)));
      write(size!, trade === undefined ? '' : grouped(dictionary.sizeText(instrument, trade.size)));
    }
  }
}
