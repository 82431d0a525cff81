/** `tickwire serve`: the server on the exchanges of the configuration. */
import { type Config, loadConfig } from '../config/load.ts';
import { portFault } from '../gateway/port-probe.ts';
import { openLog } from '../telemetry/log.ts';
import { startServer } from '../threads/server.ts';
import { type Command, UsageFault } from './arguments.ts';
import { FolderLock } from './folder-lock.ts';
import { Shutdown } from './shutdown.ts';
import { version } from './version.ts';

export async function runServe({ settings, typed }: Command): Promise<void> {
  const shutdown = new Shutdown();
  const { config, notices } = loadConfig({ flags: settings, typed });
  const lock = FolderLock.inside(config.dataDir);
  try {
    await checkPort(config);
    await serve(config, notices, shutdown);
  } finally {
    lock.release();
  }
}

/** Told before anything is started. The gateway asks again when it listens. @throws UsageFault */
export async function checkPort({ server: { host, port } }: Config): Promise<void> {
  const fault = await portFault(host, port);
  if (fault !== undefined) throw new UsageFault(fault);
}

async function serve(config: Config, notices: readonly string[], shutdown: Shutdown): Promise<void> {
  const log = openLog(config.log);
  for (const notice of notices) log.warn(notice);
  const server = await shutdown.unlessAsked(
    startServer({
      config,
      log,
      version,
      signal: shutdown.signal,
      onFault: (reason) => shutdown.end(reason),
    }),
  );
  if (server !== undefined)
    process.stdout.write(`tickwire ${version} listens on http://${config.server.host}:${server.port}\n`);
  const reason = await shutdown.asked;
  log.info('stopping', { reason });
  const faults = (await server?.close()) ?? [];
  for (const fault of faults) log.error(fault);
  log.close();
  if (faults.length > 0 || !reason.startsWith('SIG')) process.exitCode = 1;
}
