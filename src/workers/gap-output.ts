/**
 * What becomes of missing ids: notices to clients, rows to stores and to the hub, and bars that say that they lack
 * trades, or not any more. Ids that came after all are told as ranges, once a turn or when something else is to be told
 * of the instrument.
 */
import { eachGap, type GapListener } from '../compute/gaps.ts';
import { refreshIncomplete } from '../compute/incomplete.ts';
import { counter, hot, hotWords } from '../compute/shard-memory.ts';
import { blockKind } from '../wire/block.ts';
import { gapState, rowKind, rowWords } from '../wire/row.ts';
import type { BarOutput } from './bar-output.ts';
import type { RowBuffer } from './output-buffer.ts';
import type { ShardTurn } from './shard-turn.ts';

const kindOf = {
  [gapState.gap]: blockKind.gap,
  [gapState.repaired]: blockKind.repaired,
  [gapState.lost]: blockKind.lost,
} as const;
type GapState = keyof typeof kindOf;

export class GapOutput implements GapListener {
  readonly #turn: ShardTurn;
  readonly #bars: BarOutput;
  /** Per row: ids that came after all and are not told yet; `to` is 0 when there are none. */
  readonly #cameFrom: Float64Array;
  readonly #cameTo: Float64Array;
  /** Rows with such ids: `#came[0 … #cameCount − 1]`. */
  readonly #came: Int32Array;
  readonly #isListed: Uint8Array;
  #cameCount = 0;
  /** Times (µs) whose bars are to be asked anew; `#spanTo` is −1 when there are none. */
  #spanFrom = 0;
  #spanTo = -1;

  constructor(turn: ShardTurn, bars: BarOutput) {
    const { instruments } = turn.memory;
    this.#turn = turn;
    this.#bars = bars;
    this.#cameFrom = new Float64Array(instruments);
    this.#cameTo = new Float64Array(instruments);
    this.#came = new Int32Array(instruments);
    this.#isListed = new Uint8Array(instruments);
  }

  gap(row: number, from: number, to: number, timeBefore: number, timeAfter: number): void {
    this.#tell(gapState.gap, row, from, to);
    refreshIncomplete(this.#turn.memory, row, timeBefore, timeAfter, this.#bars);
  }

  /**
   * `id` is the first trade ever seen of the instrument. To a store, what was before is lost: else the bars of that time
   * would seem to lack nothing once a gap in them is filled. To others it is no news.
   */
  beginning(row: number, id: number): void {
    if (id === 0) return;
    this.#turn.memory.counters[counter.gapRows]!++;
    this.#row(this.#turn.rows, gapState.lost, row, 0, id - 1);
  }

  lost(row: number, from: number, to: number): void {
    this.#tell(gapState.lost, row, from, to);
  }

  repaired(row: number, id: number): void {
    if (this.#cameTo[row]! > 0 && id === this.#cameTo[row]! + 1) {
      this.#cameTo[row] = id;
      return;
    }
    this.#tellCame(row);
    if (this.#isListed[row] === 0) {
      this.#isListed[row] = 1;
      this.#came[this.#cameCount++] = row;
      this.#turn.repairsToTell = this.#cameCount;
    }
    this.#cameFrom[row] = this.#cameTo[row] = id;
  }

  gone(_row: number, spanFrom: number, spanTo: number): void {
    this.#spanFrom = this.#spanTo < 0 ? spanFrom : Math.min(this.#spanFrom, spanFrom);
    this.#spanTo = Math.max(this.#spanTo, spanTo);
  }

  /** The record under way has been put into bars: those of the gaps that ended with it are asked anew. */
  settle(row: number): void {
    if (this.#spanTo < 0) return;
    const { memory, rows, now, instrumentOf } = this.#turn;
    refreshIncomplete(memory, row, this.#spanFrom, this.#spanTo, this.#bars);
    this.#tellCame(row);
    memory.counters[counter.completeRows]!++;
    const to = rows.row(rowKind.complete, instrumentOf(row), rowWords.complete);
    rows.words[to] = this.#spanFrom;
    rows.words[to + 1] = this.#spanTo;
    rows.words[to + 2] = now;
    this.#spanTo = -1;
  }

  /** The turn ends: what came and is not told yet is. */
  finishTurn(): void {
    for (let index = 0; index < this.#cameCount; index++) {
      this.#tellCame(this.#came[index]!);
      this.#isListed[this.#came[index]!] = 0;
    }
    this.#cameCount = 0;
    this.#turn.repairsToTell = 0;
  }

  /** Tells the hub of all open gaps again. */
  repeat(row: number): void {
    const { memory, requests } = this.#turn;
    eachGap(memory, row, (from, to) => {
      memory.counters[counter.gapRequests]!++;
      this.#row(requests, gapState.gap, row, from, to);
    });
  }

  /** Bytes that `repeat` asks for. */
  repeatBytes(row: number): number {
    return this.#turn.memory.hot[row * hotWords + hot.gapCount]! * rowWords.gap * 8;
  }

  #tellCame(row: number): void {
    const to = this.#cameTo[row]!;
    if (to === 0) return;
    const from = this.#cameFrom[row]!;
    this.#cameTo[row] = 0;
    this.#tell(gapState.repaired, row, from, to);
  }

  #tell(state: GapState, row: number, from: number, to: number): void {
    const { memory, rows, requests, output, now, instrumentOf } = this.#turn;
    if (state !== gapState.repaired) this.#tellCame(row);
    output.notice(kindOf[state], instrumentOf(row), from, to, now);
    memory.counters[counter.gapRows]!++;
    this.#row(rows, state, row, from, to);
    this.#row(requests, state, row, from, to);
  }

  #row(buffer: RowBuffer, state: GapState, row: number, from: number, to: number): void {
    const at = buffer.row(rowKind.gap, this.#turn.instrumentOf(row), rowWords.gap);
    const { words } = buffer;
    words[at] = state;
    words[at + 1] = from;
    words[at + 2] = to;
    words[at + 3] = this.#turn.now;
    words[at + 4] = 0;
  }
}
