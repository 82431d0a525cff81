/** What every table of latest prices promises. */
import { describe, expect, test } from 'vitest';
import type { LatestPrice, LatestPrices } from '../../src/market/latest.ts';
import { sampleTime } from './market-samples.ts';

export function latestOf(instrument: number, changes: Partial<LatestPrice> = {}): LatestPrice {
  return {
    instrument,
    price: 6_183_763,
    bid: 6_183_762,
    ask: 6_183_764,
    bidSize: 12_345,
    askSize: 54_321,
    size: 17,
    tradeId: 3_716_654_437,
    time: sampleTime,
    ...changes,
  };
}

/** @param open An empty table for instruments 1 to 9. */
export function latestExam(name: string, open: () => Promise<LatestPrices>): void {
  describe(`${name}: latest prices`, () => {
    test('the newest put wins', async () => {
      const prices = await open();
      for (const price of [1, 2, 3, 2]) {
        prices.put(latestOf(1, { price }));
        expect(await prices.get(1)).toEqual(latestOf(1, { price }));
      }
    });

    test('nothing was ever put: undefined', async () => {
      const prices = await open();
      prices.put(latestOf(4));
      for (const instrument of [0, 1, 3, 5, 9, 10, 1e9]) expect(await prices.get(instrument)).toBeUndefined();
    });

    test('instruments are kept apart', async () => {
      const prices = await open();
      for (let instrument = 1; instrument <= 9; instrument++)
        prices.put(latestOf(instrument, { price: instrument }));
      for (let instrument = 1; instrument <= 9; instrument++) {
        expect(await prices.get(instrument)).toEqual(latestOf(instrument, { price: instrument }));
      }
    });

    test('a quote alone, and numbers up to 2^53 − 1', async () => {
      const prices = await open();
      const quote = latestOf(2, { price: 0, size: 0, tradeId: 0 });
      prices.put(quote);
      expect(await prices.get(2)).toEqual(quote);
      const most = Number.MAX_SAFE_INTEGER;
      const largest = latestOf(2, {
        price: most,
        bid: most,
        ask: most,
        bidSize: most,
        size: most,
        tradeId: most,
        time: most,
      });
      prices.put(largest);
      expect(await prices.get(2)).toEqual(largest);
    });

    test('what was read stays as it was read', async () => {
      const prices = await open();
      prices.put(latestOf(1, { price: 1 }));
      const before = await prices.get(1);
      prices.put(latestOf(1, { price: 2 }));
      expect(before).toEqual(latestOf(1, { price: 1 }));
    });
  });
}
