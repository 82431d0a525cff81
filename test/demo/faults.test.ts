/** `--fault`: the simulated exchange misbehaves in each way it knows. The server shows it, lives, and ends when told. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FaultKind, faultKinds } from '../../src/simulator/tally.ts';
import { DemoProcess, removeFolder, temporaryFolder } from './demo-process.ts';
import { until } from './watching.ts';

let folder: string;
let running: DemoProcess | undefined;

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  running?.kill();
  removeFolder(folder);
});

interface FeedHealth {
  readonly account: { readonly accepted: number; readonly refused: Readonly<Record<string, number>> };
  readonly connections: readonly {
    readonly state: string;
    readonly ended: Readonly<Record<string, number>>;
  }[];
}

interface Health {
  /** By venue. */
  readonly feeds?: Readonly<Record<string, FeedHealth>>;
  readonly shards?: readonly Readonly<Record<string, number>>[];
}

async function healthOf(demo: DemoProcess): Promise<Health> {
  const response = await fetch(`${demo.url}api/v1/health`);
  expect(response.status).toBe(200);
  return (await response.json()) as Health;
}

const inShards =
  (name: string) =>
  ({ shards = [] }: Health): number =>
    shards.reduce((sum, shard) => sum + shard[name]!, 0);
const inFeeds =
  (count: (feed: FeedHealth) => number) =>
  ({ feeds = {} }: Health): number =>
    Object.values(feeds).reduce((sum, feed) => sum + count(feed), 0);
const ended = (reason: string): ((health: Health) => number) =>
  inFeeds(({ connections }) => connections.reduce((sum, connection) => sum + connection.ended[reason]!, 0));
const accepted = inFeeds(({ account }) => account.accepted);

/** How often a fault strikes here for one message, and where health says that it did. */
const signs: Readonly<
  Record<FaultKind, { readonly chance: number; readonly seen: (health: Health) => number }>
> = {
  drop: { chance: 0.05, seen: inShards('gaps') },
  duplicate: { chance: 0.05, seen: inShards('tradesDuplicate') },
  reorder: { chance: 0.05, seen: inShards('tradesReleased') },
  disconnect: { chance: 0.005, seen: ended('cut') },
  silence: { chance: 0.005, seen: ended('silent') },
  garbage: {
    chance: 0.05,
    seen: inFeeds(({ account }) => Object.values(account.refused).reduce((sum, count) => sum + count, 0)),
  },
};

test.each(faultKinds)('%s: health shows it, ticks go on after it, Ctrl-C ends it with 0', async (kind) => {
  const { chance, seen } = signs[kind];
  const settings = ['workers.count=1', 'exchange.ping_interval=500ms', 'exchange.backoffMin=50ms'];
  const demo = await DemoProcess.start([
    '--port',
    '0',
    '--data',
    folder,
    '--symbols',
    '2',
    '--fault',
    `${kind}:${chance}`,
    ...settings.flatMap((setting) => ['--set', setting]),
  ]);
  running = demo;
  let before = 0;
  await until(
    async () => {
      const health = await healthOf(demo);
      before = accepted(health);
      return seen(health) > 0;
    },
    20_000,
    `${kind} in health`,
  );
  await until(async () => accepted(await healthOf(demo)) > before + 20, 20_000, `ticks after ${kind}`);
  expect(await demo.stop()).toBe(0);
  expect(demo.stderr).not.toMatch(/uncaught|unhandled|TypeError|RangeError/i);
});
