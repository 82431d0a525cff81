/** A flood: a prepared block played round after round, as fast as the sockets take it, or evenly paced. */
import type { Dialect, Floor, VenueSource } from './dialect.ts';
import { FloodBlock } from './flood-block.ts';
import { FloodRush, wallUs } from './flood-rush.ts';
import { FloodStroll } from './flood-stroll.ts';
import { History } from './history.ts';
import type { FloodOptions } from './options.ts';
import { Series } from './series.ts';
import { SimulatorFault } from './simulator-fault.ts';
import type { ListedSymbol, MarketCommand, Source, SymbolView } from './source.ts';
import type { LatenessReport } from './tally.ts';
import { Tape } from './tape.ts';

const blockMessagesMax = 200_000;
const quotesPerTradeUsual = 3.5;
const tapeRowsTotal = 2 ** 21;

export class Flood implements Source {
  readonly listing: readonly ListedSymbol[];
  readonly finished: Promise<void>;
  readonly #floor: Floor;
  readonly #play: FloodRush | FloodStroll;
  readonly #views: ReadonlyMap<string, SymbolView>;
  /** What the market's time is ahead of the wall's. */
  readonly #aheadUs: number;
  #running = false;
  #finish: () => void = () => {};
  #fail: (error: unknown) => void = () => {};

  constructor(
    options: FloodOptions,
    { seed, startTimeMs }: { readonly seed: number; readonly startTimeMs: number | undefined },
    floor: Floor,
  ) {
    const { messages, pace } = options;
    const quotesPerTrade = options.quotesPerTrade ?? quotesPerTradeUsual;
    const length = Math.max(1, Math.min(messages, blockMessagesMax));
    const block = new FloodBlock(length, options.symbols, quotesPerTrade, seed, floor.switchboard);
    const rows = 2 ** Math.floor(Math.log2(tapeRowsTotal / options.symbols));
    const tapes = block.symbols.map(() => new Tape(rows, 1_500));
    const firstUs = startTimeMs === undefined ? undefined : startTimeMs * 1_000;
    this.#floor = floor;
    this.#aheadUs = firstUs === undefined ? 0 : firstUs - wallUs();
    this.#play =
      pace === undefined
        ? new FloodRush(block, messages, floor)
        : new FloodStroll({ block, messages, perSecond: pace.perSecond, firstUs, floor, tapes });
    this.#views = views(block, tapes, seed, this.nowMs());
    this.finished = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    const streams = quotesPerTrade > 0 ? ['trade', 'bookTicker'] : ['trade'];
    this.listing = block.symbols.map(({ instrument: { symbol, base, quote, tickSize, stepSize } }) => {
      return { symbol, base, quote, tickSize, stepSize, streams };
    });
  }

  nowMs(): number {
    return (wallUs() + this.#aheadUs) / 1_000;
  }

  at(_dialect: Dialect): VenueSource {
    return this;
  }

  view(symbol: string): SymbolView | undefined {
    return this.#views.get(symbol);
  }

  order({ kind }: MarketCommand): void {
    throw new SimulatorFault(`A flood has no market that could ${kind} a symbol; use the simulated market.`);
  }

  schedule(afterMs: number, act: () => void): void {
    if (this.#play instanceof FloodStroll) this.#play.schedule(afterMs, act);
    else setTimeout(act, afterMs).unref();
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#play
      .play()
      .then(() => this.#ended())
      .catch(this.#fail);
  }

  close(): Promise<void> {
    this.#play.closed = true;
    return Promise.resolve();
  }

  lateness(): LatenessReport {
    return this.#play instanceof FloodStroll
      ? this.#play.lateness.report()
      : { messages: 0, p50Us: 0, p99Us: 0, maxUs: 0 };
  }

  async #ended(): Promise<void> {
    if (this.#play.closed) return; // closed before its end: it never finishes
    await this.#floor.switchboard.emptied();
    this.#finish();
  }
}

/** REST knows the instruments, their history, and the trades of a paced flood. */
function views(
  block: FloodBlock,
  tapes: readonly Tape[],
  seed: number,
  nowMs: number,
): Map<string, SymbolView> {
  return new Map(
    block.symbols.map(({ instrument }, index) => {
      const tape = tapes[index]!;
      const series = new Series(tape, new History(instrument, seed, nowMs));
      const view: SymbolView = {
        instrument,
        status: 'TRADING',
        trades: tape,
        aggregates: tape,
        bars: (...question) => series.bars(...question),
        depth: () => ({ lastUpdateId: 0, bids: [], asks: [] }),
        quote: () => undefined,
      };
      return [instrument.symbol, view];
    }),
  );
}
