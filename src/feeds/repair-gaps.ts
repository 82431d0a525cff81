/**
 * Fetches missing trades by id: ranges merged, many small gaps with one request, one request an instrument at a time,
 * watched instruments first, and long gaps in turns with the others. What cannot be had is said to be lost, with a
 * reason.
 *
 *   asked = repaired + lost (by reason) + waiting, all in ids
 */
import type { Instrument } from '../market/instrument.ts';
import {
  type TickRecords,
  tickField,
  tickFlag,
  tickKind,
  tickRecords,
  tickWords,
} from '../wire/tick-record.ts';
import { Alarm, backoffMs, type RepairDesk } from './repair-desk.ts';
import { IdRanges } from './repair-ranges.ts';
import { RestFault, type VenueTrade } from './venue-rest.ts';

/** Why ids are lost. */
export type LostReason =
  /** Of a gap longer than `idsMax`, the oldest. */
  | 'tooLong'
  /** The venue has later ones and not these, or answered often enough without them. */
  | 'absent'
  /** The venue refused, or answered what is no answer, too often. */
  | 'refused'
  /** Not had within `timeMaxMs`. */
  | 'late'
  /** Too many ranges wait. */
  | 'full'
  /** The instrument is not listed. */
  | 'unknown';

export interface GapHealth {
  readonly asked: number;
  readonly repaired: number;
  readonly lost: Readonly<Record<LostReason, number>>;
  readonly waiting: number;
  /** Ids that were asked for while they waited already. */
  readonly again: number;
  /** Ranges that wait, and of how many instruments. */
  readonly ranges: number;
  readonly instruments: number;
  readonly requests: number;
}

interface Broken {
  readonly id: number;
  readonly ranges: IdRanges;
  isBusy: boolean;
  /** Answers in vain, and failures in a row. */
  vain: number;
  failures: number;
  notBefore: number;
}

const recordsAtOnce = 2_048;

export class GapRepair {
  readonly #desk: RepairDesk;
  /** Who waited longest for a turn stands first. */
  readonly #broken = new Map<number, Broken>();
  readonly #alarm: Alarm;
  readonly #records: TickRecords = tickRecords(recordsAtOnce);
  #filled = 0;
  #underWay = 0;
  #ranges = 0;
  readonly #counts = { asked: 0, repaired: 0, again: 0, requests: 0 };
  readonly #lost = { tooLong: 0, absent: 0, refused: 0, late: 0, full: 0, unknown: 0 };

  constructor(desk: RepairDesk) {
    this.#desk = desk;
    this.#alarm = new Alarm(desk.options.timers, () => this.work());
  }

  /** Ids `from` to `to` (both included) of an instrument are missing. */
  want(instrument: number, from: number, to: number): void {
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from > to) {
      throw new RangeError(`a gap from ${from} to ${to}`);
    }
    const { limits, options } = this.#desk;
    const ids = to - from + 1;
    const kept = Math.max(from, to - limits.idsMax + 1);
    if (options.instrumentOf(instrument) === undefined) {
      this.#loseNew(instrument, from, to, 'unknown');
    } else if (this.#ranges >= limits.rangesMax) {
      this.#loseNew(instrument, from, to, 'full');
    } else {
      if (kept > from) this.#loseNew(instrument, from, kept - 1, 'tooLong');
      const broken = this.#brokenOf(instrument);
      const before = broken.ranges.count;
      const added = broken.ranges.add(kept, to, this.#desk.now());
      this.#ranges += broken.ranges.count - before;
      this.#counts.asked += added;
      this.#counts.again += ids - (kept - from) - added;
    }
    this.#flush();
    this.work();
  }

  /** Begins what may begin, and sets the alarm for the rest. */
  work(): void {
    const desk = this.#desk;
    if (desk.closed) return;
    this.#loseLate();
    const now = desk.now();
    while (this.#underWay < desk.limits.underWayMax && desk.pausedUntil <= now) {
      const next = this.#next(now);
      if (next === undefined) break;
      void this.#fetch(next);
    }
    this.#alarm.set(this.#nextTime(now));
  }

  health(): GapHealth {
    const waiting = [...this.#broken.values()].reduce((sum, { ranges }) => sum + ranges.ids, 0);
    return {
      ...this.#counts,
      lost: { ...this.#lost },
      waiting,
      ranges: this.#ranges,
      instruments: this.#broken.size,
    };
  }

  close(): void {
    this.#alarm.clear();
  }

  #brokenOf(id: number): Broken {
    let broken = this.#broken.get(id);
    if (broken === undefined) {
      broken = {
        id,
        ranges: new IdRanges(),
        isBusy: false,
        vain: 0,
        failures: 0,
        notBefore: Number.NEGATIVE_INFINITY,
      };
      this.#broken.set(id, broken);
    }
    return broken;
  }

  /** Whose turn it is: watched first, then the first in line. */
  #next(now: number): Broken | undefined {
    let first: Broken | undefined;
    for (const broken of this.#broken.values()) {
      if (broken.isBusy || broken.notBefore > now) continue;
      if (this.#desk.watched.has(broken.id)) return broken;
      first ??= broken;
    }
    return first;
  }

  /** When there may be something to do: somebody's pause ends, or ids become late. */
  #nextTime(now: number): number {
    const { pausedUntil, limits } = this.#desk;
    let least = Number.POSITIVE_INFINITY;
    for (const { isBusy, notBefore, ranges } of this.#broken.values()) {
      least = Math.min(least, ranges.oldest + limits.timeMaxMs);
      const begin = Math.max(notBefore, pausedUntil);
      // Who could begin now waits for a request to end, which calls `work` by itself.
      if (!isBusy && begin > now) least = Math.min(least, begin);
    }
    return least;
  }

  async #fetch(broken: Broken): Promise<void> {
    const { options } = this.#desk;
    const instrument = options.instrumentOf(broken.id);
    if (instrument === undefined) {
      const parts = this.#taken(broken, () => broken.ranges.takeWithin(0, Number.MAX_SAFE_INTEGER));
      this.#lose(broken, parts, 'unknown');
      this.#rest(broken);
      return;
    }
    broken.isBusy = true;
    this.#underWay++;
    this.#counts.requests++;
    const from = broken.ranges.first!.from;
    const wanted = broken.ranges.lastUpTo(from + options.rest.tradesMax - 1)!;
    // One more than is wanted: if the venue has that one, what it leaves out before it is not coming.
    const to = Math.min(wanted + 1, from + options.rest.tradesMax - 1);
    try {
      const trades = await options.rest.trades(instrument, options.tradesOf(instrument), from, to);
      if (!this.#desk.closed && this.#desk.isCurrent(instrument))
        this.#answered(broken, instrument, checked(trades, from, to), from, wanted);
    } catch (error) {
      if (!this.#desk.closed) this.#failed(broken, from, wanted, error);
    }
    this.#underWay--;
    broken.isBusy = false;
    this.#rest(broken);
    this.work();
  }

  /** To the end of the line, or out of it when all is settled. */
  #rest(broken: Broken): void {
    this.#broken.delete(broken.id);
    if (broken.ranges.count > 0) this.#broken.set(broken.id, broken);
    this.#flush();
  }

  #answered(
    broken: Broken,
    instrument: Instrument,
    trades: readonly VenueTrade[],
    from: number,
    wanted: number,
  ): void {
    broken.failures = 0;
    const through = trades.at(-1)?.id ?? Number.NEGATIVE_INFINITY;
    const before = broken.ranges.ids;
    this.#settle(broken, instrument, trades, from, through);
    if (broken.ranges.ids < before) broken.vain = 0;
    if (through >= wanted) return;
    // The last ones are not there, perhaps not yet: the venue's store may lag behind its stream.
    this.#inVain(broken, from, wanted, 'absent');
  }

  #failed(broken: Broken, from: number, wanted: number, error: unknown): void {
    const kind = this.#desk.noteFault(error);
    if (kind === 'vain') this.#inVain(broken, from, wanted, 'refused');
    else if (kind === 'passing') broken.notBefore = this.#desk.now() + backoffMs(++broken.failures);
  }

  #inVain(broken: Broken, from: number, through: number, reason: LostReason): void {
    broken.vain++;
    if (broken.vain < this.#desk.limits.attemptsMax) {
      broken.notBefore = this.#desk.now() + backoffMs(broken.vain);
      return;
    }
    broken.vain = 0;
    this.#lose(
      broken,
      this.#taken(broken, () => broken.ranges.takeWithin(from, through)),
      reason,
    );
  }

  /** Gives the trades that are wanted from id `low` to `through`, and says which of them do not exist. */
  #settle(
    broken: Broken,
    instrument: Instrument,
    trades: readonly VenueTrade[],
    low: number,
    through: number,
  ): void {
    const parts = this.#taken(broken, () => broken.ranges.takeWithin(low, through));
    let row = 0;
    for (const { from, to } of parts) {
      let next = from;
      for (; row < trades.length && trades[row]!.id <= to; row++) {
        const trade = trades[row]!;
        if (trade.id < next) continue;
        if (trade.id > next) this.#loseIds(broken.id, next, trade.id - 1, 'absent');
        this.#give(instrument, trade);
        next = trade.id + 1;
      }
      if (next <= to) this.#loseIds(broken.id, next, to, 'absent');
    }
  }

  #taken<T>(broken: Broken, take: () => T): T {
    const before = broken.ranges.count;
    const taken = take();
    this.#ranges += broken.ranges.count - before;
    return taken;
  }

  #loseLate(): void {
    const since = this.#desk.now() - this.#desk.limits.timeMaxMs;
    for (const broken of this.#broken.values()) {
      if (broken.ranges.oldest > since) continue;
      this.#lose(
        broken,
        this.#taken(broken, () => broken.ranges.takeSince(since)),
        'late',
      );
      if (broken.ranges.count === 0 && !broken.isBusy) this.#broken.delete(broken.id);
    }
    this.#flush();
  }

  #lose(broken: Broken, parts: readonly { from: number; to: number }[], reason: LostReason): void {
    for (const { from, to } of parts) this.#loseIds(broken.id, from, to, reason);
  }

  #loseNew(instrument: number, from: number, to: number, reason: LostReason): void {
    this.#counts.asked += to - from + 1;
    this.#loseIds(instrument, from, to, reason);
  }

  #loseIds(instrument: number, from: number, to: number, reason: LostReason): void {
    this.#lost[reason] += to - from + 1;
    const now = this.#desk.options.clock.now();
    this.#write(tickKind.lost, instrument, now, to, 0, 0, from, to);
  }

  #give(instrument: Instrument, { id, time, price, size, firstId, lastId, takerSold }: VenueTrade): void {
    this.#counts.repaired++;
    const head = tickKind.trade | tickFlag.repair | (takerSold ? tickFlag.takerSold : 0);
    this.#write(head, instrument.id, time, id, price, size, firstId, lastId);
  }

  #write(
    head: number,
    instrument: number,
    time: number,
    id: number,
    price: number,
    size: number,
    firstId: number,
    lastId: number,
  ): void {
    if (this.#filled === recordsAtOnce) this.#flush();
    const { words, halves } = this.#records;
    const at = this.#filled++ * tickWords;
    halves[at * 2 + tickField.head] = head;
    halves[at * 2 + tickField.instrument] = instrument;
    words[at + tickField.time] = time;
    words[at + tickField.received] = this.#desk.options.clock.now();
    words[at + tickField.id] = id;
    words[at + tickField.price] = price;
    words[at + tickField.size] = size;
    words[at + tickField.firstId] = firstId;
    words[at + tickField.lastId] = lastId;
  }

  #flush(): void {
    if (this.#filled === 0) return;
    const count = this.#filled;
    this.#filled = 0;
    this.#desk.options.sink(this.#records, count);
  }
}

/** The trades, if they are what was asked for: ids from `from` to `to`, rising. */
function checked(trades: readonly VenueTrade[], from: number, to: number): readonly VenueTrade[] {
  let last = from - 1;
  for (const { id } of trades) {
    if (!(id > last && id <= to))
      throw new RestFault('malformed', `trade ${id} after ${last}, of ${from} to ${to}`);
    last = id;
  }
  return trades;
}
