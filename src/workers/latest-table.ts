/** The newest prices of each instrument, put where every thread can read them. */
import { hot, hotWords } from '../compute/shard-memory.ts';
import type { Shard } from './shard.ts';

/** A table of latest prices: mantissas, µs; `scale` is that of `hot`. */
export interface LatestTable {
  putWords(
    instrument: number,
    price: number,
    bid: number,
    ask: number,
    bidSize: number,
    askSize: number,
    size: number,
    tradeId: number,
    time: number,
    scale?: number,
  ): void;
}

/** Puts the prices of all instruments that this turn touched. */
export function putLatest(latest: LatestTable, shard: Shard): void {
  const state = shard.memory.hot;
  const { touched, touchedCount } = shard.chains;
  for (let index = 0; index < touchedCount; index++) {
    const row = touched[index]!;
    const at = row * hotWords;
    latest.putWords(
      shard.instrumentOf(row),
      state[at + hot.price]!,
      state[at + hot.bid]!,
      state[at + hot.ask]!,
      state[at + hot.bidSize]!,
      state[at + hot.askSize]!,
      state[at + hot.size]!,
      state[at + hot.tradeId]!,
      Math.max(state[at + hot.tradeTime]!, state[at + hot.quoteTime]!),
      state[at + hot.scale],
    );
  }
}
