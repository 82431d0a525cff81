/** Plays the simulated market against the wall clock. */
import { performance } from 'node:perf_hooks';
import type { Bar } from './bar.ts';
import type { Switchboard } from './channel.ts';
import { formatDecimal } from './decimal.ts';
import { History } from './history.ts';
import type { Interval } from './interval.ts';
import { Keeper, type KeeperOptions, resume } from './keeper.ts';
import { SimulatedMarket } from './market.ts';
import type { Pit } from './pit.ts';
import { Publisher, streamTypes } from './publisher.ts';
import { Series } from './series.ts';
import type { DepthAnswer, ListedSymbol, QuoteAnswer, Source, SymbolView } from './source.ts';
import { StateFile } from './state-file.ts';
import type { Tally } from './tally.ts';

/** One turn of the event loop makes as many orders as this at the most, so that sockets get their share. */
const arrivalsPerTurn = 4_096;
const waitMsMax = 100;

export interface LiveOptions extends KeeperOptions {
  /** Undefined: now. */
  readonly startTimeMs: number | undefined;
  readonly stateFile: string | undefined;
}

export class LiveMarket implements Source {
  readonly listing: readonly ListedSymbol[];
  readonly finished: Promise<void> = new Promise(() => {}); // a market has no end
  readonly #switchboard: Switchboard;
  readonly #market: SimulatedMarket;
  readonly #keeper: Keeper | undefined;
  readonly #views = new Map<string, PitView>();
  readonly #publisher: Publisher;
  /** Whether the market begins where the wall clock is when it is started. */
  readonly #beginsNow: boolean;
  readonly #goesOn: boolean;
  #marketUs = 0;
  #wallMs = 0;
  #running = false;
  #timer: NodeJS.Timeout | NodeJS.Immediate | undefined;

  constructor(options: LiveOptions, switchboard: Switchboard, tally: Tally) {
    this.#switchboard = switchboard;
    const startMs = options.startTimeMs ?? Date.now();
    const file = options.stateFile === undefined ? undefined : new StateFile(options.stateFile);
    const saved = file?.read();
    const begun =
      file !== undefined && saved !== undefined
        ? resume(file, saved, options, startMs * 1_000)
        : fresh(options, startMs);
    this.#market = begun.market;
    this.#goesOn = begun.replayed;
    this.#beginsNow = options.startTimeMs === undefined;
    this.#keeper = file === undefined ? undefined : new Keeper(file, options, begun);
    for (const pit of this.#market.pits) {
      const history = new History(pit.instrument, options.seed, begun.genesisMs);
      this.#views.set(pit.instrument.symbol, new PitView(pit, new Series(pit.tape, history)));
    }
    const series = [...this.#views.values()].map((view) => view.series);
    this.#publisher = new Publisher(this.#market.pits, series, switchboard, tally);
    const streams = streamTypes();
    this.listing = this.#market.pits.map(({ instrument: { symbol, base, quote, tickSize, stepSize } }) => {
      return { symbol, base, quote, tickSize, stepSize, streams };
    });
  }

  nowMs(): number {
    const us = this.#running
      ? this.#marketUs + (performance.now() - this.#wallMs) * 1_000
      : this.#market.timeUs;
    return Math.max(us, this.#market.timeUs) / 1_000;
  }

  view(symbol: string): SymbolView | undefined {
    return this.#views.get(symbol);
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    const nowUs = Date.now() * 1_000;
    if (this.#beginsNow && this.#goesOn) this.#market.advance(nowUs, Infinity);
    else if (this.#beginsNow) this.#market.idleUntil(nowUs);
    this.#marketUs = this.#market.timeUs;
    this.#wallMs = performance.now();
    this.#market.voice = this.#publisher;
    this.#publisher.afterSecond = (ms) => this.#keeper?.second(ms);
    this.#keeper?.start(!this.#goesOn);
    this.#turn();
  }

  close(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#timer as NodeJS.Timeout);
    clearImmediate(this.#timer as NodeJS.Immediate);
    this.#keeper?.close();
    return Promise.resolve();
  }

  #turn(): void {
    if (!this.#running) return;
    const nowUs = this.#marketUs + (performance.now() - this.#wallMs) * 1_000;
    const caughtUp = this.#market.advance(nowUs, arrivalsPerTurn);
    this.#switchboard.flush();
    if (!caughtUp) {
      this.#timer = setImmediate(() => this.#turn());
      return;
    }
    const waitMs = (this.#market.nextUs - nowUs) / 1_000;
    this.#timer = setTimeout(() => this.#turn(), Math.min(waitMsMax, Math.max(1, Math.ceil(waitMs))));
  }
}

function fresh(options: LiveOptions, startMs: number): ReturnType<typeof resume> {
  const market = new SimulatedMarket({ ...options, startUs: startMs * 1_000 });
  return { market, genesisMs: startMs, barsUntilMs: 0, replayed: false };
}

class PitView implements SymbolView {
  readonly instrument: Pit['instrument'];
  readonly trades: Pit['tape'];
  readonly aggregates: Pit['tape'];
  readonly series: Series;
  readonly #pit: Pit;

  constructor(pit: Pit, series: Series) {
    this.instrument = pit.instrument;
    this.trades = pit.tape;
    this.aggregates = pit.tape;
    this.series = series;
    this.#pit = pit;
  }

  bars(interval: Interval, fromMs: number | undefined, toMs: number, limit: number): readonly Bar[] {
    return this.series.bars(interval, fromMs, toMs, limit);
  }

  depth(levels: number): DepthAnswer {
    const { bids, asks, updateId } = this.#pit;
    return { lastUpdateId: updateId, bids: this.#side(bids, levels), asks: this.#side(asks, levels) };
  }

  quote(): QuoteAnswer {
    const [[bid, bidSize] = ['', '']] = this.#side(this.#pit.bids, 1);
    const [[ask, askSize] = ['', '']] = this.#side(this.#pit.asks, 1);
    return { bid, bidSize, ask, askSize };
  }

  #side({ prices, sizes }: Pit['bids'], levels: number): [string, string][] {
    const { priceDecimals, sizeDecimals } = this.instrument;
    return prices
      .slice(0, levels)
      .map((price, i) => [formatDecimal(price, priceDecimals), formatDecimal(sizes[i]!, sizeDecimals)]);
  }
}
