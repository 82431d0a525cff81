/** Order books of recorded sessions, judged at every update by what the venue itself told of its best prices. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bookState } from '../../src/market/book.ts';
import { ObviousBook, ObviousSide } from '../compute/obvious-book.ts';
import { BookShard, type BookUpdate, ClientBook } from './book-bench.ts';
import { binance, binanceSnapshot, coinbase, mantissa, type Recorded } from './recorded-books.ts';

const folder = '../shared/data';
const btc = `${folder}/binance-spot-btcusdt-2024-08-08.tsv.gz`;
const four = `${folder}/binance-spot-4symbols-2021-10-12.tsv.gz`;
const ten = `${folder}/coinbase-10products-2021-04-17.tsv.gz`;
function snapshotOf(book: ObviousBook, time: number): BookUpdate {
  const [bids, asks] = [book.bids.levels.slice(0, 1_000), book.asks.levels.slice(0, 1_000)];
  const ids = { instrument: 1, snapshot: true, firstId: book.lastId, lastId: book.lastId, time };
  return { ...ids, bids, asks, bidHorizon: bids.at(-1)![0], askHorizon: asks.at(-1)![0] };
}

const levels = { levels: 1_000, topLevels: 20, lowWater: 200, requestMicros: 5_000_000 };

describe.skipIf(!existsSync(btc))('Binance BTCUSDT 2024-08-08 (skipped without ../shared/data)', () => {
  const messages = existsSync(btc) ? binance(btc, () => 1) : [];
  const tops = messages.filter((one) => one.kind === 'top');

  /** Best bid and ask after each change, beside the venue's own last quote of that id or before. */
  function judge(
    shard: BookShard,
    feed: readonly Recorded[],
  ): { checks: number; misses: number; client: ClientBook } {
    const client = new ClientBook();
    const judged = { checks: 0, misses: 0, client };
    // The venue's REST, which answers after three more changes.
    const venue = new ObviousBook();
    const answers: { at: number; update: BookUpdate }[] = [];
    let next = 0;
    let told: Extract<Recorded, { kind: 'top' }> | undefined;
    for (const one of feed) {
      if (one.kind !== 'book') continue;
      const made = shard.update(one.update);
      for (const block of made.blocks) client.take(block);
      venue.take({ ...one.update, bidHorizon: 0, askHorizon: Number.POSITIVE_INFINITY });
      if (judged.checks > 0 && made.requests.length > 0)
        answers.push({ at: judged.checks + 3, update: snapshotOf(venue, one.update.time) });
      if (answers[0]?.at === judged.checks)
        for (const block of shard.update(answers.shift()!.update).blocks) client.take(block);
      const view = shard.view(1, 1);
      while (next < tops.length && tops[next]!.id <= view.lastId) told = tops[next++]!;
      if (one.update.snapshot || view.state !== bookState.live || told === undefined) continue;
      judged.checks++;
      if (view.bids[0]![0] !== told.bid || view.asks[0]![0] !== told.ask) judged.misses++;
      expect(view.bids[0]![0]).toBeLessThan(view.asks[0]![0]);
    }
    return judged;
  }

  test('after every change the best bid and ask are those of its own bookTicker', () => {
    const shard = new BookShard({ instruments: 1, rules: { books: levels } });
    const { checks, misses, client } = judge(shard, messages);
    // 6,491 of 6,493 in the data's README; the misses are quotes that lag inside one batch of depth.
    expect(checks).toBeGreaterThanOrEqual(6_490);
    expect(misses).toBeLessThanOrEqual(2);
    expect(shard.unaccounted()).toBe(0);
    const counts = shard.counts();
    expect(counts['bookResyncs']).toBe(1);
    expect(counts['bookGaps']).toBe(0);
    expect(counts['bookCrossed']).toBe(0);
    // What a client built from the blocks alone is the shard's book.
    const { bids, asks } = shard.view(1);
    expect(client.levels).toEqual({ bids, asks });
    expect({ holes: client.holes, state: client.state }).toEqual({ holes: 0, state: 'live' });
    const final = JSON.parse(
      readFileSync(`${folder}/binance-spot-btcusdt-2024-08-08.final-book.json`, 'utf8'),
    ) as Record<'bids' | 'asks', [number, string][]>;
    for (const side of ['bids', 'asks'] as const)
      expect(shard.view(1, 50)[side]).toEqual(
        final[side].map(([price, size]) => [mantissa(String(price)), mantissa(size)]),
      );
  });

  test('with both lines, the second behind and with holes in each, it is the same book at the end', () => {
    const shard = new BookShard({ instruments: 1, rules: { books: levels } });
    const clean = new BookShard({ instruments: 1, rules: { books: levels } });
    const books = messages.filter((one) => one.kind === 'book').slice(0, 1_500);
    books.forEach(({ update }, i) => {
      clean.update(update);
      const late = books[i - 2]?.update;
      if (update.snapshot || i % 7 !== 0) shard.update(update);
      if (late !== undefined && !late.snapshot) shard.update({ ...late, lineB: true });
    });
    for (const { update } of books.slice(-2)) shard.update({ ...update, lineB: true });
    expect(shard.view(1)).toEqual(clean.view(1));
    expect(shard.counts()['bookDuplicates']).toBeGreaterThan(1_000);
    expect(shard.counts()['bookGaps']).toBeGreaterThan(100);
    expect(shard.counts()['bookSnapshotsTaken']).toBe(1);
    expect(shard.unaccounted()).toBe(0);
  });
});

describe.skipIf(!existsSync(four))(
  'Binance, four symbols 2021-10-12 (skipped without ../shared/data)',
  () => {
    test('each symbol syncs on its own snapshot and equals its own bookTicker after every change', () => {
      const symbols: string[] = [];
      const instrumentOf = (symbol: string): number =>
        symbols.includes(symbol) ? symbols.indexOf(symbol) + 1 : symbols.push(symbol);
      const messages = binance(four, instrumentOf);
      const snapshots = readFileSync(four.replace('.tsv.gz', '.rest-depth.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map(
          (line) =>
            JSON.parse(line) as { symbol: string; recv: number; body: Parameters<typeof binanceSnapshot>[0] },
        );
      const shard = new BookShard({ instruments: symbols.length, rules: { books: levels } });
      // The recorder asked for a snapshot when it began; here it comes when the first change has come.
      const given = new Set<string>();
      const told = new Map<string, Extract<Recorded, { kind: 'top' }>[]>();
      const judged = { checks: 0, misses: 0 };
      for (const one of messages)
        if (one.kind === 'top') told.set(one.symbol, [...(told.get(one.symbol) ?? []), one]);
      for (const one of messages) {
        if (one.kind !== 'book') continue;
        shard.update(one.update);
        const snapshot = snapshots.find(({ symbol }) => symbol === one.symbol);
        if (!given.has(one.symbol) && snapshot !== undefined) {
          given.add(one.symbol);
          shard.update(binanceSnapshot(snapshot.body, instrumentOf(one.symbol), snapshot.recv * 1_000_000));
        }
        const view = shard.view(instrumentOf(one.symbol), 1);
        if (view.state !== bookState.live) continue;
        const last = told.get(one.symbol)?.findLast(({ id }) => id <= view.lastId);
        if (last === undefined) continue;
        judged.checks++;
        if (view.bids[0]![0] !== last.bid || view.asks[0]![0] !== last.ask) judged.misses++;
      }
      expect(given.size).toBe(4);
      expect(judged.checks).toBeGreaterThan(40);
      expect(judged.misses).toBe(0);
      expect(shard.unaccounted()).toBe(0);
      for (let instrument = 1; instrument <= 4; instrument++)
        expect(shard.view(instrument, 1).state).toBe(bookState.live);
    });
  },
);

describe.skipIf(!existsSync(ten))(
  'Coinbase, ten products 2021-04-17 (skipped without ../shared/data)',
  () => {
    test('100 of 107 tickers equal the book, the obvious book misses the same 7, and a client is never told of a crossed book', () => {
      const symbols: string[] = [];
      const instrumentOf = (symbol: string): number =>
        symbols.includes(symbol) ? symbols.indexOf(symbol) + 1 : symbols.push(symbol);
      const messages = coinbase(ten, instrumentOf);
      const shard = new BookShard({ instruments: symbols.length, rules: { books: levels } });
      const clients = new Map(symbols.map((_, i) => [i + 1, new ClientBook()]));
      const judged = { checks: 0, misses: 0, obviousMisses: 0, missedAlike: 0 };
      const obvious = symbols.map(() => ({ bids: new ObviousSide(1), asks: new ObviousSide(-1) }));
      for (const one of messages) {
        const instrument = instrumentOf(one.symbol);
        const plain = obvious[instrument - 1]!;
        if (one.kind === 'book') {
          for (const level of one.update.bids) plain.bids.put(level);
          for (const level of one.update.asks) plain.asks.put(level);
          for (const block of shard.update(one.update).blocks) clients.get(block.instrument)?.take(block);
          const view = shard.view(instrument, 1);
          if (view.state === bookState.live)
            expect([view.bids[0]![0], view.asks[0]![0]]).toEqual([plain.bids.best, plain.asks.best]);
          expect(clients.get(instrument)!.isCrossed).toBe(false);
          continue;
        }
        const view = shard.view(instrument, 1);
        if (view.state !== bookState.live) continue;
        judged.checks++;
        const missed = view.bids[0]![0] !== one.bid || view.asks[0]![0] !== one.ask;
        const plainMissed = plain.bids.best !== one.bid || plain.asks.best !== one.ask;
        if (missed) judged.misses++;
        if (plainMissed) judged.obviousMisses++;
        if (missed && plainMissed) judged.missedAlike++;
      }
      // The misses are tickers that came before the changes they tell of: the obvious book says the same.
      expect(judged).toEqual({ checks: 107, misses: 7, missedAlike: 7, obviousMisses: 7 });
      for (const [instrument, client] of clients) {
        const { bids, asks, state } = shard.view(instrument);
        expect(state).toBe(bookState.live);
        expect(client.levels).toEqual({ bids, asks });
        expect(client.holes).toBe(0);
      }
      expect(shard.unaccounted()).toBe(0);
    });
  },
);
