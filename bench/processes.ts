/** The parts of an end-to-end bench as processes of their own: a simulated exchange and a server, and what they cost. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { ExchangeProcess } from '../src/cli/exchange-process.ts';
import type { FloodOptions } from '../src/simulator/options.ts';

/** CPU time of a process and its threads so far, in ms. The kernel counts in hundredths of a second. */
export function cpuMillis(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** The most memory a process has had resident, in MB. */
export function peakMegabytes(pid: number): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8')
    .split('\n')
    .find((text) => text.startsWith('VmHWM'));
  return Math.round(Number(line?.replaceAll(/\D/g, '')) / 1_024);
}

export interface Line {
  readonly exchange: ExchangeProcess;
  readonly server: ChildProcess;
  readonly port: number;
  readonly symbols: readonly string[];
  close(): Promise<void>;
}

/** Starts a held flood and a server that takes it, with SQLite in a temporary folder. */
export async function startLine(
  flood: FloodOptions,
  settings: Readonly<Record<string, string>>,
): Promise<Line> {
  const folder = mkdtempSync(join(tmpdir(), 'tickwire-bench-'));
  const exchange = await ExchangeProcess.start({ flood, hold: true }, (reason) => {
    throw new Error(reason);
  });
  const symbols = exchange.ready.listing.map(({ symbol }) => symbol);
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      server: { host: '127.0.0.1', port: 0 },
      dataDir: folder,
      exchange: {
        ws_endpoint: exchange.ready.wsUrl,
        rest_endpoint: exchange.ready.restUrl,
        symbols,
        // A flood has trades and quotes.
        book: 'none',
      },
    }),
  );
  const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const server = spawn(process.execPath, ['src/main.ts', 'serve', '--config', config, ...set], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const close = async (): Promise<void> => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    if (server.exitCode === null) {
      server.kill('SIGTERM');
      await ended;
    }
    await exchange.close();
    rmSync(folder, { recursive: true });
  };
  try {
    const port = await listeningPort(server);
    await streamsGranted(port);
    return { exchange, server, port, symbols, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The port that the server says it listens on. */
function listeningPort(server: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    server.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const port = /listens on http:\S+:(\d+)\n/.exec(text)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    server.once('exit', (code) => reject(new Error(`the server ended with code ${code}`)));
  });
}

interface FeedsHealth {
  readonly feeds?: Readonly<Record<string, FeedHealth>>;
}
interface FeedHealth {
  readonly connections: readonly { readonly state: string }[];
  readonly lines: readonly { readonly missing: number }[];
}

const grantedMs = 60_000;

/** Resolves when the exchange has granted every stream: what it plays before that nobody hears. */
async function streamsGranted(port: number): Promise<void> {
  for (const until = Date.now() + grantedMs; Date.now() < until; ) {
    const { feeds } = (await (await fetch(`http://127.0.0.1:${port}/api/v1/health`)).json()) as FeedsHealth;
    if (feeds !== undefined && Object.values(feeds).every(isGranted)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the exchange has not granted every stream within ${grantedMs / 1_000} s`);
}

function isGranted({ connections, lines }: FeedHealth): boolean {
  return (
    connections.length > 0 &&
    connections.every(({ state }) => state === 'open') &&
    lines.every(({ missing }) => missing === 0)
  );
}

/** Connects one v2 client and subscribes it; each binary message goes to `take` as it comes. */
export async function subscribe(
  port: number,
  symbols: readonly string[],
  channels: readonly string[],
  take: (frame: Uint8Array) => void,
): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/ws`, 'tickwire.v2', {
    perMessageDeflate: false,
    skipUTF8Validation: true,
  });
  socket.binaryType = 'nodebuffer';
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  const acknowledged = new Promise<void>((resolve, reject) => {
    socket.on('message', (data: Buffer, binary: boolean) => {
      if (binary) return take(data);
      const text = JSON.parse(data.toString()) as { type: string; error?: string };
      if (text.type === 'subscribed') resolve();
      if (text.type === 'error') reject(new Error(text.error));
    });
  });
  socket.send(JSON.stringify({ type: 'subscribe', symbols, channels, id: 1 }));
  await acknowledged;
  return socket;
}
