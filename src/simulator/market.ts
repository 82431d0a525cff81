/**
 * A seeded market in its own time: orders arrive in bursts, prices walk with clusters of volatility, and everything
 * that happens is told to a voice, in order. Knows no clock and no socket: the same seed gives the same session.
 */
import { Dice, type DiceState, digest } from './dice.ts';
import { simulatedInstruments } from './instrument.ts';
import { Pit, type PitState } from './pit.ts';
import { Tape } from './tape.ts';

/** What hears of the market, in the order in which it happens. */
export interface MarketVoice {
  trade(pit: Pit, price: number, size: number, timeUs: number, buyerIsMaker: boolean): void;
  aggregate(
    pit: Pit,
    price: number,
    size: number,
    firstId: number,
    timeUs: number,
    buyerIsMaker: boolean,
  ): void;
  quote(pit: Pit): void;
  depth(pit: Pit, timeUs: number, firstId: number, bids: readonly number[], asks: readonly number[]): void;
  /** A second of market time is over; `ms` is where the next one begins. */
  second(ms: number): void;
}

export interface MarketState {
  readonly timeUs: number;
  readonly dice: DiceState;
  readonly excitement: number;
  readonly nextArrivalUs: number;
  readonly pits: readonly PitState[];
}

export interface MarketOptions {
  readonly seed: number;
  readonly symbols: number;
  /** Trade and quote messages a second over all symbols. */
  readonly ticksPerSecond: number;
  readonly startUs: number;
  /** Levels of a side of a book; default 20. */
  readonly bookLevels?: number;
}

const boundaryUs = 100_000;
const secondUs = 1_000_000;
/** One arrival in this many is a taker order; with its fills that makes 3.5 quotes a trade. */
const takerShare = 0.165;
const messagesPerArrival = 1.29;
/** Bursts: each arrival raises the rate of the next ones, by this share in all, dying away over 50 ms. */
const burstShare = 0.45;
const burstUs = 50_000;
const slots = 8_192;
/** Trades that are kept, shared out so that those of all symbols reach back as far. */
const tapeRowsTotal = 2 ** 21;
const tapeRowsLeast = 2_048;
const tapeMinutesTotal = 300_000;
const yearUs = 31_536_000_000_000;

export class SimulatedMarket {
  readonly pits: readonly Pit[];
  timeUs: number;
  readonly #dice: Dice;
  readonly #slots: Uint16Array;
  /** Arrivals per microsecond without bursts. */
  readonly #calmRate: number;
  #excitement = 0;
  #nextArrivalUs = 0;
  #voice: MarketVoice | undefined;
  #gap = (): number => 1 + this.#dice.below(3);

  constructor(options: MarketOptions) {
    const instruments = simulatedInstruments(options.symbols);
    const activity = instruments.reduce((sum, row) => sum + row.activity, 0);
    const minutesMax = Math.max(1_500, Math.floor(tapeMinutesTotal / options.symbols));
    this.pits = instruments.map(
      (row, index) =>
        new Pit(index, row, new Tape(rowsOf(row.activity / activity), minutesMax), options.bookLevels),
    );
    this.#dice = new Dice(digest(options.seed, 'market'));
    this.#slots = zipfSlots(instruments.map((row) => row.activity));
    this.#calmRate = ((1 - burstShare) * options.ticksPerSecond) / messagesPerArrival / secondUs;
    this.timeUs = options.startUs;
    for (const pit of this.pits) this.#open(pit);
    this.#nextArrivalUs = this.timeUs;
    this.#drawArrival();
  }

  set voice(voice: MarketVoice | undefined) {
    this.#voice = voice;
  }

  state(): MarketState {
    return {
      timeUs: this.timeUs,
      dice: this.#dice.state(),
      excitement: this.#excitement,
      nextArrivalUs: this.#nextArrivalUs,
      pits: this.pits.map((pit) => pit.state()),
    };
  }

  restore(state: MarketState): void {
    this.timeUs = state.timeUs;
    this.#dice.restore(state.dice);
    this.#excitement = state.excitement;
    this.#nextArrivalUs = state.nextArrivalUs;
    for (const [index, pit] of this.pits.entries()) pit.restore(state.pits[index]!);
  }

  /** Time passes without trading; ids stay, prices stay. */
  idleUntil(us: number): void {
    if (us <= this.timeUs) return;
    this.timeUs = us;
    this.#nextArrivalUs = us;
    this.#drawArrival();
  }

  /** The moment of the next thing that happens. */
  get nextUs(): number {
    return Math.min(this.#nextArrivalUs, this.#nextBoundaryUs());
  }

  /** Lets the market run to `untilUs`, or until `arrivalsMax` orders have come; true when it got there. */
  advance(untilUs: number, arrivalsMax: number): boolean {
    let boundary = this.#nextBoundaryUs();
    for (let arrivals = 0; arrivals < arrivalsMax; ) {
      if (boundary <= this.#nextArrivalUs) {
        if (boundary > untilUs) break;
        this.timeUs = boundary;
        this.#boundary();
        boundary += boundaryUs;
      } else {
        if (this.#nextArrivalUs > untilUs) break;
        this.timeUs = this.#nextArrivalUs;
        this.#arrival();
        this.#drawArrival();
        arrivals++;
      }
    }
    if (this.nextUs <= untilUs) return false;
    this.timeUs = Math.max(this.timeUs, untilUs);
    return true;
  }

  #nextBoundaryUs(): number {
    return (Math.floor(this.timeUs / boundaryUs) + 1) * boundaryUs;
  }

  /** Goes on from ids and a price that are known, with a new book around it. */
  goOn(pit: Pit, tradeId: number, aggregateId: number, updateId: number, price: number): void {
    pit.tradeId = tradeId;
    pit.aggregateId = aggregateId;
    pit.updateId = updateId;
    pit.publishedId = updateId;
    pit.fair = price;
    pit.lastUs = this.timeUs;
    const size = (): number => this.#size(pit);
    pit.bids.move(Math.max(1, Math.floor(price)), size, this.#gap);
    pit.asks.move(Math.max(1, Math.floor(price)) + 1, size, this.#gap);
    pit.bids.changes(); // the first depth message tells of changes since here
    pit.asks.changes();
  }

  #open(pit: Pit): void {
    const roll = new Dice(digest(pit.instrument.symbol, 'ids'));
    const tradeId = 10_000_000 + roll.below(90_000_000);
    this.goOn(pit, tradeId, Math.floor(tradeId * 0.6), 1_000_000_000 + roll.below(1_000_000_000), pit.fair);
  }

  /** Ogata's thinning: exact for a rate that jumps up at each arrival and dies away exponentially. */
  #drawArrival(): void {
    for (;;) {
      const rate = this.#calmRate + this.#excitement;
      const wait = this.#dice.exponential() / rate;
      this.#nextArrivalUs += wait;
      this.#excitement *= Math.exp(-wait / burstUs);
      if (this.#dice.unit() * rate <= this.#calmRate + this.#excitement) break;
    }
    this.#excitement += burstShare / burstUs;
  }

  #arrival(): void {
    const pit = this.pits[this.#slots[this.#dice.u32() & (slots - 1)]!]!;
    if (pit.status !== 'TRADING') return;
    const timeUs = Math.floor(this.timeUs);
    this.#walk(pit, timeUs);
    if (this.#dice.unit() < takerShare) this.#take(pit, timeUs);
    else this.#requote(pit);
  }

  #walk(pit: Pit, timeUs: number): void {
    const seconds = Math.min(60, (timeUs - pit.lastUs) / secondUs);
    pit.lastUs = timeUs;
    if (this.#dice.unit() < seconds / 20)
      pit.heat = 0.3 + this.#dice.exponential() * this.#dice.exponential();
    const { volatility, openingPrice } = pit.instrument;
    const drift = ((openingPrice - pit.fair) * seconds * secondUs) / yearUs; // no price walks away for ever
    pit.fair += pit.fair * volatility * pit.heat * Math.sqrt(seconds) * this.#dice.normal() + drift;
    pit.fair = Math.max(3, Math.min(9e11, pit.fair));
  }

  #gapOf({ grid }: Pit): () => number {
    return grid === 1 ? this.#gap : () => this.#gap() * grid;
  }

  /** Prices are multiples of so many ticks from now on: a new book is made around the price. */
  regrid(pit: Pit, grid: number): void {
    pit.grid = grid;
    const bid = Math.max(1, Math.floor(pit.fair / grid)) * grid;
    const size = (): number => this.#size(pit);
    pit.bids.open(bid, size, this.#gapOf(pit));
    pit.asks.open(bid + grid, size, this.#gapOf(pit));
    pit.updateId += 2;
  }

  /** Mostly a size changes at the top; now and then the whole book moves to the fair price. */
  #requote(pit: Pit): void {
    const roll = this.#dice.unit();
    if (roll < 0.25) this.#move(pit);
    else {
      const side = roll < 0.625 ? pit.bids : pit.asks;
      side.resize(0, this.#size(pit));
      pit.updateId++;
    }
    if (this.#dice.unit() < 0.5) this.#stirDepth(pit);
    this.#voice?.quote(pit);
  }

  #move(pit: Pit): void {
    const { grid } = pit;
    const spread = 1 + Math.floor(this.#dice.exponential() * pit.usualSpread * pit.heat);
    const bid = Math.max(1, Math.floor(pit.fair / grid - spread / 2)) * grid;
    const size = (): number => this.#size(pit);
    pit.bids.move(bid, size, this.#gapOf(pit));
    pit.asks.move(bid + spread * grid, size, this.#gapOf(pit));
    pit.updateId += 2;
  }

  /** A level below the top changes: the update id goes on, though no top of book tells of it. */
  #stirDepth(pit: Pit): void {
    const side = this.#dice.u32() & 1 ? pit.bids : pit.asks;
    if (side.prices.length < 2) return;
    side.resize(1 + this.#dice.below(side.prices.length - 1), this.#size(pit));
    pit.updateId++;
  }

  /** A taker order: fills at the best price, and where it eats a level up, perhaps goes on at the next. */
  #take(pit: Pit, timeUs: number): void {
    const middle = (pit.bids.best + pit.asks.best) / 2;
    const upward = this.#dice.unit() < (pit.fair > middle ? 0.65 : 0.35);
    const side = upward ? pit.asks : pit.bids;
    for (let level = 0; level < 3; level++) {
      const eaten = this.#fill(pit, side, timeUs, !upward);
      pit.updateId++;
      this.#voice?.quote(pit);
      if (!eaten || this.#dice.unit() < 0.7) return;
    }
  }

  /** Fills at one price, which make one aggregate. True when nothing was left of the level. */
  #fill(pit: Pit, side: Pit['bids'], timeUs: number, buyerIsMaker: boolean): boolean {
    const price = side.best;
    const firstId = pit.tradeId + 1;
    let total = 0;
    pit.aggregateId++;
    do {
      const left = side.bestSize - total;
      const size = Math.min(left, Math.max(1, Math.round(this.#size(pit) * 0.2)));
      total += size;
      pit.tradeId++;
      pit.tape.append(pit.tradeId, pit.tradeId, pit.aggregateId, price, size, timeUs, buyerIsMaker);
      this.#voice?.trade(pit, price, size, timeUs, buyerIsMaker);
    } while (total < side.bestSize && this.#dice.unit() < 0.4);
    this.#voice?.aggregate(pit, price, total, firstId, timeUs, buyerIsMaker);
    side.resize(0, side.bestSize - total);
    if (side.bestSize > 0) return false;
    side.consume(() => this.#size(pit), this.#gapOf(pit));
    return true;
  }

  /** Sizes of orders: many small, few large. In steps, at least one. */
  #size(pit: Pit): number {
    const roll = this.#dice.exponential();
    return Math.max(1, Math.round(pit.usualSize * roll * (this.#dice.u32() & 15 ? 0.5 : 4)));
  }

  #boundary(): void {
    for (const pit of this.pits) {
      if (pit.updateId === pit.publishedId || pit.status !== 'TRADING') continue;
      const bids = pit.bids.changes();
      const asks = pit.asks.changes();
      this.#voice?.depth(pit, this.timeUs, pit.publishedId + 1, bids, asks);
      pit.publishedId = pit.updateId;
    }
    if (this.timeUs % secondUs === 0) this.#voice?.second(this.timeUs / 1_000);
  }
}

/** How many trades are kept of a symbol with this share of all: a power of two. */
function rowsOf(share: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(tapeRowsLeast, tapeRowsTotal * share)));
}

/** A table from which an even draw gives each symbol its share of the activity, and each at least one slot. */
function zipfSlots(activity: readonly number[]): Uint16Array {
  const table = new Uint16Array(slots);
  const total = activity.reduce((sum, share) => sum + share, 0);
  const free = slots - activity.length;
  let at = 0;
  let reached = 0;
  for (const [index, share] of activity.entries()) {
    reached += share;
    const until = index + 1 + Math.round((free * reached) / total);
    table.fill(index, at, until);
    at = until;
  }
  return table.fill(activity.length - 1, at);
}
