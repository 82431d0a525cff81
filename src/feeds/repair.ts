/**
 * The repair of one venue over REST: missing trades by id, and order books. It holds no socket besides the venue's
 * `VenueRest` and no thread: told what is missing, it gives tick records to its sink as they come.
 */
import type { Instrument } from '../market/instrument.ts';
import { type BookHealth, BookRepair } from './repair-books.ts';
import { RepairDesk, type RepairOptions } from './repair-desk.ts';
import { type GapHealth, GapRepair } from './repair-gaps.ts';
import type { CandlesQuery, RestBudget, VenueCandle } from './venue-rest.ts';

export interface RepairHealth {
  readonly gaps: GapHealth;
  readonly books: BookHealth;
  readonly budget: RestBudget;
  /** ms until the venue may be asked again; 0 at once. */
  readonly pausedMs: number;
  /** Why it last failed; empty when it never did. */
  readonly lastFault: string;
}

export class Repair {
  readonly #desk: RepairDesk;
  readonly #gaps: GapRepair;
  readonly #books: BookRepair;

  constructor(options: RepairOptions) {
    this.#desk = new RepairDesk(options);
    this.#gaps = new GapRepair(this.#desk);
    this.#books = new BookRepair(this.#desk);
  }

  /** Trade ids `from` to `to`, both included, are missing. Each becomes a trade (`tickFlag.repair`) or part of a `lost`. */
  gap(instrument: number, from: number, to: number): void {
    this.#gaps.want(instrument, from, to);
  }

  /** The book needs a snapshot. @param reason of `bookReason` (wire/row.ts), for the counts */
  bookRequest(instrument: number, reason: number): void {
    this.#books.want(instrument, reason);
  }

  /** The book is not wanted any more. */
  forgetBook(instrument: number): void {
    this.#books.forget(instrument);
  }

  /** The instruments that somebody watches: theirs come first. Takes the place of the set before. */
  watch(instruments: Iterable<number>): void {
    this.#desk.watched = new Set(instruments);
    this.#gaps.work();
    this.#books.work();
  }

  listing(): Promise<Omit<Instrument, 'id'>[]> {
    return this.#desk.options.rest.instruments();
  }

  candles(instrument: Instrument, query: CandlesQuery): Promise<VenueCandle[]> {
    return this.#desk.options.rest.candles(instrument, query);
  }

  health(): RepairHealth {
    const { options, pausedUntil, lastFault } = this.#desk;
    const budget = options.rest.budget();
    return {
      gaps: this.#gaps.health(),
      books: this.#books.health(),
      budget,
      pausedMs: Math.max(0, pausedUntil - this.#desk.now(), budget.pausedMs),
      lastFault,
    };
  }

  /** Nothing is asked or given any more. May be called twice. */
  close(): void {
    this.#desk.closed = true;
    this.#gaps.close();
    this.#books.close();
  }
}
