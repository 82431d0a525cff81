import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Command } from '../../src/simulator/commands.ts';
import type { Simulator, SimulatorOptions } from '../../src/simulator/options.ts';
import type { SimulatorCommand, SimulatorMessage } from '../../src/simulator/protocol.ts';
import { SimulatorFault } from '../../src/simulator/simulator-fault.ts';
import { type Client, connect, get, type Loose, simulate } from './client.ts';

const entry = join(import.meta.dirname, '../../src/simulator/process.ts');
const node = join(import.meta.dirname, '../../node_modules/.bin/node');
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const market = { seed, ticksPerSecond: 4_000, symbols: 4 } as const;

const data = (client: Client): Loose[] => client.messages.map((text) => JSON.parse(text));
const ids = (client: Client): number[] => data(client).map(({ t }) => t);

/** Messages that do not follow on the one before: [before, after]. */
function jumps(numbers: readonly number[]): [number, number][] {
  return numbers
    .slice(1)
    .flatMap((id, i): [number, number][] => (id === numbers[i]! + 1 ? [] : [[numbers[i]!, id]]));
}

/** The jumps in the trades of one symbol. */
function jumpsOf(client: Client, symbol: string): [number, number][] {
  const trades = data(client).filter(({ s }) => s === symbol);
  return jumps(trades.map(({ t }) => t));
}

async function trading(path = '/ws/btcusdt@trade', clients = 1): Promise<[Simulator, ...Client[]]> {
  const simulator = await simulate({ ...market, hold: true });
  const connected: Client[] = [];
  for (let i = 0; i < clients; i++) connected.push(await connect(simulator, path));
  simulator.start();
  for (const client of connected) await client.until(3);
  return [simulator, ...connected];
}

/** Waits until every client has so many more messages, and the books balance. */
async function more(count: number, ...clients: readonly Client[]): Promise<void> {
  for (const client of clients) await client.until(client.messages.length + count);
}

describe(`faults on demand: connections (SEED=${seed})`, () => {
  test.each([
    ['cut', 1006],
    ['midframe', 1006],
    ['close', 1001],
  ] as const)('kill by place, %s: that one ends with %i, the other goes on', async (how, code) => {
    const [simulator, first, second] = await trading(undefined, 2);
    simulator.command({ kind: 'kill', connection: 1, how });
    expect(await second!.closed).toBe(code);
    await more(20, first!);
    const { commands, connections, balanced } = simulator.report();
    expect([commands.kill, connections.closed, balanced]).toEqual([1, 1, true]);
    expect(connections.cut).toEqual(how === 'close' ? { 1001: 1 } : { command: 1 });
  });

  test('kill at random is the same in every run of a seed; kill all leaves none', async () => {
    const chosen: number[] = [];
    for (let run = 0; run < 2; run++) {
      const simulator = await simulate({ ...market, seed: 77, hold: true });
      const clients: Client[] = [];
      for (let i = 0; i < 5; i++) clients.push(await connect(simulator, '/ws/btcusdt@trade'));
      simulator.command({ kind: 'kill', connection: 'random' });
      chosen.push(await Promise.race(clients.map((client, i) => client.closed.then(() => i))));
      simulator.command({ kind: 'kill', connection: 'all' });
      await Promise.all(clients.map((client) => client.closed));
      expect(simulator.report().commands.kill).toBe(5);
    }
    expect(chosen[1]).toBe(chosen[0]);
  });

  test('scenario 2: serverShutdown is announced, and the connection closed after the announced time', async () => {
    const [simulator, bare] = await trading();
    const combined = await connect(simulator, '/stream?streams=btcusdt@trade&timeUnit=MICROSECOND');
    simulator.command({ kind: 'shutdown', connection: 'all', afterMs: 300 });
    expect(await Promise.all([bare!.closed, combined.closed])).toEqual([1001, 1001]);
    const notice = data(bare!).find(({ e }) => e === 'serverShutdown');
    expect(Object.keys(notice)).toEqual(['e', 'E']);
    const wrapped = data(combined).find(({ stream }) => stream === '!serverShutdown');
    expect(wrapped.data.e).toBe('serverShutdown');
    expect(Math.abs(wrapped.data.E / 1_000 - notice.E)).toBeLessThan(1_000);
    expect(data(bare!).at(-1).e).toBe('trade'); // all goes on until the end
  });

  test('scenario 3: a silent connection stays open, says nothing, and goes on where time has come to', async () => {
    const [simulator, first, second] = await trading(undefined, 2);
    simulator.command({ kind: 'silence', connection: 0, forMs: 1_000 });
    await sleep(60);
    const before = first!.messages.length;
    await more(10, second!);
    expect([first!.messages.length, first!.socket.readyState]).toEqual([before, 1]);
    await first!.until(before + 10);
    expect(jumps(ids(first!))).toHaveLength(1);
    expect(jumps(ids(second!))).toEqual([]);
    const { dropped, balanced } = simulator.report();
    expect([dropped.silence > 0, balanced]).toEqual([true, true]);
  });

  test('scenario 10: connecting is refused so many times with the status that was ordered', async () => {
    const simulator = await simulate({ ...market, hold: true });
    for (const status of [429, 418, 451] as const)
      simulator.command({ kind: 'refuseConnect', status, count: 2, retryAfterSeconds: 7 });
    for (const status of [429, 429, 418, 418, 451, 451])
      await expect(connect(simulator, '/ws/btcusdt@trade')).rejects.toThrow(String(status));
    await connect(simulator, '/ws/btcusdt@trade');
    const { commands, connections } = simulator.report();
    expect([commands.refuseConnect, connections.refused, connections.opened]).toEqual([6, 6, 1]);
  });
});

describe(`faults on demand: streams (SEED=${seed})`, () => {
  test('scenario 14: drop takes the same trades from all connections, and REST still has them', async () => {
    const [simulator, first, second] = await trading(undefined, 2);
    simulator.command({ kind: 'drop', symbol: 'BTCUSDT', count: 3 });
    await more(20, first!, second!);
    const [[from, to] = [0, 0], ...others] = jumps(ids(first!));
    expect([to - from - 1, others]).toEqual([3, []]);
    expect(jumps(ids(second!))).toEqual([[from, to]]);
    const { body } = await get(
      simulator,
      `/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${from + 1}&limit=3`,
    );
    expect(body.map(({ id }: Loose) => id)).toEqual([from + 1, from + 2, from + 3]);
    const { commands, dropped, faults, balanced } = simulator.report();
    expect([commands.drop, dropped.drop, faults.drop, balanced]).toEqual([6, 6, 6, true]);
  });

  test('drop on one connection alone, and of one symbol alone', async () => {
    const [simulator, first, second] = await trading('/ws/btcusdt@trade/ethusdt@trade', 2);
    await more(50, first!, second!); // so that both symbols have come
    simulator.command({ kind: 'drop', symbol: 'ETHUSDT', count: 2, connection: 1 });
    await more(150, first!, second!);
    expect([jumpsOf(first!, 'ETHUSDT'), jumpsOf(first!, 'BTCUSDT'), jumpsOf(second!, 'BTCUSDT')]).toEqual([
      [],
      [],
      [],
    ]);
    expect(jumpsOf(second!, 'ETHUSDT').map(([from, to]) => to - from)).toEqual([3]);
  });

  test('scenario 12: duplicate sends the next trades twice', async () => {
    const [simulator, client] = await trading();
    simulator.command({ kind: 'duplicate', symbol: 'BTCUSDT', count: 2 });
    await more(20, client!);
    const seen = ids(client!);
    expect(jumps(seen).map(([from, to]) => to - from)).toEqual([0, 0]);
    const { commands, faults, balanced } = simulator.report();
    expect([commands.duplicate, faults.duplicate, balanced]).toEqual([2, 2, true]);
  });

  test('scenario 13: reorder brings the third before the first two, once for each count', async () => {
    const [simulator, client] = await trading();
    simulator.command({ kind: 'reorder', symbol: 'BTCUSDT', count: 2 });
    await more(30, client!);
    const seen = ids(client!);
    const first = seen.findIndex((id, i) => id !== seen[0]! + i);
    const base = seen[0]! + first;
    const offsets = seen.slice(first, first + 8).map((id) => id - base);
    expect(offsets).toEqual([2, 0, 1, 5, 3, 4, 6, 7]);
    const { commands, held, balanced } = simulator.report();
    expect([commands.reorder, held, balanced]).toEqual([2, 0, true]);
  });

  test('a connection that ends amid a reordering leaves nothing held', async () => {
    const [simulator, client] = await trading();
    simulator.command({ kind: 'reorder', symbol: 'BTCUSDT', count: 1_000_000 });
    await more(7, client!);
    simulator.command({ kind: 'kill', connection: 0 });
    await client!.closed;
    const { held, balanced } = simulator.report();
    expect([held, balanced]).toEqual([0, true]);
  });

  test('scenario 3: a muted symbol says nothing while the others go on; its ids go on too', async () => {
    const [simulator, client] = await trading('/ws/btcusdt@trade/ethusdt@trade');
    // A jump has a trade before it.
    while (!data(client!).some(({ s }) => s === 'BTCUSDT')) await sleep(5);
    simulator.command({ kind: 'mute', symbol: 'BTCUSDT', of: 'trade', forMs: 1_000 });
    await sleep(100); // what was on its way has come
    const muted = client!.messages.length;
    await more(30, client!);
    expect(
      data(client!)
        .slice(muted)
        .filter(({ s }) => s === 'BTCUSDT').length,
    ).toBe(0);
    while (jumpsOf(client!, 'BTCUSDT').length === 0) await sleep(20);
    await more(50, client!);
    const own = data(client!)
      .filter(({ s }) => s === 'BTCUSDT')
      .map(({ t }) => t as number);
    expect(jumps(own)).toHaveLength(1);
    const { commands, dropped, balanced } = simulator.report();
    expect([commands.mute > 0, commands.mute === dropped.mute, balanced]).toEqual([true, true, true]);
  });

  test('scenario 16: a depth update is skipped, so that U is not the last u plus 1', async () => {
    const [simulator, client] = await trading('/ws/btcusdt@depth@100ms');
    simulator.command({ kind: 'drop', symbol: 'BTCUSDT', of: 'depth' });
    await more(4, client!);
    const events = data(client!);
    const breaks = events.slice(1).filter(({ U }, i) => U !== events[i].u + 1);
    expect(breaks).toHaveLength(1);
  });

  test('scenario 16: a crossed depth update has a bid above the best ask, and follows on the one before', async () => {
    const [simulator, client] = await trading('/ws/btcusdt@depth@100ms');
    simulator.command({ kind: 'crossed', symbol: 'BTCUSDT' });
    await more(3, client!);
    const { body } = await get(simulator, '/api/v3/depth?symbol=BTCUSDT&limit=5');
    const events = data(client!);
    const crossed = events.filter(({ b }) =>
      b.some(([price]: string[]) => Number(price) > body.asks[0][0] * 1.05),
    );
    expect(crossed).toHaveLength(1);
    expect(events.slice(1).every(({ U }, i) => U === events[i].u + 1)).toBe(true);
    expect(simulator.report().commands.crossed).toBe(1);
  });

  test('scenario 21: a price 100 times away in trades or quotes, and the true one over REST', async () => {
    const [simulator, client] = await trading('/ws/btcusdt@trade/btcusdt@bookTicker');
    simulator.command({ kind: 'price', symbol: 'BTCUSDT', factor: 100, count: 2 });
    simulator.command({ kind: 'price', symbol: 'BTCUSDT', factor: 0.01, of: 'bookTicker' });
    await more(100, client!);
    const all = data(client!);
    const usual = Number(all[0].p ?? all[0].b);
    const far = all.filter(({ p }) => p !== undefined && Number(p) > usual * 50);
    expect(far).toHaveLength(2);
    expect(all.filter(({ b, a }) => b !== undefined && Number(a) < usual / 50)).toHaveLength(1);
    const { body } = await get(
      simulator,
      `/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${far[0].t}&limit=1`,
    );
    expect(Number(body[0].price) * 100).toBeCloseTo(Number(far[0].p), 4);
    expect(far[0].q).toBe(body[0].qty);
    expect(simulator.report().commands.price).toBe(3);
  });

  test('garbage goes before the next messages, which still come', async () => {
    const simulator = await simulate({ ...market, hold: true });
    const client = await connect(simulator, '/ws/btcusdt@trade', { skipUTF8Validation: true });
    simulator.command({ kind: 'garbage', symbol: 'BTCUSDT', count: 3 });
    simulator.start();
    await client.until(12);
    expect(simulator.report().commands.garbage).toBe(3);
    const sound = client.messages.filter((text) => /^\{"e":"trade".*"M":true\}$/.test(text) && isTrade(text));
    expect(sound.length).toBeGreaterThanOrEqual(client.messages.length - 3);
  });

  test('scenario 27: a kline tells a last trade id ahead of the trades', async () => {
    const simulator = await simulate(market);
    const client = await connect(simulator, '/ws/btcusdt@kline_1s');
    simulator.command({ kind: 'heartbeatAhead', symbol: 'BTCUSDT', by: 5 });
    await client.until(2);
    const { E, k } = data(client)[1];
    const { body } = await get(simulator, '/api/v3/historicalTrades?symbol=BTCUSDT&limit=1000');
    const before = body.filter(({ time }: Loose) => time < E);
    expect(before.at(-1).id).toBe(k.L - 5);
    expect(simulator.report().commands.heartbeatAhead).toBeGreaterThan(0);
  });
});

function isTrade(text: string): boolean {
  try {
    return JSON.parse(text).e === 'trade';
  } catch {
    return false;
  }
}

describe('faults on demand: requests', () => {
  test('scenario 8: SUBSCRIBE is ignored, unanswered, refused, granted in part; then all is well', async () => {
    const simulator = await simulate({ ...market, limits: { binance: { incomingPerSecond: 0 } } });
    const client = await connect(simulator, '/ws');
    const params = ['btcusdt@depth', 'ethusdt@depth', 'bnbusdt@depth', 'solusdt@depth'];
    const subscribe = { method: 'SUBSCRIBE', params, id: 1 };
    const granted = async (): Promise<unknown> => {
      let answer: Loose;
      do answer = await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 2 });
      while (!Array.isArray(answer.result));
      return answer.result;
    };
    for (const fate of ['ignored', 'refused', 'partly', 'unanswered'] as const)
      simulator.command({ kind: 'subscribe', fate, count: 1 });
    client.socket.send(JSON.stringify(subscribe));
    expect(await granted()).toEqual([]);
    expect(await client.ask(subscribe)).toMatchObject({ code: 2, id: 1 });
    expect(await granted()).toEqual([]);
    expect(await client.ask(subscribe)).toEqual({ result: null, id: 1 });
    expect(await granted()).toEqual(params.slice(0, 2));
    client.socket.send(JSON.stringify(subscribe));
    expect(await granted()).toEqual(params);
    expect(simulator.report().commands.subscribe).toBe(4);
  });

  test('REST fails so often with what was ordered, of one path alone; is slow; and answers again', async () => {
    const simulator = await simulate({ ...market, hold: true });
    const time = (): Promise<number> => get(simulator, '/api/v3/time').then(({ status }) => status);
    simulator.command({ kind: 'rest', fate: 429, count: 2, path: '/depth', retryAfterSeconds: 3 });
    simulator.command({ kind: 'rest', fate: 500, count: 1, path: '/time' });
    const depth = await get(simulator, '/api/v3/depth?symbol=BTCUSDT');
    expect([depth.status, depth.headers.get('retry-after')]).toEqual([429, '3']);
    expect([await time(), await time()]).toEqual([500, 200]);
    simulator.command({ kind: 'rest', fate: 'timeout', count: 1, path: '/time' });
    await expect(
      fetch(`${simulator.restUrl}/api/v3/time`, { signal: AbortSignal.timeout(80) }),
    ).rejects.toThrow('timeout');
    simulator.command({ kind: 'rest', fate: 'cut', count: 1, path: '/time' });
    await expect(time()).rejects.toThrow('fetch failed');
    simulator.command({ kind: 'restDelay', ms: 120 });
    const before = performance.now();
    expect(await time()).toBe(200);
    expect(performance.now() - before).toBeGreaterThan(110);
    simulator.command({ kind: 'restDelay', ms: 0 });
    const { commands, requests } = simulator.report();
    expect([commands.rest, requests.refused]).toEqual([4, 4]);
  });

  test.each<[Command, string]>([
    [{ kind: 'kill', connection: 3 }, 'There is no connection 3; 0 are open, counted from 0.'],
    [
      { kind: 'drop', symbol: 'NOPE' },
      'There is no stream of NOPE with trade messages; name one that is listed.',
    ],
    [
      { kind: 'kill', connection: 'all', venue: 'coinbase' },
      'The venue coinbase is not simulated here; start it with `venues`.',
    ],
    [{ kind: 'delist', symbol: 'NOPE' }, 'There is no symbol NOPE; name one that is listed.'],
  ])('%j is refused in one sentence', async (command, sentence) => {
    const simulator = await simulate({ ...market, hold: true });
    expect(() => simulator.command(command)).toThrow(new SimulatorFault(sentence));
  });
});

test('a script strikes at its moment of market time, at the same trades in every run', async () => {
  const gaps: [number, number][][] = [];
  for (let run = 0; run < 2; run++) {
    const simulator = await simulate({
      ...market,
      seed: 5,
      startTimeMs: Date.UTC(2026, 0, 1),
      hold: true,
      script: [
        { afterMs: 150, command: { kind: 'drop', symbol: 'BTCUSDT', count: 2 } },
        { afterMs: 200, command: { kind: 'kill', connection: 9 } },
        { afterMs: 300, command: { kind: 'duplicate', symbol: 'BTCUSDT' } },
      ],
    });
    const client = await connect(simulator, '/ws/btcusdt@trade');
    simulator.start();
    while (jumps(ids(client)).length < 2) await sleep(20);
    gaps.push(jumps(ids(client)).slice(0, 2));
    expect(simulator.report().scriptRefused).toBe(1);
  }
  expect(gaps[0]!.map(([from, to]) => to - from)).toEqual([3, 0]);
  expect(gaps[1]).toEqual(gaps[0]);
});

test('over IPC: a command is done, or refused with a sentence, and the report counts it', async () => {
  const options: SimulatorOptions = { ...market, venues: ['binance'] };
  const child = fork(entry, [JSON.stringify(options)], {
    execPath: node,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const told = async (order?: SimulatorCommand): Promise<SimulatorMessage> => {
    if (order !== undefined) child.send(order);
    return ((await once(child, 'message')) as [SimulatorMessage])[0];
  };
  const ready = (await told()) as Extract<SimulatorMessage, { kind: 'ready' }>;
  expect(ready.venues.binance).toEqual({
    wsUrl: ready.wsUrl,
    restUrl: ready.restUrl,
    listing: ready.listing,
  });
  const client = await connect(ready, '/ws/btcusdt@trade');
  const order = (id: number, command: Command): Promise<SimulatorMessage> =>
    told({ kind: 'command', id, command });
  expect(await order(1, { kind: 'kill', connection: 0 })).toEqual({ kind: 'done', id: 1 });
  expect(await client.closed).toBe(1006);
  expect(await order(2, { kind: 'kill', connection: 0 })).toMatchObject({
    id: 2,
    refusal: 'There is no connection 0; 0 are open, counted from 0.',
  });
  const answer = (await told({ kind: 'report' })) as Extract<SimulatorMessage, { kind: 'report' }>;
  expect([answer.report.commands.kill, answer.report.venues?.binance?.commands.kill]).toEqual([1, 1]);
});
