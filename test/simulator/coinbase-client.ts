/** What the tests of the simulated Coinbase share: a market, a subscriber, and an obvious order book. */
import { expect } from 'vitest';
import type { Simulator, SimulatorOptions } from '../../src/simulator/options.ts';
import { type Client, connect, type Loose, simulate } from './client.ts';

export const keys = {
  key: 'simulated-key',
  secret: Buffer.from('simulated secret').toString('base64'),
  passphrase: 'pass',
} as const;

/** A simulator whose only venue is Coinbase, busy enough for short tests, with room for many requests. */
export function simulateCoinbase(options: SimulatorOptions = {}): Promise<Simulator> {
  return simulate({
    venues: ['coinbase'],
    symbols: 3,
    ticksPerSecond: 4_000,
    startTimeMs: Date.UTC(2026, 0, 2, 3, 4, 59, 700), // soon a second is over, and a minute
    coinbase: { keys },
    ...options,
    limits: { coinbase: { restBudget: 1_000, ...options.limits?.coinbase } },
  });
}

export async function subscribe(
  simulator: Simulator,
  channels: readonly (string | object)[],
  products: readonly string[] = ['BTC-USD'],
  more: object = {},
): Promise<Client> {
  const client = await connect(simulator.venues.coinbase!, '/');
  client.socket.send(JSON.stringify({ type: 'subscribe', product_ids: products, channels, ...more }));
  return client;
}

export function parsed(client: Pick<Client, 'messages'>, ...types: readonly string[]): Loose[] {
  const all: Loose[] = client.messages.map((text) => JSON.parse(text));
  return types.length === 0 ? all : all.filter(({ type }) => types.includes(type));
}

/** A book of one product in the plainest way: two maps of texts. */
export class PlainBook {
  readonly bids = new Map<string, string>();
  readonly asks = new Map<string, string>();

  take(message: Loose): void {
    if (message.type === 'snapshot') {
      for (const [price, size] of message.bids) this.bids.set(price, size);
      for (const [price, size] of message.asks) this.asks.set(price, size);
      return;
    }
    for (const [side, price, size] of message.changes) {
      const levels = side === 'buy' ? this.bids : this.asks;
      if (Number(size) === 0) levels.delete(price);
      else levels.set(price, size);
    }
  }

  get bestBid(): number {
    return Math.max(...[...this.bids.keys()].map(Number));
  }

  get bestAsk(): number {
    return Math.min(...[...this.asks.keys()].map(Number));
  }

  /** Both sides as one text, best levels first. */
  text(): string {
    return `${rows(this.bids, -1)} | ${rows(this.asks, 1)}`;
  }
}

/** The book after each of the messages; checks that it is never crossed. */
export function booksOf(messages: readonly Loose[]): string[] {
  const book = new PlainBook();
  return messages.map((message) => {
    book.take(message);
    expect(book.bestBid).toBeLessThan(book.bestAsk);
    return book.text();
  });
}

function rows(side: Map<string, string>, sign: number): string {
  return [...side]
    .toSorted(([left], [right]) => (Number(left) - Number(right)) * sign)
    .map((level) => level.join('x'))
    .join(' ');
}
