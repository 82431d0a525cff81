/** The scanner of Coinbase's books may only agree with the obvious reader, and must take what the venue really sends. */
import { describe, expect, test } from 'vitest';
import { CoinbaseBookScanner } from '../../src/feeds/coinbase/book-scanner.ts';
import { CoinbaseReader } from '../../src/feeds/coinbase/normalise.ts';
import { type NormaliserOptions, recordsPerMessageMax } from '../../src/feeds/normaliser.ts';
import { tickRecords } from '../../src/wire/tick-record.ts';
import { products, recordedProducts, session, sessionOptions } from './coinbase-market.ts';
import { coinbaseCandidate } from './exam-candidates.ts';
import { dice, hasData, now, recorded, seed } from './market.ts';
import { plainRecords } from './plain-records.ts';

const encoder = new TextEncoder();

/** Reads one message both ways; gives what the scanner answered. */
function both(options: NormaliserOptions) {
  const scanner = new CoinbaseBookScanner(options);
  const reader = new CoinbaseReader(options);
  const [scanned, read] = [tickRecords(recordsPerMessageMax), tickRecords(recordsPerMessageMax)];
  return (bytes: Uint8Array, received: number): number => {
    const answer = scanner.scan(bytes, 0, bytes.length, received, scanned);
    if (answer === 0) return 0;
    const wanted = reader.normalise(bytes, 0, bytes.length, received, read);
    const text = new TextDecoder().decode(bytes).slice(0, 300);
    expect({ text, answer }).toEqual({ text, answer: wanted });
    if (answer > 0) expect(plainRecords(scanned, answer)).toEqual(plainRecords(read, wanted));
    return answer;
  };
}

const options: NormaliserOptions = {
  instruments: coinbaseCandidate.instruments,
  tradesOf: () => 'trade',
  plausible: { around: 'receipt', pastMicros: 43_200e6, futureMicros: 60e6 },
  messageBytesMax: 16 * 2 ** 20,
  bookLevels: 4,
};
const time = '2024-08-08T23:54:15.075687Z';
const update =
  '{"type":"l2update","product_id":"BTC-USD","changes":[["buy","61837.63","1.5"],["sell","61838.00","0.00000000"]],' +
  `"time":"${time}"}`;
const asks =
  '"asks":[["61838.00","1"],["61838.01","0.5"],["61839","0"],["61840.50","2.00001"],["61841","1"],["61842","1"]]';
const bids = '"bids":[["61837.63","1.5"],["61837.00","3"]]';
const snapshots = [
  `{"type":"snapshot","product_id":"BTC-USD",${asks},${bids}}`,
  `{"type":"snapshot","product_id":"BTC-USD",${bids},${asks},"time":"${time}"}`,
  '{"type":"snapshot","product_id":"SKL-GBP","asks":[],"bids":[["0.5742","1029.5"]]}',
];

describe('the shapes that the venue sends are taken', () => {
  test.each([update, ...snapshots])('%s', (text) => {
    expect(both(options)(encoder.encode(text), now)).toBeGreaterThan(0);
  });

  test.skipIf(!hasData(session, products))('all 9,729 snapshots and changes of the session', () => {
    const lines = recorded(session);
    const read = both(sessionOptions(lines, recordedProducts()));
    let taken = 0;
    for (const { received, text } of lines) if (read(encoder.encode(text), received) > 0) taken++;
    expect(taken).toBe(9_729);
  });

  test('sizes finer than the lot size are cut in both', () => {
    const fine = update.replace('"1.5"', '"1.500009"');
    expect(both(options)(encoder.encode(fine), now)).toBeGreaterThan(0);
  });
});

test.each<[string, string]>([
  ['a time of year 1', update.replace(time, '0001-01-01T00:00:00.000000Z')],
  ['no changes', update.replace(/\[\[.*\]\]/, '[]')],
  ['a leap second', update.replace(':15.', ':60.')],
  ['no fraction', update.replace('.075687', '')],
  ['another order', update.replace('{"type":"l2update",', '{"x":1,"type":"l2update",')],
  ['a third side', update.replace('"buy"', '"hold"')],
  ['a price of ten digits', update.replace('61837.63', '1234567890.12')],
  ['a price of zero', update.replace('61837.63', '0.00')],
  ['an unknown product', update.replace('BTC-USD', 'NO-USD')],
  ['yesterday', update.replace('08-08', '08-07')],
  ['a bid side twice', snapshots[0]!.replace('"asks"', '"bids"')],
])('%s is left to the obvious reader', (_name, text) => {
  expect(both(options)(encoder.encode(text), now)).toBe(0);
});

test('what only the whole book shows is refused by both: crossed, locked, a price twice', () => {
  const read = both(options);
  for (const spoilt of ['61838.00', '61900.00', '61837.00'])
    expect(read(encoder.encode(snapshots[0]!.replace('61837.63', spoilt)), now)).toBeLessThan(0);
});

test(`cut and changed at random, wherever they begin (SEED=${seed})`, () => {
  const roll = dice(seed);
  const read = both(options);
  const letters = '0123456789.",[]{}:-TZbuysellasktime ';
  let taken = 0;
  for (let i = 0; i < 20_000; i++) {
    const texts = [update, ...snapshots];
    const bytes = encoder.encode(texts[Math.floor(roll() * texts.length)]);
    for (let flips = Math.floor(roll() * 3); flips > 0; flips--)
      bytes[Math.floor(roll() * bytes.length)] = letters.charCodeAt(Math.floor(roll() * letters.length));
    const from = Math.floor(roll() * 5);
    const moved = new Uint8Array(from + bytes.length);
    moved.set(bytes, from);
    const to = roll() < 0.2 ? Math.floor(roll() * bytes.length) : bytes.length;
    if (read(moved.subarray(from, from + to), now) > 0) taken++;
  }
  // A third is not changed at all, and of the changed ones many still are messages.
  expect(taken).toBeGreaterThan(5_000);
});

test('scenario 19: cut at every byte, at the very end of a buffer, nothing is read beyond it', () => {
  const read = both(options);
  for (const text of [update, ...snapshots]) {
    const bytes = encoder.encode(text);
    for (let cut = 0; cut < bytes.length; cut++) expect(read(bytes.slice(0, cut), now)).toBe(0);
  }
});
