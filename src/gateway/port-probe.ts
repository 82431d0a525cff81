/** Whether an address can be listened on, asked by listening for a moment. */
import { createServer } from 'node:net';

/** Resolves with one sentence for the user, or with undefined when the address can be had. */
export async function portFault(host: string, port: number): Promise<string | undefined> {
  const code = await probe(host, port);
  if (code === undefined) return undefined;
  return code === 'EADDRINUSE'
    ? portTaken(host, port)
    : `port ${port} cannot be had (${code}): ${host}:${port}; set SERVER_PORT or --port`;
}

export function portTaken(host: string, port: number): string {
  return `port ${port} is taken: another program listens on ${host}:${port}; set SERVER_PORT or --port`;
}

function probe(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
