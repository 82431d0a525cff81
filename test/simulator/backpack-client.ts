/** What the tests of the simulated Backpack share. */
import type { Simulator, SimulatorOptions } from '../../src/simulator/options.ts';
import { type Client, connect, get, type Loose, simulate } from './client.ts';

/** A simulator whose only venue is Backpack, busy enough for short tests, with room for many requests. */
export function simulateBackpack(options: SimulatorOptions = {}): Promise<Simulator> {
  return simulate({
    venues: ['backpack'],
    symbols: 3,
    ticksPerSecond: 4_000,
    startTimeMs: Date.UTC(2026, 0, 2, 3, 4, 59, 700), // soon a second is over, and a minute
    ...options,
    limits: { backpack: { restBudget: 1_000, ...options.limits?.backpack } },
  });
}

export async function subscribe(simulator: Simulator, streams: readonly string[]): Promise<Client> {
  const client = await connect(simulator.venues.backpack!, '/');
  client.socket.send(JSON.stringify({ method: 'SUBSCRIBE', params: streams }));
  return client;
}

/** The data of a stream's messages. */
export function dataOf(client: Pick<Client, 'messages'>, stream: string): Loose[] {
  const all: Loose[] = client.messages.map((text) => JSON.parse(text));
  return all.filter((message) => message.stream === stream).map(({ data }) => data);
}

export async function untilSeen(client: Client, streams: readonly string[], count: number): Promise<void> {
  while (streams.some((stream) => dataOf(client, stream).length < count))
    await client.until(client.messages.length + 1);
}

export const ask = (simulator: Simulator, path: string): ReturnType<typeof get> =>
  get(simulator.venues.backpack!, `/api/v1/${path}`);

/** A book in the plainest way, and its last update id. */
export class PlainBook {
  readonly bids = new Map<string, string>();
  readonly asks = new Map<string, string>();

  /** A snapshot, or a change. */
  take({ bids, asks, b = bids, a = asks }: Loose): void {
    for (const [levels, changes] of [
      [this.bids, b],
      [this.asks, a],
    ] as const) {
      for (const [price, size] of changes) {
        if (Number(size) === 0) levels.delete(price);
        else levels.set(price, size);
      }
    }
  }

  /** Both sides as one text, best levels first. */
  text(): string {
    return `${rows(this.bids, -1)} | ${rows(this.asks, 1)}`;
  }

  get best(): [bid: number, ask: number] {
    return [Math.max(...[...this.bids.keys()].map(Number)), Math.min(...[...this.asks.keys()].map(Number))];
  }
}

function rows(side: Map<string, string>, sign: number): string {
  return [...side]
    .toSorted(([left], [right]) => (Number(left) - Number(right)) * sign)
    .map((level) => level.join('x'))
    .join(' ');
}
