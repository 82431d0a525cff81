#!/usr/bin/env node
/** The program `tickwire`: reads its arguments and runs one command. Exit codes: 0 fine, 2 asked wrongly, 1 our fault. */
import { type Command, readArguments, UsageFault } from './cli/arguments.ts';
import { runBackfill } from './cli/backfill.ts';
import { usage } from './cli/command-options.ts';
import { runDemo } from './cli/demo.ts';
import { runRecord } from './cli/record.ts';
import { runReplay } from './cli/replay.ts';
import { runServe } from './cli/serve.ts';
import { runSymbols } from './cli/symbols.ts';
import { version } from './cli/version.ts';
import { ConfigFault } from './config/fault.ts';
import { type Config, loadConfig } from './config/load.ts';
import { SimulatorFault } from './simulator/simulator-fault.ts';
import { type Log, openLog } from './telemetry/log.ts';

try {
  const command = readArguments(process.argv.slice(2));
  switch (command.name) {
    case 'serve':
      await runServe(command);
      break;
    case 'demo':
      await runDemo(command);
      break;
    case 'record':
      await atWork(command, (config, log) => runRecord(command.record, config, log));
      break;
    case 'replay':
      if (command.offline) await atWork(command, (config) => runReplay(command.demo.recording!, config));
      else await runDemo(command);
      break;
    case 'backfill':
      await atWork(command, (config, log) => runBackfill(command.backfill, config, log));
      break;
    case 'symbols':
      await atWork(command, (config, log) => runSymbols(command.symbols, config, log));
      break;
    case 'version':
      process.stdout.write(`tickwire ${version}\n`);
      break;
    case 'help':
      process.stdout.write(usage);
      break;
  }
} catch (error) {
  const asked =
    error instanceof UsageFault || error instanceof ConfigFault || error instanceof SimulatorFault;
  process.stderr.write(`${asked ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = asked ? 2 : 1;
}

/** A command for people to look at: its log is for them too. */
async function atWork(
  { settings, typed }: Command,
  run: (config: Config, log: Log) => Promise<void>,
): Promise<void> {
  const preset = { 'log.format': 'pretty', 'log.level': 'warn' };
  const { config, notices } = loadConfig({ flags: settings, typed, preset });
  const log = openLog(config.log);
  for (const notice of notices) log.warn(notice);
  try {
    await run(config, log);
  } finally {
    log.close();
  }
}
