/** The one screen that says what runs, and where. */
import { relative } from 'node:path';
import type { Config } from '../config/load.ts';
import type { Server } from '../threads/server.ts';
import type { DemoOptions } from './arguments.ts';
import type { SimulatorReady } from './exchange-process.ts';

export interface ScreenFacts {
  readonly version: string;
  readonly demo: DemoOptions;
  readonly config: Config;
  readonly server: Pick<Server, 'port' | 'file'>;
  readonly exchange: SimulatorReady;
  readonly pid: number | undefined;
  readonly notices: readonly string[];
}

export function demoScreen(facts: ScreenFacts): string {
  const { version, demo, config, server, exchange, pid, notices } = facts;
  const host =
    config.server.host === '0.0.0.0' || config.server.host === '127.0.0.1' ? 'localhost' : config.server.host;
  const at = `${host}:${server.port}`;
  const shards = config.workers.count === 1 ? '1 shard' : `${config.workers.count} shards`;
  const rows: [string, string][] = [
    ['page', `http://${at}/`],
    ['WebSocket', `ws://${at}/api/v1/ws?protocol=v2`],
    ['REST', `http://${at}/api/v1/symbols`],
    ['health', `http://${at}/api/v1/health`],
    ...exchangeRows(demo, exchange, pid),
    ['threads', `hub, ${shards}, gateway, writer, query, REST (process ${process.pid})`],
    ['data', relative(process.cwd(), server.file) || server.file],
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(10)} ${value}`);
  const ending =
    demo.recording === undefined
      ? 'Ctrl-C stops it; the next start goes on from there.'
      : `The recording begins with the first client that subscribes, or in ${demo.wait} s. Ctrl-C stops it.`;
  return [
    '',
    `Tickwire ${version} demo`,
    '',
    ...lines,
    '',
    ...notices.map((notice) => `  note: ${notice}`),
    `  ${ending}`,
    '',
  ].join('\n');
}

function exchangeRows(
  demo: DemoOptions,
  exchange: SimulatorReady,
  pid: number | undefined,
): [string, string][] {
  return Object.entries(exchange.venues).map(([name, { wsUrl, listing }]) => [
    name,
    `${marketText(demo, exchange, listing.length)} (process ${pid}, ${wsUrl})`,
  ]);
}

function marketText(demo: DemoOptions, exchange: SimulatorReady, count: number): string {
  const symbols = count === 1 ? '1 symbol' : `${count} symbols`;
  if (demo.recording === undefined) return `simulated market, ${symbols}`;
  const from =
    exchange.range === undefined ? '' : `, ${new Date(exchange.range.firstMs).toISOString().slice(0, 19)}Z`;
  const speed = demo.speed === 'max' ? 'as fast as it goes' : `${demo.speed} times the recorded speed`;
  return `recording, ${symbols}${from}, ${speed}`;
}
