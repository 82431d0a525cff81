/**
 * Question: what does one level of an order book's change cost? The book alone (compute/books.ts: rules, sequence lock,
 * sorted sides), the whole step of a shard (gathering records, the book, its blocks), and the obvious book beside it: a
 * Map a side, sorted after each change to know the best. Recorded changes of BTCUSDT, and random ones all over the depth.
 */
import { existsSync } from 'node:fs';
import { pendingHead, pendingWord, type ShardBooks, shardBooks } from '../src/compute/book-memory.ts';
import { type BookListener, Books } from '../src/compute/books.ts';
import { counterNames } from '../src/compute/shard-memory.ts';
import { bookCopy, bookTable, openBooks, readBook } from '../src/market/book.ts';
import { type Level, ObviousSide } from '../test/compute/obvious-book.ts';
import { dice } from '../test/market/dice.ts';
import { BookShard, type BookUpdate, bookRecords } from '../test/workers/book-bench.ts';
import { binance } from '../test/workers/recorded-books.ts';
import { type BenchResult, machine, median } from './result.ts';

const recording = '../shared/data/binance-spot-btcusdt-2024-08-08.tsv.gz';
const levels = 1_000;
const rules = { levels, topLevels: 20, lowWater: 200, requestMicros: 5_000_000 };
const silent: BookListener = {
  changed: () => undefined,
  replaced: () => undefined,
  topChanged: () => undefined,
  status: () => undefined,
  request: () => undefined,
};

/** A first snapshot, then changes, and snapshots where the book asks for more levels. */
interface Session {
  readonly first: BookUpdate;
  readonly changes: readonly BookUpdate[];
}

function recorded(tiny: boolean): Session | undefined {
  if (!existsSync(recording)) return undefined;
  const updates = binance(recording, () => 1).flatMap((one) => (one.kind === 'book' ? [one.update] : []));
  const first = updates.find(({ snapshot }) => snapshot)!;
  const changes = updates.filter(({ snapshot, lastId }) => !snapshot && lastId > first.lastId);
  return answered({ first, changes: changes.slice(0, tiny ? 100 : undefined) });
}

/** With what the venue would have answered where the book asks for more: the price wanders out of what is known. */
function answered({ first, changes }: Session): Session {
  const books = shardBooks(openBooks(bookTable(1, levels)));
  let asked = false;
  const listener = { ...silent, request: () => void (asked = true) };
  const judge = new Books(books, new Float64Array(counterNames.length), rules, listener, levels);
  const [bids, asks] = [new ObviousSide(1), new ObviousSide(-1)];
  const withAnswers: BookUpdate[] = [];
  for (const update of [first, ...changes]) {
    books.pending.set(gathered(update));
    judge.take(1);
    for (const level of update.bids) bids.put(level);
    for (const level of update.asks) asks.put(level);
    withAnswers.push(update);
    if (!asked) continue;
    asked = false;
    const best = { bids: bids.levels.slice(0, levels), asks: asks.levels.slice(0, levels) };
    const horizons = { bidHorizon: best.bids.at(-1)![0], askHorizon: best.asks.at(-1)![0] };
    const answer = { ...update, snapshot: true, firstId: update.lastId, ...best, ...horizons };
    books.pending.set(gathered(answer));
    judge.take(1);
    withAnswers.push(answer);
  }
  return { first, changes: withAnswers.slice(1) };
}

/** Levels of one side anywhere in 1,000, every other one taken away. */
function random(tiny: boolean): Session {
  const roll = dice(1);
  const [middle, perChange] = [10_000_000, 40];
  const side = (sign: 1 | -1): Level[] =>
    Array.from({ length: levels * 0.9 }, (_, i): Level => [middle + sign * (i + 1) * 2, 1]);
  const time = 1_723_161_255_343_000;
  const ids = { instrument: 1, time };
  const first = { ...ids, snapshot: true, firstId: 1, lastId: 1, bids: side(-1), asks: side(1) };
  const some = (sign: 1 | -1): Level[] =>
    Array.from({ length: perChange / 2 }, (): Level => {
      return [middle + sign * roll.whole(1, levels * 2), roll.chance(0.5) ? 0 : roll.whole(1, 10 ** 6)];
    });
  const changes = Array.from({ length: tiny ? 100 : 6_000 }, (_, i): BookUpdate => {
    return { ...ids, snapshot: false, firstId: i + 2, lastId: i + 2, bids: some(-1), asks: some(1) };
  });
  return { first, changes };
}

const levelsIn = ({ changes }: Session): number =>
  changes.reduce((sum, { bids, asks }) => sum + bids.length + asks.length, 0);

/** The words that a shard would have gathered. */
function gathered(update: BookUpdate): Float64Array {
  const all = [...update.bids, ...update.asks];
  const words = new Float64Array(pendingHead + all.length * 2);
  words[pendingWord.book] = 1;
  words[pendingWord.flags] = update.snapshot ? 1 : 0;
  words[pendingWord.lastId] = update.lastId;
  words[pendingWord.firstId] = update.firstId;
  words[pendingWord.time] = update.time;
  words[pendingWord.bidHorizon] = update.bidHorizon ?? 0;
  words[pendingWord.askHorizon] = update.askHorizon ?? Number.POSITIVE_INFINITY;
  words[pendingWord.levels] = words[pendingWord.come] = all.length;
  words[pendingWord.bids] = update.bids.length;
  words.set(all.flat(), pendingHead);
  return words;
}

interface Run {
  readonly micros: number;
  readonly bid: number;
  readonly ask: number;
}

function bestOf(books: ShardBooks): { bid: number; ask: number } {
  const copy = bookCopy(1);
  if (!readBook(books.table, 0, 1, copy) || copy.state !== 2) throw new Error('the book is not live');
  return { bid: copy.bids[0]!, ask: copy.asks[0]! };
}

function bookRun({ first, changes }: Session): Run {
  const books = shardBooks(openBooks(bookTable(1, levels)));
  const machineOf = new Books(books, new Float64Array(counterNames.length), rules, silent, levels);
  const inputs = changes.map(gathered);
  books.pending.set(gathered(first));
  machineOf.take(1);
  const began = performance.now();
  for (const words of inputs) {
    books.pending.set(words);
    machineOf.take(1);
  }
  return { micros: (performance.now() - began) * 1_000, ...bestOf(books) };
}

/** Every change in a turn of its own: gathered, applied, told as delta and top. The rings are the bench's own. */
function shardRun({ first, changes }: Session): Run {
  const shard = new BookShard({ instruments: 1, rules: { books: rules, snapshotRecords: 4_096 } });
  shard.update(first);
  let micros = 0;
  for (const update of changes) {
    shard.push(bookRecords(update));
    shard.bench.writer.publish();
    const began = performance.now();
    shard.run.step();
    micros += (performance.now() - began) * 1_000;
    for (const reader of [...shard.bench.gateways, shard.bench.requests]) reader.read(() => undefined);
  }
  return { micros, ...bestOf(shard.run.shard.books) };
}

function obviousRun({ first, changes }: Session): Run {
  const [bids, asks] = [new ObviousSide(1), new ObviousSide(-1)];
  const apply = (update: BookUpdate): void => {
    for (const level of update.bids) bids.put(level);
    for (const level of update.asks) asks.put(level);
  };
  apply(first);
  let [bid, ask] = [0, 0];
  const began = performance.now();
  for (const update of changes) {
    apply(update);
    bid = bids.levels[0]![0];
    ask = asks.levels[0]![0];
  }
  return { micros: (performance.now() - began) * 1_000, bid, ask };
}

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;

export function run({ tiny }: { tiny: boolean }): Promise<BenchResult> {
  const rounds = tiny ? 2 : 7;
  const recordedSession = recorded(tiny);
  const randomSession = random(tiny);
  const metrics: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  const measure = (session: Session, suffix: string): void => {
    const count = levelsIn(session);
    const ways = { book: bookRun, shard: shardRun, obvious: obviousRun };
    const times: Record<keyof typeof ways, number[]> = { book: [], shard: [], obvious: [] };
    for (let round = 0; round < rounds; round++) {
      const ends = new Set<string>();
      for (const way of ['book', 'shard', 'obvious'] as const) {
        const { micros, bid, ask } = ways[way](session);
        times[way].push(micros / count);
        ends.add(`${bid} ${ask}`);
      }
      if (ends.size !== 1) throw new Error(`the books end at different prices: ${[...ends].join(', ')}`);
    }
    metrics[`us_per_level${suffix}`] = rounded(median(times.book));
    metrics[`us_per_level${suffix}_min`] = rounded(Math.min(...times.book));
    metrics[`us_per_level${suffix}_max`] = rounded(Math.max(...times.book));
    metrics[`shard_us_per_level${suffix}`] = rounded(median(times.shard));
    metrics[`obvious_us_per_level${suffix}`] = rounded(median(times.obvious));
    ratios[`obvious_vs_book${suffix}`] = Math.round((median(times.obvious) / median(times.book)) * 10) / 10;
  };
  // Where there is no recording the random session answers the question by itself.
  if (recordedSession === undefined) measure(randomSession, '');
  else {
    measure(recordedSession, '');
    measure(randomSession, '_random');
  }
  const told =
    recordedSession === undefined
      ? 'no recording here (../shared/data); '
      : `${recordedSession.changes.length} recorded changes of BTCUSDT (${levelsIn(recordedSession)} levels); `;
  return Promise.resolve({
    bench: 'book',
    machine: machine(),
    input: `${told}${randomSession.changes.length} random ones (${levelsIn(randomSession)} levels), ${levels} levels a side, medians of ${rounds} alternating rounds`,
    metrics,
    ratios,
    goals: { us_per_level: { is: '≤', value: 1 }, us_per_level_random: { is: '≤', value: 1 } },
  });
}
