/**
 * The trades of one symbol, oldest first, in columns; and the minute bars made of them.
 * Bounded: beyond `rowsMax` the oldest trades go, their minutes stay; beyond `minutesMax` minutes become hours.
 */
import { type Bar, extend, flatBar, include, refineBar } from './bar.ts';
import { hourMs, minuteMs } from './interval.ts';

export interface TapeRow {
  /** First and last trade id that the row stands for (equal unless it is an aggregate). */
  readonly id: number;
  readonly lastId: number;
  readonly aggregateId: number;
  readonly price: number;
  readonly size: number;
  readonly timeUs: number;
  readonly buyerIsMaker: boolean;
}

const columnNames = ['id', 'lastId', 'aggregateId', 'price', 'size', 'timeUs', 'maker'] as const;
type ColumnName = (typeof columnNames)[number];
const rowsFirst = 256;

export class Tape {
  readonly minutes: Bar[] = [];
  readonly hours = new Map<number, Bar>();
  readonly #rowsMax: number;
  readonly #minutesMax: number;
  #columns: Record<ColumnName, Float64Array>;
  #mask = rowsFirst - 1;
  #head = 0;
  #count = 0;

  /** `rowsMax` is a power of two, or Infinity. */
  constructor(rowsMax: number, minutesMax: number) {
    this.#rowsMax = rowsMax;
    this.#minutesMax = minutesMax;
    this.#columns = emptyColumns(rowsFirst);
  }

  get length(): number {
    return this.#count;
  }

  row(index: number): TapeRow {
    const slot = (this.#head + index) & this.#mask;
    const columns = this.#columns;
    return {
      id: columns.id[slot]!,
      lastId: columns.lastId[slot]!,
      aggregateId: columns.aggregateId[slot]!,
      price: columns.price[slot]!,
      size: columns.size[slot]!,
      timeUs: columns.timeUs[slot]!,
      buyerIsMaker: columns.maker[slot] === 1,
    };
  }

  /** Index of the first row whose `column` is at least `value`; the number of rows when there is none. */
  find(column: 'id' | 'aggregateId' | 'timeUs', value: number): number {
    const values = this.#columns[column];
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (values[(this.#head + middle) & this.#mask]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  append(
    id: number,
    lastId: number,
    aggregateId: number,
    price: number,
    size: number,
    timeUs: number,
    buyerIsMaker: boolean,
  ): void {
    const late = this.#count > 0 && id <= this.#columns.lastId[(this.#head + this.#count - 1) & this.#mask]!;
    const place = late ? this.find('id', id) : this.#count;
    if (late && this.row(place).id === id) return; // the same trade again
    if (this.#count > this.#mask) this.#makeRoom();
    const columns = this.#columns;
    for (let i = this.#count; i > place; i--) this.#copyRow(i - 1, i);
    const slot = (this.#head + place) & this.#mask;
    columns.id[slot] = id;
    columns.lastId[slot] = lastId;
    columns.aggregateId[slot] = aggregateId;
    columns.price[slot] = price;
    columns.size[slot] = size;
    columns.timeUs[slot] = timeUs;
    columns.maker[slot] = buyerIsMaker ? 1 : 0;
    this.#count++;
    include(this.#minuteOf(timeUs, price), id, lastId, price, size, buyerIsMaker);
  }

  /** Prices are counted in a finer unit: so many of it are one of the old. */
  refine(factor: number): void {
    for (let i = 0; i < this.#columns.price.length; i++) this.#columns.price[i]! *= factor;
    for (const bar of [...this.minutes, ...this.hours.values()]) refineBar(bar, factor);
  }

  /** Takes in a finished minute that an earlier run has made. */
  adopt(minute: Bar): void {
    const last = this.minutes.at(-1);
    if (last === undefined || last.openMs < minute.openMs) this.#pushMinute(minute);
  }

  /** Puts older minutes before those that are there, the newest of them as far as there is room. */
  precede(minutes: readonly Bar[]): void {
    const room = this.#minutesMax - this.minutes.length;
    if (room > 0) this.minutes.unshift(...minutes.slice(-room));
  }

  /** Index of the first minute that opens at or after `openMs`. */
  findMinute(openMs: number): number {
    let low = 0;
    let high = this.minutes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.minutes[middle]!.openMs < openMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #minuteOf(timeUs: number, price: number): Bar {
    const openMs = Math.floor(timeUs / 1_000 / minuteMs) * minuteMs;
    const last = this.minutes.at(-1);
    if (last !== undefined && last.openMs === openMs) return last;
    const bar = flatBar(openMs, price);
    if (last === undefined || last.openMs < openMs) {
      this.#pushMinute(bar);
      return bar;
    }
    const place = this.findMinute(openMs);
    if (this.minutes[place]!.openMs === openMs) return this.minutes[place]!;
    this.minutes.splice(place, 0, bar);
    return bar;
  }

  #pushMinute(bar: Bar): void {
    this.minutes.push(bar);
    if (this.minutes.length <= this.#minutesMax) return;
    for (const old of this.minutes.splice(0, 60)) {
      const hour = Math.floor(old.openMs / hourMs) * hourMs;
      const held = this.hours.get(hour);
      if (held === undefined) this.hours.set(hour, { ...old, openMs: hour });
      else extend(held, old);
    }
  }

  #makeRoom(): void {
    const size = this.#mask + 1;
    if (size >= this.#rowsMax) {
      this.#head = (this.#head + 1) & this.#mask;
      this.#count--;
      return;
    }
    const wider = emptyColumns(size * 2);
    for (const name of columnNames) {
      const old = this.#columns[name];
      wider[name].set(old.subarray(this.#head), 0);
      wider[name].set(old.subarray(0, this.#head), size - this.#head);
    }
    this.#columns = wider;
    this.#head = 0;
    this.#mask = size * 2 - 1;
  }

  #copyRow(from: number, to: number): void {
    const source = (this.#head + from) & this.#mask;
    const target = (this.#head + to) & this.#mask;
    for (const name of columnNames) this.#columns[name][target] = this.#columns[name][source]!;
  }
}

function emptyColumns(size: number): Record<ColumnName, Float64Array> {
  return {
    id: new Float64Array(size),
    lastId: new Float64Array(size),
    aggregateId: new Float64Array(size),
    price: new Float64Array(size),
    size: new Float64Array(size),
    timeUs: new Float64Array(size),
    maker: new Float64Array(size),
  };
}
