/**
 * Where a shard's records wait while its ring is full: a bounded first-in, first-out line of records.
 *
 *   head                                                       tail
 *   ┌────────┬────────┬────────┬────────┬────────┬ ─ ─ ─ ─ ─ ─ ┐
 *   │ trade 1│ quote 1│ trade 2│ quote 2│ quote 1│             │   a newer quote of instrument 2 overwrites "quote 2",
 *   └────────┴────────┴────────┴────────┴────────┴ ─ ─ ─ ─ ─ ─ ┘   one of instrument 1 the last, not the first "quote 1"
 *
 * What is guaranteed: records of one instrument leave in the order in which they came, and a quote is left out only when
 * a newer one of its instrument came with no trade between them. So each trade still meets the quote of its moment.
 * Trades are refused when `capacity` records wait; quotes never are: one slot an instrument is kept for them. Neither is
 * a change of decimals, of which one at a time is on its way.
 * Without `conflates` (a replay: its source waits while the feeds are paused) quotes are kept and refused like trades.
 */
import { copyTick, type TickRecords, tickField, tickKind, tickRecords } from '../wire/tick-record.ts';

export const kept = { waiting: 0, conflated: 1, dropped: 2 } as const;
export type Kept = (typeof kept)[keyof typeof kept];

const kindMask = 0xff;
const rescalesMax = 8;

export class Overflow {
  readonly capacity: number;
  readonly #records: TickRecords;
  readonly #slots: number;
  /** By instrument: number of the waiting quote that a newer one may overwrite; -1 when there is none. */
  readonly #openQuote: Float64Array;
  /** Records are numbered as they come; number n waits in slot n modulo the slots. */
  #head = 0;
  #tail = 0;

  readonly #conflates: boolean;

  /** `instruments`: the highest instrument id. */
  constructor(capacity: number, instruments: number, conflates = true) {
    this.capacity = capacity;
    this.#conflates = conflates;
    this.#slots = capacity + instruments + rescalesMax;
    this.#records = tickRecords(this.#slots);
    this.#openQuote = new Float64Array(instruments + 1).fill(-1);
  }

  get waiting(): number {
    return this.#tail - this.#head;
  }

  /** Takes record `from` of `source` in, or says what became of it. */
  add(source: TickRecords, from: number): Kept {
    const at = from * 16;
    const instrument = source.halves[at + tickField.instrument]!;
    const kind = source.halves[at + tickField.head]! & kindMask;
    if (this.#conflates && kind === tickKind.quote) {
      const open = this.#openQuote[instrument]!;
      if (open >= this.#head) {
        copyTick(source, from, this.#records, open % this.#slots);
        return kept.conflated;
      }
      this.#openQuote[instrument] = this.#tail;
    } else {
      if (this.waiting >= this.capacity && kind !== tickKind.rescale) return kept.dropped;
      this.#openQuote[instrument] = -1;
    }
    copyTick(source, from, this.#records, this.#tail++ % this.#slots);
    return kept.waiting;
  }

  /** Gives records to `push`, oldest first, as long as it takes them; returns how many it took. */
  drain(push: (source: TickRecords, from: number) => boolean): number {
    const before = this.#head;
    while (this.#head < this.#tail && push(this.#records, this.#head % this.#slots)) this.#head++;
    return this.#head - before;
  }
}
