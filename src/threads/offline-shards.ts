/**
 * All shards of a server, on this thread: they take records in the hub's order, and are stepped and emptied at the same
 * moments of market time however many they are, so that what they make does not depend on it.
 */
import { counterNames, shardMemory } from '../compute/shard-memory.ts';
import type { Config } from '../config/load.ts';
import { dealInstruments } from '../hub/hub.ts';
import type { Instrument } from '../market/instrument.ts';
import { latestPricesMemory, SharedLatestPrices } from '../stores/memory-latest.ts';
import { gapState, rowInstrumentOf, rowKind, rowKindOf, rowWords } from '../wire/row.ts';
import { SegmentReader, segmentRingMemory } from '../wire/segment-ring.ts';
import {
  copyTick,
  type TickRecords,
  tickField,
  tickKind,
  tickRecords,
  tickWords,
} from '../wire/tick-record.ts';
import { powerOfTwo, TickWriter, tickRingMemory } from '../wire/tick-ring.ts';
import { outputBytesMin } from '../workers/shard.ts';
import { report, type ShardOptions } from '../workers/shard-options.ts';
import { reportLength, ShardRun } from '../workers/shard-run.ts';
import { ShardSnapshots, shardEstate } from '../workers/shard-snapshots.ts';
import type { IndexDefinition } from './indexes.ts';
import type { DigestTaker } from './offline-digests.ts';
import { shardRules } from './rules.ts';

export interface OfflineShardsOptions {
  readonly config: Config;
  readonly instruments: readonly Instrument[];
  readonly indexes: readonly IndexDefinition[];
  /** Of streams without ids of their own. */
  readonly epoch: number;
  readonly digests: DigestTaker;
}

export interface OfflineRequests {
  /** Ranges of trade ids that nobody has: told to be lost. */
  readonly gaps: number;
  /** Snapshots of books. */
  readonly books: number;
  readonly statuses: number;
}

/** Records after which a turn ends: few, so that what a turn makes surely finds room. */
const turnRecords = 256;
const inputRecords = 16_384;
const turnBytes = 4 * 2 ** 20;
const requestBytes = 2 ** 20;
/** Rounds of clock and answers at the end: each may let go of what shows the next gap. */
const roundsMax = 16;

interface Lane {
  readonly options: ShardOptions;
  readonly writer: TickWriter;
  readonly run: ShardRun;
  readonly gateway: SegmentReader;
  readonly sink: SegmentReader;
  readonly requests: SegmentReader;
}

interface Missing {
  readonly instrument: number;
  readonly from: number;
  readonly to: number;
}

export class OfflineShards {
  readonly #lanes: readonly Lane[];
  readonly #shardOf: Uint16Array;
  readonly #digests: DigestTaker;
  /** By instrument: the indexes that it is a part of. */
  readonly #parts = new Map<number, { readonly index: number; readonly part: number }[]>();
  readonly #one = tickRecords(1);
  #missing: Missing[] = [];
  readonly #books = new Set<number>();
  #pending = 0;
  readonly #requests = { gaps: 0, books: 0, statuses: 0 };

  constructor({ config, instruments, indexes, epoch, digests }: OfflineShardsOptions) {
    const shards = Math.min(config.workers.count, instruments.length);
    this.#digests = digests;
    this.#shardOf = dealInstruments(instruments.length, shards);
    const latest = latestPricesMemory(instruments.length);
    const rules = {
      ...shardRules(config, indexes, epoch),
      snapshotRecords: inputRecords / 2,
      waitWhenFull: true,
    };
    const rows = Math.ceil(instruments.length / shards);
    const ringBytes = powerOfTwo(8 * Math.max(turnBytes, outputBytesMin(rows)));
    this.#lanes = Array.from({ length: shards }, (_, index) => {
      const estate = shardEstate(rows, config.books.levels);
      new ShardSnapshots(estate).take(shardMemory(rows, new Float64Array(estate.minutes)), 0);
      return laneOf({
        index,
        shards,
        estate,
        input: tickRingMemory(inputRecords),
        bell: new SharedArrayBuffer(8),
        gateways: [outlet(ringBytes)],
        sinks: [outlet(ringBytes)],
        requests: outlet(requestBytes),
        latest,
        control: new SharedArrayBuffer(16),
        report: new SharedArrayBuffer(8 * reportLength),
        rules,
      });
    });
    for (const { instrument: index, parts } of indexes)
      for (const [part, { instrument }] of parts.entries())
        this.#parts.set(instrument, [...(this.#parts.get(instrument) ?? []), { index, part }]);
  }

  /** Takes records 0 to `count` − 1, all of one message. */
  take(records: TickRecords, count: number): void {
    for (let i = 0; i < count; i++) {
      this.#push(records, i);
      const at = i * tickWords * 2;
      if ((records.halves[at + tickField.head]! & 0xff) !== tickKind.quote) continue;
      const parts = this.#parts.get(records.halves[at + tickField.instrument]!);
      if (parts !== undefined) this.#forward(parts, records, i);
    }
    this.#pending += count;
    if (this.#pending >= turnRecords) this.#turn();
  }

  /** Market time (µs) has come so far. Then what is missing is told to be lost: a recording has nothing else. */
  tell(time: number): void {
    const { halves, words } = this.#one;
    words.fill(0);
    halves[tickField.head] = tickKind.clock;
    halves[tickField.instrument] = 0;
    words[tickField.time] = time;
    words[tickField.received] = time;
    for (const lane of this.#lanes) pushTo(lane, this.#one, 0);
    this.#turn();
    const missing = this.#missing.toSorted((a, b) => a.instrument - b.instrument || a.from - b.from);
    this.#missing = [];
    for (const range of missing) this.#lose(range, time);
  }

  /** The recording has ended at `time` (µs): what waited goes out. */
  finish(time: number): void {
    // Time that stands still lets go of what waits for it.
    for (let round = 0; round < roundsMax; round++) {
      this.tell(time);
      if (round > 1 && this.#pending === 0) break;
    }
    for (const lane of this.#lanes) {
      lane.run.finish();
      this.#drain(lane);
    }
  }

  /** Instruments whose books need a snapshot, asked for since the last call. */
  wantedBooks(): number[] {
    const wanted = [...this.#books].toSorted((a, b) => a - b);
    this.#books.clear();
    return wanted;
  }

  get count(): number {
    return this.#lanes.length;
  }

  requests(): OfflineRequests {
    return { ...this.#requests };
  }

  /** Sums over all shards, by name. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { run } of this.#lanes)
      for (const [at, name] of counterNames.entries())
        counts[name] = (counts[name] ?? 0) + run.shard.memory.counters[at]!;
    return counts;
  }

  #push(records: TickRecords, at: number): void {
    const instrument = records.halves[at * tickWords * 2 + tickField.instrument]!;
    pushTo(this.#lanes[this.#shardOf[instrument]!]!, records, at);
  }

  /** As the hub does: an index is made in its own shard, from the quotes of its parts. */
  #forward(
    parts: readonly { readonly index: number; readonly part: number }[],
    records: TickRecords,
    at: number,
  ): void {
    for (const { index, part } of parts) {
      copyTick(records, at, this.#one, 0);
      this.#one.halves[tickField.head] = tickKind.part | (part << 16);
      this.#one.halves[tickField.instrument] = index;
      this.#push(this.#one, 0);
      this.#pending++;
    }
  }

  #turn(): void {
    this.#pending = 0;
    for (const lane of this.#lanes) {
      lane.writer.publish();
      lane.run.step();
      this.#drain(lane);
    }
  }

  #drain({ options, gateway, sink, requests }: Lane): void {
    if (new Float64Array(options.report)[counterNames.length + report.waits] !== 0)
      throw new Error('broken invariant: a shard waited for a ring that nobody empties');
    // Copies: shared memory is nothing that a hash takes.
    gateway.read((bytes, from, to) => this.#digests.takeBlocks(bytes.slice(from, to)));
    sink.read((bytes, from, to) => this.#digests.takeRows(wordsOf(bytes, from, to)));
    requests.read((bytes, from, to) => this.#hear(wordsOf(bytes, from, to)));
  }

  #hear(words: Float64Array): void {
    for (let at = 0; at < words.length; ) {
      const kind = rowKindOf(words[at]!);
      if (kind === rowKind.gap) {
        this.#noteGap(rowInstrumentOf(words[at]!), words[at + 1]!, words[at + 2]!, words[at + 3]!);
        at += rowWords.gap;
      } else if (kind === rowKind.bookRequest) {
        this.#requests.books++;
        this.#books.add(rowInstrumentOf(words[at]!));
        at += rowWords.bookRequest;
      } else if (kind === rowKind.status) {
        this.#requests.statuses++;
        at += rowWords.status;
      } else if (kind === rowKind.source) at += rowWords.source;
      else throw new Error(`broken invariant: a request of kind ${kind}`);
    }
  }

  #noteGap(instrument: number, state: number, from: number, to: number): void {
    if (state !== gapState.gap) return;
    const known = this.#missing.some(
      (one) => one.instrument === instrument && one.from === from && one.to === to,
    );
    if (!known) this.#missing.push({ instrument, from, to });
  }

  #lose({ instrument, from, to }: Missing, time: number): void {
    const { halves, words } = this.#one;
    words.fill(0);
    halves[tickField.head] = tickKind.lost;
    halves[tickField.instrument] = instrument;
    words[tickField.time] = time;
    words[tickField.received] = time;
    words[tickField.id] = to;
    words[tickField.firstId] = from;
    words[tickField.lastId] = to;
    this.#requests.gaps++;
    this.#push(this.#one, 0);
    this.#pending++;
  }
}

function outlet(bytes: number): ShardOptions['requests'] {
  return { memory: segmentRingMemory(bytes), bell: new SharedArrayBuffer(8) };
}

function laneOf(options: ShardOptions): Lane {
  return {
    options,
    writer: new TickWriter(options.input, new Int32Array(options.bell)),
    run: new ShardRun(options, new SharedLatestPrices(options.latest)),
    gateway: new SegmentReader(options.gateways[0]!.memory),
    sink: new SegmentReader(options.sinks[0]!.memory),
    requests: new SegmentReader(options.requests.memory),
  };
}

function pushTo({ writer }: Lane, records: TickRecords, at: number): void {
  if (!writer.push(records, at)) throw new Error('broken invariant: a turn does not fit in its ring');
}

function wordsOf(bytes: Uint8Array, from: number, to: number): Float64Array {
  return new Float64Array(bytes.slice(from, to).buffer);
}
