/** Market time as a part that is plugged in: the wall's when live, the recording's in a replay. */

/** Tells market time in µs since 1970. */
export interface MarketClock {
  now(): number;
}

/** A clock that moves only when it is told to, and never back: in tests by hand, in a replay by the events played. */
export class EventClock implements MarketClock {
  #now = 0;

  now(): number {
    return this.#now;
  }

  /** Moves to `time` (µs) unless that is in the past. */
  advanceTo(time: number): void {
    if (time > this.#now) this.#now = time;
  }
}
