/** Scenario 28 for order books: a shard that dies inside any method, a book half written, leaves what the clean run leaves. */
import { afterEach, describe, expect, test } from 'vitest';
import { BookBuffer } from '../../src/compute/book-buffer.ts';
import { BookLoader } from '../../src/compute/book-loader.ts';
import { LevelWriter } from '../../src/compute/book-side.ts';
import { BookWriter } from '../../src/compute/book-writer.ts';
import { Books } from '../../src/compute/books.ts';
import { bookState } from '../../src/market/book.ts';
import { SharedLatestPrices } from '../../src/stores/memory-latest.ts';
import { SegmentWriter } from '../../src/wire/segment-ring.ts';
import { type TickRecords, tickField, tickKind, tickRecords, tickWords } from '../../src/wire/tick-record.ts';
import { TickReader } from '../../src/wire/tick-ring.ts';
import { BookStage } from '../../src/workers/book-stage.ts';
import { BlockBuffer, RowBuffer } from '../../src/workers/output-buffer.ts';
import { ShardRun } from '../../src/workers/shard-run.ts';
import { ShardSnapshots } from '../../src/workers/shard-snapshots.ts';
import { type Dice, dice, seed } from '../market/dice.ts';
import { BookShard, type BookUpdate, type BookView, bookRecords } from './book-bench.ts';
import { BookMarket } from './book-market.ts';
import { joined, segmentsOf } from './shard-bench.ts';

const kills = process.env['TICKWIRE_FULL'] === '1' ? 1_000 : 160;
class Death extends Error {}

/** Counts down at every call of the methods below and at every atomic operation; at zero, the shard dies there. */
const fuse = { left: Number.POSITIVE_INFINITY, places: new Set<string>() };

function burn(place: string): void {
  if (--fuse.left > 0) return;
  fuse.left = Number.POSITIVE_INFINITY;
  fuse.places.add(place);
  throw new Death(place);
}

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

function layFuses(): void {
  const classes = [
    Books,
    BookWriter,
    BookBuffer,
    BookLoader,
    LevelWriter,
    BookStage,
    ShardRun,
    ShardSnapshots,
  ];
  for (const owner of [...classes, SegmentWriter, BlockBuffer, RowBuffer, TickReader]) {
    const prototype = owner.prototype as unknown as Record<string, unknown>;
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype)))
      if (name !== 'constructor' && typeof value === 'function') lay(prototype, name, owner.name);
  }
  for (const name of ['store', 'load', 'add'] as const)
    lay(Atomics as unknown as Record<string, unknown>, name, 'Atomics');
}

function lay(target: Record<string, unknown>, name: string, owner: string): void {
  const method = target[name] as (...args: unknown[]) => unknown;
  target[name] = function (this: unknown, ...args: unknown[]): unknown {
    burn(`before ${owner}.${name}`);
    const result = method.apply(this, args);
    burn(`after ${owner}.${name}`);
    return result;
  };
  undo.push(() => {
    target[name] = method;
  });
}

function clockAt(time: number): TickRecords {
  const records = tickRecords(1);
  records.halves[tickField.head] = tickKind.clock;
  records.words[tickField.time] = time;
  return records;
}

/** Turns of two numbered books and one without ids, with holes, tears, snapshots that are late or old, and cuts. */
function sessionOf(roll: Dice, turns: number): TickRecords[][] {
  const markets = [1, 2, 3].map((instrument) => new BookMarket(roll, instrument));
  const last = markets.map((market) => market.snapshot());
  return Array.from({ length: turns }, () => {
    const which = roll.whole(0, 2);
    const market = markets[which]!;
    const unnumbered = (update: BookUpdate): BookUpdate =>
      which === 2 ? { ...update, noIds: true, firstId: 0, lastId: 0, lineB: false } : update;
    const records: TickRecords[] = [];
    for (let changes = roll.whole(1, 4); changes > 0; changes--) {
      const update = unnumbered(market.next());
      if (!roll.chance(0.04)) records.push(bookRecords(update));
      if (roll.chance(0.3)) records.push(bookRecords({ ...update, lineB: true }));
    }
    if (roll.chance(0.05)) records.push(torn(roll, records.at(-1)));
    if (roll.chance(0.15))
      records.push(bookRecords(unnumbered(roll.chance(0.7) ? market.snapshot(55) : last[which]!)));
    if (roll.chance(0.1)) last[which] = market.snapshot();
    if (roll.chance(0.3)) records.push(clockAt(market.time));
    return records;
  });
}

/** Records without their last one. */
function torn(roll: Dice, records: TickRecords | undefined): TickRecords {
  if (records === undefined || records.words.length === tickWords || roll.chance(0.2)) return tickRecords(0);
  const length = records.words.length - tickWords;
  return { words: records.words.slice(0, length), halves: records.halves.slice(0, length * 2) };
}

interface Outcome {
  readonly gateways: readonly Buffer[];
  readonly requests: Buffer;
  readonly counters: number[];
  readonly books: readonly BookView[];
  readonly deaths: number;
}

function outcomeOf(
  turns: readonly TickRecords[][],
  roll: Dice,
  snapshotRecords: number,
  deathsWanted: number,
): Outcome {
  const books = { levels: 64, topLevels: 5, lowWater: 40, requestMicros: 300_000 };
  const rules = { snapshotRecords, books };
  const shard = new BookShard({
    instruments: 3,
    ringRecords: 1_024,
    requestBytes: 2 ** 20,
    gateways: 2,
    rules,
  });
  const { bench } = shard;
  const gateways: Uint8Array[][] = bench.gateways.map(() => []);
  const requests: Uint8Array[] = [];
  const drain = (): void => {
    bench.gateways.forEach((reader, index) => gateways[index]!.push(...segmentsOf(reader)));
    for (const sink of bench.sinks) segmentsOf(sink);
    requests.push(...segmentsOf(bench.requests));
  };
  const latest = new SharedLatestPrices(bench.options.latest);
  const revive = (): ShardRun => new ShardRun(bench.options, latest);
  let [deaths, turn, armed, passes] = [0, 0, Number.POSITIVE_INFINITY, 0];
  while (turn < turns.length || new TickReader(bench.options.input).waiting > 0) {
    if (++passes > 100 * turns.length) throw new Error(`stalled at turn ${turn}, ${deaths} deaths`);
    for (; turn < turns.length; turn++) {
      const records = turns[turn]!;
      const count = records.reduce((sum, { words }) => sum + words.length / tickWords, 0);
      if (bench.writer.free < count) break;
      for (const one of records) shard.push(one);
      bench.writer.publish();
      if (roll.chance(0.2)) {
        turn++;
        break;
      }
    }
    if (armed === Number.POSITIVE_INFINITY && deaths < deathsWanted) armed = roll.whole(1, 2_000);
    fuse.left = armed;
    try {
      shard.run.step();
      armed = fuse.left;
    } catch (error) {
      if (!(error instanceof Death)) throw error;
      armed = Number.POSITIVE_INFINITY;
      deaths++;
      fuse.left = armed;
      shard.run = revive();
    } finally {
      fuse.left = Number.POSITIVE_INFINITY;
    }
    drain();
  }
  drain();
  return {
    gateways: gateways.map(joined),
    requests: joined(requests),
    counters: [...shard.run.shard.memory.counters],
    books: [1, 2, 3].map((instrument) => shard.view(instrument)),
    deaths,
  };
}

describe(`order books of a shard that dies (SEED=${seed})`, () => {
  test(`scenario 28: ${kills} deaths inside any method leave the same blocks, requests, counts and books`, () => {
    const rounds = 4;
    let [deaths, bytes] = [0, 0];
    const states = new Set<number>();
    for (let round = 0; round < rounds; round++) {
      const snapshotRecords = [1, 32, 200, 700][round]!;
      const turns = sessionOf(dice(seed + round), 500);
      const clean = outcomeOf(turns, dice(1), snapshotRecords, 0);
      layFuses();
      const killed = outcomeOf(turns, dice(seed + 7 * round), snapshotRecords, kills / rounds);
      for (const step of undo.splice(0)) step();
      killed.gateways.forEach((own, index) =>
        expect(Buffer.compare(own, clean.gateways[index]!), `round ${round}: gateway ${index}`).toBe(0),
      );
      expect(Buffer.compare(killed.requests, clean.requests), `round ${round}: requests`).toBe(0);
      expect(killed.counters).toEqual(clean.counters);
      expect(killed.books).toEqual(clean.books);
      deaths += killed.deaths;
      bytes += clean.gateways[0]!.length;
      for (const { state } of clean.books) states.add(state);
    }
    expect(deaths).toBe(kills);
    expect(bytes).toBeGreaterThan(200_000);
    expect(states).toContain(bookState.live);
    expect(fuse.places.size).toBeGreaterThan(30);
  });
});
