/** What the page knows of each symbol, as the events told it. Prices are mantissas. */
import type { ClientEvents } from '../src/client/client.ts';
import type { ListedSymbol } from './rest.ts';

export type Ticker = Parameters<ClientEvents['ticker']>[0];
export type Enigma = Parameters<ClientEvents['enigma']>[0];
export type Bar = Parameters<ClientEvents['bar']>[0];
export type TradeBatch = Parameters<ClientEvents['trades']>[0];
export type QuoteBatch = Parameters<ClientEvents['quotes']>[0];
export type GapNotice = Parameters<ClientEvents['gap']>[0];
export type TradeJump = Parameters<ClientEvents['jump']>[0];

/** As index in bar blocks (`proto/frames.md`). */
export const resolutions = ['1s', '5s', '1m', '5m', '15m', '1h', '4h', '1d', '1w', '1M'] as const;
export type Resolution = (typeof resolutions)[number];

export interface Quote {
  readonly bid: number;
  readonly bidSize: number;
  readonly ask: number;
  readonly askSize: number;
}

export interface TapeTrade {
  readonly id: number;
  readonly time: number;
  readonly price: number;
  readonly size: number;
  readonly takerSold: boolean;
}

/** One symbol of the list. */
export interface Row {
  readonly listed: ListedSymbol;
  /** Its number in the dictionary of this connection; 0 before that has come. */
  instrument: number;
  last: number;
  /** Of the last trade, µs. */
  time: number;
  direction: 'up' | 'down' | 'flat';
  /** Times the price moved. */
  moves: number;
  ticker: Ticker | undefined;
}

/** What is shown large: a symbol and a length of bars. */
export interface Selection {
  readonly symbol: string;
  readonly resolution: Resolution;
}

const tapeMost = 40;

export class MarketState {
  readonly rows = new Map<string, Row>();
  selection: Selection | undefined;
  quote: Quote | undefined;
  enigma: Enigma | undefined;
  /** Newest first. */
  tape: TapeTrade[] = [];
  /** Trades of the selected symbol since it was chosen, and the last id among them. */
  trades = 0;
  lastTradeId = 0;
  readonly #byInstrument = new Map<number, Row>();
  #epoch = 0;

  list(symbols: readonly ListedSymbol[]): void {
    const listed = new Set(symbols.map(({ symbol }) => symbol));
    for (const symbol of this.rows.keys()) if (!listed.has(symbol)) this.rows.delete(symbol);
    for (const symbol of symbols) {
      if (this.rows.has(symbol.symbol)) continue;
      const empty = {
        instrument: 0,
        last: 0,
        time: 0,
        direction: 'flat',
        moves: 0,
        ticker: undefined,
      } as const;
      this.rows.set(symbol.symbol, { listed: symbol, ...empty });
    }
  }

  /** The numbers of a dictionary; a new epoch makes those before it void. */
  learn(epoch: number, entries: readonly { readonly id: number; readonly symbol: string }[]): void {
    if (epoch !== this.#epoch) this.#byInstrument.clear();
    this.#epoch = epoch;
    for (const { id, symbol } of entries) {
      const row = this.rows.get(symbol);
      if (row === undefined) continue;
      row.instrument = id;
      this.#byInstrument.set(id, row);
    }
  }

  row(instrument: number): Row | undefined {
    return this.#byInstrument.get(instrument);
  }

  get selected(): Row | undefined {
    return this.selection && this.rows.get(this.selection.symbol);
  }

  isSelected(instrument: number): boolean {
    return this.selected?.instrument === instrument;
  }

  select(selection: Selection): void {
    const isOther = selection.symbol !== this.selection?.symbol;
    this.selection = selection;
    if (!isOther) return;
    this.quote = undefined;
    this.enigma = undefined;
    this.tape = [];
    this.trades = 0;
    this.lastTradeId = 0;
  }

  takeTicker(ticker: Ticker): Row | undefined {
    const row = this.row(ticker.instrument);
    if (row === undefined) return undefined;
    row.ticker = ticker;
    moveTo(row, ticker.last, ticker.time);
    return row;
  }

  takeTrades(batch: TradeBatch): Row | undefined {
    const row = this.row(batch.instrument);
    if (row === undefined || batch.count === 0) return undefined;
    const newest = batch.count - 1;
    moveTo(row, batch.price[newest]!, batch.time[newest]!);
    if (!this.isSelected(batch.instrument)) return row;
    const from = Math.max(0, batch.count - tapeMost);
    const come: TapeTrade[] = [];
    for (let i = newest; i >= from; i--) {
      const id = batch.id[i]!;
      if (id <= this.lastTradeId) continue;
      const takerSold = (batch.flags[i]! & 1) !== 0;
      come.push({ id, time: batch.time[i]!, price: batch.price[i]!, size: batch.size[i]!, takerSold });
    }
    if (!batch.snapshot) this.trades += batch.count;
    this.lastTradeId = Math.max(this.lastTradeId, batch.id[newest]!);
    this.tape = [...come, ...this.tape].slice(0, tapeMost);
    return row;
  }

  takeQuotes(batch: QuoteBatch): void {
    if (!this.isSelected(batch.instrument) || batch.count === 0) return;
    const i = batch.count - 1;
    this.quote = {
      bid: batch.bid[i]!,
      bidSize: batch.bidSize[i]!,
      ask: batch.ask[i]!,
      askSize: batch.askSize[i]!,
    };
  }
}

/** A price that is not older than the one shown. */
function moveTo(row: Row, price: number, time: number): void {
  if (time < row.time) return;
  row.time = time;
  if (price === row.last) return;
  if (row.last !== 0) {
    row.direction = price > row.last ? 'up' : 'down';
    row.moves++;
  }
  row.last = price;
}
