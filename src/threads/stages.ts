/** The books of the whole line: what went into each stage, and what became of it. */
import type { GatewayAccount } from '../gateway/gateway.ts';
import type { SimulatorReport } from '../simulator/tally.ts';
import { type StoredKind, storedKinds } from '../stores/row-batch.ts';
import type { WriterStatus } from '../stores/writer-control.ts';
import { balance, type Stage } from '../telemetry/accounting.ts';
import type { ShardPool } from '../workers/pool.ts';
import type { FeedLine } from './feed-line.ts';

type ShardReport = ReturnType<ShardPool['report']>;

/** What shards count as handed to the store, by the store's kinds. */
const rowsOf: Readonly<Record<Exclude<StoredKind, 'backfill'>, string>> = {
  trade: 'tradesPassed',
  bar: 'barRows',
  quote: 'quoteRows',
  enigma: 'enigmaRows',
  gap: 'gapRows',
  amend: 'amendRows',
  complete: 'completeRows',
  quarantine: 'quarantineRows',
};

/** Stages in the order of the line. They balance when nothing is on its way between two counts. */
export function stagesOf(
  line: FeedLine,
  shards: readonly ShardReport[],
  writer: WriterStatus,
  gateway: GatewayAccount,
  fetched: number,
): Stage[] {
  const feed = line.account();
  const hub = line.hub.account();
  const sum = (name: string): number => sumOf(shards, name);
  const clients = {
    state: gateway.delivery.state,
    log: gateway.delivery.log,
    own: gateway.delivery.extra,
    v1: gateway.v1Records,
  };
  return [
    {
      name: 'feeds',
      in: { messages: feed.messages },
      out: { accepted: feed.accepted, refused: feed.refused, ignored: feed.ignored, control: feed.control },
    },
    {
      name: 'hub',
      in: { records: feed.records, fetched: line.fetched, parts: hub.parts },
      out: { pushed: hub.pushed, conflated: hub.conflated, waiting: hub.waiting, dropped: hub.dropped },
    },
    ...shardStages(hub.pushed, hub.clocksSent, sum),
    ...storedKinds.map((kind) => ({
      name: `stored ${kind}`,
      in: { rows: kind === 'backfill' ? fetched : sum(rowsOf[kind]) },
      out: {
        written: writer.written[kind],
        'there already': writer.ignored[kind],
        conflated: writer.conflated[kind],
        refused: writer.refused[kind],
        waiting: writer.waiting[kind],
      },
    })),
    ...Object.entries(clients).map(([name, { due, delivered, conflated, dropped, waiting }]) => ({
      name: `clients ${name}`,
      in: { due },
      out: { delivered, conflated, dropped, waiting },
    })),
  ];
}

/** @param sum of a count over all shards */
function shardStages(pushed: number, clocks: number, sum: (name: string) => number): Stage[] {
  return [
    {
      name: 'shards',
      in: { pushed, clocks },
      out: {
        trades: sum('trades'),
        quotes: sum('quotes'),
        clocks: sum('clocks'),
        extremes: sum('extremes'),
        heartbeats: sum('heartbeats'),
        subscriptions: sum('subscriptions'),
        lost: sum('lostRecords'),
        rescales: sum('rescales'),
        books: sum('bookRecords'),
        parts: sum('parts'),
        waiting: sum('waiting'),
      },
    },
    {
      name: 'trades',
      in: { trades: sum('trades'), released: sum('tradesReleased'), indexes: sum('indexTrades') },
      out: {
        passed: sum('tradesPassed'),
        duplicate: sum('tradesDuplicate'),
        held: sum('tradesHeld'),
        quarantined: sum('tradesQuarantined'),
        unbelieved: sum('tradesUnbelieved'),
      },
    },
    {
      name: 'quotes',
      in: { quotes: sum('quotes'), indexes: sum('indexTicks') },
      out: {
        passed: sum('quotesPassed'),
        stale: sum('quotesStale'),
        quarantined: sum('quotesQuarantined'),
      },
    },
    {
      name: 'books',
      in: { changes: sum('bookUpdates'), snapshots: sum('bookSnapshots') },
      out: {
        applied: sum('bookApplied'),
        'snapshots taken': sum('bookSnapshotsTaken'),
        'snapshots too old': sum('bookSnapshotsOld'),
        duplicate: sum('bookDuplicates'),
        torn: sum('bookTorn'),
        void: sum('bookVoid'),
        'buffer full': sum('bookBufferDropped'),
        buffered: sum('bookBuffered'),
      },
    },
  ];
}

function sumOf(shards: readonly ShardReport[], name: string): number {
  return shards.reduce((sum, shard) => sum + (shard[name] ?? 0), 0);
}

/** True when every stage up to the store balances and has nothing left to do. */
export function isSettled(stages: readonly Stage[]): boolean {
  const inner = stages.filter(({ name }) => !name.startsWith('clients'));
  return inner.every((stage) => balance(stage) === 0n && (stage.out['waiting'] ?? 0) === 0);
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** From the simulated exchange to the feeds: what its scripted faults and cut connections took away is a line of its own. */
export function wayIn(exchange: SimulatorReport, line: FeedLine): Stage[] {
  const { messages, control } = line.account();
  const sent = total(exchange.sent) + exchange.faults.garbage;
  return [
    {
      name: 'exchange',
      in: { due: total(exchange.due), duplicated: exchange.faults.duplicate },
      out: { sent: total(exchange.sent), dropped: exchange.dropped, held: exchange.held },
    },
    {
      name: 'way in',
      in: { sent: total(exchange.sent), garbage: exchange.faults.garbage, answers: control },
      out: { received: messages, 'lost with their connection': Math.max(0, sent + control - messages) },
    },
  ];
}

/** One sentence on what is known to be missing; undefined when nothing is. */
export function missingText(shards: readonly ShardReport[]): string | undefined {
  const ids = sumOf(shards, 'gapIds');
  if (ids === 0) return undefined;
  const late = sumOf(shards, 'tradesLate');
  const gaps = sumOf(shards, 'gaps');
  return `${ids} trade ids were missing in ${gaps} gaps, told to every client; ${late} came late. Bars around the others say "incomplete".`;
}
