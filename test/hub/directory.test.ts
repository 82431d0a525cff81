/** The symbol directory: names to instruments, and dictionaries whose ids are given once. */
import { describe, expect, test } from 'vitest';
import { Directory, editDistance, enrol } from '../../src/market/directory.ts';
import type { Dictionary, Instrument } from '../../src/market/instrument.ts';
import { dice, instrument, instruments, seed } from '../feeds/market.ts';

function listing(one: Instrument, changes: Partial<Instrument> = {}): Omit<Instrument, 'id'> {
  const { id, ...rest } = { ...one, ...changes };
  expect(id).toBe(one.id);
  return rest;
}
const empty: Dictionary = { epoch: 1_723_161_255, version: 1, instruments: [] };
const coinbase = (base: string, quote: string): Omit<Instrument, 'id'> => ({
  venue: 'COINBASE',
  native: `${base}-${quote}`,
  symbol: `COINBASE:${base}-${quote}`,
  base,
  quote,
  priceDecimals: 2,
  sizeDecimals: 8,
  active: true,
});

describe('names', () => {
  const directory = new Directory(
    enrol(
      empty,
      'BINANCE',
      instruments.map((one) => listing(one)),
    ),
  );

  test.each([
    'BINANCE:BTCUSDT',
    'BTCUSDT',
    'BTC-USDT',
    'BTC/USDT',
    'BTC_USDT',
    'btcusdt',
    'btc/usdt',
    'binance:btc-usdt',
  ])('%s is BINANCE:BTCUSDT', (name) => {
    expect(directory.resolve(name)).toEqual({ instrument: directory.byId(1) });
  });

  test.each([
    ['BTCUSD', 'BINANCE:BTCUSDT'],
    ['BTCUDST', 'BINANCE:BTCUSDT'],
    ['BTC-USTD', 'BINANCE:BTCUSDT'],
    ['BINANC:BTCUSDT', 'BINANCE:BTCUSDT'],
    ['nknusd', 'BINANCE:NKNUSDT'],
  ])('%s: did you mean %s?', (name, meant) => {
    const resolved = directory.resolve(name);
    if ('instrument' in resolved) throw new Error('resolved');
    expect(resolved.candidates[0]).toBe(meant);
  });

  test.each(['', 'x'.repeat(65), '__proto__', 'constructor', 'ZZZZZZZZZ'])(
    '%j is unknown, with nothing near',
    (name) => {
      expect(directory.resolve(name)).toEqual({ reason: 'unknown', candidates: [] });
    },
  );

  test('an alias of two venues is ambiguous and names both; canonical names never are', () => {
    const both = enrol(directory.dictionary, 'COINBASE', [coinbase('BTC', 'USDT')]);
    const wide = new Directory(both);
    const resolved = wide.resolve('btc/usdt');
    expect(resolved).toEqual({ reason: 'ambiguous', candidates: ['BINANCE:BTCUSDT', 'COINBASE:BTC-USDT'] });
    expect(wide.resolve('COINBASE:BTC-USDT')).toEqual({ instrument: both.instruments.at(-1) });
    // One of them delisted: the alias means the one that is left.
    expect(new Directory(enrol(both, 'COINBASE', [])).resolve('BTCUSDT')).toEqual({
      instrument: both.instruments[0],
    });
  });

  test('edit distance counts a swap of neighbours as one', () => {
    expect(['', 'BTC', 'BCT', 'BTCX', 'CTB', 'XXX'].map((text) => editDistance('BTC', text))).toEqual([
      3, 0, 1, 1, 2, 3,
    ]);
  });
});

describe('scenario 23: listings change', () => {
  const first = enrol(
    empty,
    'BINANCE',
    instruments.map((one) => listing(one)),
  );

  test('the same listing is the same dictionary', () => {
    expect(
      enrol(
        first,
        'BINANCE',
        instruments.map((one) => listing(one)),
      ),
    ).toBe(first);
  });

  test('a new precision: a new version, the same id', () => {
    const next = enrol(
      first,
      'BINANCE',
      instruments.map((one) => listing(one, one.id === 2 ? { priceDecimals: 3 } : {})),
    );
    expect(next.version).toBe(first.version + 1);
    expect(next.epoch).toBe(first.epoch);
    expect(next.instruments[1]).toMatchObject({ id: 2, symbol: 'BINANCE:ETHUSDT', priceDecimals: 3 });
    expect(first.instruments[1]!.priceDecimals).toBe(2);
  });

  test('renamed: the old one is inactive and keeps its id, the new one gets a new id; listed again, it has its old one', () => {
    const renamed = instruments.map((one) => listing(one.id === 3 ? instrument(3, 'NKN2USDT', 4, 0) : one));
    const next = enrol(first, 'BINANCE', renamed);
    expect(next.instruments[2]).toMatchObject({ id: 3, symbol: 'BINANCE:NKNUSDT', active: false });
    expect(next.instruments.at(-1)).toMatchObject({
      id: instruments.length + 1,
      symbol: 'BINANCE:NKN2USDT',
      active: true,
    });
    const again = enrol(
      next,
      'BINANCE',
      instruments.map((one) => listing(one)),
    );
    expect(again.instruments[2]).toEqual(first.instruments[2]);
    expect(again.instruments.at(-1)).toMatchObject({ symbol: 'BINANCE:NKN2USDT', active: false });
  });

  test('a listing that contradicts itself is an error', () => {
    expect(() => enrol(first, 'BINANCE', [listing(instruments[0]!), listing(instruments[0]!)])).toThrow(
      'listed twice',
    );
    expect(() => enrol(first, 'COINBASE', [listing(instruments[0]!)])).toThrow('not of COINBASE');
  });

  test(`whatever comes and goes: ids stay dense, and each means one symbol for ever (SEED=${seed})`, () => {
    const roll = dice(seed);
    const meaning = new Map<number, string>();
    let dictionary = empty;
    for (let round = 0; round < 200; round++) {
      const listed = Array.from({ length: 40 }, (_, i) =>
        instrument(0, `S${i}USDT`, Math.floor(roll() * 3), 2),
      ).filter(() => roll() < 0.6);
      const next = enrol(
        dictionary,
        'BINANCE',
        listed.map((one) => listing(one)),
      );
      expect(next.version - dictionary.version).toBe(next === dictionary ? 0 : 1);
      for (const [i, { id, symbol, active }] of next.instruments.entries()) {
        expect(id).toBe(i + 1);
        expect(meaning.get(id) ?? symbol).toBe(symbol);
        meaning.set(id, symbol);
        expect(active).toBe(listed.some((one) => one.symbol === symbol));
      }
      dictionary = next;
    }
    expect(new Set(meaning.values()).size).toBe(meaning.size);
  });
});
