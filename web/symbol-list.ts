/** The list of symbols: a listbox with live prices. Arrow keys, Home and End choose; typing in the field above filters. */
import type { TickwireClient } from '../src/client/client.ts';
import { byId, child, write } from './dom.ts';
import type { MarketState, Row } from './market-state.ts';
import { grouped, percentText } from './number-text.ts';
import type { RenderPass } from './render-pass.ts';

interface Line {
  readonly option: HTMLElement;
  readonly price: HTMLElement;
  readonly change: HTMLElement;
  movesShown: number;
}

export class SymbolList {
  readonly #state: MarketState;
  readonly #client: TickwireClient;
  readonly #choose: (symbol: string) => void;
  readonly #list = byId('symbols');
  readonly #filter = byId('filter') as HTMLInputElement;
  readonly #lines = new Map<string, Line>();
  readonly #changed = new Set<Row>();
  readonly #touchRows: () => void;
  /** All lines anew: other symbols, another filter, another choice. */
  readonly touch: () => void;

  constructor(
    state: MarketState,
    client: TickwireClient,
    pass: RenderPass,
    choose: (symbol: string) => void,
  ) {
    this.#state = state;
    this.#client = client;
    this.#choose = choose;
    this.touch = pass.part(() => this.#draw());
    this.#touchRows = pass.part(() => this.#drawRows());
    this.#filter.addEventListener('input', this.touch);
    this.#filter.addEventListener('keydown', (event) => this.#filterKey(event));
    this.#list.addEventListener('keydown', (event) => this.#key(event));
    this.#list.addEventListener('click', (event) => {
      const option = (event.target as Element).closest<HTMLElement>('[role=option]');
      if (option?.dataset['symbol'] !== undefined) this.#choose(option.dataset['symbol']);
    });
  }

  touchRow(row: Row): void {
    this.#changed.add(row);
    this.#touchRows();
  }

  #visible(): Row[] {
    const wanted = this.#filter.value.trim().toUpperCase();
    const rows = [...this.#state.rows.values()];
    return wanted === ''
      ? rows
      : rows.filter(({ listed }) => nameOf(listed).includes(wanted) || listed.symbol.includes(wanted));
  }

  #filterKey(event: KeyboardEvent): void {
    if (event.key === 'Escape') this.#filter.value = '';
    else if (event.key === 'Enter') this.#chooseAt(0);
    else if (event.key === 'ArrowDown') this.#list.focus();
    else return;
    this.touch();
  }

  #key(event: KeyboardEvent): void {
    const rows = this.#visible();
    const at = rows.findIndex(({ listed }) => listed.symbol === this.#state.selection?.symbol);
    const to = { ArrowDown: at + 1, ArrowUp: Math.max(0, at - 1), Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#chooseAt(Math.min(to, rows.length - 1));
  }

  #chooseAt(index: number): void {
    const row = this.#visible()[index];
    if (row !== undefined) this.#choose(row.listed.symbol);
  }

  #draw(): void {
    const rows = this.#visible();
    for (const { listed } of rows)
      if (!this.#lines.has(listed.symbol)) this.#lines.set(listed.symbol, newLine(listed));
    this.#list.replaceChildren(...rows.map(({ listed }) => this.#lines.get(listed.symbol)!.option));
    const chosen = this.#state.selection?.symbol;
    for (const [symbol, { option }] of this.#lines)
      option.setAttribute('aria-selected', String(symbol === chosen));
    const active = chosen === undefined ? undefined : this.#lines.get(chosen)?.option;
    this.#list.setAttribute('aria-activedescendant', active?.id ?? '');
    if (document.activeElement === this.#list) active?.scrollIntoView({ block: 'nearest' });
    const empty = byId('symbols-empty');
    empty.hidden = rows.length > 0;
    write(empty, this.#state.rows.size === 0 ? 'loading …' : 'no symbol has this in its name');
    for (const row of rows) this.#changed.add(row);
    this.#drawRows();
  }

  #drawRows(): void {
    for (const row of this.#changed) {
      const line = this.#lines.get(row.listed.symbol);
      if (line !== undefined) this.#drawRow(row, line);
    }
    this.#changed.clear();
  }

  #drawRow(row: Row, line: Line): void {
    if (row.instrument === 0 || row.last === 0) return;
    write(line.price, grouped(this.#client.dictionary.priceText(row.instrument, row.last)));
    line.price.dataset['direction'] = row.direction;
    if (row.moves !== line.movesShown) {
      // Two names for the same animation: a change of name starts it again.
      line.price.dataset['flash'] = row.moves % 2 === 0 ? 'even' : 'odd';
      line.movesShown = row.moves;
    }
    if (row.ticker === undefined || row.ticker.open === 0) return;
    const change = changeOf(row.ticker);
    write(line.change, percentText(change));
    line.change.dataset['direction'] = directionOf(change);
  }
}

/** Per cent against the price 24 hours ago. */
export function changeOf({ last, open }: { readonly last: number; readonly open: number }): number {
  return ((last - open) / open) * 100;
}

export function directionOf(change: number): 'up' | 'down' | 'flat' {
  return Math.abs(change) < 0.005 ? 'flat' : change > 0 ? 'up' : 'down';
}

function nameOf(listed: Row['listed']): string {
  return `${listed.base_currency}/${listed.quote_currency}`;
}

/** Two letters tell the venues apart; the option's title has the whole name. */
function venueOf({ symbol }: Row['listed']): string {
  return symbol.slice(0, 2);
}

function newLine(listed: Row['listed']): Line {
  const option = document.createElement('div');
  option.id = `symbol-${listed.symbol.replaceAll(/[^\w-]/g, '-')}`;
  option.dataset['symbol'] = listed.symbol;
  option.setAttribute('role', 'option');
  option.title = listed.symbol;
  const name = child(option, 'span', 'name');
  child(name, 'b').textContent = listed.base_currency;
  child(name, 'span', 'dim').textContent = `/${listed.quote_currency}`;
  child(name, 'small', 'venue').textContent = venueOf(listed);
  const price = child(option, 'span', 'last');
  const change = child(option, 'span', 'change');
  price.textContent = '–';
  return { option, price, change, movesShown: 0 };
}
