/** A shard on a workbench: its shared memory with a hub's end and consumers' ends, all in one thread. */
import { resolutions } from '../../src/market/resolution.ts';
import type { Bar, TradeRow } from '../../src/market/tick.ts';
import { BlockMessages, rescaleBlock } from '../../src/wire/block-message.ts';
import { FrameReader } from '../../src/wire/decode.ts';
import { type Block, restOfBlocks } from '../../src/wire/decode-frame.ts';
import { doorbell } from '../../src/wire/doorbell.ts';
import { barRowAt, rowInstrumentOf, rowKind, rowKindOf, rowWords, tradeRowAt } from '../../src/wire/row.ts';
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
import type { Outlet, ShardOptions, ShardRules } from '../../src/workers/shard-options.ts';
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
  readonly requests: SegmentReader;
}

export interface BenchSizes {
  readonly instruments: number;
  readonly index?: number;
  readonly shards?: number;
  readonly ringRecords?: number;
  /** Bytes of each output ring; the least that the shard takes when left out. */
  readonly outputBytes?: number;
  readonly requestBytes?: number;
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
  const estate = shardEstate(instruments, sizes.rules?.books?.levels);
  new Int32Array(estate.control).fill(sizes.inputStart ?? 0, 1, 3);
  const outlet = (bytes: number): Outlet => {
    const memory = segmentRingMemory(bytes);
    const control = new Int32Array(memory, 0, 6);
    control[0] = control[1] = sizes.outputStart ?? 0;
    // As after a segment that was taken long ago, under the position before the start.
    if (sizes.outputStart !== undefined) control.set([(sizes.inputStart ?? 0) - 1, sizes.outputStart], 2);
    return { memory, bell: doorbell().buffer as SharedArrayBuffer };
  };
  const outputBytes = sizes.outputBytes ?? leastOutputBytes(instruments);
  const gateways = Array.from({ length: sizes.gateways ?? 1 }, () => outlet(outputBytes));
  const sinks = Array.from({ length: sizes.sinks ?? 1 }, () => outlet(outputBytes));
  const requests = outlet(sizes.requestBytes ?? 65_536);
  const bell = doorbell();
  const options: ShardOptions = {
    index: sizes.index ?? 0,
    shards: sizes.shards ?? 1,
    estate,
    input,
    bell: bell.buffer as SharedArrayBuffer,
    gateways,
    sinks,
    requests,
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
    requests: new SegmentReader(requests.memory),
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
      /** Fetched over REST. */
      readonly repair?: boolean;
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
  | { readonly kind: 'clock'; readonly time: number }
  /** Last trade id that the venue knows of; 0 for none. */
  | { readonly kind: 'heartbeat'; readonly instrument: number; readonly id: number; readonly time: number }
  | {
      readonly kind: 'lost';
      readonly instrument: number;
      readonly from: number;
      readonly to: number;
      readonly time: number;
    }
  | {
      readonly kind: 'subscribed';
      readonly instrument: number;
      readonly taken: boolean;
      readonly time: number;
    }
  /** Digits that prices and sizes get. */
  | {
      readonly kind: 'rescale';
      readonly instrument: number;
      readonly price: number;
      readonly size: number;
      readonly time: number;
    }
  | {
      readonly kind: 'extreme';
      readonly instrument: number;
      readonly time: number;
      readonly high: number;
      readonly low: number;
      readonly open: number;
      readonly close: number;
    };
export type TradeTick = Extract<Tick, { kind: 'trade' }>;

/** Writes a tick as a record, as the hub does. */
export function putTick(records: TickRecords, slot: number, tick: Tick): void {
  const word = slot * tickWords;
  const words = records.words;
  words.fill(0, word, word + tickWords);
  records.halves[word * 2] = tickKind[tick.kind];
  records.halves[word * 2 + tickField.instrument] = tick.kind === 'clock' ? 0 : tick.instrument;
  words[word + tickField.time] = tick.time;
  if (tick.kind !== 'clock') putFields(records, word, tick);
}

function putFields(records: TickRecords, word: number, tick: Exclude<Tick, { kind: 'clock' }>): void {
  const { words, halves } = records;
  const put = (fields: Partial<Record<keyof typeof tickField, number>>): void => {
    for (const [name, value] of Object.entries(fields))
      words[word + tickField[name as keyof typeof tickField]] = value;
  };
  const { time } = tick;
  const received = time + 1_500;
  switch (tick.kind) {
    case 'quote': {
      const { version: id, bid, bidSize, ask, askSize } = tick;
      return put({ received, id, bid, bidSize, ask, askSize });
    }
    case 'heartbeat':
      return put({ received, id: tick.id });
    case 'lost':
      return put({ received, firstId: tick.from, lastId: tick.to });
    case 'subscribed':
      return put({ id: tick.taken ? 1 : 0 });
    case 'rescale':
      return put({ price: tick.price, size: tick.size });
    case 'extreme':
      put({ received: tick.open, id: tick.close });
      return put({ price: tick.high, size: time, firstId: tick.low, lastId: time });
    case 'trade': {
      halves[word * 2]! |=
        (tick.takerSold ? tickFlag.takerSold : 0) |
        (tick.lineB === true ? tickFlag.lineB : 0) |
        (tick.repair === true ? tickFlag.repair : 0);
      const { id, price, size } = tick;
      put({ received, id, price, size, firstId: tick.firstId ?? id, lastId: tick.lastId ?? id });
    }
  }
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
    // Not for clients.
    if (messages.kind === rescaleBlock.kind) continue;
    reader.openBlocks(segment, messages.from, messages.to, messages.timeBase);
    blocks.push(...restOfBlocks(reader));
  }
  return blocks;
}

export interface Rows {
  readonly trades: TradeRow[];
  readonly bars: Bar[];
}

/** One row: its kind, its instrument, and its words, head included. */
export interface PlainRow {
  readonly kind: keyof typeof rowKind;
  readonly instrument: number;
  readonly words: Float64Array;
}

/** All rows in segments, in order. */
export function plainRowsOf(segments: readonly Uint8Array[]): PlainRow[] {
  const rows: PlainRow[] = [];
  for (const segment of segments) {
    const words = new Float64Array(segment.slice().buffer);
    for (let at = 0; at < words.length; ) {
      const kind = (Object.keys(rowKind) as (keyof typeof rowKind)[]).find(
        (name) => rowKind[name] === rowKindOf(words[at]!),
      );
      if (kind === undefined) throw new Error(`a row of kind ${rowKindOf(words[at]!)} at word ${at}`);
      const end = at + rowWords[kind];
      rows.push({ kind, instrument: rowInstrumentOf(words[at]!), words: words.slice(at, end) });
      at = end;
    }
  }
  return rows;
}

/** Trades and bars in a sink's segments, in order. */
export function rowsOf(segments: readonly Uint8Array[]): Rows {
  const rows: Rows = { trades: [], bars: [] };
  for (const { kind, words } of plainRowsOf(segments)) {
    if (kind === 'trade') rows.trades.push(tradeRowAt(words, 0));
    else if (kind === 'bar') rows.bars.push(barRowAt(words, 0));
  }
  return rows;
}

/** `BTC 1m 2024-08-08T23:59:00.000Z`: for messages and map keys. */
export function barKey(bar: { instrument: number; resolution: number; openTime: number }): string {
  return `${bar.instrument} ${resolutions[bar.resolution]} ${bar.openTime}`;
}
