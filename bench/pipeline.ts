/**
 * Question: how many ticks a second go from raw exchange bytes to v2 frames, on two cores and without sockets?
 * This thread normalises and hands on (the hub's part), a shard thread dedups and makes ten lengths of bars, 24-hour
 * statistics and the Enigma level, and a third thread joins the blocks into sealed frames and counts what is in them.
 * The messages of a round are made before its clock starts; market time runs as fast as `marketRate` says.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { shardMemory } from '../src/compute/shard-memory.ts';
import { binanceNormaliser } from '../src/feeds/binance/normalise.ts';
import { recordsPerMessageMax } from '../src/feeds/normaliser.ts';
import { dealInstruments, Hub, hubDefaults } from '../src/hub/hub.ts';
import { EventClock } from '../src/market/clock.ts';
import { latestPricesMemory } from '../src/stores/memory-latest.ts';
import { segmentRingMemory } from '../src/wire/segment-ring.ts';
import { tickRecords } from '../src/wire/tick-record.ts';
import { powerOfTwo, TickWriter, tickRingMemory } from '../src/wire/tick-ring.ts';
import { ShardPool } from '../src/workers/pool.ts';
import { outputBytesMin } from '../src/workers/shard.ts';
import type { ShardOptions } from '../src/workers/shard-options.ts';
import { reportLength } from '../src/workers/shard-run.ts';
import { ShardSnapshots, shardEstate } from '../src/workers/shard-snapshots.ts';
import { MessageStock } from './message-stock.ts';
import { type BenchResult, machine, median } from './result.ts';

const symbols = 500;
/** Messages of one turn: what a socket brings at this load. */
const perTurn = 1_000;
const shards = 1;

interface Round {
  readonly ticksPerSecond: number;
  readonly lost: number;
  readonly hubNanos: number;
  readonly loopDelayMs: number;
  readonly bytesPerTick: number;
}

export async function run({ tiny }: { tiny: boolean }): Promise<BenchResult> {
  const messages = tiny ? 50_000 : 2_000_000;
  const stock = new MessageStock(symbols, messages);
  const line = await startLine(stock);
  const rounds: Round[] = [];
  try {
    // The first round warms the code and does not count.
    for (let index = 0; index < (tiny ? 2 : 8); index++) rounds.push(await round(line, stock));
  } finally {
    await line.close();
  }
  const counted = rounds.slice(1);
  const rates = counted.map(({ ticksPerSecond }) => Math.round(ticksPerSecond));
  return {
    bench: 'pipeline',
    machine: machine(),
    input: `${messages} Binance messages a round over ${symbols} symbols, 3.5 quotes a trade, ${perTurn} a turn; ${counted.length} rounds`,
    metrics: {
      ticks_per_s: median(rates),
      ticks_per_s_min: Math.min(...rates),
      ticks_per_s_max: Math.max(...rates),
      lost: counted.reduce((sum, { lost }) => sum + lost, 0),
      loop_delay_p99_ms: Number(median(counted.map(({ loopDelayMs }) => loopDelayMs)).toFixed(2)),
      hub_ns_per_tick: Math.round(median(counted.map(({ hubNanos }) => hubNanos))),
      frame_bytes_per_tick: Number(median(counted.map(({ bytesPerTick }) => bytesPerTick)).toFixed(2)),
    },
    ratios: {},
    goals: {
      ticks_per_s: { is: '≥', value: 2_500_000 },
      lost: { is: '≤', value: 0 },
      loop_delay_p99_ms: { is: '≤', value: 10 },
    },
  };
}

interface Line {
  readonly hub: Hub;
  readonly normaliser: ReturnType<typeof binanceNormaliser>;
  /** f64: ticks and bytes that arrived in frames so far. */
  readonly arrived: Float64Array;
  close(): Promise<void>;
}

async function startLine(stock: MessageStock): Promise<Line> {
  const gatewayBell = new SharedArrayBuffer(8);
  const rows = Math.ceil(symbols / shards);
  const options = Array.from({ length: shards }, (_, index): ShardOptions => {
    const estate = shardEstate(rows);
    new ShardSnapshots(estate).take(shardMemory(rows, new Float64Array(estate.minutes)), 0);
    return {
      index,
      shards,
      estate,
      input: tickRingMemory(16_384),
      bell: new SharedArrayBuffer(8),
      gateways: [{ memory: segmentRingMemory(powerOfTwo(2 * outputBytesMin(rows) + 64)), bell: gatewayBell }],
      sinks: [],
      requests: { memory: segmentRingMemory(262_144), bell: new SharedArrayBuffer(8) },
      latest: latestPricesMemory(symbols),
      control: new SharedArrayBuffer(16),
      report: new SharedArrayBuffer(8 * reportLength),
      rules: {
        graceMicros: 250_000,
        formingMicros: 250_000,
        reorderMicros: 250_000,
        reorderRecords: 32,
        quotes: '1s',
        bars: true,
        enigma: true,
        snapshotRecords: 8_192,
        waitWhenFull: true,
      },
    };
  });
  const arrived = new Float64Array(new SharedArrayBuffer(16));
  const frames = new Worker(new URL('./pipeline-frames.ts', import.meta.url), {
    workerData: { rings: options.map(({ gateways }) => gateways[0]!.memory), bell: gatewayBell, arrived },
  });
  const pool = new ShardPool({
    filename: new URL('../src/threads/shard.ts', import.meta.url).href,
    shards: options,
    stuckMs: 60_000,
    restartMs: 10,
    onRestart: (shard, reason) => {
      throw new Error(`shard ${shard} has died: ${reason}`);
    },
  });
  const hub = new Hub({
    ...hubDefaults,
    writers: options.map(({ input, bell }) => new TickWriter(input, new Int32Array(bell))),
    shardOf: dealInstruments(symbols, shards),
    clock: new EventClock(),
    conflates: false,
  });
  const normaliser = binanceNormaliser({
    instruments: stock.instruments,
    tradesOf: () => 'trade',
    plausible: { around: 'span', from: 0, to: Number.MAX_SAFE_INTEGER },
    messageBytesMax: 1_048_576,
  });
  const close = async (): Promise<void> => {
    hub.close();
    await pool.close();
    await frames.terminate();
  };
  return { hub, normaliser, arrived, close };
}

async function round(line: Line, stock: MessageStock): Promise<Round> {
  stock.renew();
  const { hub, normaliser, arrived } = line;
  const { bytes, starts, length } = stock;
  const records = tickRecords(recordsPerMessageMax);
  const ticksBefore = arrived[0]!;
  const bytesBefore = arrived[1]!;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await turn();
  delay.enable();
  const began = performance.now();
  let busy = 0;
  for (let at = 0; at < length; ) {
    const from = performance.now();
    for (const end = Math.min(at + perTurn, length); at < end; at++) {
      const count = normaliser.normalise(bytes, starts[at]!, starts[at + 1]!, stock.receivedMicros, records);
      if (count !== 1) throw new Error(`message ${at} was answered ${count}`);
      hub.take(records, count);
    }
    hub.flush();
    busy += performance.now() - from;
    await turn();
    // What a socket would do for us: nothing more is read while the shards are behind.
    while (hub.account().waiting > 0) await turn();
  }
  const deadline = performance.now() + 10_000;
  while (arrived[0]! - ticksBefore < length && performance.now() < deadline) await turn();
  const seconds = (performance.now() - began) / 1_000;
  delay.disable();
  const ticks = arrived[0]! - ticksBefore;
  return {
    ticksPerSecond: ticks / seconds,
    lost: length - ticks,
    hubNanos: (busy * 1e6) / length,
    loopDelayMs: delay.percentile(99) / 1e6,
    bytesPerTick: (arrived[1]! - bytesBefore) / ticks,
  };
}
