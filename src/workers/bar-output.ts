/** What becomes of a shard's bars: blocks and rows, the ring of minutes, and amendments of bars beyond memory. */
import type { BarTrade } from '../compute/bar-sums.ts';
import type { BarListener } from '../compute/bars.ts';
import { amendMinute, keepMinute } from '../compute/minute-ring.ts';
import { counter } from '../compute/shard-memory.ts';
import { rowKind, rowWords } from '../wire/row.ts';
import type { ShardTurn } from './shard-turn.ts';

const minuteIndex = 2;

export class BarOutput implements BarListener {
  /** Id of the trade that is going into bars. */
  tradeId = 0;
  readonly #turn: ShardTurn;

  constructor(turn: ShardTurn) {
    this.#turn = turn;
  }

  bar(row: number, resolution: number, words: Float64Array, at: number): void {
    this.#turn.output.bar(this.#turn.instrumentOf(row), resolution, words, at);
  }

  minute(row: number, words: Float64Array, at: number): void {
    keepMinute(this.#turn.memory, row, words, at);
  }

  beyond(row: number, resolution: number, openTime: number, trade: BarTrade): void {
    const { memory, rows, rules, instrumentOf } = this.#turn;
    if (resolution === minuteIndex) amendMinute(memory, row, openTime, trade);
    if (!rules.bars) return;
    memory.counters[counter.amendRows]!++;
    const to = rows.row(rowKind.amend, instrumentOf(row), rowWords.amend);
    const { words } = rows;
    words[to] = resolution;
    words[to + 1] = openTime;
    words[to + 2] = this.tradeId;
    words[to + 3] = trade.time;
    words[to + 4] = trade.price;
    words[to + 5] = trade.size;
    words[to + 6] = trade.firstId;
    words[to + 7] = trade.lastId;
    words[to + 8] = trade.takerSold ? 1 : 0;
  }
}
