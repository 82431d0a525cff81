/** Everything the simulated market knows of one symbol. */
import { levelsUsual, Side, type SideState } from './book.ts';
import type { SimulatedInstrument } from './instrument.ts';
import type { Tape } from './tape.ts';

export interface PitState {
  readonly bids: SideState;
  readonly asks: SideState;
  readonly tradeId: number;
  readonly aggregateId: number;
  readonly updateId: number;
  readonly fair: number;
  readonly heat: number;
  readonly lastUs: number;
}

export class Pit {
  readonly index: number;
  /** BREAK: listed, not traded. GONE: not listed any more. */
  status: 'TRADING' | 'BREAK' | 'GONE' = 'TRADING';
  instrument: SimulatedInstrument;
  /** Prices of the book are multiples of so many ticks of the instrument's digits. */
  grid = 1;
  readonly tape: Tape;
  readonly bids: Side;
  readonly asks: Side;
  /** The last ids given out. */
  tradeId = 0;
  aggregateId = 0;
  updateId = 0;
  /** Last update id that a depth message has told of. */
  publishedId = 0;
  /** The price, in ticks and fractions, around which the book moves. */
  fair: number;
  /** The volatility of the moment, 1 being normal. */
  heat = 1;
  lastUs = 0;
  /** Steps of a usual size on the book, about 2,000 of the quote currency. */
  readonly usualSize: number;
  /** Ticks of spread, over the least possible one, when the heat is 1. */
  readonly usualSpread: number;

  constructor(index: number, instrument: SimulatedInstrument, tape: Tape, levels = levelsUsual) {
    this.bids = new Side(1, levels);
    this.asks = new Side(-1, levels);
    this.index = index;
    this.instrument = instrument;
    this.tape = tape;
    this.fair = instrument.openingPrice;
    const { openingPrice, priceDecimals, sizeDecimals } = instrument;
    this.usualSize = Math.max(3, Math.round((2_000 * 10 ** (priceDecimals + sizeDecimals)) / openingPrice));
    this.usualSpread = Math.min(2, Math.max(0.2, openingPrice * 1e-5));
  }

  state(): PitState {
    return {
      bids: { prices: this.bids.prices, sizes: this.bids.sizes },
      asks: { prices: this.asks.prices, sizes: this.asks.sizes },
      tradeId: this.tradeId,
      aggregateId: this.aggregateId,
      updateId: this.updateId,
      fair: this.fair,
      heat: this.heat,
      lastUs: this.lastUs,
    };
  }

  /** Prices are counted in a finer unit: so many of it are one of the old. */
  refine(factor: number): void {
    this.fair *= factor;
    this.bids.refine(factor);
    this.asks.refine(factor);
    this.tape.refine(factor);
  }

  restore(state: PitState): void {
    this.bids.restore(state.bids);
    this.asks.restore(state.asks);
    this.tradeId = state.tradeId;
    this.aggregateId = state.aggregateId;
    this.updateId = state.updateId;
    this.publishedId = state.updateId;
    this.fair = state.fair;
    this.heat = state.heat;
    this.lastUs = state.lastUs;
  }
}
