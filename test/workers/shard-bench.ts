/** A shard on a workbench: its shared memory with a hub's end and consumers' ends, all in one thread. */
import { resolutions } from '../../src/market/resolution.ts';
import type { Bar, TradeRow } from '../../src/market/tick.ts';
import { BlockMessages } from '../../src/wire/block-message.ts';
import { FrameReader } from '../../src/wire/decode.ts';
import { type Block, restOfBlocks } from '../../src/wire/decode-frame.ts';
import { doorbell } from '../../src/wire/doorbell.ts';
import { barRowAt, rowKind, rowKindOf, rowWords, tradeRowAt } from '../../src/wire/row.ts';
import { SegmentReader, segmentRingMemory } from '../../src/wire/segment-ring.ts';
import {
  type TickRecords,
  tickField,
  tickFlag,
  tickKind,
  tickRecords,
  tickWords,
} from '../../src/wire/tick-record.ts';
import { TickWriter, tickRingMemory } from '../../src/wire/tick-ring.ts';
import { outputBytesMin } from '../../src/workers/shard.ts';
import type { ShardOptions, ShardRules } from '../../src/workers/shard-options.ts';
import { reportLength } from '../../src/workers/shard-run.ts';
import { shardEstate } from '../../src/workers/shard-snapshots.ts';

/** Words of a latest-price table (`stores/memory-latest.ts`), which the real task writes to. */
const latestBytesPerInstrument = 192;

export const usualRules: ShardRules = {
  graceMicros: 250_000,
  formingMicros: 250_000,
  reorderMicros: 250_000,
  quotes: '1s',
  enigma: true,
  bars: true,
  reorderRecords: 32,
  snapshotRecords: 64,
  waitWhenFull: true,
};

export interface Bench {
  readonly options: ShardOptions;
  readonly writer: TickWriter;
  readonly gateways: readonly SegmentReader[];
  readonly sinks: readonly SegmentReader[];
}

export interface BenchSizes {
  readonly instruments: number;
  readonly index?: number;
  readonly shards?: number;
  readonly ringRecords?: number;
  /** Bytes of each output ring; the least that the shard takes when left out. */
  readonly outputBytes?: number;
  readonly gateways?: number;
  readonly sinks?: number;
  readonly rules?: Partial<ShardRules>;
  /** Input and output positions to start at, to reach the wrap at 2^32 soon. */
  readonly inputStart?: number;
  readonly outputStart?: number;
}

export function leastOutputBytes(instruments: number): number {
  return 2 ** Math.ceil(Math.log2(2 * (outputBytesMin(instruments) + 8)));
}

export function shardBench(sizes: BenchSizes): Bench {
  const { instruments, ringRecords = 1_024 } = sizes;
  const input = tickRingMemory(ringRecords);
  new Int32Array(input, 0, 3).fill(sizes.inputStart ?? 0);
  const estate = shardEstate(instruments);
  new Int32Array(estate.control).fill(sizes.inputStart ?? 0, 1, 3);
  const outlet = (): { memory: SharedArrayBuffer; bell: SharedArrayBuffer } => {
    const memory = segmentRingMemory(sizes.outputBytes ?? leastOutputBytes(instruments));
    const control = new Int32Array(memory, 0, 6);
    control[0] = control[1] = sizes.outputStart ?? 0;
    // As after a segment that was taken long ago, under the position before the start.
    if (sizes.outputStart !== undefined) control.set([(sizes.inputStart ?? 0) - 1, sizes.outputStart], 2);
    return { memory, bell: doorbell().buffer as SharedArrayBuffer };
  };
  const gateways = Array.from({ length: sizes.gateways ?? 1 }, outlet);
  const sinks = Array.from({ length: sizes.sinks ?? 1 }, outlet);
  const bell = doorbell();
  const options: ShardOptions = {
    index: sizes.index ?? 0,
    shards: sizes.shards ?? 1,
    estate,
    input,
    bell: bell.buffer as SharedArrayBuffer,
    gateways,
    sinks,
    latest: new SharedArrayBuffer((instruments * (sizes.shards ?? 1) + 1) * latestBytesPerInstrument),
    control: new SharedArrayBuffer(16),
    report: new SharedArrayBuffer(8 * reportLength),
    rules: { ...usualRules, ...sizes.rules },
  };
  return {
    options,
    writer: new TickWriter(input, bell),
    gateways: gateways.map(({ memory }) => new SegmentReader(memory)),
    sinks: sinks.map(({ memory }) => new SegmentReader(memory)),
  };
}

export type Tick =
  | {
      readonly kind: 'trade';
      readonly instrument: number;
      readonly id: number;
      readonly time: number;
      readonly price: number;
      readonly size: number;
      readonly takerSold: boolean;
      readonly firstId?: number;
      readonly lastId?: number;
      readonly lineB?: boolean;
    }
  | {
      readonly kind: 'quote';
      readonly instrument: number;
      readonly version: number;
      readonly time: number;
      readonly bid: number;
      readonly bidSize: number;
      readonly ask: number;
      readonly askSize: number;
    }
  | { readonly kind: 'clock'; readonly time: number };
export type TradeTick = Extract<Tick, { kind: 'trade' }>;

/** Writes a tick as a record, as the hub does. */
export function putTick(records: TickRecords, slot: number, tick: Tick): void {
  const word = slot * tickWords;
  const words = records.words;
  words.fill(0, word, word + tickWords);
  records.halves[word * 2] = tickKind[tick.kind];
  records.halves[word * 2 + tickField.instrument] = tick.kind === 'clock' ? 0 : tick.instrument;
  words[word + tickField.time] = tick.time;
  if (tick.kind === 'clock') return;
  words[word + tickField.received] = tick.time + 1_500;
  if (tick.kind === 'quote') {
    words[word + tickField.id] = tick.version;
    words[word + tickField.bid] = tick.bid;
    words[word + tickField.bidSize] = tick.bidSize;
    words[word + tickField.ask] = tick.ask;
    words[word + tickField.askSize] = tick.askSize;
    return;
  }
  if (tick.takerSold) records.halves[word * 2]! |= tickFlag.takerSold;
  if (tick.lineB === true) records.halves[word * 2]! |= tickFlag.lineB;
  words[word + tickField.id] = tick.id;
  words[word + tickField.price] = tick.price;
  words[word + tickField.size] = tick.size;
  words[word + tickField.firstId] = tick.firstId ?? tick.id;
  words[word + tickField.lastId] = tick.lastId ?? tick.id;
}

const one = tickRecords(1);

/** Pushes one tick; false when the ring is full. */
export function push(writer: TickWriter, tick: Tick): boolean {
  putTick(one, 0, tick);
  return writer.push(one, 0);
}

/** All segments that wait, each as a copy. */
export function segmentsOf(reader: SegmentReader, most?: number): Uint8Array[] {
  const segments: Uint8Array[] = [];
  reader.read((bytes, from, to) => segments.push(bytes.slice(from, to)), most);
  return segments;
}

/** One run of bytes of all segments, each preceded by its length. */
export function joined(segments: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    segments.flatMap((segment) => [new Uint8Array(Uint32Array.of(segment.length).buffer), segment]),
  );
}

/** The blocks in a gateway's segment, decoded by the client's own decoder. */
export function blocksOf(segment: Uint8Array): Block[] {
  const messages = new BlockMessages();
  const reader = new FrameReader();
  const blocks: Block[] = [];
  messages.open(segment, 0, segment.length);
  while (messages.next()) {
    reader.openBlocks(segment, messages.from, messages.to, messages.timeBase);
    blocks.push(...restOfBlocks(reader));
  }
  return blocks;
}

export interface Rows {
  readonly trades: TradeRow[];
  readonly bars: Bar[];
}

/** Trades and bars in a sink's segments, in order. */
export function rowsOf(segments: readonly Uint8Array[]): Rows {
  const rows: Rows = { trades: [], bars: [] };
  for (const segment of segments) {
    const words = new Float64Array(segment.slice().buffer);
    for (let at = 0; at < words.length; ) {
      const kind = rowKindOf(words[at]!);
      if (kind === rowKind.trade) rows.trades.push(tradeRowAt(words, at));
      else if (kind === rowKind.bar) rows.bars.push(barRowAt(words, at));
      const name = (Object.keys(rowKind) as (keyof typeof rowKind)[]).find((key) => rowKind[key] === kind);
      if (name === undefined) throw new Error(`a row of kind ${kind} at word ${at}`);
      at += rowWords[name];
    }
  }
  return rows;
}

/** `BTC 1m 2024-08-08T23:59:00.000Z`: for messages and map keys. */
export function barKey(bar: { instrument: number; resolution: number; openTime: number }): string {
  return `${bar.instrument} ${resolutions[bar.resolution]} ${bar.openTime}`;
}
