/** Extremes from the venue's daily candles; a bad print is kept out, and listed (compute/outliers.ts). */
import { isBadPrint } from '../compute/outliers.ts';
import { seedExtremes } from '../compute/seed.ts';
import { changedStatistics, counter, hot, hotWords } from '../compute/shard-memory.ts';
import { rowKind, rowWords } from '../wire/row.ts';
import { tickField, tickWords } from '../wire/tick-record.ts';
import type { ShardTurn } from './shard-turn.ts';

/** Takes the candle in `slot` of the input ring: high, its time, low, its time; open (`received`) and close (`id`). */
export function takeExtreme(turn: ShardTurn, row: number, slot: number): void {
  const { memory } = turn;
  const { words } = turn.input;
  const word = slot * tickWords;
  const high = words[word + tickField.price]!;
  const highTime = words[word + tickField.size]!;
  const low = words[word + tickField.firstId]!;
  const lowTime = words[word + tickField.lastId]!;
  const open = words[word + tickField.received]!;
  const close = words[word + tickField.id]!;
  const at = row * hotWords;
  const last = memory.hot[at + hot.price]!;
  const reference = close > 0 ? close : open > 0 ? open : last;
  // One extreme alone is told twice over: what is refused takes the other's place, which changes nothing.
  const badHigh = isBadPrint(high, open, close, last);
  const badLow = isBadPrint(low, open, close, last);
  if (badHigh) quarantine(turn, row, high, highTime, reference);
  if (badLow) quarantine(turn, row, low, lowTime, reference);
  if (badHigh && badLow) return;
  seedExtremes(
    memory,
    row,
    badHigh ? low : high,
    badHigh ? lowTime : highTime,
    badLow ? high : low,
    badLow ? highTime : lowTime,
  );
  memory.hot[at + hot.changed] = memory.hot[at + hot.changed]! | changedStatistics;
}

function quarantine(turn: ShardTurn, row: number, price: number, time: number, reference: number): void {
  const { memory, rows, instrumentOf } = turn;
  memory.counters[counter.extremesQuarantined]!++;
  memory.counters[counter.quarantineRows]!++;
  const to = rows.row(rowKind.quarantine, instrumentOf(row), rowWords.quarantine);
  rows.words.fill(0, to, to + rowWords.quarantine - 1);
  rows.words[to + 1] = time;
  rows.words[to + 3] = price;
  rows.words[to + 5] = reference;
}
