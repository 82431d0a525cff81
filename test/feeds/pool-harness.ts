/** A feed whose timers are turned by hand, the fake venue that it takes from, and the records it gave. */
import { afterEach } from 'vitest';
import { connectionDefaults } from '../../src/feeds/connection.ts';
import { Feed, type FeedOptions } from '../../src/feeds/feed.ts';
import type { VenueLimits } from '../../src/feeds/venue.ts';
import { type TickRecords, tickField } from '../../src/wire/tick-record.ts';
import { FakeServer, fakeInstruments, fakeVenue, type Mode } from './fake-venue.ts';
import { dice, HandTimers, seed } from './market.ts';

export const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

export interface Taken {
  readonly kind: number;
  readonly flags: number;
  readonly instrument: number;
  readonly id: number;
}

export interface Setting {
  readonly mode?: Mode;
  readonly limited?: Partial<VenueLimits>;
  readonly kinds?: readonly string[];
  readonly instruments?: number;
  readonly wanted?: readonly number[];
  readonly feed?: Partial<FeedOptions>;
}

export async function pooled({ mode = 'by-id', limited = {}, kinds = ['trade'], ...more }: Setting = {}) {
  const server = await FakeServer.start(mode);
  closers.push(() => server.close());
  const timers = new HandTimers();
  const taken: Taken[] = [];
  const instruments = fakeInstruments(more.instruments ?? 100);
  const feed = new Feed({
    venue: fakeVenue(mode, limited, kinds),
    instruments,
    wanted: more.wanted ?? [],
    wsUrl: server.wsUrl,
    tradesOf: () => 'trade',
    plausible: { around: 'receipt', pastMicros: 1e9, futureMicros: 1e9 },
    clock: { now: () => 1 },
    timers,
    roll: dice(seed),
    lines: 1,
    maxConnections: 4,
    limits: connectionDefaults,
    sink: (records, count) => {
      for (let i = 0; i < count; i++) taken.push(takenOf(records, i));
    },
    ...more.feed,
  });
  closers.push(() => feed.close());
  feed.start();
  return { server, timers, feed, taken, instruments };
}

export function takenOf({ halves, words }: TickRecords, slot: number): Taken {
  const head = halves[slot * 16 + tickField.head]!;
  return {
    kind: head & 0xff,
    flags: head & ~0xff,
    instrument: halves[slot * 16 + tickField.instrument]!,
    id: words[slot * 8 + tickField.id]!,
  };
}

export const allGranted = (feed: Feed): boolean => feed.health().lines.every(({ missing }) => missing === 0);
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
export const range = (count: number, from = 1): number[] => Array.from({ length: count }, (_, i) => from + i);
