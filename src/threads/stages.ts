/** The books of the whole line: what went into each stage, and what became of it. */
import type { GatewayAccount } from '../gateway/gateway.ts';
import type { WriterStatus } from '../stores/writer-control.ts';
import type { Stage } from '../telemetry/accounting.ts';
import type { ShardPool } from '../workers/pool.ts';
import type { FeedLine } from './feed-line.ts';

type ShardReport = ReturnType<ShardPool['report']>;

/** Stages in the order of the line. They balance when nothing is on its way between two counts. */
export function stagesOf(
  line: FeedLine,
  shards: readonly ShardReport[],
  writer: WriterStatus,
  gateway: GatewayAccount,
): Stage[] {
  const feed = line.feed.health().account;
  const hub = line.hub.account();
  const sum = (name: string): number => shards.reduce((total, shard) => total + (shard[name] ?? 0), 0);
  const { state, log } = gateway.delivery;
  return [
    {
      name: 'feeds',
      in: { messages: feed.messages },
      out: { accepted: feed.accepted, refused: feed.refused, ignored: feed.ignored, control: feed.control },
    },
    {
      name: 'hub',
      in: { records: feed.records, extremes: line.extremes },
      out: { pushed: hub.pushed, conflated: hub.conflated, waiting: hub.waiting, dropped: hub.dropped },
    },
    {
      name: 'shards',
      in: { pushed: hub.pushed, clocks: hub.clocksSent },
      out: {
        trades: sum('trades'),
        quotes: sum('quotes'),
        clocks: sum('clocks'),
        extremes: sum('extremes'),
        waiting: sum('waiting'),
      },
    },
    {
      name: 'trades',
      in: { trades: sum('trades'), released: sum('tradesReleased') },
      out: { passed: sum('tradesPassed'), duplicate: sum('tradesDuplicate'), held: sum('tradesHeld') },
    },
    {
      name: 'quotes',
      in: { quotes: sum('quotes') },
      out: { passed: sum('quotesPassed'), stale: sum('quotesStale') },
    },
    ...(['trade', 'bar', 'quote', 'enigma'] as const).map((kind) => ({
      name: kind === 'enigma' ? 'store enigma' : `store ${kind}s`,
      in: { rows: kind === 'trade' ? sum('tradesPassed') : writer.in[kind] },
      out: {
        written: writer.written[kind],
        'there already': writer.ignored[kind],
        conflated: writer.conflated[kind],
        refused: writer.refused[kind],
        waiting: writer.waiting[kind],
      },
    })),
    ...(
      [
        ['state', state],
        ['log', log],
      ] as const
    ).map(([name, account]) => ({
      name: `clients ${name}`,
      in: { due: account.due },
      out: {
        delivered: account.delivered,
        conflated: account.conflated,
        dropped: account.dropped,
        waiting: account.waiting,
      },
    })),
  ];
}
