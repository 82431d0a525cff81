import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createApp, noCompression } from '../../src/gateway/uws.ts';
import type { GatewayReport } from '../../src/threads/gateway.ts';
import { doorbell } from '../../src/wire/doorbell.ts';
import { segmentRingMemory } from '../../src/wire/segment-ring.ts';
import { startGateway, startThread, TestClient, until } from './harness.ts';

const onPinnedPlatform =
  process.platform === 'linux' && process.arch === 'x64' && process.versions.modules === '127';

test.skipIf(!onPinnedPlatform)(
  'the native file that is loaded on linux x64 with Node 22 is the one we know',
  () => {
    expect(createApp).toBeTypeOf('function');
    expect(noCompression).toBe(0);
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) =>
      /uws_.*\.node$/.test(file),
    );
    const known = join(
      dirname(fileURLToPath(import.meta.resolve('uWebSockets.js'))),
      'bin',
      'uws_linux_x64_127.node',
    );
    expect(loaded).toEqual([known]);
    const sum = createHash('sha256').update(readFileSync(known)).digest('hex');
    expect(sum).toBe('8cabc918bbf9a07323e54f89a33882491080b2eb35df0607f473ccdb1f3c31af');
  },
);

test('a taken port is a fault in one sentence that says what to do, and the thread ends by itself', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const sentence = `port ${port} is taken: another program listens on 127.0.0.1:${port}; set SERVER_PORT or --port`;
  expect(await faultOf(port)).toBe(sentence);
  server.close();
  // uWebSockets shares its port even with another of its own kind, unless told not to.
  const gateway = await startGateway({ port: await freePort() });
  expect(await faultOf(gateway.port)).toMatch(`port ${gateway.port} is taken`);
  await gateway.close();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function faultOf(port: number): Promise<string> {
  const { port2 } = new MessageChannel();
  const worker = startThread({ port }, port2, [segmentRingMemory(1 << 16)], doorbell());
  const reports: GatewayReport[] = [];
  worker.on('message', (report: GatewayReport) => reports.push(report));
  const code = await new Promise((resolve) => worker.once('exit', resolve));
  expect(code).toBe(0);
  expect(reports).toHaveLength(1);
  const [report] = reports;
  return report?.kind === 'fault' ? report.message : `no fault: ${report?.kind}`;
}

test('closing tells every client 1001 and "resume", frees the port at once, and the thread ends with everything accounted for', async () => {
  const gateway = await startGateway({ port: await freePort() });
  const clients = await Promise.all(
    Array.from({ length: 20 }, (_, index) => TestClient.open(gateway.port, index % 2 === 0 ? 'v1' : 'v2')),
  );
  await Promise.all(clients.map((client) => client.subscribe(['BTCUSDT'])));
  await gateway.feed.trades(1, 1, 5).flush();
  const { code, accounting } = await gateway.close();
  expect(code).toBe(0);
  for (const client of clients) {
    const { code: closeCode, reason } = await until(() => client.closed, 'the close');
    expect(closeCode).toBe(1001);
    expect(JSON.parse(reason)).toMatchObject({ code: 1001, resume: true });
  }
  expect(accounting.connections).toMatchObject({ open: 0, opened: 20, closed: { '1001': 20 } });
  const again = await startGateway({ port: gateway.port });
  expect(again.port).toBe(gateway.port);
  expect((await again.close()).code).toBe(0);
});

test('clients that come and go leave nothing behind', async () => {
  const gateway = await startGateway();
  for (let round = 0; round < 5; round++) {
    const clients = await Promise.all(Array.from({ length: 30 }, () => TestClient.open(gateway.port)));
    await Promise.all(
      clients.map((client) => client.subscribe(['BTCUSDT', 'ETHUSDT'], ['trades', 'quotes', 'bars:1m'])),
    );
    await gateway.feed
      .trades(1, 1 + round * 10, 10)
      .quote(2, 1 + round)
      .flush();
    await until(() => clients.every((client) => client.tradeIds(1).length === 10), 'the trades');
    for (const [index, client] of clients.entries()) {
      if (index % 2 === 0) client.socket.terminate();
      else client.socket.close(4_050, 'bye');
    }
    await until(async () => (await gateway.account()).connections.open === 0, 'the last to go');
  }
  const before = await gateway.account();
  await gateway.feed.trades(1, 100).flush();
  await until(async () => (await gateway.account()).received.blocks > before.received.blocks, 'the block');
  const after = await gateway.account();
  expect(after.delivery, 'nobody is subscribed any more').toEqual(before.delivery);
  expect(after.connections.closed).toEqual({ '1006': 75, '4050': 75 });
  await gateway.close();
});
