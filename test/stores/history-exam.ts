/** What every store of history promises. Memory and SQLite sit this same exam. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HistoryReader, HistoryWriter } from '../../src/market/history.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import type { Bar, Enigma } from '../../src/market/tick.ts';
import { barOf, barsFrom, batchOf, dice, instrumentOf, sampleTime, tradeOf } from './market-samples.ts';

export interface HistoryStore {
  readonly writer: HistoryWriter;
  readonly reader: HistoryReader;
  close(): Promise<void>;
}

const minute = 60_000_000;
const btc = 'BINANCE:BTCUSDT';
const eth = 'BINANCE:ETHUSDT';
/** Dictionary ids on purpose unlike the order in which they are enrolled. */
export const examDictionary: readonly Instrument[] = [instrumentOf(2, 'ETHUSDT'), instrumentOf(1, 'BTCUSDT')];

const everything = { from: 0, to: Number.MAX_SAFE_INTEGER, limit: 5_000 };
const allTrades = { fromId: 0, toId: Number.MAX_SAFE_INTEGER, limit: 5_000 };
const enigma: Enigma = {
  instrument: 1,
  time: sampleTime,
  price: 6_183_763,
  level: 512_345,
  ath: 11_198_000,
  athTime: sampleTime - minute,
  atl: 378_213,
  atlTime: 0,
};

export function historyExam(name: string, open: () => Promise<HistoryStore>): void {
  describe(`${name}: history`, () => {
    let store: HistoryStore;
    const bars = (changes = {}): Promise<Bar[]> =>
      store.reader.bars({ symbol: btc, resolution: 2, ...everything, ...changes });
    const trades = (changes = {}) => store.reader.trades({ symbol: btc, ...allTrades, ...changes });
    const ids = async (changes: object): Promise<number[]> => (await trades(changes)).map(({ id }) => id);
    const writeBars = (...rows: Bar[]): Promise<void> => store.writer.write(batchOf({ bars: rows }));

    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    test('what is written is read, field by field', async () => {
      const aggregate = tradeOf(7, { firstId: 70, lastId: 79, merged: 10 });
      const bar = barOf(sampleTime, { incomplete: true, revision: 3 });
      await store.writer.write(batchOf({ trades: [tradeOf(6), aggregate], bars: [bar], enigma: [enigma] }));
      expect(await trades()).toEqual([tradeOf(6), aggregate]);
      expect(await bars()).toEqual([bar]);
      expect(await store.reader.enigma(btc)).toEqual(enigma);
    });

    test('symbols that were never written have no rows', async () => {
      await writeBars(barOf(sampleTime));
      for (const symbol of [eth, 'BINANCE:NOPE', '__proto__']) {
        expect(await store.reader.bars({ symbol, resolution: 2, ...everything })).toEqual([]);
        expect(await store.reader.trades({ symbol, ...allTrades })).toEqual([]);
        expect(await store.reader.enigma(symbol)).toBeUndefined();
      }
    });

    test('instruments and resolutions are kept apart', async () => {
      const other = barOf(sampleTime, { instrument: 2, close: 101 });
      const hour = barOf(sampleTime, { resolution: 5, close: 102 });
      await store.writer.write(
        batchOf({ bars: [barOf(sampleTime), other, hour], trades: [tradeOf(1, { instrument: 2 })] }),
      );
      expect(await bars()).toEqual([barOf(sampleTime)]);
      expect(await bars({ resolution: 5 })).toEqual([hour]);
      expect(await bars({ symbol: eth })).toEqual([other]);
      expect(await trades()).toEqual([]);
      expect((await trades({ symbol: eth })).map(({ instrument }) => instrument)).toEqual([2]);
    });

    test('bars rise in time; the range is half-open; the limit keeps the newest', async () => {
      const line = Array.from({ length: 10 }, (_, i) => barOf(sampleTime + i * minute));
      await writeBars(...line.toReversed());
      const opens = async (changes: object): Promise<number[]> =>
        (await bars(changes)).map(({ openTime }) => (openTime - sampleTime) / minute);
      expect(await opens({})).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(await opens({ from: sampleTime + 2 * minute, to: sampleTime + 5 * minute })).toEqual([2, 3, 4]);
      expect(await opens({ from: sampleTime + 2 * minute + 1, to: sampleTime + 5 * minute + 1 })).toEqual([
        3, 4, 5,
      ]);
      expect(await opens({ limit: 3 })).toEqual([7, 8, 9]);
      expect(await opens({ from: sampleTime + minute, to: sampleTime + minute })).toEqual([]);
    });

    test('trades rise by id; both ends of the range count; the limit keeps the oldest', async () => {
      await store.writer.write(batchOf({ trades: [5, 3, 1, 4, 2].map((id) => tradeOf(id)) }));
      expect(await ids({})).toEqual([1, 2, 3, 4, 5]);
      expect(await ids({ fromId: 2, toId: 4 })).toEqual([2, 3, 4]);
      expect(await ids({ fromId: 2, limit: 2 })).toEqual([2, 3]);
      expect(await ids({ fromId: 6 })).toEqual([]);
    });

    test('the newest trades are asked for without knowing their ids; they rise by id too', async () => {
      await store.writer.write(batchOf({ trades: [5, 3, 9, 1].map((id) => tradeOf(id)) }));
      expect(await ids({ newest: true, limit: 2 })).toEqual([5, 9]);
      expect(await ids({ newest: true, limit: 2, toId: 8 })).toEqual([3, 5]);
      expect(await ids({ newest: true, limit: 2, fromId: 6 })).toEqual([9]);
      expect(await ids({ newest: true })).toEqual([1, 3, 5, 9]);
      expect(await ids({ newest: true, toId: 0 })).toEqual([]);
    });

    test('of one bar in one batch the last state counts', async () => {
      const forming = barOf(sampleTime, { closed: false, lastId: 2, count: 2 });
      await writeBars(
        forming,
        { ...forming, lastId: 5, count: 5 },
        barOf(sampleTime, { lastId: 9, count: 9 }),
      );
      expect(await bars()).toEqual([barOf(sampleTime, { lastId: 9, count: 9 })]);
    });

    test('an older state never overwrites a newer one', async () => {
      const steps: Bar[] = [
        barOf(sampleTime, { closed: false, lastId: 3, incomplete: true }),
        barOf(sampleTime, { closed: false, lastId: 5, count: 4, incomplete: true }),
        barOf(sampleTime, { closed: false, lastId: 5, count: 5 }),
        barOf(sampleTime, { closed: true, lastId: 5, count: 5 }),
        barOf(sampleTime, { closed: true, lastId: 5, count: 6, revision: 1 }),
        barOf(sampleTime, { closed: true, lastId: 6, count: 7, revision: 2 }),
      ];
      for (const [step, bar] of steps.entries()) {
        await writeBars(bar);
        for (const older of steps.slice(0, step)) await writeBars(older);
        expect(await bars()).toEqual([bar]);
      }
    });

    test('a bar becomes incomplete, and whole again, without any other change', async () => {
      await writeBars(barOf(sampleTime));
      await writeBars(barOf(sampleTime, { incomplete: true }));
      expect(await bars()).toEqual([barOf(sampleTime, { incomplete: true })]);
      await writeBars(barOf(sampleTime));
      expect(await bars()).toEqual([barOf(sampleTime)]);
    });

    test('writing the same batch again changes nothing', async () => {
      const batch = batchOf({
        trades: [tradeOf(1), tradeOf(2)],
        bars: [barOf(sampleTime)],
        enigma: [enigma],
      });
      await store.writer.write(batch);
      const once = [await bars(), await trades(), await store.reader.enigma(btc)];
      await store.writer.write(batch);
      expect([await bars(), await trades(), await store.reader.enigma(btc)]).toEqual(once);
    });

    test('a trade keeps the first form it came in', async () => {
      await store.writer.write(batchOf({ trades: [tradeOf(1)] }));
      await store.writer.write(batchOf({ trades: [tradeOf(1, { received: sampleTime + 9e6 })] }));
      expect(await trades()).toEqual([tradeOf(1)]);
    });

    test('the newest Enigma wins', async () => {
      await store.writer.write(batchOf({ enigma: [enigma, { ...enigma, time: sampleTime + 1, level: 3 }] }));
      await store.writer.write(batchOf({ enigma: [{ ...enigma, time: sampleTime - 1, level: 4 }] }));
      expect((await store.reader.enigma(btc))?.level).toBe(3);
    });

    test('sums past 2^53, 2^63 and 2^64 are exact; so are ids and prices up to 2^53 − 1', async () => {
      const most = Number.MAX_SAFE_INTEGER;
      const huge = barOf(sampleTime, {
        volume: 2n ** 53n + 1n,
        quoteVolume: 2n ** 63n + 1n,
        takerBuyVolume: 2n ** 48n,
        takerBuyQuoteVolume: 2n ** 96n - 1n,
        high: most,
        firstId: most - 1,
        lastId: most,
        count: most,
      });
      const trade = tradeOf(most, {
        price: most,
        size: most,
        bid: most,
        ask: most,
        time: most,
        received: most,
      });
      await store.writer.write(batchOf({ bars: [huge], trades: [trade] }));
      expect(await bars()).toEqual([huge]);
      expect(await trades()).toEqual([trade]);
    });

    test('an unknown instrument is refused, and with it the whole batch', async () => {
      // Enough before the bad one that a store would have begun to write.
      const many = Array.from({ length: 30 }, (_, i) => tradeOf(i + 1));
      const batch = batchOf({
        trades: [...many, tradeOf(31, { instrument: 99 })],
        bars: [barOf(sampleTime)],
      });
      await expect(store.writer.write(batch)).rejects.toThrow('instrument 99 is unknown');
      expect([...(await trades()), ...(await bars())]).toEqual([]);
      await store.writer.write(batchOf({ trades: [tradeOf(1)] }));
      expect(await trades()).toEqual([tradeOf(1)]);
    });

    test('whatever the cuts and repetitions, the end is the same', async () => {
      const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
      const roll = dice(seed);
      const all = Array.from({ length: 400 }, (_, i) =>
        tradeOf(i + 1, { time: sampleTime + i * 700_000, price: 100 + Math.floor(roll() * 50) }),
      );
      const resolutions = [0, 1, 2, 3];
      for (let end = 0; end < all.length; ) {
        // A batch may begin in what an earlier one has already written.
        const begin = Math.max(0, end - Math.floor(roll() * 30));
        end = Math.min(all.length, end + 1 + Math.floor(roll() * 40));
        const made = resolutions.flatMap((resolution) => barsFrom(all.slice(0, end), resolution).slice(-30));
        await store.writer.write(batchOf({ trades: all.slice(begin, end), bars: made }));
      }
      expect(await trades(), `SEED=${seed}`).toEqual(all);
      for (const resolution of resolutions) {
        expect(await bars({ resolution }), `SEED=${seed}`).toEqual(barsFrom(all, resolution));
      }
    });
  });
}
