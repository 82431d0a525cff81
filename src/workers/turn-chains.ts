/**
 * What passed in one turn, per instrument: chains of record slots, so that each instrument's trades become one block.
 * Nothing is copied: slots are those of the input ring, or of `released` for trades that had been held back.
 */
import { heldMax } from '../compute/shard-memory.ts';
import type { TickChain } from '../wire/encode-ticks.ts';
import { type TickRecords, tickField, tickRecords, tickWords } from '../wire/tick-record.ts';

/** What is said of a trade in a chain (`TickChain.late`). */
export const chainMark = { late: 1, quarantined: 2 } as const;

/** Room for trades that were held back and pass within one turn. */
const releasedMax = 4_096;

export class TurnChains implements TickChain {
  readonly ring: TickRecords;
  readonly ringSlots: number;
  readonly extra: TickRecords;
  readonly next: Int32Array;
  readonly late: Uint8Array;
  /** Rows touched in this turn: `touched[0 … touchedCount − 1]`. */
  readonly touched: Int32Array;
  touchedCount = 0;
  /** Ticks in all chains. */
  ticks = 0;
  readonly tradeFirst: Int32Array;
  readonly tradeLast: Int32Array;
  readonly tradeCount: Int32Array;
  readonly quoteFirst: Int32Array;
  readonly quoteLast: Int32Array;
  readonly quoteCount: Int32Array;
  readonly #isTouched: Uint8Array;
  #releasedCount = 0;

  constructor(ring: TickRecords, ringSlots: number, rows: number) {
    this.ring = ring;
    this.ringSlots = ringSlots;
    this.extra = tickRecords(releasedMax);
    this.next = new Int32Array(ringSlots + releasedMax);
    this.late = new Uint8Array(ringSlots + releasedMax);
    this.touched = new Int32Array(rows);
    this.#isTouched = new Uint8Array(rows);
    this.tradeFirst = new Int32Array(rows);
    this.tradeLast = new Int32Array(rows);
    this.tradeCount = new Int32Array(rows);
    this.quoteFirst = new Int32Array(rows);
    this.quoteLast = new Int32Array(rows);
    this.quoteCount = new Int32Array(rows);
  }

  /** True when the trades that one more record may release might not find room. */
  get full(): boolean {
    return this.#releasedCount + heldMax + 1 > releasedMax;
  }

  touch(row: number): void {
    if (this.#isTouched[row] === 1) return;
    this.#isTouched[row] = 1;
    this.touched[this.touchedCount++] = row;
  }

  /** `mark`: bits of `chainMark`. */
  trade(row: number, slot: number, mark: number): void {
    this.touch(row);
    this.late[slot] = mark;
    if (this.tradeCount[row]!++ === 0) this.tradeFirst[row] = slot;
    else this.next[this.tradeLast[row]!] = slot;
    this.tradeLast[row] = slot;
    this.ticks++;
  }

  quote(row: number, slot: number): void {
    this.touch(row);
    if (this.quoteCount[row]!++ === 0) this.quoteFirst[row] = slot;
    else this.next[this.quoteLast[row]!] = slot;
    this.quoteLast[row] = slot;
    this.ticks++;
  }

  /** A free slot of `extra` for a trade that is released; its number in chains is `ringSlots` + the result. */
  release(): number {
    return this.#releasedCount++;
  }

  /** Time (µs) and id of the record in `slot`. */
  timeOf(slot: number): number {
    return this.#wordOf(slot, tickField.time);
  }

  idOf(slot: number): number {
    return this.#wordOf(slot, tickField.id);
  }

  #wordOf(slot: number, field: number): number {
    return slot < this.ringSlots
      ? this.ring.words[slot * tickWords + field]!
      : this.extra.words[(slot - this.ringSlots) * tickWords + field]!;
  }

  clear(): void {
    for (let index = 0; index < this.touchedCount; index++) {
      const row = this.touched[index]!;
      this.#isTouched[row] = 0;
      this.tradeCount[row] = 0;
      this.quoteCount[row] = 0;
    }
    this.touchedCount = 0;
    this.#releasedCount = 0;
    this.ticks = 0;
  }
}
