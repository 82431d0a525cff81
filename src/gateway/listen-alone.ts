/**
 * Listening on a port that nobody else has. By default uWebSockets shares the port with whoever listens there already,
 * another process included. Its exclusive option does not, but leaves SO_REUSEADDR out too: after a crash the
 * port would count as taken for the minute that the old connections spend in TIME_WAIT, and nothing could restart.
 * So Node's listen asks first (it refuses a port with a listener, not one with old connections), then uWebSockets
 * takes the port in its shared way. Two servers that start within the same millisecond could still share it.
 */
import { createServer } from 'node:net';
import { localPort, sharedPort, type UwsApp } from './uws.ts';

/** Resolves with the port, the one that the system chose for 0. Rejects with one sentence when another program has it. */
export async function listenAlone(app: UwsApp, host: string, port: number): Promise<number> {
  const fault = port === 0 ? undefined : await probe(host, port);
  if (fault === undefined) {
    const listening = await listen(app, host, port);
    if (listening !== undefined) return listening;
  }
  const taken = fault === undefined || fault === 'EADDRINUSE';
  const what = taken ? 'is taken: another program listens on' : `cannot be had (${fault}):`;
  throw new Error(`port ${port} ${what} ${host}:${port}; set SERVER_PORT or --port`);
}

function listen(app: UwsApp, host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    app.listen(host, port, sharedPort, (socket) => resolve(socket === false ? undefined : localPort(socket)));
  });
}

/** Listens for a moment; resolves with the error's code, or undefined when that went well. */
function probe(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
