/** A symbol of the simulated market, as REST may see it. */
import type { Bar } from './bar.ts';
import { formatDecimal } from './decimal.ts';
import type { History } from './history.ts';
import type { Interval } from './interval.ts';
import type { Pit } from './pit.ts';
import { Series } from './series.ts';
import type { DepthAnswer, QuoteAnswer, SymbolView } from './source.ts';

export class PitView implements SymbolView {
  readonly trades: Pit['tape'];
  readonly aggregates: Pit['tape'];
  readonly series: Series;
  readonly pit: Pit;
  readonly #history: History;

  constructor(pit: Pit, history: History) {
    this.trades = pit.tape;
    this.aggregates = pit.tape;
    this.series = new Series(pit.tape, history);
    this.pit = pit;
    this.#history = history;
  }

  get instrument(): Pit['instrument'] {
    return this.pit.instrument;
  }

  get status(): 'TRADING' | 'BREAK' {
    return this.pit.status === 'TRADING' ? 'TRADING' : 'BREAK';
  }

  /** Prices are counted in a finer unit: so many of it are one of the old. */
  refine(factor: number): void {
    this.#history.refine(factor);
    this.pit.refine(factor);
  }

  bars(interval: Interval, fromMs: number | undefined, toMs: number, limit: number): readonly Bar[] {
    return this.series.bars(interval, fromMs, toMs, limit);
  }

  depth(levels: number): DepthAnswer {
    const { bids, asks, updateId } = this.pit;
    return { lastUpdateId: updateId, bids: this.#side(bids, levels), asks: this.#side(asks, levels) };
  }

  quote(): QuoteAnswer {
    const [[bid, bidSize] = ['', '']] = this.#side(this.pit.bids, 1);
    const [[ask, askSize] = ['', '']] = this.#side(this.pit.asks, 1);
    return { bid, bidSize, ask, askSize };
  }

  #side({ prices, sizes }: Pit['bids'], levels: number): [string, string][] {
    const { priceDecimals, sizeDecimals } = this.instrument;
    return prices
      .slice(0, levels)
      .map((price, i) => [formatDecimal(price, priceDecimals), formatDecimal(sizes[i]!, sizeDecimals)]);
  }
}
