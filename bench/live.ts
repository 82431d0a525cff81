/**
 * Question: how many ticks a second come through the whole line, and what does one cost the server?
 * A simulator process sends as fast as its socket takes it; the server (SQLite writing) passes all on; one client
 * in this process takes and decodes every tick, unconflated. All three share the machine's two cores.
 */
import { blockKind } from '../src/wire/block.ts';
import { FrameReader } from '../src/wire/decode.ts';
import { quoteBatch, readQuotes, readTrades, tradeBatch } from '../src/wire/decode-batch.ts';
import { cpuMillis, peakMegabytes, startLine, subscribe } from './processes.ts';
import { type BenchResult, machine } from './result.ts';

const symbols = 500;
/** Nothing has come for so long: what is missing is lost (ms). */
const silenceMs = 10_000;

interface Round {
  readonly ticksPerSecond: number;
  readonly lost: number;
  readonly jumps: number;
  readonly cpuMicros: number;
  readonly bytesPerTick: number;
  readonly peakMegabytes: number;
  readonly clientCpuMicros: number;
}

export async function run({ tiny }: { tiny: boolean }): Promise<BenchResult> {
  const first = await round(tiny ? 50_000 : 2_000_000);
  const measured = tiny ? first : await round(Math.round(first.ticksPerSecond * 60));
  return {
    bench: 'live',
    machine: machine(),
    input: `simulator process, ${symbols} symbols, 3.5 quotes a trade, 60 s as fast as the line takes it; one client`,
    metrics: {
      ticks_per_s: Math.round(measured.ticksPerSecond),
      lost: measured.lost,
      id_jumps: measured.jumps,
      cpu_us_per_tick: Number(measured.cpuMicros.toFixed(3)),
      client_cpu_us_per_tick: Number(measured.clientCpuMicros.toFixed(3)),
      bytes_per_tick: Number(measured.bytesPerTick.toFixed(2)),
      server_peak_mb: measured.peakMegabytes,
    },
    ratios: {},
    goals: {
      ticks_per_s: { is: '≥', value: 800_000 },
      lost: { is: '≤', value: 0 },
      cpu_us_per_tick: { is: '≤', value: 1 },
    },
  };
}

async function round(messages: number): Promise<Round> {
  const line = await startLine(
    { symbols, messages },
    { 'workers.count': '2', 'workers.whenFull': 'wait', 'log.level': 'warn' },
  );
  try {
    const client = new Counter();
    const socket = await subscribe(line.port, line.symbols, ['trades', 'quotes'], (frame) =>
      client.take(frame),
    );
    const pid = line.server.pid!;
    const cpuBefore = cpuMillis(pid);
    const ownBefore = process.cpuUsage();
    const began = performance.now();
    line.exchange.play();
    const ended = await client.until(messages);
    const own = process.cpuUsage(ownBefore);
    const result = {
      ticksPerSecond: client.ticks / ((ended - began) / 1_000),
      lost: messages - client.ticks,
      jumps: client.jumps,
      cpuMicros: ((cpuMillis(pid) - cpuBefore) * 1_000) / client.ticks,
      clientCpuMicros: (own.user + own.system) / client.ticks,
      bytesPerTick: client.bytes / client.ticks,
      peakMegabytes: peakMegabytes(pid),
    };
    socket.close();
    return result;
  } finally {
    await line.close();
  }
}

/** Decodes every frame and checks that each instrument's trade ids follow one another. */
class Counter {
  ticks = 0;
  bytes = 0;
  jumps = 0;
  #lastAt = performance.now();
  readonly #reader = new FrameReader();
  readonly #trades = tradeBatch();
  readonly #quotes = quoteBatch();
  readonly #nextId = new Float64Array(65_536);

  take(frame: Uint8Array): void {
    const reader = this.#reader;
    reader.open(frame);
    this.bytes += frame.length;
    while (reader.next()) {
      if (reader.snapshot) continue;
      if (reader.kind === blockKind.trade && readTrades(reader, this.#trades))
        this.#countTrades(reader.instrument);
      else if (reader.kind === blockKind.quote && readQuotes(reader, this.#quotes))
        this.ticks += this.#quotes.count;
    }
    this.#lastAt = performance.now();
  }

  #countTrades(instrument: number): void {
    const { count, id } = this.#trades;
    const next = this.#nextId[instrument]!;
    if (next !== 0 && id[0] !== next) this.jumps++;
    for (let index = 1; index < count; index++) if (id[index] !== id[index - 1]! + 1) this.jumps++;
    this.#nextId[instrument] = id[count - 1]! + 1;
    this.ticks += count;
  }

  /** When the last of `messages` ticks came, or nothing for a while. */
  async until(messages: number): Promise<number> {
    while (this.ticks < messages && performance.now() - this.#lastAt < silenceMs) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.#lastAt;
  }
}
