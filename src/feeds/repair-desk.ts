/** What the repair of gaps and of books share: who is watched, the venue's refusals, the one timer of each. */
import type { MarketClock } from '../market/clock.ts';
import type { Instrument } from '../market/instrument.ts';
import type { TickRecords } from '../wire/tick-record.ts';
import type { TradesKind } from './normaliser.ts';
import type { Timers } from './timers.ts';
import { RestFault, type VenueRest } from './venue-rest.ts';

export interface RepairOptions {
  readonly rest: VenueRest;
  readonly timers: Timers;
  /** Market time: repaired records are received now. */
  readonly clock: MarketClock;
  readonly instrumentOf: (id: number) => Instrument | undefined;
  readonly tradesOf: (instrument: Instrument) => TradesKind;
  /** Takes records 0 to `count` − 1, which are used again after the call: copy them. */
  readonly sink: (records: TickRecords, count: number) => void;
  readonly limits?: Partial<RepairLimits>;
}

export interface RepairLimits {
  /** Ids of one gap that are fetched at most, the newest; the others are lost at once. */
  readonly idsMax: number;
  /** Ranges of ids that wait at most, over all instruments. */
  readonly rangesMax: number;
  /** How often the venue may answer in vain (nothing there, refused, malformed) before ids are lost. */
  readonly attemptsMax: number;
  /** ms after which ids that could not be had are lost. */
  readonly timeMaxMs: number;
  /** Requests for trades under way at most; for books as many for watched ones and as many for the others. */
  readonly underWayMax: number;
  /** Levels a side that are asked for. */
  readonly watchedLevels: number;
  readonly otherLevels: number;
  /** Levels a side that are kept. */
  readonly bookLevels: number;
}

export const repairDefaults: RepairLimits = {
  idsMax: 100_000,
  rangesMax: 10_000,
  attemptsMax: 5,
  timeMaxMs: 900_000,
  underWayMax: 4,
  watchedLevels: 1_000,
  otherLevels: 100,
  bookLevels: 1_000,
};

const backoffFirstMs = 1_000;
const backoffMostMs = 60_000;

/** ms to wait after so many failures in a row. */
export function backoffMs(failures: number): number {
  return Math.min(backoffMostMs, backoffFirstMs * 2 ** Math.min(failures - 1, 20));
}

/** The venue's pauses and the watched instruments, for both repairs of one venue. */
export class RepairDesk {
  readonly options: RepairOptions;
  readonly limits: RepairLimits;
  watched: ReadonlySet<number> = new Set();
  closed = false;
  /** Why the venue last failed, for health. */
  lastFault = '';
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor(options: RepairOptions) {
    this.options = options;
    this.limits = { ...repairDefaults, ...options.limits };
  }

  now(): number {
    return this.options.timers.now();
  }

  /** False when the instrument has other decimals now: what was read with these must be asked for again. */
  isCurrent({ id, priceDecimals, sizeDecimals }: Instrument): boolean {
    const now = this.options.instrumentOf(id);
    return now?.priceDecimals === priceDecimals && now.sizeDecimals === sizeDecimals;
  }

  /** Steady ms before which nothing is asked. */
  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  /**
   * Notes a failure. `passing`: the venue is not to be had at all, whoever asks; `pause`: it said when to come again.
   */
  noteFault(error: unknown): 'pause' | 'passing' | 'vain' {
    const fault = error instanceof RestFault ? error : undefined;
    this.lastFault = fault === undefined ? String(error) : `${fault.kind}: ${fault.message}`;
    if (fault?.kind === 'limited' || fault?.kind === 'banned') {
      this.#pausedUntil = Math.max(
        this.#pausedUntil,
        this.now() + Math.max(fault.retryAfterMs, backoffFirstMs),
      );
      return 'pause';
    }
    return fault?.kind === 'unreachable' ? 'passing' : 'vain';
  }
}

/** One timer that rings at the latest time set. */
export class Alarm {
  readonly #timers: Timers;
  readonly #ring: () => void;
  #callOff: (() => void) | undefined;

  constructor(timers: Timers, ring: () => void) {
    this.#timers = timers;
    this.#ring = ring;
  }

  /** Steady ms; Infinity for never. Takes the place of what was set before. */
  set(at: number): void {
    this.clear();
    if (at === Number.POSITIVE_INFINITY) return;
    const ring = (): void => {
      this.#callOff = undefined;
      this.#ring();
    };
    this.#callOff = this.#timers.after(Math.max(0, at - this.#timers.now()), ring);
  }

  clear(): void {
    this.#callOff?.();
    this.#callOff = undefined;
  }
}
