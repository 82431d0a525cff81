/** `tickwire serve`: the server on the exchanges of the configuration. */
import { loadConfig } from '../config/load.ts';
import { openLog } from '../telemetry/log.ts';
import { startServer } from '../threads/server.ts';
import type { Command } from './arguments.ts';
import { Shutdown } from './shutdown.ts';
import { version } from './version.ts';

export async function runServe(command: Command): Promise<void> {
  const { config, notices } = loadConfig({ flags: command.settings });
  const log = openLog(config.log);
  const shutdown = new Shutdown();
  for (const notice of notices) log.warn(notice);
  const server = await startServer({
    config,
    log,
    version,
    listing: config.exchange.symbols.map((native) => ({ native, trades: config.exchange.trades })),
    onFault: (reason) => shutdown.end(reason),
  });
  process.stdout.write(`tickwire ${version} listens on http://${config.server.host}:${server.port}\n`);
  const reason = await shutdown.asked;
  log.info('stopping', { reason });
  await server.close();
  if (!reason.startsWith('SIG')) process.exitCode = 1;
}
