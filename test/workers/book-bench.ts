/** Book records into a shard on a workbench, and its book blocks and requests out again. */

import { counterNames } from '../../src/compute/shard-memory.ts';
import { bookCopy, readBook } from '../../src/market/book.ts';
import { SharedLatestPrices } from '../../src/stores/memory-latest.ts';
import type { Block } from '../../src/wire/decode-frame.ts';
import { rowInstrumentOf, rowKind, rowKindOf, rowWords } from '../../src/wire/row.ts';
import {
  levelBits,
  levelsPerRecord,
  type TickRecords,
  tickField,
  tickFlag,
  tickKind,
  tickRecords,
  tickWords,
} from '../../src/wire/tick-record.ts';
import { ShardRun } from '../../src/workers/shard-run.ts';
import type { Level, Update } from '../compute/obvious-book.ts';
import { type Bench, type BenchSizes, blocksOf, segmentsOf, shardBench } from './shard-bench.ts';

export interface BookUpdate extends Update {
  readonly instrument: number;
  readonly noIds?: boolean;
  readonly lineB?: boolean;
}

/** The records of a change or snapshot, as a normaliser makes them. */
export function bookRecords(update: BookUpdate): TickRecords {
  const levels = [...update.bids, ...update.asks];
  const count = 1 + Math.ceil(levels.length / levelsPerRecord);
  const records = tickRecords(count);
  const { halves, words } = records;
  const line = update.lineB === true ? tickFlag.lineB : 0;
  halves[tickField.head] =
    tickKind.book |
    (update.snapshot ? tickFlag.snapshot : 0) |
    (update.noIds === true ? tickFlag.noIds : 0) |
    line;
  halves[tickField.instrument] = update.instrument;
  words[tickField.time] = update.time;
  words[tickField.received] = update.time + 1_000;
  words[tickField.id] = update.lastId;
  words[tickField.firstUpdate] = update.firstId;
  words[tickField.levels] = levels.length;
  if (update.snapshot) {
    words[tickField.bidHorizon] = update.bidHorizon ?? 0;
    words[tickField.askHorizon] = update.askHorizon ?? Number.POSITIVE_INFINITY;
  }
  for (let record = 1; record < count; record++) {
    const some = levels.slice((record - 1) * levelsPerRecord, record * levelsPerRecord);
    const word = record * tickWords;
    let head = tickKind.levels | line | (some.length << levelBits.countShift);
    some.forEach(([price, size], i) => {
      if ((record - 1) * levelsPerRecord + i >= update.bids.length) head |= 1 << (levelBits.askShift + i);
      words[word + tickField.level + i * 2] = price;
      words[word + tickField.level + i * 2 + 1] = size;
    });
    halves[word * 2] = head >>> 0;
    halves[word * 2 + tickField.instrument] = update.instrument;
    words[word + tickField.levelsOf] = update.lastId;
  }
  return records;
}

export interface Request {
  readonly instrument: number;
  readonly reason: number;
  readonly lastId: number;
}

export interface BookView {
  readonly state: number;
  readonly lastId: number;
  readonly bids: Level[];
  readonly asks: Level[];
  readonly bidsWhole: boolean;
  readonly asksWhole: boolean;
}

/** A shard that is fed in the same thread, turn by turn. */
export class BookShard {
  readonly bench: Bench;
  run: ShardRun;
  readonly #latest: SharedLatestPrices;
  readonly #one = tickRecords(1);

  constructor(sizes: BenchSizes) {
    this.bench = shardBench({ ringRecords: 16_384, ...sizes });
    this.#latest = new SharedLatestPrices(this.bench.options.latest);
    this.run = new ShardRun(this.bench.options, this.#latest);
  }

  /** Hands records in, but for those whose index `lost` names; as a turn of its own with `flush`. */
  push(records: TickRecords, lost: (index: number) => boolean = () => false): void {
    for (let index = 0; index < records.words.length / tickWords; index++) {
      if (!lost(index) && !this.bench.writer.push(records, index)) throw new Error('the ring is full');
    }
  }

  record(kind: number, instrument: number, flags = 0, fields: Record<number, number> = {}): void {
    const { words, halves } = this.#one;
    words.fill(0);
    halves[tickField.head] = kind | flags;
    halves[tickField.instrument] = instrument;
    for (const [field, value] of Object.entries(fields)) words[Number(field)] = value;
    if (!this.bench.writer.push(this.#one, 0)) throw new Error('the ring is full');
  }

  clock(time: number): void {
    this.record(tickKind.clock, 0, 0, { [tickField.time]: time });
  }

  /** Ends the turn; returns what the shard made in it. */
  turn(): { blocks: Block[]; requests: Request[] } {
    this.bench.writer.publish();
    this.run.step();
    for (const sink of this.bench.sinks) segmentsOf(sink);
    const blocks = segmentsOf(this.bench.gateways[0]!).flatMap(blocksOf);
    return { blocks, requests: segmentsOf(this.bench.requests).flatMap(requestsIn) };
  }

  update(update: BookUpdate): { blocks: Block[]; requests: Request[] } {
    this.push(bookRecords(update));
    return this.turn();
  }

  view(instrument: number, depth = 2_000): BookView {
    const { table } = this.run.shard.books;
    const copy = bookCopy(table.levels);
    if (!readBook(table, instrument - 1, depth, copy)) throw new Error('no whole moment of the book');
    const { state, lastId, bidsWhole, asksWhole } = copy;
    const sides = { bids: levelsIn(copy.bids, copy.bidCount), asks: levelsIn(copy.asks, copy.askCount) };
    return { state, lastId, ...sides, bidsWhole, asksWhole };
  }

  counts(): Record<string, number> {
    const { counters } = this.run.shard.memory;
    return Object.fromEntries(counterNames.map((name, index) => [name, counters[index]!]));
  }

  /** In minus out: 0 when every change and snapshot is accounted for. */
  unaccounted(): number {
    const of = this.counts();
    const out = [
      'bookApplied',
      'bookSnapshotsTaken',
      'bookSnapshotsOld',
      'bookDuplicates',
      'bookTorn',
      'bookVoid',
      'bookBufferDropped',
      'bookBuffered',
    ].reduce((sum, name) => sum + of[name]!, 0);
    const pending = this.run.shard.books.pending[0]! > 0 ? 1 : 0;
    return of['bookUpdates']! + of['bookSnapshots']! - out - pending;
  }
}

function levelsIn(words: Float64Array, count: number): Level[] {
  return Array.from({ length: count }, (_, i): Level => [words[i * 2]!, words[i * 2 + 1]!]);
}

export function requestsIn(segment: Uint8Array): Request[] {
  const words = new Float64Array(segment.slice().buffer);
  const found: Request[] = [];
  for (let at = 0; at < words.length; ) {
    const kind = rowKindOf(words[at]!);
    const name = (Object.keys(rowKind) as (keyof typeof rowKind)[]).find((key) => rowKind[key] === kind)!;
    if (kind === rowKind.bookRequest)
      found.push({ instrument: rowInstrumentOf(words[at]!), reason: words[at + 1]!, lastId: words[at + 2]! });
    at += rowWords[name];
  }
  return found;
}

/** The book as a client builds it: by the rules of `proto/frames.md`, from blocks alone. */
export class ClientBook {
  readonly bids = new Map<number, number>();
  readonly asks = new Map<number, number>();
  cursor = -1;
  state: 'live' | 'syncing' | 'stale' | undefined;
  /** Changes that were missing before one that came. */
  holes = 0;
  deltas = 0;
  snapshots = 0;

  take(block: Block): void {
    if (block.kind === 'status' && block.records[0]!.channel === 14) this.state = block.records[0]!.state;
    if (block.kind === 'bookSnapshot') {
      this.snapshots++;
      for (const side of ['bids', 'asks'] as const) {
        this[side].clear();
        for (const [price, size] of block.records[0]![side]) this[side].set(price, size);
      }
      this.cursor = block.cursor;
    }
    if (block.kind !== 'bookDelta' || block.cursor <= this.cursor) return;
    this.deltas++;
    const delta = block.records[0]!;
    if (delta.previous > this.cursor) this.holes++;
    for (const side of ['bids', 'asks'] as const)
      for (const [price, size] of delta[side])
        if (size === 0) this[side].delete(price);
        else this[side].set(price, size);
    this.cursor = block.cursor;
  }

  /** Best first. */
  get levels(): { bids: Level[]; asks: Level[] } {
    return {
      bids: [...this.bids].toSorted(([a], [b]) => b - a),
      asks: [...this.asks].toSorted(([a], [b]) => a - b),
    };
  }

  get isCrossed(): boolean {
    const { bids, asks } = this.levels;
    return bids.length > 0 && asks.length > 0 && bids[0]![0] >= asks[0]![0];
  }
}
