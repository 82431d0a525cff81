import { describe, expect, test } from 'vitest';
import { resolutions } from '../../src/market/resolution.ts';
import type { Bar, Enigma, Quote, TradeRow } from '../../src/market/tick.ts';
import { type KindCounts, noCounts, RowBatch, type Rows, storedKinds } from '../../src/stores/row-batch.ts';
import { RowConflator } from '../../src/stores/row-conflator.ts';
import {
  barRowAt,
  enigmaRowAt,
  quoteRowAt,
  rowHead,
  rowKind,
  rowWords,
  tradeRowAt,
} from '../../src/wire/row.ts';
import { barOf, barsFrom, dice, sampleTime, tradeOf } from './market-samples.ts';

type Kind = (typeof storedKinds)[number];
const read = { trade: tradeRowAt, bar: barRowAt, quote: quoteRowAt, enigma: enigmaRowAt } as const;

function rowsOf<T>(rows: Rows, at: (words: Float64Array, at: number) => T): T[] {
  return Array.from({ length: rows.count }, (_, i) => at(rows.words, i * rows.width));
}

/** A segment of rows, in the order given, and the conflator's answer to it. */
function segment(rows: readonly ['trade' | 'bar' | 'quote' | 'enigma', object][]): Float64Array {
  const words: number[] = [];
  for (const [kind, row] of rows) {
    const one = new RowBatch(1);
    one.addAll({
      trades: [],
      bars: [],
      quotes: [],
      enigma: [],
      [`${kind}${kind === 'enigma' ? '' : 's'}`]: [row],
    });
    words.push(...one[kind].words.subarray(0, rowWords[kind]));
  }
  return Float64Array.from(words);
}

class Line {
  readonly batch = new RowBatch();
  readonly conflator: RowConflator;
  constructor(quotes: 'none' | '1s' | 'all' = '1s', formingMs = 1_000) {
    this.conflator = new RowConflator([1, 2], quotes, formingMs);
  }
  take(rows: readonly ['trade' | 'bar' | 'quote' | 'enigma', object][], now = 0): void {
    const words = segment(rows);
    this.conflator.take(words, 0, words.length, this.batch, now);
  }
  /** What would be committed now. */
  release(now: number, all = false): { trade: TradeRow[]; bar: Bar[]; quote: Quote[]; enigma: Enigma[] } {
    this.conflator.release(this.batch, now, all);
    const out = {
      trade: rowsOf(this.batch.trade, read.trade),
      bar: rowsOf(this.batch.bar, read.bar),
      quote: rowsOf(this.batch.quote, read.quote),
      enigma: rowsOf(this.batch.enigma, read.enigma),
    };
    this.batch.clear();
    return out;
  }
  /** Kinds whose accounting does not balance, when so many rows were handed on. */
  unbalanced(handed: Partial<KindCounts>): Kind[] {
    const { in: taken, conflated, refused, waiting } = this.conflator;
    return storedKinds.filter(
      (kind) => (handed[kind] ?? 0) + conflated[kind] + refused[kind] + waiting[kind] !== taken[kind],
    );
  }
}

const forming = (changes: Partial<Bar> = {}): Bar => barOf(sampleTime, { closed: false, ...changes });
const quoteAt = (version: number, millis: number): Quote => ({
  instrument: 1,
  version,
  time: sampleTime + millis * 1_000,
  bid: 1,
  bidSize: 2,
  ask: 3,
  askSize: 4,
});
const enigmaAt = (time: number): Enigma => ({
  instrument: 1,
  time,
  price: 5,
  level: 1,
  ath: 9,
  athTime: 0,
  atl: 1,
  atlTime: 0,
});

describe('forming bars', () => {
  test('only the last state of a bar goes, and not before its time', () => {
    const line = new Line();
    line.take(
      [
        ['bar', forming({ lastId: 3 })],
        ['bar', forming({ lastId: 4 })],
      ],
      0,
    );
    expect(line.release(999).bar).toEqual([]);
    line.take([['bar', forming({ lastId: 5 })]], 999);
    expect(line.release(1_000).bar).toEqual([forming({ lastId: 5 })]);
    expect(line.conflator.isWaiting).toBe(false);
    expect(line.unbalanced({ trade: 0, bar: 1, quote: 0, enigma: 0 })).toEqual([]);
  });

  test('a closed bar goes with the next commit, and all waiting bars of its instrument with it', () => {
    const line = new Line();
    const hour = forming({ resolution: 5 });
    const other = forming({ instrument: 2 });
    line.take([
      ['bar', forming()],
      ['bar', hour],
      ['bar', other],
      ['bar', barOf(sampleTime)],
    ]);
    expect(line.release(1).bar).toEqual([barOf(sampleTime), hour]);
    expect(line.conflator.waiting.bar).toBe(1);
    expect(line.unbalanced({ trade: 0, bar: 2, quote: 0, enigma: 0 })).toEqual([]);
  });

  test('when the next bar begins before the last one closed, both are kept, in order', () => {
    const line = new Line();
    const next = forming({ openTime: sampleTime + 60e6 });
    line.take([
      ['bar', forming()],
      ['bar', next],
    ]);
    expect(line.release(0).bar).toEqual([forming(), next]);
  });

  test('a correction of an earlier bar does not touch the forming one', () => {
    const line = new Line();
    const corrected = barOf(sampleTime - 60e6, { revision: 1 });
    line.take([
      ['bar', forming()],
      ['bar', corrected],
    ]);
    expect(line.release(0).bar).toEqual([corrected, forming()]);
  });

  test('a late trade takes the bars of its instrument along', () => {
    const line = new Line();
    line.take([
      ['trade', tradeOf(9)],
      ['bar', forming()],
    ]);
    expect(line.release(1)).toMatchObject({ trade: [tradeOf(9)], bar: [] });
    line.take([['trade', tradeOf(8)]], 2);
    expect(line.release(2)).toMatchObject({ trade: [tradeOf(8)], bar: [forming()] });
  });
});

test('quotes: none, each, or the last of each second once it is over', () => {
  const quotes = [quoteAt(1, 0), quoteAt(2, 999), quoteAt(3, 1_000), quoteAt(4, 1_001)];
  const results = (['none', 'all', '1s'] as const).map((kept) => {
    const line = new Line(kept);
    line.take(quotes.map((quote) => ['quote', quote]));
    const first = line.release(10).quote.map(({ version }) => version);
    const quiet = line.release(1_010).quote.map(({ version }) => version);
    expect(line.unbalanced({ trade: 0, bar: 0, quote: first.length + quiet.length, enigma: 0 })).toEqual([]);
    return [first, quiet];
  });
  expect(results).toEqual([
    [[], []],
    [[1, 2, 3, 4], []],
    [[2], [4]],
  ]);
});

test('Enigma: the last state, with the bars', () => {
  const line = new Line();
  line.take([
    ['enigma', enigmaAt(1)],
    ['enigma', enigmaAt(2)],
  ]);
  expect(line.release(10).enigma).toEqual([]);
  expect(line.release(1_000).enigma).toEqual([enigmaAt(2)]);
  expect(line.unbalanced({ trade: 0, bar: 0, quote: 0, enigma: 1 })).toEqual([]);
});

test('unknown instruments and words that are no whole numbers are refused and counted', () => {
  const line = new Line();
  const bad = [Number.NaN, Number.POSITIVE_INFINITY, 0.5, 2 ** 53];
  line.take([
    ['trade', tradeOf(1, { instrument: 3 })],
    ['bar', forming({ instrument: 0 })],
    ['bar', forming({ resolution: 10 })],
  ]);
  for (const value of bad)
    line.take([
      ['trade', tradeOf(1, { price: value })],
      ['bar', forming({ low: value })],
    ]);
  for (const value of bad)
    line.take([
      ['quote', { ...quoteAt(1, 0), bid: value }],
      ['enigma', enigmaAt(value)],
    ]);
  expect(line.conflator.refused).toEqual({ ...noCounts(), trade: 5, bar: 6, quote: 4, enigma: 4 });
  expect(line.release(0, true)).toEqual({ trade: [], bar: [], quote: [], enigma: [] });
  expect(line.unbalanced({ trade: 0, bar: 0, quote: 0, enigma: 0 })).toEqual([]);
});

test('a segment that ends within a row, or holds an unknown kind, is read up to there', () => {
  const line = new Line();
  const whole = segment([
    ['trade', tradeOf(1)],
    ['trade', tradeOf(2)],
  ]);
  for (let to = 0; to < whole.length; to++) line.conflator.take(whole, 0, to, line.batch, 0);
  expect(line.release(0).trade).toEqual(Array.from({ length: 12 }, () => tradeOf(1)));
  expect(line.conflator.malformed).toBe(22);
  // Requests to the hub (book snapshots, status) never come here.
  for (const head of [rowHead(0, 1), rowHead(rowKind.bookRequest, 1), rowHead(rowKind.status, 1), -1]) {
    line.conflator.take(Float64Array.of(head, ...whole), 0, 25, line.batch, 0);
  }
  expect(line.conflator.malformed).toBe(26);
  expect(line.release(0).trade).toEqual([]);
  line.conflator.take(Float64Array.of(rowHead(5, 1), 0, 0, 0, 0, 0, ...whole), 0, 30, line.batch, 0);
  expect(line.conflator.in.gap).toBe(1);
  expect(line.release(0).trade).toHaveLength(2);
});

/** The newest bars of all resolutions, over the last few trades. */
function levelAt(trades: readonly TradeRow[]): Bar[] {
  return resolutions.flatMap((_, resolution) => barsFrom(trades.slice(-12), resolution).slice(-1));
}

test('at every cut: bars know of no trade that is not out, all of an instrument are level, all is accounted for', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  const roll = dice(seed);
  const line = new Line('1s', 300);
  const handed = { trade: 0, bar: 0, quote: 0, enigma: 0 };
  const made = new Map<number, TradeRow[]>([
    [1, []],
    [2, []],
  ]);
  const out = new Map<number, { tradeId: number; bars: Map<string, Bar> }>(
    [1, 2].map((id) => [id, { tradeId: 0, bars: new Map() }]),
  );
  const cut = (now: number, all: boolean): void => {
    const batch = line.release(now, all);
    for (const kind of ['trade', 'bar', 'quote', 'enigma'] as const) handed[kind] += batch[kind].length;
    for (const trade of batch.trade) out.get(trade.instrument)!.tradeId = trade.id;
    for (const bar of batch.bar) out.get(bar.instrument)!.bars.set(`${bar.resolution}/${bar.openTime}`, bar);
    for (const [instrument, { tradeId, bars }] of out) {
      const newest = resolutions.map(
        (_, r) => [...bars.values()].filter((bar) => bar.resolution === r).at(-1)?.lastId,
      );
      expect(new Set(newest).size, `SEED=${seed}: ${instrument} level, ${newest.join(' ')}`).toBe(1);
      expect(newest[0] ?? 0, `SEED=${seed}`).toBeLessThanOrEqual(tradeId);
    }
    expect(line.unbalanced(handed)).toEqual([]);
  };
  for (let now = 0; now < 20_000; now += 10) {
    const rows: ['trade' | 'bar' | 'quote' | 'enigma', object][] = [];
    for (const [instrument, trades] of made) {
      const before = trades.length;
      for (let n = Math.floor(roll() * 3); n > 0; n--) {
        trades.push(tradeOf(trades.length + 1, { instrument, time: sampleTime + now * 1_000 }));
        rows.push(['trade', trades.at(-1)!]);
      }
      if (trades.length === before || roll() < 0.5) continue;
      // As a shard does: closed bars, and now and then all forming ones; here always together.
      const opens = new Map(levelAt(trades).map((bar) => [bar.resolution, bar]));
      for (const bar of opens.values()) rows.push(['bar', bar]);
      if (roll() < 0.1) rows.push(['bar', { ...opens.get(0)!, closed: true }]);
      rows.push(
        ['quote', { ...quoteAt(now + 1, now), instrument }],
        ['enigma', { ...enigmaAt(now), instrument }],
      );
    }
    line.take(rows, now);
    if (roll() < 0.2) cut(now, false);
  }
  cut(20_000, true);
  for (const [instrument, trades] of made)
    expect(out.get(instrument)!.tradeId, `SEED=${seed}`).toBe(trades.length);
  expect(line.conflator.waiting).toEqual(noCounts());
});

test('gap, amend, complete, quarantine and backfill rows go on at once, in order, each kind counted', () => {
  const line = new Line();
  const batch = new RowBatch(1);
  const candle = barOf(sampleTime, { backfilled: true, firstId: 0, lastId: 0 });
  const amendment = { ...tradeOf(4), resolution: 2, openTime: sampleTime };
  const times = { instrument: 1, from: sampleTime, to: sampleTime + 5, time: sampleTime + 9 };
  batch.addAll({
    trades: [],
    bars: [],
    quotes: [],
    enigma: [],
    backfill: [
      candle,
      {
        ...candle,
        instrument: 9,
      },
      {
        ...candle,
        resolution: 10,
      },
    ],
    gaps: [
      {
        instrument: 1,
        state: 'gap',
        from: 4,
        to: 6,
        time: 1,
      },
      {
        instrument: 1,
        state: 'lost',
        from: 7,
        to: 6,
        time: 1,
      },
    ],
    amendments: [
      amendment,
      {
        ...amendment,
        resolution: 99,
      },
      {
        ...amendment,
        size: 0.5,
      },
    ],
    completions: [
      times,
      {
        ...times,
        from: times.to + 1,
      },
    ],
    quarantined: [
      {
        ...tradeOf(5),
        reference: 7,
      },
    ],
  });
  for (const kind of ['backfill', 'amend', 'gap', 'complete', 'quarantine'] as const) {
    const { words, count, width } = batch[kind];
    line.conflator.take(words, 0, count * width, line.batch, 0);
  }
  expect(line.conflator.malformed).toBe(0);
  const handed = Object.fromEntries(storedKinds.map((kind) => [kind, line.batch[kind].count]));
  const expected = { backfill: 1, amend: 1, gap: 1, complete: 1, quarantine: 1 };
  expect(handed).toEqual({ ...noCounts(), ...expected });
  expect(line.unbalanced(handed)).toEqual([]);
  expect(barRowAt(line.batch.backfill.words, 0)).toEqual(candle);
  expect(line.conflator.refused).toEqual({ ...noCounts(), backfill: 2, gap: 1, amend: 2, complete: 1 });
});

test('an amendment takes the waiting bars of its instrument along: they were made before it', () => {
  const line = new Line();
  line.take([['bar', forming()]], 0);
  const batch = new RowBatch(1);
  batch.addAll({
    trades: [],
    bars: [],
    quotes: [],
    enigma: [],
    completions: [
      {
        instrument: 1,
        from: 1,
        to: 2,
        time: 3,
      },
    ],
  });
  line.conflator.take(batch.complete.words, 0, rowWords.complete, line.batch, 1);
  expect(line.release(1).bar).toEqual([forming()]);
});
