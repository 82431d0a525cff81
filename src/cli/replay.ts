/** `tickwire replay FILE --offline`: a recording through the whole way, and digests of what was made. */
import type { Config } from '../config/load.ts';
import { replayOffline } from '../threads/offline-replay.ts';

/** @throws SimulatorFault when the file cannot be read or is no recording */
export async function runReplay(
  file: string,
  config: Config,
  out: { write(text: string): unknown } = process.stdout,
): Promise<void> {
  out.write(`${JSON.stringify(await replayOffline({ file, config }), undefined, 2)}\n`);
}
