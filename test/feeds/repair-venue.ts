/** A venue whose answers the test gives, a repair that asks it, and what its sink took. */
import { afterEach } from 'vitest';
import { Repair } from '../../src/feeds/repair.ts';
import type { RepairLimits } from '../../src/feeds/repair-desk.ts';
import {
  type RestBudget,
  type RestPriority,
  restPriority,
  type VenueBook,
  type VenueRest,
  type VenueTrade,
} from '../../src/feeds/venue-rest.ts';
import { EventClock } from '../../src/market/clock.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { type TickRecords, tickField, tickKind } from '../../src/wire/tick-record.ts';
import { bookIn, type ReadBook } from './binance-messages.ts';
import { HandTimers, instrument, now, recordAt } from './market.ts';

export const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

export async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

const noBudget: RestBudget = { used: 0, most: 1, waiting: 0, asked: 0, limited: 0, banned: 0, pausedMs: 0 };

export function tradeOf(id: number): VenueTrade {
  return { id, time: now + id, price: 100 + id, size: 7, firstId: id, lastId: id, takerSold: id % 2 === 0 };
}

export interface Asked {
  readonly what: 'trades' | 'book';
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly priority: RestPriority;
}

/** A venue whose answers the test gives. */
export class HandRest implements VenueRest {
  readonly candlesMax = 10;
  readonly tradesMax: number = 10;
  readonly candleResolutions = [];
  readonly asked: Asked[] = [];
  trade: (asked: Asked) => VenueTrade[] | Promise<VenueTrade[]> = ({ from, to }) =>
    Array.from({ length: to - from + 1 }, (_, i) => tradeOf(from + i));
  torn: (asked: Asked) => VenueBook | Promise<VenueBook> = ({ id }) => plainBook(id);

  async trades({ id }: Instrument, _kind: string, from: number, to: number): Promise<VenueTrade[]> {
    const asked: Asked = { what: 'trades', id, from, to, priority: restPriority.repair };
    this.asked.push(asked);
    return await this.trade(asked);
  }

  async book({ id }: Instrument, levels: number, priority: RestPriority): Promise<VenueBook> {
    const asked: Asked = { what: 'book', id, from: levels, to: levels, priority };
    this.asked.push(asked);
    return await this.torn(asked);
  }

  instruments = (): Promise<[]> => Promise.resolve([]);
  candles = (): Promise<[]> => Promise.resolve([]);
  time = (): Promise<number> => Promise.resolve(now);
  budget = (): RestBudget => noBudget;
}

export function plainBook(lastId: number, changes: Partial<VenueBook> = {}): VenueBook {
  const bids = Float64Array.of(100, 1, 99, 2);
  return { lastId, time: 0, bids, asks: Float64Array.of(101, 3), whole: true, ...changes };
}

/** What the sink took: trades and losses by instrument, and books. */
export class Taken {
  readonly trades: { instrument: number; id: number }[] = [];
  readonly lost: { instrument: number; from: number; to: number }[] = [];
  readonly books: ReadBook[] = [];
  readonly records: number[][] = [];

  readonly sink = (records: TickRecords, count: number): void => {
    for (let slot = 0; slot < count; slot++) this.records.push(recordAt(records, slot));
    if ((records.halves[tickField.head]! & 0xff) === tickKind.book) {
      this.books.push(bookIn(records, count));
      return;
    }
    for (const [head, instrumentId, , , id, , , first, last] of this.records.slice(-count)) {
      const kind = head! & 0xff;
      if (kind === tickKind.trade) this.trades.push({ instrument: instrumentId!, id: id! });
      else if (kind === tickKind.lost) this.lost.push({ instrument: instrumentId!, from: first!, to: last! });
      else throw new Error(`a record of kind ${kind}`);
    }
  };

  get ids(): number[] {
    return this.trades.map(({ id }) => id);
  }
}

export function repairOf(rest: VenueRest, limits: Partial<RepairLimits> = {}, timers = new HandTimers()) {
  const taken = new Taken();
  const clock = new EventClock();
  clock.advanceTo(now);
  const repair = new Repair({
    rest,
    timers,
    clock,
    instrumentOf: (id) => (id <= 600 ? instrument(id, `S${id}USDT`, 2, 2) : undefined),
    tradesOf: () => 'trade',
    sink: taken.sink,
    limits,
  });
  closers.push(() => repair.close());
  return { repair, taken, timers, clock };
}

/** What is wrong with the accounts; undefined when they add up. */
export function imbalance(repair: Repair): string | undefined {
  const { gaps, books } = repair.health();
  const lost = Object.values(gaps.lost).reduce((sum, count) => sum + count, 0);
  if (gaps.asked !== gaps.repaired + lost + gaps.waiting) return JSON.stringify(gaps);
  if (books.asked !== books.given + books.merged + books.forgotten + books.waiting)
    return JSON.stringify(books);
  return undefined;
}
