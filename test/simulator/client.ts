/** A plain client of the simulator, and small things its tests share. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import type { Simulator, SimulatorOptions } from '../../src/simulator/options.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';

export const sharedData = join(import.meta.dirname, '../../../shared/data');

/** An answer of the venue, looked into field by field. */
// oxlint-disable-next-line typescript/no-explicit-any -- the test says what it expects of every field it reads
export type Loose = any;

export interface Client {
  readonly socket: WebSocket;
  readonly messages: string[];
  /** Resolves with the messages once there are so many. */
  until(count: number): Promise<string[]>;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  readonly ask: (request: object) => Promise<unknown>;
}

/** A started simulator that is closed when the test is over. */
export async function simulate(options: SimulatorOptions): Promise<Simulator> {
  const simulator = await startSimulator(options);
  onTestFinished(() => simulator.close());
  return simulator;
}

export async function connect(
  simulator: Pick<Simulator, 'wsUrl'>,
  path: string,
  options: ClientOptions = {},
): Promise<Client> {
  const socket = new WebSocket(simulator.wsUrl + path, { maxPayload: 0, ...options });
  onTestFinished(() => socket.terminate());
  const messages: string[] = [];
  const waiting: { count: number; resolve: (messages: string[]) => void }[] = [];
  socket.on('message', (data: Buffer) => {
    messages.push(data.toString());
    for (const each of waiting) if (messages.length >= each.count) each.resolve(messages);
  });
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  const until = (count: number): Promise<string[]> =>
    messages.length >= count
      ? Promise.resolve(messages)
      : new Promise((resolve) => waiting.push({ count, resolve }));
  const ask = async (request: object): Promise<unknown> => {
    const before = messages.length;
    socket.send(JSON.stringify(request));
    return JSON.parse((await until(before + 1))[before]!);
  };
  return { socket, messages, until, closed, ask };
}

export async function get(
  simulator: Pick<Simulator, 'restUrl'>,
  path: string,
): Promise<{ status: number; body: Loose; headers: Headers }> {
  const response = await fetch(simulator.restUrl + path);
  return { status: response.status, body: await response.json(), headers: response.headers };
}

/** Resolves when the market's own time has come so far, and what it said until then is on its way. */
export async function untilMarket(simulator: Pick<Simulator, 'restUrl'>, ms: number): Promise<void> {
  while ((await get(simulator, '/api/v3/time')).body.serverTime < ms) await sleep(50);
}

/** A folder that is gone after the test. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'simulator-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function streams(
  simulator: Pick<Simulator, 'listing'>,
  types: readonly string[],
  symbols = simulator.listing.length,
): string {
  return simulator.listing
    .slice(0, symbols)
    .flatMap(({ symbol }) => types.map((type) => `${symbol.toLowerCase()}@${type}`))
    .join('/');
}

/** A decimal text as a count of 10^-decimals, exact. */
export function scaled(text: string, decimals: number): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(decimals, '0').slice(0, decimals));
}

/** Plays a recording to one connection that has subscribed to all of it; answers what arrived. */
export async function play(simulator: Simulator): Promise<string[]> {
  const types = [...new Set(simulator.listing.flatMap((row) => row.streams))];
  const client = await connect(simulator, `/stream?streams=${streams(simulator, types)}`);
  simulator.start();
  const { sent } = await simulator.finished;
  return client.until(Object.values(sent).reduce((sum, count) => sum + count, 0));
}
