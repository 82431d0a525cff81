/** What every venue promises: Binance, Coinbase, Backpack, and the one of docs/add-a-venue.md, sit this exam. */
import { describe, expect, test } from 'vitest';
import type { NormaliserOptions } from '../../src/feeds/normaliser.ts';
import { recordsPerMessageMax } from '../../src/feeds/normaliser.ts';
import { control, ignored, refusal } from '../../src/feeds/refusal.ts';
import type { StreamWish } from '../../src/feeds/venue.ts';
import { tickRecords } from '../../src/wire/tick-record.ts';
import type { Candidate } from './exam-candidate.ts';
import { dice, seed } from './market.ts';
import { type PlainRecord, plainRecords } from './plain-records.ts';
import { sitRestExam } from './venue-rest-exam.ts';

const names = new Map<number, string>(
  Object.entries({ ...refusal, ...ignored, ...control }).map(([name, code]) => [code, name]),
);
const wishes: readonly StreamWish[] = (['changes', 5, 10, 20, 'none'] as const).flatMap((book) => [
  { trades: 'trade', book, signed: false },
  { trades: 'trade', book, signed: true },
]);
const encoder = new TextEncoder();

export function sitVenueExam(candidate: Candidate): void {
  describe(`${candidate.venue.name} as a venue`, () => {
    describe('what it is', () => {
      sitStreams(candidate);
    });
    describe('what it says', () => {
      sitTicks(candidate);
    });
    describe('what is wrong with it', () => {
      sitRefusals(candidate);
      sitNoise(candidate);
    });
    describe('what it answers over HTTP', () => {
      sitRestExam(candidate);
    });
  });
}

function sitStreams({ venue, instruments, answers }: Candidate): void {
  test('its name stands in canonical symbols; its addresses are safe ones', () => {
    expect(venue.name).toMatch(/^[A-Z][A-Z0-9]*$/);
    for (const { venue: name, native, symbol } of instruments) {
      expect(name).toBe(venue.name);
      expect(symbol).toBe(`${venue.name}:${native}`);
    }
    expect(venue.wsUrl).toMatch(/^wss:\/\//);
    expect(venue.restUrl).toMatch(/^https:\/\//);
    for (const micros of [false, true])
      expect(new URL(venue.socketUrl('ws://127.0.0.1:9/', { micros })).protocol).toBe('ws:');
  });

  test('scenario 7: its limits are limits, and requests are at least 250 ms apart', () => {
    const { limits } = venue;
    expect(limits.streamsPerConnection).toBeGreaterThan(0);
    expect(limits.streamsPerRequest).toBeGreaterThan(0);
    expect(limits.streamsPerRequest).toBeLessThanOrEqual(limits.streamsPerConnection);
    expect(limits.requestGapMs).toBeGreaterThanOrEqual(250);
    expect(limits.connects.most).toBeGreaterThan(0);
    expect(limits.connects.withinMs).toBeGreaterThan(0);
    for (const ms of [limits.connectsPerSecond, limits.subscribeWithinMs, limits.lifetimeMs])
      expect(ms).toBeGreaterThanOrEqual(0);
  });

  test.each(wishes)('streams for %j: each name once, of its instrument, one book where wanted', (wish) => {
    const streams = instruments.flatMap((one) => venue.streams(one, wish));
    expect(new Set(streams.map(({ name }) => name)).size).toBe(streams.length);
    for (const one of instruments) {
      const own = streams.filter(({ instrument }) => instrument === one);
      expect(own.length).toBeGreaterThan(0);
      expect(own.filter(({ book }) => book).length).toBe(wish.book === 'none' ? 0 : 1);
    }
    // Groups have sockets of their own, and a book that breaks must not take trades along.
    const groups = (book: boolean): Set<string> =>
      new Set(streams.filter((one) => one.book === book).map(({ group }) => group));
    const trades = venue.streams(instruments[0], wish)[0]!.group;
    expect(groups(true).has(trades)).toBe(false);
  });

  test('a request names its streams and is JSON', () => {
    const streams = instruments.flatMap((one) => venue.streams(one, wishes[0]!)).map(({ name }) => name);
    const asked = venue.subscribe(streams, 3);
    const left = venue.unsubscribe(streams, 4);
    expect(asked).not.toBe(left);
    for (const text of [asked, left]) {
      expect(typeof JSON.parse(text)).toBe('object');
      for (const { native } of instruments) expect(text.toLowerCase()).toContain(native.toLowerCase());
    }
  });

  test('answers are told from ticks, and read', () => {
    expect(answers.length).toBeGreaterThan(0);
    for (const [text, answer] of answers) expect(venue.answerOf(encoder.encode(text))).toEqual(answer);
    expect(venue.answerOf(encoder.encode('{"some":"thing"}'))).toBeUndefined();
  });
}

/** Reads messages by a normaliser of their own. */
function reader(candidate: Candidate) {
  const read = (
    message: string | Uint8Array,
    changes: Partial<NormaliserOptions> = {},
  ): { answer: string | number; records: PlainRecord[] } => {
    const bytes = typeof message === 'string' ? encoder.encode(message) : message;
    const out = tickRecords(recordsPerMessageMax);
    const normaliser = candidate.venue.normaliser({
      instruments: candidate.instruments,
      tradesOf: () => 'trade',
      plausible: { around: 'receipt', pastMicros: 43_200e6, futureMicros: 60e6 },
      messageBytesMax: 1_048_576,
      ...changes,
    });
    const answer = normaliser.normalise(bytes, 0, bytes.length, candidate.now, out);
    return answer > 0
      ? { answer, records: plainRecords(out, answer) }
      : { answer: names.get(answer) ?? answer, records: [] };
  };
  return { read, answerTo: (message: string | Uint8Array) => read(message).answer };
}

function sitTicks(candidate: Candidate): void {
  const { read, answerTo } = reader(candidate);
  const { now, instruments } = candidate;

  test('a trade: mantissas, µs, the taker’s side', () => {
    const plain = {
      kind: 'trade',
      instrument: instruments[0].id,
      time: now,
      received: now,
      id: 7,
      flags: ['takerSold'],
      words: [6_183_763, 2_000, 7, 7],
    };
    expect(read(candidate.trade()).records).toEqual([plain]);
    expect(read(candidate.trade({ takerSold: false })).records).toEqual([{ ...plain, flags: [] }]);
  });

  test('a quote: best bid and ask with sizes, at a time', () => {
    const [quote] = read(candidate.quote()).records;
    expect(quote).toMatchObject({ kind: 'quote', instrument: instruments[0].id, received: now });
    expect(quote!.words).toEqual([6_183_763, 378_826, 6_183_764, 154_698]);
    expect(Math.abs(quote!.time - now)).toBeLessThan(1_000);
    expect(quote!.id).toBeGreaterThan(0);
  });

  test('a change of the book: absolute sizes, zero takes away', () => {
    const [book] = read(candidate.bookChange).records;
    expect(book).toMatchObject({ kind: 'book', instrument: instruments[0].id, received: now });
    expect(book!.bids).toEqual([[6_183_763, 150_000]]);
    expect(book!.asks).toEqual([[6_183_765, 0]]);
    expect(book!.flags).not.toContain('snapshot');
  });

  test('scenario 25: what is new or of no use is ignored, new fields change nothing', () => {
    for (const text of candidate.ignoredMessages)
      expect([text, names.has(ignoredCode(answerTo(text)))]).toEqual([text, true]);
    const more = { X: 'MARKET', nested: { a: [1, { b: 2 }] } };
    expect(read(candidate.trade({ more }))).toEqual(read(candidate.trade()));
  });

  test('answers are for the connection', () => {
    for (const [text] of candidate.answers) expect(answerTo(text)).toBe('answer');
  });

  test('a message is read where it stands, and read twice it says the same', () => {
    const normaliser = candidate.venue.normaliser({
      instruments,
      tradesOf: () => 'trade',
      plausible: { around: 'receipt', pastMicros: 43_200e6, futureMicros: 60e6 },
      messageBytesMax: 1_048_576,
    });
    const out = tickRecords(recordsPerMessageMax);
    for (const text of [candidate.trade(), candidate.quote(), candidate.bookChange]) {
      const plain = read(text).records;
      for (const before of [0, 1, 7, 64]) {
        const bytes = encoder.encode(`${'x'.repeat(before)}${text}${'"]}'.repeat(9)}`);
        const to = before + encoder.encode(text).length;
        const answer = normaliser.normalise(bytes, before, to, now, out);
        expect(plainRecords(out, answer)).toEqual(plain);
      }
    }
  });
}

/** The code of an `ignored` name; 0 for all else. */
function ignoredCode(answer: string | number): number {
  return typeof answer === 'string' && answer in ignored ? ignored[answer as keyof typeof ignored] : 0;
}

/** What makes a sound message a bad one, and the reason given. */
const badMessages: [string, (text: string) => string | Uint8Array, string][] = [
  ['nothing', () => '', 'notJson'],
  ['truncated', (text) => text.slice(0, -3), 'notJson'],
  ['binary garbage', () => Uint8Array.from({ length: 100 }, (_, i) => (i * 37) & 0x7f), 'notJson'],
  ['invalid UTF-8', (text) => Uint8Array.from([...encoder.encode(text).slice(0, -1), 0xff, 0xc0]), 'badUtf8'],
  ['a BOM', (text) => `\ufeff${text}`, 'notJson'],
  ['10,000 brackets', () => '['.repeat(10_000) + ']'.repeat(10_000), 'tooDeep'],
  ['10,000 open brackets', () => '['.repeat(10_000), 'tooDeep'],
  ['a duplicate key', (text) => text.replace('{', '{"k":1,"k":2,'), 'duplicateKey'],
  ['10 MB', () => `{"e":"${'x'.repeat(10_000_000)}"}`, 'tooLarge'],
  ['a number', () => '12345678901234567890', 'wrongType'],
  ['null', () => 'null', 'wrongType'],
];

const badPrices: [unknown, string][] = [
  ['0', 'notPositive'],
  ['-1.5', 'notPositive'],
  ['NaN', 'badNumber'],
  ['Infinity', 'badNumber'],
  ['1e309', 'badNumber'],
  ['', 'badNumber'],
  ['+1', 'badNumber'],
  ['1.', 'badNumber'],
  ['.5', 'badNumber'],
  ['1,5', 'badNumber'],
  ['1.2.3', 'badNumber'],
  ['١', 'badNumber'],
  [null, 'wrongType'],
  [61837.63, 'wrongType'],
  [{}, 'wrongType'],
  [`1.${'0'.repeat(40)}`, 'tooLong'],
  ['9'.repeat(40), 'tooBig'],
  ['90071992547409.92', 'tooBig'],
  ['1.001', 'tooPrecise'],
];

function sitRefusals(candidate: Candidate): void {
  const { read, answerTo } = reader(candidate);
  const { now, timeOf, trade, quote } = candidate;

  test.each(badMessages)('scenario 19: %s', (_name, spoil, reason) => {
    expect(answerTo(spoil(trade()))).toBe(reason);
  });

  test.each(badPrices)('scenario 20: %j as a price', (price, reason) => {
    expect(answerTo(trade({ price }))).toBe(reason);
    expect(answerTo(quote({ bid: price }))).toBe(reason);
    expect(answerTo(quote({ ask: price }))).toBe(reason);
  });

  test('scenario 20: sizes, ids, and books that cross', () => {
    expect(read(trade({ price: '90071992547409.91' })).records[0]!.words[0]).toBe(Number.MAX_SAFE_INTEGER);
    expect(answerTo(trade({ size: '0.00000' }))).toBe('notPositive');
    expect(answerTo(quote({ bidSize: '0.00000' }))).toBe(1);
    expect(answerTo(quote({ bidSize: '-1' }))).toBe('notPositive');
    for (const id of [-1, 1.5, 2 ** 53, '1.5', null])
      expect(answerTo(trade({ id }))).toMatch(/badNumber|wrongType/);
    expect(answerTo(quote({ ask: '61837.63' }))).toBe('locked');
    expect(answerTo(quote({ ask: '61837.62' }))).toBe('crossed');
  });

  test.each<[string, number, string | number]>([
    ['an hour ahead', 3_600e6, 'badTime'],
    ['61 s ahead', 61e6, 'badTime'],
    ['59 s ahead (clock skew: received before it happened)', 59e6, 1],
    ['11 hours ago', -11 * 3_600e6, 1],
    ['a day ago', -86_400e6, 'badTime'],
  ])('scenario 22: %s', (_name, offset, answer) => {
    expect(answerTo(trade({ time: timeOf(now + offset) }))).toBe(answer);
  });

  test('scenario 22: no bar in 1970 nor in 58000 AD', () => {
    for (const time of [0, 1, -1, now * 1_000, '', null, {}, '58000-01-01T00:00:00Z', '1970-01-01T00:00:00Z'])
      expect([time, answerTo(trade({ time }))]).toEqual([
        time,
        expect.stringMatching(/badTime|badNumber|wrongType/),
      ]);
  });

  test('scenario 23: a symbol that nobody listed', () => {
    expect(answerTo(trade({ symbol: 'NOBODYUSDT' }))).toBe('unknownSymbol');
    expect(answerTo(trade({ symbol: 7 }))).toMatch(/wrongType/);
  });

  test('scenario 24: names of the language are names like any other, and no keys', () => {
    for (const symbol of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])
      expect(answerTo(trade({ symbol }))).toBe('unknownSymbol');
    for (const key of ['__proto__', 'constructor', 'prototype']) {
      expect(answerTo(trade().replace('{', `{"${key}":{"polluted":true},`))).toBe('forbiddenKey');
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
}

function sitNoise(candidate: Candidate): void {
  const { read } = reader(candidate);
  const { trade, quote } = candidate;

  test(`messages with bytes changed at random never throw and never give a NaN (SEED=${seed})`, () => {
    const roll = dice(seed);
    const texts = [trade(), quote(), candidate.bookChange, ...candidate.answers.map(([text]) => text)];
    for (let i = 0; i < 3_000; i++) {
      const bytes = encoder.encode(texts[Math.floor(roll() * texts.length)]);
      for (let flips = 1 + Math.floor(roll() * 3); flips > 0; flips--)
        bytes[Math.floor(roll() * bytes.length)] = Math.floor(roll() * 256);
      const { answer, records } = read(
        bytes.subarray(0, roll() < 0.2 ? Math.floor(roll() * bytes.length) : bytes.length),
      );
      if (typeof answer === 'number') expect(answer).toBeGreaterThanOrEqual(0);
      for (const { words, time, id, bids = [], asks = [] } of records)
        for (const word of [...words, time, id, ...bids.flat(), ...asks.flat()]) expect(word).not.toBeNaN();
    }
  });
}
