/** Backpack's own rules, beside what all venues are examined for in venue-exam.test.ts; and what was recorded of it. */
import { describe, expect, test } from 'vitest';
import { backpackNormaliser } from '../../src/feeds/backpack/normalise.ts';
import { backpack } from '../../src/feeds/backpack/venue.ts';
import { type NormaliserOptions, recordedTimes, recordsPerMessageMax } from '../../src/feeds/normaliser.ts';
import { control, ignored, refusal } from '../../src/feeds/refusal.ts';
import { tickRecords } from '../../src/wire/tick-record.ts';
import { backpackCandidate, listed } from './exam-candidates.ts';
import { dataText, hasData, now } from './market.ts';
import { digestOf, type PlainRecord, plainRecords } from './plain-records.ts';

const { trade, quote, bookChange } = backpackCandidate;
const codes: Readonly<Record<string, number>> = { ...refusal, ...ignored, ...control };
const nameOf = (code: number): string =>
  Object.keys(codes).find((name) => codes[name] === code) ?? String(code);

function read(
  message: object | string,
  changes: Partial<NormaliserOptions> = {},
  received = now,
): { answer: string; records: PlainRecord[]; digest: string } {
  const bytes = new TextEncoder().encode(typeof message === 'string' ? message : JSON.stringify(message));
  const out = tickRecords(recordsPerMessageMax);
  const normaliser = backpackNormaliser({
    instruments: backpackCandidate.instruments,
    tradesOf: () => 'trade',
    plausible: { around: 'receipt', pastMicros: 43_200e6, futureMicros: 60e6 },
    messageBytesMax: 1_048_576,
    ...changes,
  });
  const answer = normaliser.normalise(bytes, 0, bytes.length, received, out);
  const digest = digestOf(answer, out);
  return answer > 0
    ? { answer: 'records', records: plainRecords(out, answer), digest }
    : { answer: nameOf(answer), records: [], digest };
}

interface Wrapped {
  readonly stream: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A message with fields of its data changed. */
function changed(text: string, fields: object, stream?: string): object {
  const message = JSON.parse(text) as Wrapped;
  return { stream: stream ?? message.stream, data: { ...message.data, ...fields } };
}

describe('traps', () => {
  test('µs: the engine’s time is the tick’s, to the microsecond', () => {
    expect(read(changed(trade(), { T: now + 123, E: now + 9_999 })).records[0]!.time).toBe(now + 123);
    expect(read(changed(quote(), { T: now - 1 })).records[0]).toMatchObject({ time: now - 1, flags: [] });
    expect(read(changed(trade(), { T: Math.floor(now / 1e6) })).answer).toBe('badTime');
  });

  test.each<[unknown, number | string]>([
    [1_802_083_092, 1_802_083_092],
    ['1802083092', 1_802_083_092],
    ['9007199254740991', 2 ** 53 - 1],
    ['9007199254740992', 'badNumber'],
    [2 ** 53, 'badNumber'],
    ['113782701997686784', 'badNumber'],
    ['', 'badNumber'],
    ['-1', 'badNumber'],
    ['0x10', 'badNumber'],
    ['1e3', 'badNumber'],
    [' 7', 'badNumber'],
    [-1, 'badNumber'],
    [null, 'wrongType'],
    [[7], 'wrongType'],
  ])('ids as number or text, exactly: %j', (id, wanted) => {
    const answers = [
      read(changed(quote(), { u: id })),
      read(changed(trade(), { t: id })),
      read(changed(bookChange, { u: id, U: 0 })),
    ].map(({ answer, records }) => records[0]?.id ?? answer);
    expect(answers).toEqual([wanted, wanted, wanted]);
  });

  test('perpetual and spot of the same base are two instruments', () => {
    const perp = changed(trade({ price: '61837.6' }), { s: 'BTC_USDC_PERP' }, 'trade.BTC_USDC_PERP');
    expect([read(trade()).records[0]!.instrument, read(perp).records[0]!.instrument]).toEqual([1, 2]);
    expect(read(changed(trade(), { s: 'BTC_USDC_PERP' })).answer).toBe('mismatched');
    expect(read(changed(trade(), {}, 'trade.BTC_USDC_PERP')).answer).toBe('mismatched');
  });

  test('m is whether the buyer was the maker: the taker sold', () => {
    expect(read(changed(trade(), { m: true })).records[0]!.flags).toEqual(['takerSold']);
    expect(read(changed(trade(), { m: false })).records[0]!.flags).toEqual([]);
    expect(read(changed(trade(), { m: 'true' })).answer).toBe('wrongType');
  });
});

describe('depth', () => {
  test('U and u as they are; sizes absolute, zero takes away; a side may be empty', () => {
    const [book] = read(changed(bookChange, { a: [] })).records;
    expect(book).toMatchObject({ id: 160, flags: [], bids: [[6_183_763, 150_000]], asks: [] });
    expect(book!.words.slice(0, 2)).toEqual([157, 1]);
  });

  test.each([
    ['depth.BTC_USDC', 'records'],
    ['depth.200ms.BTC_USDC', 'records'],
    ['depth.1000ms.BTC_USDC', 'records'],
    ['depth.US.BTC_USDC', 'mismatched'],
    ['depthBTC_USDC', 'mismatched'],
    ['trade.BTC_USDC', 'mismatched'],
    ['depth.200ms.XBTC_USDC', 'mismatched'],
    ['depth..BTC_USDC', 'mismatched'],
  ])('on %s: %s', (stream, answer) => {
    expect(read(changed(bookChange, {}, stream)).answer).toBe(answer);
  });

  test.each<[string, object, string]>([
    ['first id above last', { U: 161 }, 'badRange'],
    ['no U', { U: undefined }, 'wrongType'],
    ['no bids', { b: undefined }, 'wrongType'],
    ['a level that is none', { a: [7] }, 'wrongType'],
    ['a price of zero', { a: [['0', '1']] }, 'notPositive'],
    ['a number as size', { a: [['1', 1]] }, 'wrongType'],
    ['no time', { T: undefined }, 'wrongType'],
  ])('scenario 20: %s is refused', (_name, fields, reason) => {
    expect(read(changed(bookChange, fields)).answer).toBe(reason);
  });
});

describe('signs of life', () => {
  const kline = {
    e: 'kline',
    E: now,
    s: 'BTC_USDC',
    t: '2024-08-08T23:54:00',
    T: '2024-08-08T23:55:00',
    o: '2.00',
    h: '4.00',
    l: '1.00',
    c: '3.00',
    v: '5',
    n: 3,
    X: false,
  };
  const candle = (fields: object = {}, stream = 'kline.1m.BTC_USDC'): object => ({
    stream,
    data: { ...kline, ...fields },
  });
  const alive = {
    kind: 'heartbeat',
    instrument: 1,
    time: now,
    received: now,
    id: 0,
    flags: [],
    words: [0, 0, 0, 0],
  };

  test('ticker and kline are heartbeats that know no trade id', () => {
    const ticker = {
      e: 'ticker',
      E: now,
      s: 'BTC_USDC',
      o: '1',
      c: '2',
      h: '3',
      l: '1',
      v: '9',
      V: '9',
      n: 3,
    };
    expect(read({ stream: 'ticker.BTC_USDC', data: ticker }).records).toEqual([alive]);
    expect(read(candle()).records).toEqual([alive]);
    expect(read({ stream: 'ticker.BTC_USDC', data: { ...ticker, E: undefined } }).answer).toBe('wrongType');
  });

  const second = Math.floor(now / 1e6);
  test.each<[string, unknown, string]>([
    ['ISO without a zone', '2024-08-08T23:54:00', 'records'],
    ['ISO with one', '2024-08-08T23:54:00.000Z', 'records'],
    ['s', second - 60, 'records'],
    ['ms', (second - 60) * 1_000, 'records'],
    ['µs', (second - 60) * 1e6, 'records'],
    ['minutes', Math.floor(second / 60), 'badTime'],
    ['ns', (second - 60) * 1e9, 'badNumber'],
    ['a date', '2024-08-08', 'badTime'],
    ['nothing', null, 'wrongType'],
  ])('scenario 22: a candle’s time as %s', (_name, t, answer) => {
    expect(read(candle({ t })).answer).toBe(answer);
  });

  test.each<[string, object, string, string?]>([
    ['1M of a month', {}, 'records', 'kline.1month.BTC_USDC'],
    ['no interval', {}, 'mismatched', 'kline.BTC_USDC'],
    ['an empty bar', { o: null, h: null, l: null, c: null, v: '0' }, 'records'],
    ['half a bar', { o: null }, 'wrongType'],
    ['low above high', { l: '5.00' }, 'badRange'],
    ['open above high', { o: '5.00' }, 'badRange'],
    ['a close that is none', { c: 'x' }, 'badNumber'],
    ['closing before it opens', { T: '2024-08-08T23:53:00' }, 'badRange'],
  ])('a candle is checked as strictly as a trade: %s', (_name, fields, answer, stream) => {
    expect(read(candle(fields, stream)).answer).toBe(answer);
  });
});

describe('requests', () => {
  test('methods and params, no id', () => {
    expect(backpack.subscribe(['trade.SOL_USDC'], 7)).toBe(
      '{"method":"SUBSCRIBE","params":["trade.SOL_USDC"]}',
    );
    expect(backpack.unsubscribe(['trade.SOL_USDC'], 7)).toBe(
      '{"method":"UNSUBSCRIBE","params":["trade.SOL_USDC"]}',
    );
    expect(backpack.acknowledges).toBe('by-error');
  });
});

function scaled(decimal: string, decimals: number): number {
  const [whole, fraction = ''] = decimal.split('.') as [string, string?];
  return Number(BigInt(whole + fraction.padEnd(decimals, '0')));
}

describe('what was recorded', () => {
  const absent = !hasData('backpack-messages.jsonl');
  const perp = 'ETH_USDC_PERP';
  const recorded = [
    listed('BACKPACK', 1, 'SOL_USDC', 'SOL', 'USDC', 2, 2),
    listed('BACKPACK', 2, 'BTC_USDC', 'BTC', 'USDC', 1, 5),
    listed('BACKPACK', 3, 'BTC_USDC_PERP', 'BTC', 'USDC', 1, 5),
    listed('BACKPACK', 4, 'AAPL.US_USDC_PERP', 'AAPL.US', 'USDC', 2, 2),
    listed('BACKPACK', 5, perp, 'ETH', 'USDC', 2, 4),
  ];
  const readings = () =>
    dataText('backpack-messages.jsonl')
      .trim()
      .split('\n')
      .map((text) => {
        const { data } = JSON.parse(text) as Partial<Wrapped>;
        // No time of receipt was recorded: the event's own will do.
        const received = Number(data?.['E'] ?? now);
        const plausible = recordedTimes(received, received);
        return { text, received, ...read(text, { instruments: recorded, plausible }, received) };
      });

  test.skipIf(absent)('line by line: kind, instrument and id of all 17', () => {
    const table = readings().map(({ answer, records }) =>
      records.length === 0 ? answer : records.map((one) => `${one.kind} ${one.instrument} ${one.id}`).join(),
    );
    expect(table).toEqual([
      'quote 1 1802083092',
      'quote 1 1802736850',
      'book 1 1802083137',
      'trade 1 341399899',
      'book 1 1803724442',
      'quote 1 1804072087',
      'quote 2 2442329321',
      'book 3 6730019258',
      'book 4 6789929',
      'book 5 7501116464',
      'quote 3 6730019258',
      'unknownEvent',
      'heartbeat 3 0',
      'quote 5 2063435950',
      'answer',
      'answer',
      'answer',
    ]);
  });

  test.skipIf(absent)('some lines by hand', () => {
    const lines = readings().map(({ records }) => records[0]);
    expect(lines[0]).toMatchObject({ time: 1_736_172_777_497_712, words: [21_858, 5_602, 21_861, 1_960] });
    expect(lines[3]).toMatchObject({
      time: 1_736_186_248_744_398,
      flags: ['takerSold'],
      words: [21_850, 7, 341_399_899, 341_399_899],
    });
    expect(lines[9]).toMatchObject({
      time: 1_790_134_357_900_446,
      bids: [
        [275_443, 450_537],
        [275_533, 0],
        [276_310, 1_579],
      ],
      asks: [
        [276_695, 69_498],
        [276_698, 228_939],
        [276_699, 2_710],
      ],
    });
    expect(lines[9]!.words[0]).toBe(7_501_116_422);
  });

  test.skipIf(absent)(
    'every message becomes what it became before, and what the obvious reading makes of it',
    () => {
      const found = readings();
      expect(found.map(({ digest }) => digest).join(' ')).toMatchInlineSnapshot(
        `"QCI 3qd BfG cfu M5M 4L8 gQn yaX -H4 NL8 T-I mBv QN8 e99 29e 29e 29e"`,
      );
      for (const { text, received, records } of found) {
        if (records.length === 0) continue;
        expect(records).toEqual([obvious(text, received)]);
      }
    },
  );

  /** By big integers, and only for the kinds that were recorded. */
  function obvious(text: string, received: number): PlainRecord {
    const { data } = JSON.parse(text) as {
      data: Record<string, string> & { a: [string, string][]; b: [string, string][] };
    };
    const one = recorded.find(({ native }) => native === data['s'])!;
    const price = (decimal: unknown): number => scaled(String(decimal), one.priceDecimals);
    const size = (decimal: unknown): number => scaled(String(decimal), one.sizeDecimals);
    const plain = {
      instrument: one.id,
      time: Number(data['T'] ?? data['E']),
      received,
      flags: [] as string[],
    };
    const { e } = data;
    if (e === 'ticker') return { ...plain, kind: 'heartbeat', id: 0, words: [0, 0, 0, 0] };
    if (e === 'trade') {
      const id = Number(data['t']);
      const flags = String(data['m']) === 'true' ? ['takerSold'] : [];
      return { ...plain, kind: 'trade', id, flags, words: [price(data['p']), size(data['q']), id, id] };
    }
    const id = Number(data['u']);
    if (e === 'bookTicker') {
      const words = [price(data.b), size(data['B']), price(data.a), size(data['A'])];
      return { ...plain, kind: 'quote', id, words };
    }
    if (e !== 'depth') throw new Error(`a ${e} was recorded`);
    const side = (rows: [string, string][]): [number, number][] => rows.map(([p, s]) => [price(p), size(s)]);
    const [bids, asks] = [side(data.b), side(data.a)];
    const words = [Number(data['U']), bids.length + asks.length, 0, 0];
    return { ...plain, kind: 'book', id, words, bids, asks };
  }
});
