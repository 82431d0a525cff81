import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { afterAll, expect, test } from 'vitest';
import { latestPricesMemory, SharedLatestPrices } from '../../src/stores/memory-latest.ts';
import { SqliteHistoryWriter } from '../../src/stores/sqlite-history-writer.ts';
import { SqliteInstruments } from '../../src/stores/sqlite-instruments.ts';
import { openMarketDatabase } from '../../src/stores/sqlite-schema.ts';
import type { QueryData, QueryReply, QueryRequest } from '../../src/threads/query.ts';
import { latestOf } from '../stores/latest-exam.ts';
import { barOf, batchOf, instrumentOf, sampleTime, scratchFolder } from '../stores/market-samples.ts';

const scratch = scratchFolder();
afterAll(scratch.remove);
const btc = { symbol: 'BINANCE:BTCUSDT', instrument: 1 };
const entry = new URL('../../src/threads/query.ts', import.meta.url);

const once = (worker: Worker, event: string): Promise<unknown> =>
  new Promise((resolve) => worker.once(event, resolve));

function asker(
  port: MessagePort,
): (id: number, kind: QueryRequest['kind'], params?: object) => Promise<QueryReply> {
  const waiting = new Map<number, (reply: QueryReply) => void>();
  port.on('message', (reply: QueryReply) => waiting.get(reply.id)?.(reply));
  return (id, kind, params) =>
    new Promise((resolve) => {
      waiting.set(id, resolve);
      port.postMessage({ id, kind, ...(params && { params }) });
    });
}

test('two gateways ask the query thread while a writer writes; each gets its own answers', async () => {
  const db = openMarketDatabase(scratch.file('market.db'));
  const dictionary = new SqliteInstruments(db).enrol([instrumentOf(0, 'BTCUSDT')]);
  const writer = new SqliteHistoryWriter(db, dictionary);
  const latest = latestPricesMemory(1);
  const [first, second] = [new MessageChannel(), new MessageChannel()];
  const workerData: QueryData = { file: db.name, dictionary, latest, books: [], ports: [first.port2] };
  const worker = new Worker(entry, { workerData, transferList: [first.port2] });
  expect(await once(worker, 'message')).toEqual({ ready: true });
  worker.postMessage({ port: second.port2 }, [second.port2]);
  const [ask, askToo] = [asker(first.port1), asker(second.port1)];

  expect((await ask(1, 'price', btc)).status).toBe(404);
  new SharedLatestPrices(latest).put(latestOf(1));
  for (let i = 0; i < 20; i++) {
    await writer.write(batchOf({ bars: [barOf(sampleTime + i * 60e6)] }));
    const [price, bars, bad] = await Promise.all([
      ask(i, 'price', btc),
      askToo(i, 'bars', { ...btc, resolution: '1m' }),
      ask(100 + i, 'bars', { ...btc, limit: -1 }),
    ]);
    expect([price.id, bars.id, bad.id]).toEqual([i, i, 100 + i]);
    expect(price.body).toBeInstanceOf(Uint8Array);
    expect(JSON.parse(new TextDecoder().decode(bars.body)).bars).toHaveLength(i + 1);
    expect([bad.status, bad.contentType]).toEqual([400, 'application/problem+json']);
  }
  first.port1.close();
  expect((await askToo(7, 'symbols')).status).toBe(200);
  const ended = once(worker, 'exit');
  worker.postMessage({ stop: true }, []);
  expect(await ended).toBe(0);
  await writer.close();
});

test('a file that is not there is one clear sentence', async () => {
  const file = scratch.file('absent.db');
  const worker = new Worker(entry, {
    workerData: { file, dictionary: [], books: [], latest: latestPricesMemory(1) } satisfies QueryData,
  });
  expect(((await once(worker, 'error')) as Error).message).toBe(
    `market database ${file} cannot be read: unable to open database file`,
  );
});
