/** A shard as plainly as it can be said: trades in, rows out as segments. For the writer's tests. */
import type { InstrumentSeed } from '../../src/market/history.ts';
import { barOpen, resolutions } from '../../src/market/resolution.ts';
import type { Bar, TradeRow } from '../../src/market/tick.ts';
import { RowBatch } from '../../src/stores/row-batch.ts';
import { rowWords } from '../../src/wire/row.ts';
import { withTrade } from '../stores/market-samples.ts';

/** The rows of one turn, in the order in which they were made. */
export class Turn {
  #words: number[] = [];
  trades = 0;
  bars = 0;

  trade(trade: TradeRow): void {
    this.trades++;
    const one = new RowBatch(1);
    one.addAll({ trades: [trade], bars: [], quotes: [], enigma: [] });
    this.#words.push(...one.trade.words.subarray(0, rowWords.trade));
  }

  bar(bar: Bar): void {
    this.bars++;
    const one = new RowBatch(1);
    one.addAll({ trades: [], bars: [bar], quotes: [], enigma: [] });
    this.#words.push(...one.bar.words.subarray(0, rowWords.bar));
  }

  /** The segment; the turn is empty afterwards. */
  take(): Uint8Array {
    const bytes = new Uint8Array(Float64Array.from(this.#words).buffer);
    this.#words = [];
    return bytes;
  }
}

/** The bars of one instrument. */
export class ObviousShard {
  readonly #open: (Bar | undefined)[] = [];
  newestId = 0;

  /** Goes on from a seed: what its bars lack is added trade by trade, and what that closes is put out. */
  constructor(seed: InstrumentSeed, turn: Turn) {
    for (const bar of seed.bars) this.#open[bar.resolution] = bar;
    this.newestId = Math.max(0, ...seed.bars.map(({ lastId }) => lastId), ...seed.trades.map(({ id }) => id));
    for (const trade of seed.trades) this.#add(trade, turn);
    this.forming(turn);
  }

  trade(trade: TradeRow, turn: Turn): void {
    turn.trade(trade);
    this.newestId = trade.id;
    this.#add(trade, turn);
  }

  forming(turn: Turn): void {
    for (const bar of this.#open) if (bar !== undefined) turn.bar(bar);
  }

  #add(trade: TradeRow, turn: Turn): void {
    for (let resolution = 0; resolution < resolutions.length; resolution++) {
      const bar = this.#open[resolution];
      if (bar !== undefined && trade.id <= bar.lastId) continue;
      const isSame = bar?.openTime === barOpen(resolution, trade.time);
      if (bar !== undefined && !isSame) turn.bar({ ...bar, closed: true });
      this.#open[resolution] = withTrade(isSame ? bar : undefined, trade, resolution);
    }
  }
}
