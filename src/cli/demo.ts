/** `tickwire demo`: a simulated exchange in a process of its own, and the whole server on embedded defaults. */
import { basename, join } from 'node:path';
import { type Config, loadConfig } from '../config/load.ts';
import { parseFaults } from '../simulator/faults.ts';
import type { SimulatorOptions } from '../simulator/options.ts';
import { accountsText } from '../telemetry/accounting.ts';
import { openLog } from '../telemetry/log.ts';
import { recordedVenue } from '../threads/recorded-venue.ts';
import { type Server, startServer } from '../threads/server.ts';
import { type Command, type DemoOptions, UsageFault } from './arguments.ts';
import { demoScreen } from './demo-screen.ts';
import { ExchangeProcess } from './exchange-process.ts';
import { FolderLock, removeFolder } from './folder-lock.ts';
import { checkPort } from './serve.ts';
import { Shutdown } from './shutdown.ts';
import { onSimulatedVenues, simulatedCore } from './simulated-venues.ts';
import { version } from './version.ts';

/** A client's first subscription may be followed by more: a recording begins so long after it (ms). */
const gatherMs = 500;

export async function runDemo({ demo, settings, typed }: Command): Promise<void> {
  const shutdown = new Shutdown();
  const loaded = loadConfig({
    flags: settings,
    typed,
    preset: {
      'server.host': '127.0.0.1',
      'log.format': 'pretty',
      'log.level': 'warn',
      // A recording can wait, so none of its quotes need give way.
      ...(demo.recording === undefined ? {} : { 'workers.whenFull': 'wait' }),
    },
  });
  const { recording } = demo;
  const config =
    recording === undefined
      ? loaded.config
      : { ...loaded.config, dataDir: replayFolder(loaded.config, recording) };
  const options = await simulatorOptions(demo, config);
  // First of all: nothing of another one's is touched, nor two exchanges started on one file.
  const lock =
    recording === undefined ? FolderLock.inside(config.dataDir) : FolderLock.beside(config.dataDir);
  try {
    await checkPort(config);
    const exchange = await shutdown.unlessAsked(
      ExchangeProcess.start(options, (reason) => shutdown.end(reason), shutdown.signal),
    );
    if (exchange === undefined) return;
    try {
      await demonstrate({ demo, config, notices: loaded.notices, exchange, shutdown });
    } finally {
      await exchange.close();
    }
  } finally {
    lock.release();
  }
}

interface Demonstration {
  readonly demo: DemoOptions;
  readonly config: Config;
  readonly notices: readonly string[];
  readonly exchange: ExchangeProcess;
  readonly shutdown: Shutdown;
}

/** The server on this exchange, until the end is asked for. */
async function demonstrate({ demo, config, notices, exchange, shutdown }: Demonstration): Promise<void> {
  // The exchange has read the recording through, the folder is ours: the last replay may go.
  if (demo.recording !== undefined) removeFolder(config.dataDir);
  const { ready, pid } = exchange;
  const server = await shutdown.unlessAsked(
    startServer({
      config: onSimulatedVenues(config, ready),
      log: openLog(config.log),
      version,
      core: simulatedCore(ready),
      ...(ready.range === undefined ? {} : { recorded: ready.range }),
      signal: shutdown.signal,
      onFault: (reason) => shutdown.end(reason),
    }),
  );
  try {
    if (server !== undefined) {
      process.stdout.write(demoScreen({ version, demo, config, server, exchange: ready, pid, notices }));
      if (demo.recording !== undefined)
        play(demo, server, exchange, shutdown).catch((error: unknown) =>
          shutdown.end(`the recording could not be played: ${String(error)}`),
        );
    }
    const reason = await shutdown.asked;
    if (!reason.startsWith('SIG') && reason !== played) {
      process.stderr.write(`${reason}\n`);
      process.exitCode = 1;
    }
  } finally {
    for (const fault of (await server?.close()) ?? []) {
      process.stderr.write(`${fault}\n`);
      process.exitCode = 1;
    }
  }
}

const played = 'played';

/** A recording is kept apart from the demo's own market, and begins anew each time: its ids are those of its day. */
function replayFolder(config: Config, recording: string): string {
  const name = basename(recording)
    .replace(/\.tsv\.gz$/, '')
    .replaceAll(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^\.*$/, '_'); // "..", say, would be the data folder itself
  return join(config.dataDir, 'replay', name);
}

async function simulatorOptions(demo: DemoOptions, config: Config): Promise<SimulatorOptions> {
  const faults = demo.fault === undefined ? {} : { faults: faultsOf(demo.fault) };
  if (demo.recording !== undefined) {
    const { recording: file, speed } = demo;
    return { venues: [await recordedVenue(file)], recording: { file, speed }, hold: true, ...faults };
  }
  return {
    venues: ['binance', 'coinbase', 'backpack'],
    seed: demo.seed,
    symbols: demo.symbols,
    ticksPerSecond: demo.rate,
    stateFile: join(config.dataDir, 'simulator.json'),
    ...faults,
  };
}

function faultsOf(text: string): ReturnType<typeof parseFaults> {
  try {
    return parseFaults(text);
  } catch (error) {
    throw new UsageFault(`--fault ${text}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Begins with the first client, or after a while without one; at the end shows what became of every message. */
async function play(
  demo: DemoOptions,
  server: Server,
  exchange: ExchangeProcess,
  shutdown: Shutdown,
): Promise<void> {
  const waited = new Promise<void>((resolve) => setTimeout(resolve, demo.wait * 1_000).unref());
  const first = server.firstSubscriber.then(() => new Promise((resolve) => setTimeout(resolve, gatherMs)));
  await Promise.race([waited, first]);
  await server.subscribed();
  exchange.play();
  const { report } = await exchange.finished;
  await server.settle();
  const stages = [...server.wayIn(report), ...(await server.stages())];
  const missing = server.missing();
  process.stdout.write(
    `\nThe recording has been played. What became of it:\n\n${accountsText(stages)}\n${missing === undefined ? '' : `\n${missing}\n`}`,
  );
  if (demo.exit) shutdown.end(played);
  else process.stdout.write('\nThe server goes on serving it; Ctrl-C ends it.\n');
}
