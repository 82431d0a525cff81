/**
 * A symbol of another venue: it follows the price of the same asset at the first venue within a few basis points, and
 * has its own orders, book, trade ids and update ids. Acts when the first venue's pit does, or lets it pass.
 */
import type { Bar } from './bar.ts';
import { Dice, type DiceState, digest } from './dice.ts';
import { History } from './history.ts';
import type { SimulatedInstrument } from './instrument.ts';
import { Pit, type PitState } from './pit.ts';
import { PitView } from './pit-view.ts';
import { Tape } from './tape.ts';

/** What a venue makes of an asset. */
export interface SatelliteRow {
  /** The venue's own name. */
  readonly symbol: string;
  readonly quote: string;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
  /** Orders here for each order at the first venue, at most 1. */
  readonly share: number;
  /** Basis points around which the price here lies above the first venue's. */
  readonly basisPoints: number;
}

/** What is heard of a satellite. */
export interface SatelliteVoice {
  trade(pit: Pit, price: number, size: number, timeUs: number, buyerIsMaker: boolean): void;
  /** The book has changed, at `pit.lastUs`. */
  quote(pit: Pit): void;
  /** Market time has come so far. */
  pass(timeUs: number): void;
  second(ms: number): void;
  relisted(pit: Pit): void;
}

/** All that is needed to go on from here to the same trades. */
export interface SatelliteState {
  readonly pit: PitState;
  readonly dice: DiceState;
  readonly stray: number;
}

const takerShare = 0.165;
const delayUsMax = 800;
/** Per order: how much of a strayed basis comes back, and how far it strays, in basis points. */
const comesBack = 0.02;
const straysBy = 0.25;
const tapeRowsTotal = 2 ** 20;
const tapeRowsLeast = 2_048;
const minutesMax = 6_000;

/** Made without a past: `begin`, `goOn` or `restore` gives it one. */
export class SatellitePit {
  readonly reference: Pit;
  readonly pit: Pit;
  readonly view: PitView;
  readonly #row: SatelliteRow;
  readonly #dice: Dice;
  #stray = 0;
  /** The first venue's tick when it was last looked at. */
  #referenceTick: number;

  constructor(index: number, reference: Pit, row: SatelliteRow, seed: number, genesisMs: number) {
    this.reference = reference;
    this.#row = row;
    this.#dice = new Dice(digest(seed, 'satellite', row.symbol));
    this.#referenceTick = Number(reference.instrument.tickSize);
    const instrument = instrumentOf(reference.instrument, row);
    this.pit = new Pit(index, instrument, new Tape(rowsOf(instrument.activity), minutesMax));
    // drawn under the first venue's name: the same past, in the digits of here
    const past = { ...instrument, symbol: reference.instrument.symbol };
    this.view = new PitView(this.pit, new History(past, seed, genesisMs));
  }

  /** Opens where the first venue is, with ids that nobody has been told of yet. */
  begin(): void {
    const ids = new Dice(digest(this.#row.symbol, 'ids'));
    const tradeId = ids.below(90_000_000) + this.reference.tradeId;
    this.goOn(tradeId, ids.below(1_000_000_000) + this.reference.updateId);
  }

  /** Goes on after these ids, with a new book where the first venue is. */
  goOn(tradeId: number, updateId: number): void {
    const { pit, reference } = this;
    this.#adoptPast();
    pit.tradeId = tradeId;
    pit.aggregateId = tradeId;
    pit.updateId = updateId;
    pit.lastUs = reference.lastUs;
    this.#follow();
    this.#openBook();
  }

  state(): SatelliteState {
    return { pit: this.pit.state(), dice: this.#dice.state(), stray: this.#stray };
  }

  restore(state: SatelliteState): void {
    this.#adoptPast();
    this.pit.restore(state.pit);
    this.#dice.restore(state.dice);
    this.#stray = state.stray;
  }

  /** An order came to the first venue: perhaps one comes here. */
  act(voice: SatelliteVoice): void {
    const { pit, reference } = this;
    const dice = this.#dice;
    if (pit.status !== 'TRADING' || dice.unit() >= this.#row.share) return;
    pit.lastUs = Math.max(pit.lastUs, reference.lastUs - dice.below(delayUsMax));
    this.#follow();
    if (dice.unit() < takerShare) return this.#take(voice);
    this.#requote();
    voice.quote(pit);
  }

  /** The first venue's symbol was delisted, renamed, or got another tick: so it is here. */
  relist(): void {
    const { instrument, status } = this.reference;
    const { pit } = this;
    pit.status = status;
    if (instrument.base !== pit.instrument.base) {
      const symbol = instrument.base + pit.instrument.symbol.slice(pit.instrument.base.length);
      pit.instrument = { ...pit.instrument, base: instrument.base, symbol };
    }
    const tick = Number(instrument.tickSize);
    if (tick === this.#referenceTick) return;
    this.#changeTick(Math.round(Math.log10(this.#referenceTick / tick)));
    this.#referenceTick = tick;
  }

  /** So many digits more, or fewer where it is negative; what has more digits already only gets a thinner book. */
  #changeTick(more: number): void {
    const { pit, view } = this;
    const { instrument, grid } = pit;
    const decimals = instrument.priceDecimals - Math.round(Math.log10(grid)) + more;
    const wider = Math.max(0, decimals - instrument.priceDecimals);
    if (wider > 0) view.refine(10 ** wider);
    pit.instrument = {
      ...instrument,
      priceDecimals: instrument.priceDecimals + wider,
      openingPrice: instrument.openingPrice * 10 ** wider,
      tickSize: (10 ** -decimals).toFixed(8),
    };
    pit.grid = 10 ** Math.max(0, pit.instrument.priceDecimals - decimals);
    this.#openBook();
  }

  #follow(): void {
    const { pit, reference } = this;
    this.#stray += straysBy * this.#dice.normal() - comesBack * this.#stray;
    const points = this.#row.basisPoints + this.#stray;
    const scale = 10 ** (pit.instrument.priceDecimals - reference.instrument.priceDecimals);
    pit.fair = Math.max(3 * pit.grid, reference.fair * scale * (1 + points / 10_000));
    pit.heat = reference.heat;
  }

  #openBook(): void {
    const { pit } = this;
    const bid = Math.max(1, Math.floor(pit.fair / pit.grid)) * pit.grid;
    pit.bids.open(bid, this.#size, this.#gap);
    pit.asks.open(bid + pit.grid, this.#size, this.#gap);
    pit.updateId += 2;
  }

  #requote(): void {
    const { pit } = this;
    const roll = this.#dice.unit();
    if (roll < 0.3) this.#move();
    else {
      (roll < 0.65 ? pit.bids : pit.asks).sizes[0] = this.#size();
      pit.updateId++;
    }
    if (this.#dice.unit() < 0.5) return;
    const side = this.#dice.u32() & 1 ? pit.bids : pit.asks;
    if (side.prices.length < 2) return;
    side.sizes[1 + this.#dice.below(side.prices.length - 1)] = this.#size();
    pit.updateId++;
  }

  #move(): void {
    const { pit } = this;
    const { grid } = pit;
    const spread = 1 + Math.floor(this.#dice.exponential() * pit.usualSpread * pit.heat);
    const bid = Math.max(1, Math.floor(pit.fair / grid - spread / 2)) * grid;
    pit.bids.move(bid, this.#size, this.#gap);
    pit.asks.move(bid + spread * grid, this.#size, this.#gap);
    pit.updateId += 2;
  }

  /** A taker order: fills at the best price, and where it eats a level up, perhaps goes on at the next. */
  #take(voice: SatelliteVoice): void {
    const { pit } = this;
    const middle = (pit.bids.best + pit.asks.best) / 2;
    const upward = this.#dice.unit() < (pit.fair > middle ? 0.65 : 0.35);
    for (let level = 0; level < 3; level++) {
      const eaten = this.#fill(voice, upward ? pit.asks : pit.bids, !upward);
      pit.updateId++;
      voice.quote(pit);
      if (!eaten || this.#dice.unit() < 0.7) return;
    }
  }

  #fill(voice: SatelliteVoice, side: Pit['bids'], buyerIsMaker: boolean): boolean {
    const { pit } = this;
    const price = side.best;
    let total = 0;
    do {
      const size = Math.min(side.bestSize - total, Math.max(1, Math.round(this.#size() * 0.2)));
      total += size;
      pit.tradeId++;
      pit.tape.append(pit.tradeId, pit.tradeId, pit.tradeId, price, size, pit.lastUs, buyerIsMaker);
      voice.trade(pit, price, size, pit.lastUs, buyerIsMaker);
    } while (total < side.bestSize && this.#dice.unit() < 0.4);
    side.sizes[0] = side.bestSize - total;
    if (side.bestSize > 0) return false;
    side.consume(this.#size, this.#gap);
    return true;
  }

  readonly #size = (): number => {
    const roll = this.#dice.exponential() * (this.#dice.u32() & 15 ? 0.5 : 4);
    return Math.max(1, Math.round(this.pit.usualSize * roll));
  };

  readonly #gap = (): number => (1 + this.#dice.below(3)) * this.pit.grid;

  /** Minutes of earlier sessions that are not known here, as the first venue knows them. */
  #adoptPast(): void {
    const { instrument, tape } = this.reference;
    const { priceDecimals, sizeDecimals } = this.pit.instrument;
    const price = (1 + this.#row.basisPoints / 10_000) * 10 ** (priceDecimals - instrument.priceDecimals);
    const size = 10 ** (sizeDecimals - instrument.sizeDecimals);
    const firstMs = this.pit.tape.minutes[0]?.openMs ?? Infinity;
    const known: Bar[] = [];
    for (const minute of tape.minutes) {
      if (minute.openMs >= firstMs) break;
      const ticks = (value: number): number => Math.max(1, Math.round(value * price));
      const steps = (value: bigint): bigint => BigInt(Math.round(Number(value) * size));
      const volume = steps(minute.volume);
      const takerVolume = steps(minute.takerVolume);
      const close = ticks(minute.close);
      known.push({
        ...minute,
        open: ticks(minute.open),
        high: ticks(minute.high),
        low: ticks(minute.low),
        close,
        volume,
        takerVolume,
        quote: volume * BigInt(close),
        takerQuote: takerVolume * BigInt(close),
        firstId: -1,
        lastId: -1,
      });
    }
    this.pit.tape.precede(known);
  }
}

function instrumentOf(reference: SimulatedInstrument, row: SatelliteRow): SimulatedInstrument {
  const { symbol, quote, priceDecimals, sizeDecimals, share, basisPoints } = row;
  const scale = 10 ** (priceDecimals - reference.priceDecimals);
  return {
    symbol,
    base: reference.base,
    quote,
    priceDecimals,
    sizeDecimals,
    tickSize: (10 ** -priceDecimals).toFixed(8),
    stepSize: (10 ** -sizeDecimals).toFixed(8),
    openingPrice: Math.max(3, Math.round(reference.openingPrice * scale * (1 + basisPoints / 10_000))),
    volatility: reference.volatility,
    activity: reference.activity * share,
  };
}

function rowsOf(activity: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(tapeRowsLeast, (tapeRowsTotal * activity) / 8)));
}
