/** What Binance sends, what we make of it, and what is refused and why. */
import { describe, expect, test } from 'vitest';
import { binanceNormaliser } from '../../src/feeds/binance/normalise.ts';
import { FeedCounts } from '../../src/feeds/feed-counts.ts';
import { recordedTimes, recordsPerMessageMax } from '../../src/feeds/normaliser.ts';
import { control, ignored, refusal } from '../../src/feeds/refusal.ts';
import { tickFlag, tickKind, tickRecords } from '../../src/wire/tick-record.ts';
import { feedImbalance } from './feed-books.ts';
import { dataText, hasData, now, options, quoteText, recordAt, recorded, tradeText } from './market.ts';

const names = new Map(
  Object.entries({ ...refusal, ...ignored, ...control }).map(([name, code]) => [code as number, name]),
);

/** The answer by name, and the record when there is one. */
function read(
  message: string | Uint8Array,
  changes = {},
  received = now,
): { answer: string | number; record?: number[] } {
  const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : message;
  const out = tickRecords(recordsPerMessageMax);
  const answer = binanceNormaliser(options(changes)).normalise(bytes, 0, bytes.length, received, out);
  return answer > 0 ? { answer, record: recordAt(out, 0) } : { answer: names.get(answer) ?? answer };
}

const answerTo = (message: string | Uint8Array, changes = {}): string | number =>
  read(message, changes).answer;

describe('ticks', () => {
  test('a trade: mantissas, µs, the taker’s side from m', () => {
    const sold = read(tradeText());
    expect(sold.record).toEqual([
      tickKind.trade | tickFlag.takerSold,
      1,
      now - 1_000,
      now,
      3_735_683_259,
      6_183_763,
      2_000,
      3_735_683_259,
      3_735_683_259,
    ]);
    expect(read(tradeText({ m: false })).record![0]).toBe(tickKind.trade);
  });

  test('a quote: no venue time, so the time of receipt in whole ms; u is its version', () => {
    expect(read(quoteText(), {}, now + 789).record).toEqual([
      tickKind.quote | tickFlag.noVenueTime,
      1,
      now,
      now + 789,
      50_093_239_212,
      6_183_763,
      378_826,
      6_183_764,
      154_698,
    ]);
  });

  test('an aggregate carries its first and last trade; only one of the two kinds makes ticks', () => {
    const data = {
      e: 'aggTrade',
      E: 1_723_161_255_000,
      s: 'ETHUSDT',
      a: 7,
      p: '1.50',
      q: '2',
      f: 8,
      l: 9,
      T: 1_723_161_255_000,
      m: true,
    };
    const message = (changes = {}): string => JSON.stringify({ ...data, ...changes });
    expect(read(message()).record!.slice(4)).toEqual([7, 150, 20_000, 8, 9]);
    expect(answerTo(message({ s: 'BTCUSDT' }))).toBe('otherTrades');
    expect(answerTo(tradeText({ s: 'ETHUSDT' }, 'ethusdt@trade'))).toBe('otherTrades');
    expect(answerTo(message({ f: 10 }))).toBe('badRange');
  });

  test.skipIf(!hasData('binance-ws-payloads.jsonl'))(
    'the documents’ own examples are read, or known as of no use',
    () => {
      const payloads = dataText('binance-ws-payloads.jsonl').trim().split('\n');
      const tally: Record<string, number> = {};
      for (const line of payloads) {
        const { payload } = JSON.parse(line) as { payload: { E?: number; method?: string } };
        if (payload.method !== undefined) continue;
        const found = read(JSON.stringify(payload), {
          plausible: recordedTimes(1_640_000_000e6, 1_780_000_000e6),
          tradesOf: () => (JSON.stringify(payload).includes('aggTrade') ? 'aggTrade' : 'trade'),
        });
        const key = typeof found.answer === 'number' ? 'tick' : found.answer;
        tally[key] = (tally[key] ?? 0) + 1;
      }
      // Records: 3 ticks, 2 candles, 2 tickers (1 each), and a book of 2. The raw partial book names no symbol.
      expect(tally).toEqual({ tick: 8, answer: 5, shutdown: 2, blockTrade: 1, unknownEvent: 6 });
    },
  );

  test.skipIf(!hasData('binance-spot-btcusdt-2024-08-08.tsv.gz'))(
    'a whole recording: nothing refused, and the books balance',
    () => {
      const lines = recorded('binance-spot-btcusdt-2024-08-08.tsv.gz');
      const plausible = recordedTimes(lines[0]!.received, lines.at(-1)!.received);
      const normaliser = binanceNormaliser(options({ plausible }));
      const counts = new FeedCounts();
      const out = tickRecords(recordsPerMessageMax);
      for (const { received, text } of lines) {
        const bytes = new TextEncoder().encode(text);
        counts.count(normaliser.normalise(bytes, 0, bytes.length, received, out));
      }
      const account = counts.account();
      expect(feedImbalance(account)).toBeUndefined();
      expect(account).toMatchObject({ messages: lines.length, accepted: 73_174 + 19_904 + 6_495 });
      // The snapshot that came over REST has no event at all.
      expect(account.ignored.unknownEvent).toBe(1);
      expect(counts.refusals).toBe(0);
    },
  );
});

describe('scenario 19: what is no message is refused, and counted by reason', () => {
  const utf8 = Uint8Array.from([...new TextEncoder().encode(tradeText()).slice(0, -1), 0xff, 0xc0, 0x80]);
  test.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'notJson'],
    ['truncated', tradeText().slice(0, -20), 'notJson'],
    ['binary garbage', Uint8Array.from({ length: 100 }, (_, i) => (i * 37) & 0x7f), 'notJson'],
    ['invalid UTF-8', utf8, 'badUtf8'],
    ['a BOM', `\ufeff${tradeText()}`, 'notJson'],
    ['10,000 brackets', '['.repeat(10_000) + ']'.repeat(10_000), 'tooDeep'],
    ['10,000 open brackets', '['.repeat(10_000), 'tooDeep'],
    ['5,000 open objects', '{"a":'.repeat(5_000), 'tooDeep'],
    ['a duplicate key', tradeText().replace('"p":', '"p":"1.00000000","p":'), 'duplicateKey'],
    ['a duplicate stream', tradeText().replace('{', '{"stream":"btcusdt@trade",'), 'duplicateKey'],
    ['two megabytes', `{"e":"${'x'.repeat(2_000_000)}"}`, 'tooLarge'],
    ['a number', '12345678901234567890', 'wrongType'],
    ['null', 'null', 'wrongType'],
    ['data that is no object', '{"stream":"btcusdt@trade","data":7}', 'wrongType'],
  ])('%s', (_name, message, reason) => {
    expect(answerTo(message)).toBe(reason);
  });

  test('a brace in a text is no nesting, and a colon in one is no key', () => {
    expect(answerTo(JSON.stringify({ e: `${'{['.repeat(40)}:":\\":`, x: ':' }))).toBe('unknownEvent');
  });
});

describe('scenario 20: prices and sizes that are none are refused', () => {
  test.each<[unknown, string]>([
    ['0', 'notPositive'],
    ['0.00000000', 'notPositive'],
    ['-1.5', 'notPositive'],
    ['NaN', 'badNumber'],
    ['Infinity', 'badNumber'],
    ['1e309', 'badNumber'],
    ['1e3', 'badNumber'],
    ['0x10', 'badNumber'],
    ['', 'badNumber'],
    [' 1', 'badNumber'],
    ['+1', 'badNumber'],
    ['1.', 'badNumber'],
    ['.5', 'badNumber'],
    ['1,5', 'badNumber'],
    ['1.2.3', 'badNumber'],
    ['١', 'badNumber'],
    [null, 'wrongType'],
    [61837.63, 'wrongType'],
    [undefined, 'wrongType'],
    [{}, 'wrongType'],
    [['1'], 'wrongType'],
    [`1.${'0'.repeat(40)}`, 'tooLong'],
    ['9'.repeat(41), 'tooLong'],
    ['9'.repeat(40), 'tooBig'],
    ['90071992547409.92', 'tooBig'],
    ['1.001', 'tooPrecise'],
    ['1.0000000000000000000000000001', 'tooPrecise'],
  ])('%j as a price', (price, reason) => {
    expect(answerTo(tradeText({ p: price }))).toBe(reason);
    expect(answerTo(quoteText({ b: price }))).toBe(reason);
    expect(answerTo(quoteText({ a: price }))).toBe(reason);
  });

  test('the largest mantissa is taken, exactly', () => {
    expect(read(tradeText({ p: '90071992547409.91' })).record![5]).toBe(Number.MAX_SAFE_INTEGER);
    expect(read(tradeText({ p: '0.01000000000000000000000' })).record![5]).toBe(1);
  });

  test('a JSON number that is no number is no JSON', () => {
    expect(answerTo(tradeText().replace('"61837.63000000"', 'NaN'))).toBe('notJson');
    expect(answerTo(tradeText().replace('"61837.63000000"', '1e309'))).toBe('wrongType');
  });

  test('sizes: zero is refused on a trade and taken on a quote', () => {
    expect(answerTo(tradeText({ q: '0.00000000' }))).toBe('notPositive');
    expect(answerTo(quoteText({ B: '0.00000000' }))).toBe(1);
    expect(answerTo(quoteText({ B: '-1' }))).toBe('notPositive');
  });

  test('ids, sides and crossed books', () => {
    for (const t of [-1, 1.5, 2 ** 53, Number.POSITIVE_INFINITY])
      expect(answerTo(tradeText({ t }))).toMatch(/badNumber|wrongType/);
    expect(answerTo(tradeText({ t: '7' }))).toBe('wrongType');
    expect(answerTo(tradeText({ m: 'true' }))).toBe('wrongType');
    expect(answerTo(quoteText({ u: null }))).toBe('wrongType');
    expect(answerTo(quoteText({ a: '61837.63000000' }))).toBe('locked');
    expect(answerTo(quoteText({ a: '61837.62000000' }))).toBe('crossed');
    expect(answerTo(tradeText({}, 'ethusdt@trade'))).toBe('mismatched');
    expect(answerTo(quoteText({}, 'btcusdt@trade'))).toBe('mismatched');
  });
});

describe('scenario 22: times far from the market’s are refused, units are told by magnitude', () => {
  const ms = now / 1_000;
  test.each<[string, unknown, string | number]>([
    ['an hour ahead', ms + 3_600_000, 'badTime'],
    ['a day ago', ms - 86_400_000, 'badTime'],
    ['61 s ahead', ms + 61_000, 'badTime'],
    ['59 s ahead', ms + 59_000, 1],
    ['seconds', Math.floor(ms / 1_000), 'badTime'],
    ['ns', `${now}000`, 'wrongType'],
    ['µs', now, 1],
    ['µs of yesterday', now - 86_400e6, 'badTime'],
    ['1970', 0, 'badTime'],
    ['58000 AD', ms * 1_000 * 1_000, 'badNumber'],
    ['a text', String(ms), 'wrongType'],
    ['negative', -ms, 'badNumber'],
  ])('%s', (_name, time, answer) => {
    expect(answerTo(tradeText({ T: time }))).toBe(answer);
  });

  test('µs and ms give the same record', () => {
    expect(read(tradeText({ T: now })).record).toEqual(read(tradeText({ T: ms })).record);
    // A new field makes the scanner decline: the obvious reader says the same.
    expect(read(tradeText({ T: now, X: 'MARKET' })).record).toEqual(read(tradeText({ T: ms })).record);
  });

  test('in a recording: within its span and an hour, whatever the clock says', () => {
    const plausible = recordedTimes(now - 600e6, now);
    const at = (time: number): string | number => read(tradeText({ T: time }), { plausible }, 5).answer;
    expect([at(ms - 4_199_000), at(ms + 3_599_000)]).toEqual([1, 1]);
    expect([at(ms - 4_201_000), at(ms + 3_601_000)]).toEqual(['badTime', 'badTime']);
  });
});

describe('scenario 24: names of the language are names like any other', () => {
  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    '%s as symbol and event',
    (name) => {
      expect(answerTo(tradeText({ s: name }, `${name}@trade`))).toMatch(/unknownSymbol|mismatched/);
      expect(answerTo(JSON.stringify({ ...JSON.parse(tradeText()).data, s: name }))).toBe('unknownSymbol');
      expect(answerTo(JSON.stringify({ e: name, s: 'BTCUSDT' }))).toBe('unknownEvent');
    },
  );

  test('as keys they are refused, and no prototype changes', () => {
    for (const key of ['__proto__', 'constructor', 'prototype']) {
      const evil = `{"${key}":{"polluted":true},`;
      expect(answerTo(tradeText().replace('{', evil))).toBe('forbiddenKey');
      expect(answerTo(tradeText().replace('"data":{', `"data":${evil}`))).toBe('forbiddenKey');
    }
    expect(answerTo('{"toString":1,"s":{"toString":2},"e":"trade"}')).toBe('wrongType');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('scenario 25: what is new is ignored', () => {
  test('new fields, anywhere', () => {
    const plain = read(tradeText());
    expect(read(tradeText({ X: 'MARKET', n: { a: [1, { b: 2 }] } }))).toEqual(plain);
    expect(read(tradeText().replace('{', '{"version":2,'))).toEqual(plain);
    expect(read(JSON.stringify(JSON.parse(quoteText({ E: 1, T: 2, ps: 'x' }))))).toEqual(read(quoteText()));
  });

  test('new events, streams and shapes', () => {
    const block = { e: 'blockTrade', E: 1, s: 'BTCUSDT', t: 582, p: '1', q: '1', T: 1, m: true };
    expect(answerTo(JSON.stringify({ stream: 'btcusdt@blockTrade', data: block }))).toBe('blockTrade');
    expect(answerTo(JSON.stringify(block))).toBe('blockTrade');
    expect(answerTo('{"stream":"!miniTicker@arr","data":[{}]}')).toBe('unknownEvent');
    expect(answerTo('[1,2]')).toBe('unknownEvent');
    expect(answerTo('{"lastUpdateId":1,"bids":[],"asks":[]}')).toBe('unknownEvent');
    expect(answerTo('{"e":7}')).toBe('unknownEvent');
  });

  test('what concerns the connection', () => {
    expect(answerTo('{"result":null,"id":1}')).toBe('answer');
    expect(answerTo('{"code":2,"msg":"Invalid request","id":1}')).toBe('answer');
    expect(answerTo('{"error":{"code":2,"msg":"Invalid request"},"id":1}')).toBe('answer');
    expect(answerTo('{"e":"serverShutdown","E":1770123456789}')).toBe('shutdown');
    expect(answerTo('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}')).toBe('shutdown');
  });
});
