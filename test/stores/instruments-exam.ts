/** What every store of instruments promises. */
import { describe, expect, test } from 'vitest';
import type { InstrumentStore } from '../../src/market/history.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { instrumentOf } from './market-samples.ts';

export function listed(native: string, changes: Partial<Instrument> = {}): Omit<Instrument, 'id'> {
  const { id: _, ...instrument } = { ...instrumentOf(0, native), ...changes };
  return instrument;
}

export function instrumentsExam(name: string, open: () => InstrumentStore): void {
  describe(`${name}: instruments`, () => {
    test('ids are 1, 2, 3 … in the order of the first listing, and last', () => {
      const store = open();
      expect(store.enrol([listed('B'), listed('A')]).map(({ id, native }) => [id, native])).toEqual([
        [1, 'B'],
        [2, 'A'],
      ]);
      const later = store.enrol([listed('C'), listed('A')]);
      expect(later.map(({ id, native }) => [id, native])).toEqual([
        [1, 'B'],
        [2, 'A'],
        [3, 'C'],
      ]);
    });

    test('what comes back is what was listed', () => {
      const one = listed('ETHBTC', {
        base: 'ETH',
        quote: 'BTC',
        priceDecimals: 5,
        sizeDecimals: 0,
        active: false,
      });
      expect(open().enrol([one])).toEqual([{ id: 1, ...one }]);
    });

    test('new metadata is taken; the same again changes nothing', () => {
      const store = open();
      store.enrol([listed('A'), listed('B')]);
      const [a, b] = store.enrol([listed('A', { active: false, quote: 'USDC' })]);
      expect([a, b]).toEqual([
        { id: 1, ...listed('A', { active: false, quote: 'USDC' }) },
        { id: 2, ...listed('B') },
      ]);
      expect(store.enrol([])).toEqual([a, b]);
    });

    test('decimals only grow', () => {
      const store = open();
      store.enrol([listed('A', { priceDecimals: 2, sizeDecimals: 3 })]);
      const [finer] = store.enrol([listed('A', { priceDecimals: 4, sizeDecimals: 1 })]);
      expect([finer?.priceDecimals, finer?.sizeDecimals]).toEqual([4, 3]);
    });

    test('hostile names are only names', () => {
      const names = ['__proto__', 'constructor', "x'); DROP TABLE symbolsmap; --", '🜁', ''];
      const store = open();
      expect(store.enrol(names.map((native) => listed(native))).map(({ native }) => native)).toEqual(names);
      expect(store.enrol([])).toHaveLength(names.length);
    });
  });
}
