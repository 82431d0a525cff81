/** The way to one shard: its ring, what waits while the ring is full, and the books of both. */
import { type TickRecords, tickField, tickKind, tickRecords } from '../wire/tick-record.ts';
import type { TickWriter } from '../wire/tick-ring.ts';
import type { ShardAccount } from './accounting.ts';
import { kept, Overflow } from './overflow.ts';

export class Lane {
  readonly #writer: TickWriter;
  readonly #overflow: Overflow;
  readonly #publishAt: number;
  readonly #clock = tickRecords(1);
  readonly #push: (source: TickRecords, from: number) => boolean;
  #taken = 0;
  #pushed = 0;
  #conflated = 0;
  #dropped = 0;
  #clocksSent = 0;
  #clocksSkipped = 0;

  constructor(writer: TickWriter, overflow: Overflow, publishAt: number) {
    this.#writer = writer;
    this.#overflow = overflow;
    this.#publishAt = publishAt;
    this.#push = (source, from) => writer.push(source, from);
    this.#clock.halves[tickField.head] = tickKind.clock;
  }

  /** Records in the overflow. */
  get waiting(): number {
    return this.#overflow.waiting;
  }

  /** Puts one record on its way. True when it is in the ring, not yet published. */
  take(source: TickRecords, from: number): boolean {
    this.#taken++;
    const writer = this.#writer;
    if (this.#overflow.waiting === 0 && writer.push(source, from)) {
      this.#pushed++;
      if (writer.unpublished >= this.#publishAt) writer.publish();
      return true;
    }
    const what = this.#overflow.add(source, from);
    if (what === kept.conflated) this.#conflated++;
    else if (what === kept.dropped) this.#dropped++;
    return false;
  }

  /** Lets the waiting records go on as far as there is room, and makes all in the ring visible to the shard. */
  flush(): void {
    if (this.#overflow.waiting > 0) this.#pushed += this.#overflow.drain(this.#push);
    this.#writer.publish();
  }

  /** Market time (µs) has come so far. Left out while older records wait: bars must not close before them. */
  tell(time: number): void {
    const { words } = this.#clock;
    words[tickField.time] = time;
    words[tickField.received] = time;
    if (this.#overflow.waiting === 0 && this.#writer.push(this.#clock, 0)) this.#clocksSent++;
    else this.#clocksSkipped++;
    this.#writer.publish();
  }

  account(): ShardAccount {
    return {
      taken: this.#taken,
      pushed: this.#pushed,
      conflated: this.#conflated,
      waiting: this.#overflow.waiting,
      dropped: this.#dropped,
      clocksSent: this.#clocksSent,
      clocksSkipped: this.#clocksSkipped,
    };
  }
}
