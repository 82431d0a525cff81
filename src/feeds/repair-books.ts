/**
 * Fetches order books that have lost their way: one request an instrument at a time, and none for the others while a
 * watched one waits. A book that is asked for again while its request is under way is fetched again afterwards: what
 * comes may be older than the wish. None is given up: a failed one is fetched again, after 1 s doubling to a minute.
 *
 *   asked = given + merged + forgotten + waiting
 */
import { type TickRecords, tickRecords } from '../wire/tick-record.ts';
import { BookRecords } from './book-records.ts';
import { writeBook } from './book-snapshot.ts';
import { recordsPerMessageMax } from './normaliser.ts';
import { Alarm, backoffMs, type RepairDesk } from './repair-desk.ts';
import { restPriority, type VenueBook } from './venue-rest.ts';

export interface BookHealth {
  readonly asked: number;
  readonly given: number;
  /** Asked for while the same wish waited already. */
  readonly merged: number;
  /** Not wanted any more, or of an instrument that is not listed. */
  readonly forgotten: number;
  readonly waiting: number;
  readonly requests: number;
  readonly failed: number;
  /** By the reason that the asker gave (`bookReason` in wire/row.ts). */
  readonly reasons: readonly number[];
}

interface Torn {
  readonly id: number;
  isBusy: boolean;
  /** Asked for again while a request was under way. */
  isAgain: boolean;
  failures: number;
  notBefore: number;
}

const reasonsMax = 16;

export class BookRepair {
  readonly #desk: RepairDesk;
  readonly #torn = new Map<number, Torn>();
  readonly #alarm: Alarm;
  readonly #book: BookRecords;
  readonly #records: TickRecords = tickRecords(recordsPerMessageMax);
  /** Requests under way for watched books and for the others. */
  readonly #underWay = { watched: 0, others: 0 };
  readonly #counts = { asked: 0, given: 0, merged: 0, forgotten: 0, requests: 0, failed: 0 };
  readonly #reasons = Array.from({ length: reasonsMax }, () => 0);

  constructor(desk: RepairDesk) {
    this.#desk = desk;
    this.#book = new BookRecords(desk.limits.bookLevels);
    this.#alarm = new Alarm(desk.options.timers, () => this.work());
  }

  want(instrument: number, reason: number): void {
    this.#counts.asked++;
    this.#reasons[Math.min(Math.max(reason, 0), reasonsMax - 1)]!++;
    const torn = this.#torn.get(instrument);
    if (this.#desk.options.instrumentOf(instrument) === undefined) this.#counts.forgotten++;
    else if (torn === undefined) {
      const notBefore = Number.NEGATIVE_INFINITY;
      this.#torn.set(instrument, { id: instrument, isBusy: false, isAgain: false, failures: 0, notBefore });
    } else if (!torn.isBusy || torn.isAgain) this.#counts.merged++;
    else torn.isAgain = true;
    this.work();
  }

  /** The book is not wanted any more; what comes of a request under way is thrown away. */
  forget(instrument: number): void {
    const torn = this.#torn.get(instrument);
    if (torn === undefined) return;
    this.#counts.forgotten += torn.isAgain ? 2 : 1;
    this.#torn.delete(instrument);
  }

  work(): void {
    const desk = this.#desk;
    if (desk.closed) return;
    const now = desk.now();
    if (desk.pausedUntil <= now) {
      this.#begin('watched', now);
      // Weight that others use now is weight that a watched one waits for.
      if (this.#next(true, now) === undefined) this.#begin('others', now);
    }
    this.#alarm.set(this.#nextTime(now));
  }

  health(): BookHealth {
    let waiting = 0;
    for (const { isAgain } of this.#torn.values()) waiting += isAgain ? 2 : 1;
    return { ...this.#counts, waiting, reasons: [...this.#reasons] };
  }

  close(): void {
    this.#alarm.clear();
  }

  #begin(kind: 'watched' | 'others', now: number): void {
    while (this.#underWay[kind] < this.#desk.limits.underWayMax) {
      const next = this.#next(kind === 'watched', now);
      if (next === undefined) return;
      void this.#fetch(next, kind);
    }
  }

  #next(isWatched: boolean, now: number): Torn | undefined {
    for (const torn of this.#torn.values()) {
      if (torn.isBusy || torn.notBefore > now) continue;
      if (this.#desk.watched.has(torn.id) === isWatched) return torn;
    }
    return undefined;
  }

  #nextTime(now: number): number {
    const { pausedUntil } = this.#desk;
    let least = Number.POSITIVE_INFINITY;
    for (const { isBusy, notBefore } of this.#torn.values()) {
      const begin = Math.max(notBefore, pausedUntil);
      if (!isBusy && begin > now) least = Math.min(least, begin);
    }
    return least;
  }

  async #fetch(torn: Torn, kind: 'watched' | 'others'): Promise<void> {
    const { options, limits } = this.#desk;
    const instrument = options.instrumentOf(torn.id);
    if (instrument === undefined) {
      this.forget(torn.id);
      return;
    }
    torn.isBusy = true;
    this.#underWay[kind]++;
    this.#counts.requests++;
    const isWatched = kind === 'watched';
    const levels = isWatched ? limits.watchedLevels : limits.otherLevels;
    const priority = isWatched ? restPriority.watchedBook : restPriority.book;
    try {
      const book = await options.rest.book(instrument, levels, priority);
      if (this.#isWanted(torn) && this.#desk.isCurrent(instrument)) this.#give(torn, book);
    } catch (error) {
      if (this.#isWanted(torn)) this.#failed(torn, error);
    }
    this.#underWay[kind]--;
    torn.isBusy = false;
    this.work();
  }

  /** False when it was forgotten meanwhile. */
  #isWanted(torn: Torn): boolean {
    return !this.#desk.closed && this.#torn.get(torn.id) === torn;
  }

  #give(torn: Torn, book: VenueBook): void {
    const { clock, sink } = this.#desk.options;
    const count = writeBook(this.#book, torn.id, book, clock.now(), this.#records);
    sink(this.#records, count);
    this.#counts.given++;
    this.#torn.delete(torn.id);
    if (torn.isAgain) this.#torn.set(torn.id, { ...torn, isBusy: false, isAgain: false, failures: 0 });
  }

  #failed(torn: Torn, error: unknown): void {
    this.#counts.failed++;
    if (this.#desk.noteFault(error) !== 'pause') {
      torn.notBefore = this.#desk.now() + backoffMs(++torn.failures);
    }
    // The next try answers both wishes.
    if (torn.isAgain) {
      torn.isAgain = false;
      this.#counts.merged++;
    }
  }
}
