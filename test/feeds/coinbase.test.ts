/** Coinbase's own rules, beside what all venues are examined for in venue-exam.test.ts. */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { coinbaseNormaliser } from '../../src/feeds/coinbase/normalise.ts';
import { coinbase } from '../../src/feeds/coinbase/venue.ts';
import { type NormaliserOptions, recordsPerMessageMax } from '../../src/feeds/normaliser.ts';
import { control, ignored, refusal } from '../../src/feeds/refusal.ts';
import { tickRecords } from '../../src/wire/tick-record.ts';
import { coinbaseCandidate } from './exam-candidates.ts';
import { now } from './market.ts';
import { type PlainRecord, plainRecords } from './plain-records.ts';

const { instruments, trade, quote, timeOf } = coinbaseCandidate;
const codes: Readonly<Record<string, number>> = { ...refusal, ...ignored, ...control };
const nameOf = (code: number): string =>
  Object.keys(codes).find((name) => codes[name] === code) ?? String(code);

function read(
  message: object | string,
  changes: Partial<NormaliserOptions> = {},
  received = now,
): { answer: string; records: PlainRecord[] } {
  const bytes = new TextEncoder().encode(typeof message === 'string' ? message : JSON.stringify(message));
  const out = tickRecords(recordsPerMessageMax);
  const normaliser = coinbaseNormaliser({
    instruments,
    tradesOf: () => 'trade',
    plausible: { around: 'receipt', pastMicros: 43_200e6, futureMicros: 60e6 },
    messageBytesMax: 8_388_608,
    ...changes,
  });
  const answer = normaliser.normalise(bytes, 0, bytes.length, received, out);
  return answer > 0
    ? { answer: 'records', records: plainRecords(out, answer) }
    : { answer: nameOf(answer), records: [] };
}

const product_id = 'BTC-USD';
const update = (changes: unknown, more: object = {}): object => ({
  type: 'l2update',
  product_id,
  changes,
  time: timeOf(now),
  ...more,
});
const snapshot = (bids: unknown, asks: unknown, more: object = {}): object => ({
  type: 'snapshot',
  product_id,
  asks,
  bids,
  ...more,
});

const sevenLevels = (from: number, step: number): string[][] =>
  Array.from({ length: 7 }, (_, i) => [`${from + i * step}.00`, '1']);

const changesOf = (count: number): string[][] =>
  Array.from({ length: count }, (_, i) => [i % 2 === 0 ? 'buy' : 'sell', `${i + 1}.00`, '1']);

describe('traps', () => {
  test('maker side: the side of a match is the maker’s, the taker did the opposite', () => {
    const sides = (['buy', 'sell'] as const).map(
      (side) => read({ ...(JSON.parse(trade()) as object), side }).records[0]!.flags,
    );
    expect(sides).toEqual([['takerSold'], []]);
    expect(read({ ...(JSON.parse(trade()) as object), side: 'hold' }).answer).toBe('wrongType');
  });

  test('l2update zero time: the time of receipt instead, and no refusal', () => {
    const [book] = read(
      update([['buy', '1.00', '2']], { time: '0001-01-01T00:00:00.000000Z' }),
      {},
      now + 789,
    ).records;
    expect(book).toMatchObject({
      time: now,
      received: now + 789,
      flags: ['noVenueTime', 'noIds'],
      bids: [[100, 200_000]],
    });
    expect(read({ ...(JSON.parse(trade()) as object), time: '0001-01-01T00:00:00.000000Z' }).answer).toBe(
      'badTime',
    );
  });

  test('sequence jumps on the ticker: it is the version of the quote, and no gap', () => {
    const sequences = [10, 500, 2 ** 53 - 1];
    const versions = sequences.map(
      (sequence) => read({ ...(JSON.parse(quote()) as object), sequence }).records[0]!.id,
    );
    expect(versions).toEqual(sequences);
  });

  test('from the ticker comes a quote and nothing else: its last trade would count twice', () => {
    expect(read(quote()).records.map(({ kind }) => kind)).toEqual(['quote']);
  });

  test('clock skew: received a second before it happened', () => {
    expect(read(trade({ time: timeOf(now + 1_270_000) })).records[0]).toMatchObject({
      time: now + 1_270_000,
      received: now,
    });
  });
});

describe('what comes right after subscribing', () => {
  const old = timeOf(now - 3 * 86_400e6);

  test('last_match is a trade; a day old it is no news, and no fault either', () => {
    const last = (time: unknown): object => ({
      ...(JSON.parse(trade({ time })) as object),
      type: 'last_match',
    });
    expect(read(last(timeOf(now - 60e6))).records[0]).toMatchObject({
      kind: 'trade',
      id: 7,
      time: now - 60e6,
    });
    expect(read(last(old)).answer).toBe('tooOld');
    expect(read(last(timeOf(now + 3_600e6))).answer).toBe('badTime');
    expect(read(trade({ time: old })).answer).toBe('badTime');
  });

  test('the ticker of a quiet product has the time of its last match', () => {
    expect(read({ ...(JSON.parse(quote()) as object), time: old }).answer).toBe('tooOld');
    expect(read({ ...(JSON.parse(quote()) as object), time: 'x' }).answer).toBe('badTime');
  });

  test('tickers of before 2022 have no sizes: they are checked, and of no use', () => {
    const { best_bid_size: _, best_ask_size: __, ...early } = JSON.parse(quote()) as Record<string, unknown>;
    expect(read(early).answer).toBe('noSizes');
    expect(read({ ...early, best_bid: 'x' }).answer).toBe('badNumber');
    expect(read({ ...early, best_bid: '61838.00' }).answer).toBe('crossed');
    expect(read({ ...early, best_bid_size: '1' }).answer).toBe('wrongType');
  });

  test('scenario 27: a heartbeat tells the last trade’s id', () => {
    const beat = { type: 'heartbeat', sequence: 90, last_trade_id: 20, product_id, time: timeOf(now) };
    expect(read(beat).records).toEqual([
      { kind: 'heartbeat', instrument: 1, time: now, received: now, id: 20, flags: [], words: [0, 0, 0, 0] },
    ]);
    expect(read({ ...beat, last_trade_id: '20' }).answer).toBe('wrongType');
    expect(read({ ...beat, time: null }).answer).toBe('wrongType');
  });
});

describe('the book', () => {
  test('a snapshot: whole, best first in whatever order it came, empty levels left out', () => {
    const bids = [
      ['9.90', '2'],
      ['10.00', '1'],
      ['9.95', '0.00000000'],
    ];
    const asks = [
      ['10.10', '3'],
      ['10.20', '4'],
    ];
    const plain = {
      kind: 'book',
      id: 0,
      flags: ['noVenueTime', 'snapshot', 'noIds'],
      words: [0, 4, 0, Number.POSITIVE_INFINITY],
      bids: [
        [1_000, 100_000],
        [990, 200_000],
      ],
      asks: [
        [1_010, 300_000],
        [1_020, 400_000],
      ],
    };
    expect(read(snapshot(bids, asks)).records).toEqual([expect.objectContaining(plain)]);
    // With a time, as the venue sends it since 2022.
    const timed = read(snapshot(bids, asks, { time: timeOf(now - 5_000) })).records[0]!;
    expect(timed).toMatchObject({ time: now - 5_000, flags: ['snapshot', 'noIds'] });
  });

  test('a snapshot longer than bookLevels is cut to its best levels, the worst one kept is the horizon', () => {
    const [book] = read(snapshot(sevenLevels(100, -1), sevenLevels(101, 1)), { bookLevels: 3 }).records;
    expect(book!.bids!.map(([price]) => price)).toEqual([10_000, 9_900, 9_800]);
    expect(book!.asks!.map(([price]) => price)).toEqual([10_100, 10_200, 10_300]);
    expect(book!.words.slice(2)).toEqual([9_800, 10_300]);
    const [whole] = read(snapshot(sevenLevels(100, -1), sevenLevels(101, 1)), { bookLevels: 7 }).records;
    expect(whole!.words.slice(2)).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  test.each<[string, object, string]>([
    ['crossed', snapshot([['2.00', '1']], [['1.00', '1']]), 'crossed'],
    ['locked', snapshot([['2.00', '1']], [['2.00', '1']]), 'locked'],
    [
      'a price twice',
      snapshot(
        [
          ['2.00', '1'],
          ['1.00', '1'],
          ['2.00', '2'],
        ],
        [],
      ),
      'badRange',
    ],
    ['a side missing', snapshot([['2.00', '1']], undefined), 'wrongType'],
    ['a level that is none', snapshot(['2.00'], []), 'wrongType'],
    ['a price that is none', snapshot([['x', '1']], []), 'badNumber'],
    ['too many digits', snapshot([['1.001', '1']], []), 'tooPrecise'],
    ['no list of changes', update({}), 'wrongType'],
    ['a change that is none', update([['buy', '1.00']]), 'wrongType'],
    ['a third side', update([['hold', '1.00', '1']]), 'wrongType'],
    ['a number as size', update([['buy', '1.00', 1]]), 'wrongType'],
    ['a size below zero', update([['buy', '1.00', '-1']]), 'notPositive'],
    ['a price of zero', update([['buy', '0.00', '1']]), 'notPositive'],
    ['no product', update([], { product_id: null }), 'wrongType'],
    ['another product', update([], { product_id: 'NO-USD' }), 'unknownSymbol'],
    ['a time that is none', update([], { time: 7 }), 'wrongType'],
    ['yesterday', update([], { time: timeOf(now - 86_400e6) }), 'badTime'],
  ])('scenario 20: %s is refused', (_name, message, reason) => {
    expect(read(message).answer).toBe(reason);
  });

  test('an empty side and an empty change are right', () => {
    expect(read(snapshot([], [])).records[0]).toMatchObject({
      bids: [],
      asks: [],
      words: [0, 0, 0, Infinity],
    });
    expect(read(update([])).records[0]).toMatchObject({ bids: [], asks: [] });
  });

  test('a change of thousands of levels fits, one of more than the records hold is refused by size', () => {
    const most = (recordsPerMessageMax - 1) * 3;
    const [book] = read(update(changesOf(most))).records;
    expect(book!.bids!.length + book!.asks!.length).toBe(most);
    expect(read(update(changesOf(most + 1))).answer).toBe('tooLarge');
  });

  test('scenario 19: a snapshot of 10 MB is refused unread, by its size', () => {
    const text = JSON.stringify(
      snapshot(
        Array.from({ length: 400_000 }, () => ['61837.63', '1.00000000']),
        [],
      ),
    );
    expect(text.length).toBeGreaterThan(8_388_608);
    expect(read(text).answer).toBe('tooLarge');
  });
});

describe('requests', () => {
  const names = ['matches:BTC-USD', 'heartbeat:BTC-USD', 'matches:SKL-GBP'];

  test('streams are gathered by channel', () => {
    const channels = [
      { name: 'matches', product_ids: ['BTC-USD', 'SKL-GBP'] },
      { name: 'heartbeat', product_ids: ['BTC-USD'] },
    ];
    expect(JSON.parse(coinbase.subscribe(names, 1))).toEqual({ type: 'subscribe', channels });
    expect(JSON.parse(coinbase.unsubscribe(names, 2))).toEqual({ type: 'unsubscribe', channels });
  });

  test('with keys level2 instead of level2_batch, signed over time, method and path', () => {
    const wish = { trades: 'trade', book: 'changes' } as const;
    const book = (signed: boolean): string =>
      coinbase.streams(instruments[0], { ...wish, signed }).find((one) => one.book)!.name;
    expect([book(false), book(true)]).toEqual(['level2_batch:BTC-USD', 'level2:BTC-USD']);
    const secret = Buffer.from('a secret').toString('base64');
    const keys = { key: 'k', secret, passphrase: 'p' };
    const request = JSON.parse(coinbase.subscribe([book(true)], 1, keys, 1_723_161_255)) as Record<
      string,
      unknown
    >;
    expect(request).toMatchObject({ key: 'k', passphrase: 'p', timestamp: '1723161255' });
    const signed = createHmac('sha256', 'a secret')
      .update('1723161255GET/users/self/verify')
      .digest('base64');
    expect(request['signature']).toBe(signed);
    expect(JSON.parse(coinbase.subscribe([book(false)], 1))).not.toHaveProperty('signature');
  });

  test('scenario 9: the first request is due five seconds after connecting', () => {
    expect(coinbase.limits.subscribeWithinMs).toBe(5_000);
    expect(coinbase.limits.connectsPerSecond).toBeLessThanOrEqual(8);
    expect(coinbase.bookFrom).toBe('stream');
  });
});
