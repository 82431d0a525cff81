/** What every store of history promises about missing trades, bad prints and the venue's candles. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BarAmendment, GapRange, MarketBatch } from '../../src/market/history.ts';
import { barOpen, resolutions } from '../../src/market/resolution.ts';
import type { Bar, GapNotice, TradeRow } from '../../src/market/tick.ts';
import type { HistoryStore } from './history-exam.ts';
import { barOf, barsFrom, batchOf, dice, sampleTime, tradeOf } from './market-samples.ts';

const symbol = 'BINANCE:BTCUSDT';
const second = 1_000_000;
const minute = 60 * second;

const notice = (state: GapNotice['state'], from: number, to: number, time = sampleTime): GapNotice => ({
  instrument: 1,
  state,
  from,
  to,
  time,
});
const amendmentOf = (trade: TradeRow, resolution: number): BarAmendment => {
  const { instrument, id, time, price, size, firstId, lastId, takerSold } = trade;
  const openTime = barOpen(resolution, time);
  return { instrument, resolution, openTime, id, time, price, size, firstId, lastId, takerSold };
};
const candleOf = (openTime: number, changes: Partial<Bar> = {}): Bar =>
  barOf(openTime, { firstId: 0, lastId: 0, high: 141, backfilled: true, ...changes });

const at = (id: number, time: number): TradeRow => tradeOf(id, { time });

export function repairsExam(name: string, openStore: () => Promise<HistoryStore>): void {
  let store: HistoryStore;
  beforeEach(async () => {
    store = await openStore();
  });
  afterEach(() => store.close());
  const write = (parts: Partial<MarketBatch>): Promise<void> => store.writer.write(batchOf(parts));
  const bars = (resolution = 2): Promise<Bar[]> =>
    store.reader.bars({ symbol, resolution, from: 0, to: 1e16, limit: 1e6 });
  const states = async (resolution = 2): Promise<boolean[]> =>
    (await bars(resolution)).map((bar) => bar.incomplete);
  const gaps = async (): Promise<unknown[]> =>
    (await store.reader.gaps(symbol, 1e6)).map(({ from, to, state }: GapRange) => [from, to, state]);

  describe(`${name}: gaps`, () => {
    test('a gap is kept with the times of the trades next to it; a notice that comes again changes nothing', async () => {
      await write({ trades: [tradeOf(3), tradeOf(9)], gaps: [notice('gap', 4, 8, sampleTime + 9_100)] });
      const kept: GapRange = {
        from: 4,
        to: 8,
        state: 'gap',
        opened: sampleTime + 9100,
        closed: 0,
        fromTime: tradeOf(3).time,
        toTime: tradeOf(9).time,
      };
      expect(await store.reader.gaps(symbol, 9)).toEqual([kept]);
      await write({ gaps: [notice('gap', 4, 8, sampleTime + 5)] });
      expect(await store.reader.gaps(symbol, 9)).toEqual([kept]);
      expect(await store.reader.gaps('BINANCE:ETHUSDT', 9)).toEqual([]);
    });

    test('repaired ids shrink and split what is open; one by one they end as one range', async () => {
      await write({ gaps: [notice('gap', 10, 19)] });
      await write({ gaps: [notice('repaired', 10, 11), notice('repaired', 15, 15)] });
      const split = [
        [10, 11, 'repaired'],
        [12, 14, 'gap'],
        [15, 15, 'repaired'],
        [16, 19, 'gap'],
      ];
      expect(await gaps()).toEqual(split);
      await write({ gaps: [notice('gap', 10, 19), notice('repaired', 15, 15)] });
      expect(await gaps(), 'told again').toEqual(split);
      await write({ gaps: [12, 13, 14, 16, 17, 18, 19].map((id) => notice('repaired', id, id)) });
      expect(await gaps()).toEqual([[10, 19, 'repaired']]);
    });

    test('lost ids stay lost unless they come after all; what was never missing is not repaired', async () => {
      await write({ gaps: [notice('gap', 1, 5), notice('lost', 3, 7), notice('repaired', 100, 110)] });
      const told = [
        [1, 2, 'gap'],
        [3, 5, 'lost'],
        [6, 7, 'lost'],
      ];
      // 6 and 7 were opened by another notice at the same time: one range then.
      expect(await gaps()).toEqual([told[0], [3, 7, 'lost']]);
      await write({ gaps: [notice('gap', 1, 7), notice('repaired', 4, 4)] });
      expect(await gaps()).toEqual([
        [1, 2, 'gap'],
        [3, 3, 'lost'],
        [4, 4, 'repaired'],
        [5, 7, 'lost'],
      ]);
    });

    test('the limit keeps the newest', async () => {
      await write({ gaps: [1, 11, 21, 31].map((id) => notice('gap', id, id + 1)) });
      expect((await store.reader.gaps(symbol, 2)).map(({ from }) => from)).toEqual([21, 31]);
    });

    test('whatever notices come, and however often: the same as id by id', async () => {
      const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
      const roll = dice(seed);
      const obvious = new Map<number, GapNotice['state']>();
      const rank = { gap: 0, lost: 1, repaired: 2 };
      for (let round = 0; round < 150; round++) {
        const kinds = ['gap', 'gap', 'repaired', 'lost'] as const;
        const notices = Array.from({ length: 1 + Math.floor(roll() * 3) }, () => {
          const from = Math.floor(roll() * 60);
          const state = kinds[Math.floor(roll() * 4)]!;
          return notice(state, from, from + Math.floor(roll() * 12), sampleTime + round);
        });
        for (const { state, from, to } of notices) {
          for (let id = from; id <= to; id++) {
            const known = obvious.get(id);
            if (known === undefined ? state !== 'repaired' : rank[state] > rank[known])
              obvious.set(id, state);
          }
        }
        await write({ gaps: notices });
        const ranges = await store.reader.gaps(symbol, 1e6);
        const byId = ranges.flatMap(({ from, to, state }) =>
          Array.from({ length: to - from + 1 }, (_, i) => [from + i, state] as const),
        );
        expect(byId, `SEED=${seed}`).toEqual([...obvious].toSorted(([a], [b]) => a - b));
      }
    });
  });

  describe(`${name}: late trades for stored bars`, () => {
    test('scenario 14: a late trade counts in each stored bar, once, with a new revision', async () => {
      const trades = [1, 2, 3, 5, 6].map((id) => tradeOf(id, { price: 100 + id }));
      const late = tradeOf(4, { price: 500, takerSold: false });
      const made = [2, 5].flatMap((resolution) => barsFrom(trades, resolution));
      await write({ trades, bars: made.map((bar) => ({ ...bar, closed: true, incomplete: true })) });
      const batch = { trades: [late], amendments: [2, 5].map((resolution) => amendmentOf(late, resolution)) };
      await write(batch);
      const whole = trades.toSpliced(3, 0, late);
      const expected = (resolution: number): Bar[] =>
        barsFrom(whole, resolution).map((bar) => ({ ...bar, closed: true, incomplete: true, revision: 1 }));
      expect([await bars(2), await bars(5)]).toEqual([expected(2), expected(5)]);
      await write(batch);
      await write({ ...batch, amendments: [...batch.amendments, ...batch.amendments] });
      expect([await bars(2), await bars(5)], 'told again').toEqual([expected(2), expected(5)]);
    });

    test('the same amendment twice in one batch counts once', async () => {
      const late = tradeOf(4);
      const amendment = amendmentOf(late, 2);
      await write({ bars: [barOf(sampleTime, { count: 3 })] });
      await write({ trades: [late, late], amendments: [amendment, amendment] });
      expect((await bars())[0]).toMatchObject({ count: 4, revision: 1 });
    });

    test('a trade that was stored before is in the bar already', async () => {
      await write({ trades: [tradeOf(3)], bars: [barOf(sampleTime)] });
      await write({ trades: [tradeOf(3)], amendments: [amendmentOf(tradeOf(3), 2)] });
      expect(await bars()).toEqual([barOf(sampleTime)]);
    });

    test('open and close are those of the first and the last id; an aggregate counts all its trades', async () => {
      await write({ bars: [barOf(sampleTime, { firstId: 10, lastId: 19, count: 10 })] });
      const first = tradeOf(1, { firstId: 5, lastId: 9, merged: 5, price: 95 });
      const last = tradeOf(2, { firstId: 20, lastId: 20, price: 300 });
      const amendments = [first, last].map((trade) => amendmentOf(trade, 2));
      await write({ trades: [first, last], amendments });
      expect((await bars())[0]).toMatchObject({
        open: 95,
        close: 300,
        high: 300,
        low: 90,
        firstId: 5,
        lastId: 20,
        count: 16,
        revision: 2,
      });
    });

    test('a bar that is not stored is made, and is incomplete', async () => {
      const late = tradeOf(4, { price: 7, size: 3, takerSold: false });
      await write({ trades: [late], amendments: [amendmentOf(late, 2)] });
      const sums = { volume: 3n, quoteVolume: 21n, takerBuyVolume: 3n, takerBuyQuoteVolume: 21n };
      const prices = { open: 7, high: 7, low: 7, close: 7, count: 1, firstId: 4, lastId: 4 };
      expect(await bars()).toEqual([barOf(sampleTime, { ...prices, ...sums, incomplete: true })]);
    });

    test('the venue’s own candle has the trade already', async () => {
      await write({ backfill: [candleOf(sampleTime)] });
      await write({ trades: [tradeOf(4)], amendments: [amendmentOf(tradeOf(4), 2)] });
      expect(await bars()).toEqual([candleOf(sampleTime)]);
    });

    test('scenario 14: whatever is late and however often it comes: the bars of the clean run, but for the revision', async () => {
      const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
      const roll = dice(seed);
      const all = Array.from({ length: 200 }, (_, i) => {
        const time = sampleTime + i * 700_000;
        return tradeOf(i + 1, { time, price: 100 + Math.floor(roll() * 50), takerSold: roll() < 0.5 });
      });
      const late = all.filter((_, i) => i > 0 && i < 199 && roll() < 0.3);
      const onTime = all.filter((trade) => !late.includes(trade));
      const kinds = [0, 1, 2, 3];
      // As a shard marks them: every bar from the trade before a missing one to the trade after it.
      const isLacking = ({ resolution, openTime }: Bar): boolean =>
        late.some(({ id }) => {
          const before = onTime.findLast((trade) => trade.id < id)!.time;
          const after = onTime.find((trade) => trade.id > id)!.time;
          return barOpen(resolution, before) <= openTime && openTime <= after;
        });
      const incomplete = kinds.flatMap((resolution) =>
        barsFrom(onTime, resolution).map((bar) => ({ ...bar, closed: true, incomplete: isLacking(bar) })),
      );
      const missing = late.map(({ id, time }) => notice('gap', id, id, time));
      await write({ trades: onTime, bars: incomplete, gaps: missing });
      for (const trade of late.toSorted(() => roll() - 0.5)) {
        const batch = {
          trades: [trade],
          amendments: kinds.map((resolution) => amendmentOf(trade, resolution)),
          gaps: [notice('repaired', trade.id, trade.id, trade.time)],
          completions: [{ instrument: 1, from: trade.time, to: trade.time, time: trade.time }],
        };
        await write(batch);
        if (roll() < 0.3) await write(batch);
      }
      for (const resolution of kinds) {
        const found = (await bars(resolution)).map((bar) => ({ ...bar, revision: 0 }));
        const clean = barsFrom(all, resolution).map((bar) => ({ ...bar, closed: true }));
        expect(found, `SEED=${seed} ${resolutions[resolution]}`).toEqual(clean);
      }
    });
  });

  describe(`${name}: bars that are whole again`, () => {
    const opens = [0, 1, 2, 3].map((i) => sampleTime + i * minute);
    const incomplete = (): Bar[] => opens.map((open) => barOf(open, { incomplete: true }));

    test('every bar that the times touch, of every resolution', async () => {
      const hour = barOf(barOpen(5, sampleTime), { resolution: 5, incomplete: true });
      await write({ bars: [...incomplete(), hour] });
      const times = { instrument: 1, from: opens[1]! + 5, to: opens[2]!, time: opens[3]! };
      await write({ completions: [times] });
      expect([await states(), await states(5)]).toEqual([[true, false, false, true], [false]]);
    });

    test('not those that another gap touches, open or lost', async () => {
      const trades = [
        at(1, opens[0]! + 1),
        at(5, opens[0]! + 9),
        at(9, opens[2]! + 1),
        at(20, opens[2]! + 9),
      ];
      await write({ trades, bars: incomplete() });
      // 2–4 is in the first minute, 10–19 in the third.
      await write({ gaps: [notice('gap', 2, 4), notice('gap', 10, 19), notice('lost', 2, 4)] });
      const times = { instrument: 1, from: opens[0]!, to: opens[3]!, time: opens[3]! };
      await write({ completions: [times] });
      expect(await states()).toEqual([true, false, true, false]);
      await write({ gaps: [notice('repaired', 10, 19)], completions: [times] });
      expect(await states()).toEqual([true, false, false, false]);
    });

    test('a bar between two gaps is whole when the second one is filled, too', async () => {
      // 2–4 ends and 6–8 begins beside trade 5, in the second minute; 6–8 itself lies in the third.
      const trades = [at(1, opens[0]! + 1), at(5, opens[1]! + 9), at(9, opens[2]! + 9)];
      await write({ trades, bars: incomplete(), gaps: [notice('gap', 2, 4), notice('gap', 6, 8)] });
      const complete = (from: number, to: number) => ({ instrument: 1, from, to, time: opens[3]! });
      await write({
        gaps: [notice('repaired', 2, 4)],
        completions: [complete(opens[0]! + 1, opens[1]! + 9)],
      });
      expect(await states()).toEqual([false, true, true, true]);
      await write({
        gaps: [notice('repaired', 6, 8)],
        completions: [complete(opens[2]! + 2, opens[2]! + 5)],
      });
      expect(await states()).toEqual([false, false, false, true]);
    });
  });

  describe(`${name}: the venue’s candles`, () => {
    test('they fill what is empty; own bars stay, whole or incomplete', async () => {
      const own = [barOf(sampleTime), barOf(sampleTime + minute, { incomplete: true })];
      await write({ bars: own });
      await write({ backfill: [0, 1, 2].map((i) => candleOf(sampleTime + i * minute)) });
      expect(await bars()).toEqual([...own, candleOf(sampleTime + 2 * minute)]);
    });

    test('asked to replace, they take the place of incomplete own bars, but never of the newest', async () => {
      const own = [0, 1, 2].map((i) => barOf(sampleTime + i * minute, { incomplete: i > 0 }));
      await write({ bars: own });
      const backfill = [0, 1, 2].map((i) => candleOf(sampleTime + i * minute));
      await write({ backfill, replaceIncomplete: true });
      expect(await bars()).toEqual([own[0], backfill[1], own[2]]);
    });

    test('a whole own bar takes the place of a candle, an incomplete one or one under way does not', async () => {
      await write({ backfill: [candleOf(sampleTime)] });
      await write({ bars: [barOf(sampleTime, { incomplete: true }), barOf(sampleTime, { closed: false })] });
      expect(await bars()).toEqual([candleOf(sampleTime)]);
      await write({ bars: [barOf(sampleTime)] });
      expect(await bars()).toEqual([barOf(sampleTime)]);
    });

    test('the same candle again changes nothing, another one counts', async () => {
      await write({ backfill: [candleOf(sampleTime), candleOf(sampleTime)] });
      await write({ backfill: [candleOf(sampleTime, { close: 121, quoteVolume: 2n ** 70n })] });
      expect(await bars()).toEqual([candleOf(sampleTime, { close: 121, quoteVolume: 2n ** 70n })]);
    });
  });

  test(`${name}: scenario 21: a trade in quarantine is kept, and counts nowhere`, async () => {
    const { merged: _, bid: __, ask: ___, firstId: ____, lastId: _____, ...trade } = tradeOf(5, { price: 6 });
    const bad = { ...trade, reference: 6_183_763 };
    await write({ quarantined: [bad, { ...bad, id: 4 }] });
    await write({ quarantined: [{ ...bad, price: 7 }] });
    expect(await store.reader.quarantined(symbol, 9)).toEqual([{ ...bad, id: 4 }, bad]);
    expect(await store.reader.quarantined(symbol, 1)).toEqual([bad]);
    expect(await store.reader.quarantined('BINANCE:NOPE', 9)).toEqual([]);
    expect(await bars()).toEqual([]);
  });

  test(`${name}: an unknown instrument in any of these refuses the whole batch`, async () => {
    const parts: Partial<MarketBatch>[] = [
      { backfill: [candleOf(sampleTime, { instrument: 9 })] },
      { gaps: [{ ...notice('gap', 1, 2), instrument: 9 }] },
      { amendments: [amendmentOf(tradeOf(1, { instrument: 9 }), 2)] },
      { completions: [{ instrument: 9, from: 1, to: 2, time: 3 }] },
      { quarantined: [{ ...tradeOf(1, { instrument: 9 }), reference: 1 }] },
    ];
    for (const part of parts) {
      await expect(write({ ...part, bars: [barOf(sampleTime)] })).rejects.toThrow('instrument 9 is unknown');
    }
    expect(await bars()).toEqual([]);
  });
}
