import { expect, test } from 'vitest';
import { MemoryHistory } from '../../src/stores/memory-history.ts';
import { examDictionary, type HistoryStore, historyExam } from './history-exam.ts';
import { barOf, batchOf, sampleTime, tradeOf } from './market-samples.ts';
import { repairsExam } from './repairs-exam.ts';

const openStore = async (): Promise<HistoryStore> => {
  const history = new MemoryHistory(examDictionary);
  return { writer: history, reader: history, close: () => history.close() };
};
historyExam('memory', openStore);
repairsExam('memory', openStore);

test('memory: beyond its limits the oldest go', async () => {
  const history = new MemoryHistory(examDictionary, { trades: 3, bars: 2 });
  const opens = [sampleTime, sampleTime + 60e6, sampleTime + 120e6];
  await history.write(
    batchOf({ trades: [1, 2, 3, 4, 5].map((id) => tradeOf(id)), bars: opens.map((open) => barOf(open)) }),
  );
  const trades = await history.trades({ symbol: 'BINANCE:BTCUSDT', fromId: 0, toId: 99, limit: 99 });
  const bars = await history.bars({ symbol: 'BINANCE:BTCUSDT', resolution: 2, from: 0, to: 1e16, limit: 99 });
  expect(trades.map(({ id }) => id)).toEqual([3, 4, 5]);
  expect(bars.map(({ openTime }) => openTime)).toEqual(opens.slice(1));
});
