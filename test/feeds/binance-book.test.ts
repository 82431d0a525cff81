/** Binance's books, candles and tickers: what they become, what is refused, and that the scanner reads as the reader. */
import { describe, expect, test } from 'vitest';
import { BinanceDepthScanner } from '../../src/feeds/binance/depth-scanner.ts';
import { BinanceReader, binanceNormaliser } from '../../src/feeds/binance/normalise.ts';
import { recordsPerMessageMax } from '../../src/feeds/normaliser.ts';
import { control, ignored, refusal } from '../../src/feeds/refusal.ts';
import { tickKind, tickRecords } from '../../src/wire/tick-record.ts';
import { bookIn, candleText, depthText, partialText, type ReadBook } from './binance-messages.ts';
import { dice, instruments, now, options, quoteText, recordAt, seed } from './market.ts';

const names = new Map(
  Object.entries({ ...refusal, ...ignored, ...control }).map(([name, code]) => [code as number, name]),
);
const out = tickRecords(recordsPerMessageMax);
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function answerTo(message: string, changes = {}, received = now): string | number {
  const bytes = encode(message);
  out.words.fill(7);
  const answer = binanceNormaliser(options(changes)).normalise(bytes, 0, bytes.length, received, out);
  return names.get(answer) ?? answer;
}

function bookOf(message: string, changes = {}, received = now): ReadBook {
  const answer = answerTo(message, changes, received);
  if (typeof answer === 'string') throw new Error(answer);
  return bookIn(out, answer);
}

const levelsAt = (count: number): string[][] => Array.from({ length: count }, (_, i) => [`${i + 1}`, '1']);

describe('changes of a book', () => {
  test('a head with U and u, then the levels, bids first, three a record', () => {
    expect(bookOf(depthText())).toEqual({
      instrument: 1,
      isSnapshot: false,
      noVenueTime: false,
      time: now - 1_000,
      received: now,
      firstUpdate: 50_093_239_200,
      lastUpdate: 50_093_239_212,
      horizons: [0, 0],
      bids: [
        [6_183_763, 378_826],
        [6_183_760, 0],
      ],
      asks: [
        [6_183_764, 154_698],
        [6_183_800, 1],
      ],
    });
    expect(answerTo(depthText({ b: [], a: [] }))).toBe(1);
  });

  test('the same once a second, as a raw stream, and in µs', () => {
    const plain = bookOf(depthText());
    expect(bookOf(depthText({}, 'btcusdt@depth'))).toEqual(plain);
    expect(bookOf(depthText({}, 'btcusdt@depth@1000ms'))).toEqual(plain);
    expect(bookOf(JSON.stringify(JSON.parse(depthText()).data))).toEqual(plain);
    expect(bookOf(depthText({ E: now - 1_000 }))).toEqual(plain);
  });

  test('scenario 25: new fields, also within a level, change nothing', () => {
    const b = [
      ['61837.63000000', '3.78826000', []],
      ['61837.60000000', '0.00000000', 'x'],
    ];
    expect(bookOf(depthText({ b, X: 1 }))).toEqual(bookOf(depthText()));
  });

  test('a size finer than the lot size, as real books have, is cut and never to nothing', () => {
    const b = [
      ['100000.00000000', '191.38900600'],
      ['1.00000000', '0.00000009'],
    ];
    expect(bookOf(depthText({ b })).bids).toEqual([
      [10_000_000, 19_138_900],
      [100, 1],
    ]);
    const quote = quoteText({ B: '0.00000009', A: '191.38900600' });
    expect([answerTo(quote), recordAt(out, 0).slice(5)]).toEqual([1, [6_183_763, 1, 6_183_764, 19_138_900]]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['scenario 20: a price of zero', { b: [['0', '1']] }, 'notPositive'],
    ['scenario 20: a negative size', { a: [['1', '-1']] }, 'notPositive'],
    ['scenario 20: NaN', { a: [['NaN', '1']] }, 'badNumber'],
    ['scenario 20: 1e309', { a: [['1e309', '1']] }, 'badNumber'],
    ['scenario 20: a number for a text', { b: [[1, '1']] }, 'wrongType'],
    ['scenario 20: no size', { b: [['1']] }, 'wrongType'],
    ['scenario 20: too precise', { b: [['1.001', '1']] }, 'tooPrecise'],
    ['scenario 20: 40 digits', { b: [['9'.repeat(40), '1']] }, 'tooBig'],
    ['a level that is none', { b: ['1', '1'] }, 'wrongType'],
    ['sides that are none', { b: {} }, 'wrongType'],
    ['no asks', { a: undefined }, 'wrongType'],
    ['U above u', { U: 3, u: 2 }, 'badRange'],
    ['ids as texts', { u: '7' }, 'wrongType'],
    ['scenario 22: an hour ahead', { E: now / 1_000 + 3_600_000 }, 'badTime'],
    ['scenario 22: a day ago', { E: now / 1_000 - 86_400_000 }, 'badTime'],
    ['scenario 22: seconds', { E: Math.floor(now / 1e6) }, 'badTime'],
    ['scenario 24: __proto__ as a symbol', { s: '__proto__' }, 'mismatched'],
    ['another symbol than its stream', { s: 'ETHUSDT' }, 'mismatched'],
  ])('%s', (_name, changes, reason) => {
    expect(answerTo(depthText(changes))).toBe(reason);
  });

  test('scenario 19: more levels than records, a bad one at the end: the whole message is refused', () => {
    const most = (recordsPerMessageMax - 1) * 3;
    expect(answerTo(depthText({ b: levelsAt(most), a: [] }))).toBe(recordsPerMessageMax);
    expect(bookIn(out, recordsPerMessageMax).bids.at(-1)).toEqual([most * 100, 100_000]);
    expect(answerTo(depthText({ b: levelsAt(most), a: levelsAt(1) }))).toBe('tooLarge');
    expect(answerTo(depthText({ b: [...levelsAt(1_000), ['1', 'x']] }))).toBe('badNumber');
    expect(answerTo(depthText(), { messageBytesMax: 100 })).toBe('tooLarge');
  });
});

describe('the best levels of a book', () => {
  test('a snapshot: the symbol from the stream, the time of receipt, whole where it is not full', () => {
    expect(bookOf(partialText(), {}, now + 789)).toEqual({
      instrument: 1,
      isSnapshot: true,
      noVenueTime: true,
      time: now,
      received: now + 789,
      firstUpdate: 160,
      lastUpdate: 160,
      horizons: [0, Number.POSITIVE_INFINITY],
      bids: [
        [6_183_763, 100_000],
        [6_183_762, 200_000],
      ],
      asks: [
        [6_183_764, 300_000],
        [6_183_765, 400_000],
      ],
    });
  });

  test.each([5, 10, 20])('full with %i levels: the worst one is the horizon', (levels) => {
    const side = (step: number): string[][] =>
      Array.from({ length: levels }, (_, i) => [`${(6_183_763 + (step > 0 ? 1 : 0) + i * step) / 100}`, '1']);
    const book = bookOf(partialText({ bids: side(-1), asks: side(1) }, `btcusdt@depth${levels}`));
    expect(book.horizons).toEqual([6_183_763 - levels + 1, 6_183_763 + levels]);
    expect(book.bids.length + book.asks.length).toBe(levels * 2);
  });

  test.each<[string, Record<string, unknown>, string, string]>([
    ['crossed', { asks: [['61837.62', '1']] }, 'btcusdt@depth5', 'crossed'],
    ['locked', { asks: [['61837.63', '1']] }, 'btcusdt@depth5', 'locked'],
    [
      'a price twice',
      {
        bids: [
          ['1', '1'],
          ['1', '2'],
        ],
      },
      'btcusdt@depth5',
      'badRange',
    ],
    ['an unknown symbol', {}, 'nobody@depth5', 'unknownSymbol'],
    ['scenario 24: __proto__', {}, '__proto__@depth5', 'unknownSymbol'],
    ['no levels', { bids: null }, 'btcusdt@depth5', 'wrongType'],
    ['an id as a text', { lastUpdateId: '1' }, 'btcusdt@depth5', 'wrongType'],
    ['another stream', {}, 'btcusdt@depth7', 'unknownEvent'],
  ])('%s', (_name, changes, stream, reason) => {
    expect(answerTo(partialText(changes, stream))).toBe(reason);
  });
});

const heartbeat = (id: number, instrument = 1): number[] => [
  tickKind.heartbeat,
  instrument,
  now,
  now,
  id,
  0,
  0,
  0,
  0,
];

describe('signs of life', () => {
  test('a candle tells the last trade’s id where trades make the ticks', () => {
    expect([answerTo(candleText()), recordAt(out, 0)]).toEqual([1, heartbeat(99)]);
    expect([answerTo(candleText({ L: -1 })), recordAt(out, 0)]).toEqual([1, heartbeat(0)]);
    // Of ETHUSDT aggregates make the ticks, whose ids are others.
    const eth = candleText({}, 'ethusdt@kline_1m', 'ETHUSDT');
    expect([answerTo(eth), recordAt(out, 0)]).toEqual([1, heartbeat(0, 2)]);
    expect(answerTo(candleText({}, 'btcusdt@kline_1m@+08:00'))).toBe(1);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ h: '0.50' }, 'badRange'],
    [{ o: 'x' }, 'badNumber'],
    [{ L: '99' }, 'wrongType'],
    [{ L: -2 }, 'badNumber'],
    [{ x: 1 }, 'wrongType'],
    [{ i: '5m' }, 'mismatched'],
  ])('a candle with %j', (k, reason) => {
    expect(answerTo(candleText(k))).toBe(reason);
  });

  test.each([
    ['24hrMiniTicker', 'miniTicker'],
    ['24hrTicker', 'ticker'],
  ])('%s: alive, no more', (e, kind) => {
    const data = { e, E: now / 1_000, s: 'BTCUSDT', c: '1', L: 5 };
    expect(answerTo(JSON.stringify({ stream: `btcusdt@${kind}`, data }))).toBe(1);
    expect(recordAt(out, 0)).toEqual([tickKind.heartbeat, 1, now, now, 0, 0, 0, 0, 0]);
    expect(answerTo(JSON.stringify({ stream: `ethusdt@${kind}`, data }))).toBe('mismatched');
    expect(answerTo(JSON.stringify({ stream: `btcusdt@${kind}`, data: { ...data, E: 1 } }))).toBe('badTime');
  });
});

const levelsOf = (roll: () => number, priceDecimals: number, sizeDecimals: number): string[][] => {
  const decimal = (decimals: number, isPrice: boolean): string => {
    const whole = Math.floor(roll() * 10 ** (1 + Math.floor(roll() * 8))) + (isPrice ? 1 : 0);
    const digits = String(Math.floor(roll() * 10 ** decimals)).padStart(decimals, '0');
    return decimals === 0
      ? `${whole}${roll() < 0.5 ? '.00000000' : ''}`
      : `${whole}.${digits.padEnd(8, '0')}`;
  };
  return Array.from({ length: Math.floor(roll() * 30) }, () => [
    decimal(priceDecimals, true),
    roll() < 0.3 ? '0.00000000' : decimal(sizeDecimals, false),
  ]);
};

describe('the scanner agrees with the reader', () => {
  const scanner = new BinanceDepthScanner(options());
  const reader = new BinanceReader(options());
  const fast = tickRecords(64);
  const slow = tickRecords(64);

  /** Judges one message; true when the scanner accepted it. */
  function judged(bytes: Uint8Array): boolean {
    // Within a larger chunk whose other bytes would go on with it, and at the end of one, so that an over-read throws.
    const chunk = new Uint8Array(bytes.length + 40).fill(0x37);
    chunk.set(bytes, 20);
    const loose = scanner.scan(chunk, 20, 20 + bytes.length, now, fast);
    const count = scanner.scan(Uint8Array.from(bytes), 0, bytes.length, now, fast);
    const text = (): string => new TextDecoder().decode(bytes);
    if (loose !== count) throw new Error(`what lies behind the message changes the answer: ${text()}`);
    if (count === 0) return false;
    const answer = reader.normalise(bytes, 0, bytes.length, now, slow);
    if (answer !== count) throw new Error(`${text()}: the reader says ${names.get(answer) ?? answer}`);
    for (let slot = 0; slot < count; slot++) {
      if (String(recordAt(fast, slot)) !== String(recordAt(slow, slot))) {
        throw new Error(
          `${text()}: record ${slot}: ${recordAt(fast, slot).join()} and ${recordAt(slow, slot).join()}`,
        );
      }
    }
    return true;
  }

  const longSymbol = { s: 'LONGSYMBOLNAMEUSDT', b: [['1.1', '2.2']], a: [] };
  test.each([
    ['combined', depthText()],
    ['raw', JSON.stringify(JSON.parse(depthText()).data)],
    ['once a second', depthText({}, 'btcusdt@depth')],
    ['µs', depthText({ E: now - 5 })],
    ['no bids', depthText({ b: [] })],
    ['no asks', depthText({ a: [] })],
    ['a long symbol', depthText(longSymbol, 'longsymbolnameusdt@depth@100ms')],
  ])('%s is scanned', (_name, text) => {
    expect(judged(encode(text))).toBe(true);
  });

  test.each([
    ['no levels at all', depthText({ b: [], a: [] }, 'btcusdt@depth').replace('}}', '} }')],
    ['a level of three', depthText({ b: [['1', '2', []]] })],
    ['a price of zero', depthText({ b: [['0.00', '2']] })],
    ['a stream of another symbol', depthText({}, 'ethusdt@depth@100ms')],
    ['another speed', depthText({}, 'btcusdt@depth@1000ms')],
    ['U above u', depthText({ U: 3, u: 2 })],
    ['an unsafe id', depthText().replace(/"u":\d+/, '"u":9007199254740993')],
    ['a time out of reach', depthText({ E: now / 1_000 - 86_400_000 })],
    ['a comma too many', depthText().replace(']],"a"', '],],"a"')],
    ['more than there is room for', depthText({ b: Array.from({ length: 190 }, () => ['1', '2']) })],
  ])('declines %s', (_name, text) => {
    expect(judged(encode(text))).toBe(false);
  });

  test(`random valid messages (SEED=${seed})`, () => {
    const roll = dice(seed);
    let accepted = 0;
    let own = 0;
    for (let i = 0; i < 5_000; i++) {
      const { native, priceDecimals, sizeDecimals } = instruments[Math.floor(roll() * instruments.length)]!;
      const U = Math.floor(roll() * 2 ** 45);
      const text = depthText(
        {
          E: now / 1_000 - Math.floor(roll() * 1e6),
          s: native,
          U,
          u: U + Math.floor(roll() * 100),
          b: levelsOf(roll, priceDecimals, sizeDecimals),
          a: levelsOf(roll, priceDecimals, sizeDecimals),
        },
        `${native.toLowerCase()}@depth${roll() < 0.5 ? '' : '@100ms'}`,
      );
      if (native.length >= 4) own++;
      if (judged(encode(roll() < 0.5 ? text : JSON.stringify(JSON.parse(text).data)))) accepted++;
    }
    // Big prices with many decimals pass 2^53, and are the reader's to refuse.
    expect(accepted).toBeGreaterThan(own * 0.7);
  });

  test(`mutated messages, byte by byte and at random (SEED=${seed})`, () => {
    const roll = dice(seed);
    const below = (n: number): number => Math.floor(roll() * n);
    const texts = [depthText(), JSON.stringify(JSON.parse(depthText()).data), depthText({ a: [] })].map(
      encode,
    );
    let accepted = 0;
    for (let i = 0; i < 40_000; i++) {
      const bytes = Uint8Array.from(texts[i % texts.length]!);
      for (let k = 1 + below(2); k > 0; k--) {
        const at = below(bytes.length);
        const kind = below(4);
        if (kind === 0) bytes[at] = below(256);
        else if (kind === 1) bytes[at] = 0x30 + below(10);
        else if (kind === 2) bytes[at] = bytes[at]! ^ (1 << below(8));
        else bytes.copyWithin(at, at + 1 + below(3));
      }
      if (judged(roll() < 0.1 ? bytes.subarray(0, below(bytes.length + 1)) : bytes)) accepted++;
    }
    expect(accepted).toBeGreaterThan(500);
    for (const bytes of texts) {
      for (let at = 0; at < bytes.length; at++) {
        for (const to of [0x20, 0x22, 0x2c, 0x2e, 0x30, 0x39, 0x3a, 0x5b, 0x5d, 0x7d, bytes[at]! ^ 0x80]) {
          const changed = Uint8Array.from(bytes);
          changed[at] = to;
          judged(changed);
        }
      }
    }
  });
});
