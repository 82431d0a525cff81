/** The clients of the latency bench, on a thread of their own: they note how old each trade is when it reaches them. */
import { parentPort, workerData } from 'node:worker_threads';
import { blockKind } from '../src/wire/block.ts';
import { FrameReader } from '../src/wire/decode.ts';
import { readTrades, tradeBatch } from '../src/wire/decode-batch.ts';
import { subscribe } from './processes.ts';

const { port, symbols, clients, symbolsPerClient } = workerData as {
  port: number;
  symbols: readonly string[];
  clients: number;
  symbolsPerClient: number;
};
const deliveriesMax = 8_000_000;
const micros = new Float64Array(deliveriesMax);
let count = 0;
const reader = new FrameReader();
const batch = tradeBatch();

function take(frame: Uint8Array): void {
  const now = (performance.timeOrigin + performance.now()) * 1_000;
  reader.open(frame);
  while (reader.next()) {
    if (reader.snapshot || reader.kind !== blockKind.trade || !readTrades(reader, batch)) continue;
    for (let index = 0; index < batch.count && count < deliveriesMax; index++)
      micros[count++] = now - batch.time[index]!;
  }
}

for (let client = 0; client < clients; client++) {
  const wanted = Array.from(
    { length: symbolsPerClient },
    (_, index) => symbols[(client * 7 + index * 25) % symbols.length]!,
  );
  await subscribe(port, [...new Set(wanted)], ['trades', 'quotes'], take);
}
parentPort!.on('message', () => parentPort!.postMessage({ kind: 'report', micros: micros.slice(0, count) }));
parentPort!.postMessage({ kind: 'ready' });
