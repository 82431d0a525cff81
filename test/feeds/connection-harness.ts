/** A connection whose timers are turned by hand, and the fake venue that it connects to. */
import { afterEach } from 'vitest';
import { ConnectBudget } from '../../src/feeds/connect-budget.ts';
import { Connection, type ConnectionOptions, connectionDefaults } from '../../src/feeds/connection.ts';
import { control, refusal } from '../../src/feeds/refusal.ts';
import type { Venue } from '../../src/feeds/venue.ts';
import { FakeServer, fakeVenue, type Mode } from './fake-venue.ts';
import { HandTimers, until } from './market.ts';

export const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

export async function serve(mode: Mode = 'by-id'): Promise<FakeServer> {
  const server = await FakeServer.start(mode);
  closers.push(() => server.close());
  return server;
}

export interface Made {
  readonly connection: Connection;
  readonly timers: HandTimers;
  readonly budget: ConnectBudget;
  readonly messages: string[];
  readonly codes: number[];
  readonly gone: number[];
}

export function connect(
  wsUrl: string,
  changes: Partial<ConnectionOptions> & {
    streams?: readonly string[];
    limited?: Partial<Venue['limits']>;
  } = {},
): Made {
  const timers = new HandTimers();
  const venue = changes.venue ?? fakeVenue('by-id', changes.limited);
  const budget = new ConnectBudget({ limits: venue.limits, timers });
  const messages: string[] = [];
  const codes: number[] = [];
  const gone: number[] = [];
  const connection = new Connection({
    name: 'test',
    venue,
    venueLimits: venue.limits,
    wsUrl,
    micros: false,
    seconds: () => 1,
    limits: connectionDefaults,
    timers,
    budget,
    roll: () => 0.5,
    receive: (bytes) => {
      const text = Buffer.from(bytes).toString();
      if (text.startsWith('A ')) return control.answer;
      if (text === 'X') return control.shutdown;
      messages.push(text);
      return text.includes('garbage') ? refusal.notJson : 1;
    },
    refuse: (code) => codes.push(code),
    onLinkEnd: (link) => gone.push(link),
    ...changes,
  });
  closers.push(() => connection.close());
  for (const stream of changes.streams ?? ['a']) connection.want(stream);
  connection.start();
  return { connection, timers, budget, messages, codes, gone };
}

export const granted = (connection: Connection, count = 1): Promise<void> =>
  until(() => connection.health().granted === count, `${count} streams`);
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
