/**
 * Line by line through Coinbase's recorded session: every message against the obvious reading, against what stands in
 * `expected` (three letters a message; UPDATE_EXPECTED=1 writes it anew), and some of them against what was worked out by hand.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { coinbaseNormaliser } from '../../src/feeds/coinbase/normalise.ts';
import { FeedCounts } from '../../src/feeds/feed-counts.ts';
import { recordsPerMessageMax } from '../../src/feeds/normaliser.ts';
import { control, ignored, refusal } from '../../src/feeds/refusal.ts';
import { tickRecords } from '../../src/wire/tick-record.ts';
import { obviousReading, products, recordedProducts, session, sessionOptions } from './coinbase-market.ts';
import { feedImbalance } from './feed-books.ts';
import { hasData, recorded } from './market.ts';
import { digestOf, plainRecords } from './plain-records.ts';

const names = new Map<number, string>(
  Object.entries({ ...refusal, ...ignored, ...control }).map(([name, code]) => [code, name]),
);
const absent = !hasData(session, products);
const expectedFile = join(import.meta.dirname, 'expected', 'coinbase-10products-2021-04-17.txt');
const digestsPerLine = 40;

/** All lines, read once: the answer, the records, and a digest of both. */
function readSession() {
  const lines = recorded(session);
  const instruments = recordedProducts();
  const normaliser = coinbaseNormaliser(sessionOptions(lines, instruments));
  const out = tickRecords(recordsPerMessageMax);
  const encoder = new TextEncoder();
  const readings = lines.map(({ received, text }) => {
    const bytes = encoder.encode(text);
    const answer = normaliser.normalise(bytes, 0, bytes.length, received, out);
    const digest = digestOf(answer, out);
    return { received, text, answer, digest, records: answer > 0 ? plainRecords(out, answer) : [] };
  });
  return { instruments, readings };
}

test.skipIf(absent)('every message becomes what the obvious reading makes of it', () => {
  const { instruments, readings } = readSession();
  expect(readings.length).toBe(9_946);
  for (const { received, text, answer, records } of readings) {
    const obvious = obviousReading(text, received, instruments);
    // No expect a line: ten thousand of them take longer than the reading.
    const same =
      typeof obvious === 'string'
        ? names.get(answer) === obvious
        : answer > 0 && isDeepStrictEqual(records, obvious);
    if (!same) expect({ text, answer: names.get(answer) ?? answer, records }).toEqual({ text, obvious });
  }
});

test.skipIf(absent)('the session as a table: kinds, products, levels; nothing is refused', () => {
  const { instruments, readings } = readSession();
  const counts = new FeedCounts();
  const table: Record<string, number> = {};
  const count = (key: string, by = 1): void => {
    table[key] = (table[key] ?? 0) + by;
  };
  for (const { answer, records } of readings) {
    counts.count(answer);
    for (const { kind, flags, instrument, bids = [], asks = [] } of records) {
      const native = instruments[instrument - 1]!.native;
      const event = flags.includes('snapshot') ? 'snapshot' : kind;
      count(event);
      if (event === 'snapshot') count(`levels of ${native}`, bids.length + asks.length);
      if (event === 'trade') count(`trades of ${native}`);
      if (event === 'trade' && flags.includes('takerSold')) count('sold by the taker');
      if (event === 'book') count(bids.some(([, size]) => size === 0) ? 'bids taken away' : 'other changes');
    }
  }
  expect(feedImbalance(counts.account())).toBeUndefined();
  expect(counts.refusals).toBe(0);
  expect(counts.account().control).toBe(3);
  // The session is of before 2022: its tickers have no sizes.
  expect(counts.account().ignored).toMatchObject({ noSizes: 107, unknownEvent: 0, tooOld: 0 });
  expect(table).toMatchInlineSnapshot(`
    {
      "bids taken away": 1529,
      "book": 9719,
      "levels of BAND-BTC": 1147,
      "levels of BAND-GBP": 318,
      "levels of CRV-EUR": 683,
      "levels of DASH-BTC": 980,
      "levels of NMR-EUR": 941,
      "levels of NU-GBP": 570,
      "levels of SKL-BTC": 627,
      "levels of SKL-GBP": 276,
      "levels of SKL-USD": 1814,
      "levels of YFI-BTC": 665,
      "other changes": 8190,
      "snapshot": 10,
      "sold by the taker": 54,
      "trade": 107,
      "trades of BAND-BTC": 9,
      "trades of BAND-GBP": 5,
      "trades of CRV-EUR": 1,
      "trades of DASH-BTC": 16,
      "trades of NMR-EUR": 9,
      "trades of NU-GBP": 2,
      "trades of SKL-BTC": 9,
      "trades of SKL-GBP": 2,
      "trades of SKL-USD": 53,
      "trades of YFI-BTC": 1,
    }
  `);
});

test.skipIf(absent)('every message becomes what it became before', () => {
  const { readings } = readSession();
  const digests = readings.map(({ digest }) => digest);
  const rows: string[] = [];
  for (let i = 0; i < digests.length; i += digestsPerLine)
    rows.push(digests.slice(i, i + digestsPerLine).join(''));
  if (process.env['UPDATE_EXPECTED'] === '1') writeFileSync(expectedFile, `${rows.join('\n')}\n`);
  const expected = readFileSync(expectedFile, 'utf8').trim().split('\n');
  const changed = rows.flatMap((row, i) => (row === expected[i] ? [] : [i * digestsPerLine + 1]));
  expect({ rows: rows.length, changed }).toEqual({ rows: expected.length, changed: [] });
});

/** Line numbers from 1, and what a reader of those lines writes down with pencil and paper. */
const byHand: readonly (readonly [line: number, native: string, record: object])[] = [
  [
    // {"type":"last_match","trade_id":82007,…,"side":"buy","size":"1008.2","price":"0.5752",…:29.571587Z"}
    8,
    'SKL-GBP',
    {
      kind: 'trade',
      id: 82_007,
      flags: ['takerSold'],
      time: 1_618_677_809_571_587,
      words: [5_752, 10_082, 82_007, 82_007],
    },
  ],
  [
    // {…"trade_id":563678,…,"side":"sell","size":"70","price":"0.4394",…:18.435588Z"}
    12,
    'NU-GBP',
    {
      kind: 'trade',
      id: 563_678,
      flags: [],
      time: 1_618_677_798_435_588,
      words: [4_394, 70_000_000, 563_678, 563_678],
    },
  ],
  [
    // {"type":"l2update","product_id":"SKL-BTC","changes":[["sell","0.00001306","660.5"]],"time":"…:37.075687Z"}
    31,
    'SKL-BTC',
    { kind: 'book', id: 0, flags: ['noIds'], time: 1_618_677_817_075_687, bids: [], asks: [[1_306, 6_605]] },
  ],
  [
    // {"type":"l2update","product_id":"SKL-USD","changes":[["buy","0.7885","0.0"]],"time":"…:37.077621Z"}
    36,
    'SKL-USD',
    { kind: 'book', flags: ['noIds'], time: 1_618_677_817_077_621, bids: [[7_885, 0]], asks: [] },
  ],
];

test.skipIf(absent)('some lines by hand', () => {
  const { instruments, readings } = readSession();
  for (const [line, native, record] of byHand) {
    const [found] = readings[line - 1]!.records;
    expect(found).toMatchObject(record);
    expect(instruments[found!.instrument - 1]!.native).toBe(native);
  }
  const snapshot = readings[33]!.records[0]!;
  expect(instruments[snapshot.instrument - 1]!.native).toBe('SKL-USD');
  expect([snapshot.bids!.length, snapshot.asks!.length]).toEqual([814, 1_000]);
  expect([snapshot.bids![0], snapshot.asks![0]]).toEqual([
    [7_901, 4_500],
    [7_910, 4_500],
  ]);
  // All 814 bids were sent, so the side is whole; of 1,341 asks the worst kept is the horizon.
  expect(snapshot.words.slice(2)).toEqual([0, snapshot.asks!.at(-1)![0]]);
});

function setLevel(side: Map<number, number>, price: number, size: number): void {
  if (size === 0) side.delete(price);
  else side.set(price, size);
}

test.skipIf(absent)('scenario 16: the books that the records make never cross', () => {
  const { readings } = readSession();
  const books = new Map<number, { bids: Map<number, number>; asks: Map<number, number> }>();
  let updates = 0;
  for (const { records } of readings) {
    for (const { kind, instrument, flags, bids = [], asks = [] } of records) {
      if (kind !== 'book') continue;
      if (flags.includes('snapshot')) books.set(instrument, { bids: new Map(bids), asks: new Map(asks) });
      const book = books.get(instrument)!;
      for (const [price, size] of bids) setLevel(book.bids, price, size);
      for (const [price, size] of asks) setLevel(book.asks, price, size);
      const bid = Math.max(...book.bids.keys());
      const ask = Math.min(...book.asks.keys());
      if (bid >= ask) expect({ instrument, updates, bid }).toEqual({ ask });
      updates++;
    }
  }
  expect([books.size, updates]).toEqual([10, 9_729]);
});
