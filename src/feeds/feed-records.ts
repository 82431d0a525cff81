/** What a feed does to records, beside reading them: marks, times of a replay, and records of its own. */
import type { EventClock } from '../market/clock.ts';
import {
  type TickRecords,
  tickField,
  tickFlag,
  tickKind,
  tickRecords,
  tickWords,
} from '../wire/tick-record.ts';

/** Marks records 0 to `count` − 1 as the second line's. */
export function markLineB({ halves }: TickRecords, count: number): void {
  for (let i = 0; i < count; i++) {
    const head = i * tickWords * 2 + tickField.head;
    halves[head] = halves[head]! | tickFlag.lineB;
  }
}

/** In a replay the market's time is the highest seen; a tick is received then, not at the time of the playing. */
export function followEvents({ words, halves }: TickRecords, count: number, eventClock: EventClock): void {
  for (let i = 0; i < count; i++) {
    const at = i * tickWords;
    const head = halves[at * 2 + tickField.head]!;
    // Levels of an order book follow the record that has their time.
    if ((head & 0xff) === tickKind.levels) continue;
    if ((head & tickFlag.noVenueTime) === 0) eventClock.advanceTo(words[at + tickField.time]!);
    words[at + tickField.received] = eventClock.now();
  }
}

/** A record that no message brought: `subscribed`, `cut`, `rescale`. */
export interface OwnRecord {
  readonly kind: number;
  readonly instrument: number;
  /** Market time in µs. */
  readonly now: number;
  readonly flags?: number;
  readonly id?: number;
  readonly price?: number;
  readonly size?: number;
}

export function ownRecord(record: OwnRecord): TickRecords {
  const records = tickRecords(1);
  const { words, halves } = records;
  halves[tickField.head] = record.kind | (record.flags ?? 0) | tickFlag.noVenueTime;
  halves[tickField.instrument] = record.instrument;
  words[tickField.time] = record.now;
  words[tickField.received] = record.now;
  words[tickField.id] = record.id ?? 0;
  words[tickField.price] = record.price ?? 0;
  words[tickField.size] = record.size ?? 0;
  return records;
}
