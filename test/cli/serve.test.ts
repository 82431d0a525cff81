/** `tickwire serve` without its exchange: nothing may wait for ever, and what is known is served. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { openMarket } from '../../src/threads/market-file.ts';
import { freePort, removeFolder, temporaryFolder } from '../demo/demo-process.ts';
import { Program } from './program.ts';

let folder: string;
let running: Program[];

beforeEach(() => {
  folder = temporaryFolder();
  running = [];
});
afterEach(async () => {
  for (const program of running) {
    program.signal('SIGKILL');
    await program.ended();
  }
  removeFolder(folder);
});

function serve(port: number, exchangePort: number): Program {
  const settings = [
    `exchange.rest_endpoint=http://127.0.0.1:${exchangePort}`,
    `exchange.ws_endpoint=ws://127.0.0.1:${exchangePort}`,
    'exchange.symbols=BTCUSDT,ETHUSDT',
    'exchange.backoffMin=100ms',
    'exchange.backoffMax=500ms',
    'workers.count=1',
    'log.level=warn',
  ];
  const program = new Program([
    'src/main.ts',
    'serve',
    '--host=127.0.0.1',
    `--port=${port}`,
    `--data=${folder}`,
    ...settings.flatMap((setting) => ['--set', setting]),
  ]);
  running.push(program);
  return program;
}

/** A port on which somebody listens and never answers. */
async function listener(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as { port: number }).port };
}

const instrument = { venue: 'BINANCE', priceDecimals: 2, sizeDecimals: 5, active: true, quote: 'USDT' };
const known = ['BTC', 'ETH'].map((base) => ({
  ...instrument,
  base,
  native: `${base}USDT`,
  symbol: `BINANCE:${base}USDT`,
}));

async function statusOf(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/health`);
  return ((await answer.json()) as { status: string }).status;
}

describe('serve without its exchange', () => {
  test('nothing known yet: says so and asks again; Ctrl-C ends it in order', async () => {
    const program = serve(0, await freePort());
    await program.says(/ECONNREFUSED.*nothing is served yet/);
    program.signal('SIGINT');
    expect({ code: await program.ended(), said: program.stderr }).toMatchObject({ code: 0 });
    expect(program.stdout).toBe('');
    expect(program.stderr).not.toMatch(/\n\s+at /);
  });

  test('nothing known yet: it listens once the exchange answers', async () => {
    const exchangePort = await freePort();
    const program = serve(0, exchangePort);
    await program.says(/nothing is served yet/);
    const exchange = await startSimulator({ port: exchangePort, symbols: 4, ticksPerSecond: 50 });
    try {
      await program.says(/listens on/);
      program.signal('SIGINT');
      expect({ code: await program.ended(), said: program.stderr }).toMatchObject({ code: 0 });
    } finally {
      await exchange.close();
    }
  });

  test('an exchange that takes the request and never answers: Ctrl-C ends it in order', async () => {
    const { server, port } = await listener();
    try {
      const program = serve(0, port);
      await once(server, 'connection');
      program.signal('SIGTERM');
      expect({ code: await program.ended(), said: program.stderr }).toMatchObject({ code: 0 });
    } finally {
      server.close();
    }
  });

  test('a taken port is told at once, although the exchange cannot be reached', async () => {
    const { server, port } = await listener();
    try {
      const program = serve(port, await freePort());
      expect({ code: await program.ended(), said: program.stderr }).toMatchObject({ code: 2 });
      expect(program.stderr.trimEnd().split('\n')).toEqual([
        expect.stringContaining(`port ${port} is taken`),
      ]);
    } finally {
      server.close();
    }
  });

  test('what earlier runs know is served; the feed connects once the exchange is back', async () => {
    await openMarket(folder, known, 1, 20, 1);
    const [port, exchangePort] = [await freePort(), await freePort()];
    const program = serve(port, exchangePort);
    await program.says(/listens on/);
    expect(program.stderr).toMatch(/known from earlier runs/);
    const listed = (await (await fetch(`http://127.0.0.1:${port}/api/v1/symbols`)).json()) as object[];
    expect(listed).toMatchObject(known.map(({ symbol }) => ({ symbol })));
    const bars = await fetch(`http://127.0.0.1:${port}/api/v1/symbols/BTCUSDT/bars`);
    // Without `resolution` bars are daily (document 002).
    expect(await bars.json()).toMatchObject({ resolution: '1d', bars: [] });

    const exchange = await startSimulator({ port: exchangePort, symbols: 4, ticksPerSecond: 50 });
    try {
      for (const until = Date.now() + 30_000; (await statusOf(port)) !== 'ok'; ) {
        if (Date.now() > until) throw new Error(`the feed did not connect: ${program.stderr}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    } finally {
      await exchange.close();
    }
    program.signal('SIGINT');
    expect(await program.ended()).toBe(0);
  });
});
