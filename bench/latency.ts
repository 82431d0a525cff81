/**
 * Question: how long does a trade take from the moment it should have left the exchange to a client's callback?
 * Open loop: the simulator paces messages finer than 0.1 ms and writes into each the time it was meant for, so a stall
 * anywhere counts against every message behind it. Generator lateness is part of the figure and printed beside it.
 */
import { Worker } from 'node:worker_threads';
import { startLine } from './processes.ts';
import { type BenchResult, machine } from './result.ts';

const symbols = 500;
const clients = 200;
const symbolsPerClient = 20;
const perSecond = 10_000;

export async function run({ tiny }: { tiny: boolean }): Promise<BenchResult> {
  const seconds = tiny ? 2 : 30;
  const count = tiny ? 10 : clients;
  const messages = perSecond * seconds;
  const line = await startLine(
    { symbols, messages, pace: { perSecond } },
    { 'workers.count': '2', 'log.level': 'warn' },
  );
  const watch = new Worker(new URL('./latency-clients.ts', import.meta.url), {
    workerData: { port: line.port, symbols: line.symbols, clients: count, symbolsPerClient },
  });
  try {
    await answer(watch, 'ready');
    line.exchange.play();
    const { report } = await line.exchange.finished;
    await new Promise((resolve) => setTimeout(resolve, 500));
    watch.postMessage('report');
    const { micros } = (await answer(watch, 'report')) as { micros: Float64Array };
    micros.sort();
    const at = (share: number): number =>
      Number((micros[Math.floor(micros.length * share)]! / 1_000).toFixed(3));
    return {
      bench: 'latency',
      machine: machine(),
      input: `${perSecond} ticks/s over ${symbols} symbols for ${seconds} s, ${count} clients of ${symbolsPerClient} symbols, window "turn"`,
      metrics: {
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        p999_ms: at(0.999),
        max_ms: at(1 - 1 / micros.length),
        deliveries: micros.length,
        generator_p50_ms: (report.lateness?.p50Us ?? Number.NaN) / 1_000,
        generator_p99_ms: (report.lateness?.p99Us ?? Number.NaN) / 1_000,
        generator_max_ms: (report.lateness?.maxUs ?? Number.NaN) / 1_000,
      },
      ratios: {},
      goals: {
        p50_ms: { is: '≤', value: 0.5 },
        p99_ms: { is: '≤', value: 3 },
        p999_ms: { is: '≤', value: 10 },
      },
    };
  } finally {
    await watch.terminate();
    await line.close();
  }
}

/** The next message of a kind from the clients' thread. */
function answer(worker: Worker, kind: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: { kind: string }) => {
      if (message.kind === kind) resolve(message);
    });
    worker.once('error', reject);
  });
}
