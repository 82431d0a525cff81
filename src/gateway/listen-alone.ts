/**
 * Listening on a port that nobody else has. By default uWebSockets shares the port with whoever listens there already,
 * another process included. Its exclusive option does not, but leaves SO_REUSEADDR out too: after a crash the
 * port would count as taken for the minute that the old connections spend in TIME_WAIT, and nothing could restart.
 * So Node's listen asks first (it refuses a port with a listener, not one with old connections), then uWebSockets
 * takes the port in its shared way. Two servers that start within the same millisecond could still share it.
 */
import { portFault, portTaken } from './port-probe.ts';
import { localPort, sharedPort, type UwsApp } from './uws.ts';

/** Resolves with the port, the one that the system chose for 0. Rejects with one sentence when another program has it. */
export async function listenAlone(app: UwsApp, host: string, port: number): Promise<number> {
  const fault = await portFault(host, port);
  if (fault !== undefined) throw new Error(fault);
  const listening = await listen(app, host, port);
  if (listening === undefined) throw new Error(portTaken(host, port));
  return listening;
}

function listen(app: UwsApp, host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    app.listen(host, port, sharedPort, (socket) => resolve(socket === false ? undefined : localPort(socket)));
  });
}
