/** Trades of a shard: arbitrated, held for order, passed into chains, bars, prices and rows. */
import {
  gapBefore,
  giveUpTail,
  giveUpWaiting,
  hold,
  judgeTrade,
  noteTail,
  renumber,
  takeHeld,
  verdict,
} from '../compute/arbitration.ts';
import type { BarTrade } from '../compute/bar-sums.ts';
import { addTrade, forgetIds } from '../compute/bars.ts';
import { keepLostSpan, loseIds } from '../compute/gaps.ts';
import { refreshIncomplete } from '../compute/incomplete.ts';
import { isOutlier, referencePrice } from '../compute/outliers.ts';
import { counter, heldMax, heldWords, hot, hotWords, type ShardMemory } from '../compute/shard-memory.ts';
import { rowKind, rowWords } from '../wire/row.ts';
import { type TickRecords, tickField, tickFlag, tickKind, tickWords } from '../wire/tick-record.ts';
import { BarOutput } from './bar-output.ts';
import { GapOutput } from './gap-output.ts';
import type { ShardTurn } from './shard-turn.ts';
import { chainMark } from './turn-chains.ts';

export class TradeStage {
  readonly bars: BarOutput;
  readonly gaps: GapOutput;
  readonly #turn: ShardTurn;
  readonly #memory: ShardMemory;
  readonly #chains: ShardTurn['chains'];
  readonly #input: TickRecords;
  readonly #heldMost: number;
  readonly #trade: BarTrade = { time: 0, price: 0, size: 0, firstId: 0, lastId: 0, takerSold: false };
  readonly #held = new Float64Array(heldWords);

  constructor(turn: ShardTurn) {
    this.#turn = turn;
    this.#memory = turn.memory;
    this.#chains = turn.chains;
    this.#input = turn.input;
    this.bars = new BarOutput(turn);
    this.gaps = new GapOutput(turn, this.bars);
    this.#heldMost = Math.min(turn.rules.reorderRecords, heldMax);
  }

  /** Takes the trade in `slot` of the input ring. */
  take(row: number, slot: number): void {
    const memory = this.#memory;
    const { words, halves } = this.#input;
    const word = slot * tickWords;
    const id = words[word + tickField.id]!;
    const time = words[word + tickField.time]!;
    const repair = (halves[word * 2]! & tickFlag.repair) !== 0;
    let judged = judgeTrade(memory, row, id, time, repair, this.gaps);
    while (judged === verdict.held && memory.hot[row * hotWords + hot.heldCount]! >= this.#heldMost) {
      this.giveUpWaiting(row);
      judged = judgeTrade(memory, row, id, time, repair, this.gaps);
    }
    if (judged === verdict.renumbered) {
      this.#renumber(row, id, time);
      judged = verdict.pass;
    }
    if (judged === verdict.pass) {
      this.#passTrade(row, slot, this.#input, word, 0);
      if (memory.hot[row * hotWords + hot.heldCount]! > 0) this.#release(row);
    } else if (judged === verdict.late) {
      this.#passTrade(row, slot, this.#input, word, chainMark.late);
    } else if (judged === verdict.held) this.#hold(row, word);
    this.gaps.settle(row);
  }

  /** The venue numbers its trades anew from `id` on. */
  #renumber(row: number, id: number, time: number): void {
    const memory = this.#memory;
    while (memory.hot[row * hotWords + hot.heldCount]! > 0) this.giveUpWaiting(row);
    if (!renumber(memory, row, id, time, this.gaps)) return;
    forgetIds(memory, row);
    memory.hot[row * hotWords + hot.tradeId] = 0;
  }

  #hold(row: number, word: number): void {
    const held = this.#held;
    const words = this.#input.words;
    held[0] = words[word + tickField.time]!;
    held[1] = words[word + tickField.received]!;
    held[2] = words[word + tickField.id]!;
    held[3] = words[word + tickField.price]!;
    held[4] = words[word + tickField.size]!;
    held[5] = words[word + tickField.firstId]!;
    held[6] = words[word + tickField.lastId]!;
    held[7] = this.#input.halves[word * 2]! & tickFlag.takerSold;
    hold(this.#memory, row, held, Math.max(this.#turn.now, held[0]));
    this.#memory.counters[counter.tradesHeld]!++;
  }

  /** Passes on whatever was held and now follows. */
  #release(row: number): void {
    const held = this.#held;
    const chains = this.#chains;
    while (takeHeld(this.#memory, row, held)) {
      const slot = chains.release();
      const word = slot * tickWords;
      const words = chains.extra.words;
      chains.extra.halves[word * 2] = tickKind.trade | held[7]!;
      words[word + tickField.time] = held[0]!;
      words[word + tickField.received] = held[1]!;
      words[word + tickField.id] = held[2]!;
      words[word + tickField.price] = held[3]!;
      words[word + tickField.size] = held[4]!;
      words[word + tickField.firstId] = held[5]!;
      words[word + tickField.lastId] = held[6]!;
      this.#passTrade(row, chains.ringSlots + slot, chains.extra, word, 0);
    }
  }

  /** A trade of our own making, in `slot` of the turn's extra records. */
  passOwn(row: number, slot: number): void {
    const chains = this.#chains;
    this.#passTrade(row, chains.ringSlots + slot, chains.extra, slot * tickWords, 0);
  }

  /** Waits no longer for the ids before the held trades. */
  giveUpWaiting(row: number): void {
    giveUpWaiting(this.#memory, row, this.#turn.now, this.gaps);
    this.#release(row);
  }

  /** A heartbeat in `slot` says which trade is the venue's last. */
  heartbeat(row: number, slot: number): void {
    const { words } = this.#input;
    const word = slot * tickWords;
    const id = words[word + tickField.id]!;
    if (id > 0) noteTail(this.#memory, row, id, words[word + tickField.time]!, this.#turn.now);
  }

  /**
   * Market time has come to where the instrument in `row` may have waited long enough; `quiet`: it stands still.
   * @returns true when trades that a heartbeat told of are missing
   */
  clock(row: number, quiet: boolean): boolean {
    const { memory, now, rules } = this.#turn;
    const words = memory.hot;
    const at = row * hotWords;
    if (words[at + hot.heldCount]! > 0 && (quiet || now - words[at + hot.heldSince]! >= rules.reorderMicros))
      this.giveUpWaiting(row);
    const tail = words[at + hot.tailId]!;
    const missing =
      tail > 0 &&
      tail >= words[at + hot.nextId]! &&
      words[at + hot.heldCount] === 0 &&
      (quiet || now - words[at + hot.tailSince]! >= rules.tailMicros);
    if (missing) giveUpTail(memory, row, this.gaps);
    this.gaps.settle(row);
    return missing;
  }

  /** True when `clock` has something to do that may ask for room. */
  isWaiting(row: number): boolean {
    const words = this.#memory.hot;
    const at = row * hotWords;
    const tail = words[at + hot.tailId]!;
    return words[at + hot.heldCount]! > 0 || (tail > 0 && tail >= words[at + hot.nextId]!);
  }

  /** The record in `slot` names ids that will not come. */
  lose(row: number, slot: number): void {
    const { words } = this.#input;
    const word = slot * tickWords;
    const from = words[word + tickField.firstId]!;
    loseIds(this.#memory, row, from, words[word + tickField.lastId]!, this.gaps);
    this.gaps.settle(row);
  }

  /** A trade that counts: into the chain of this turn, the bars, the prices, the rows. */
  #passTrade(row: number, slot: number, records: TickRecords, word: number, mark: number): void {
    const turn = this.#turn;
    const memory = this.#memory;
    const words = records.words;
    const trade = this.#trade;
    trade.time = words[word + tickField.time]!;
    trade.price = words[word + tickField.price]!;
    trade.size = words[word + tickField.size]!;
    trade.firstId = words[word + tickField.firstId]!;
    trade.lastId = words[word + tickField.lastId]!;
    trade.takerSold = (records.halves[word * 2]! & tickFlag.takerSold) !== 0;
    if (trade.time > turn.now) turn.now = trade.time;
    const id = words[word + tickField.id]!;
    const received = words[word + tickField.received]!;
    if (isOutlier(memory, row, trade.price)) {
      this.#chains.trade(row, slot, mark | chainMark.quarantined);
      this.#quarantine(row, id, received);
      return;
    }
    this.#chains.trade(row, slot, mark);
    memory.counters[counter.tradesPassed]!++;
    const at = row * hotWords;
    const state = memory.hot;
    // Before the bars that know of it: a sink never has a bar whose trades it lacks.
    turn.rows.trade(turn.instrumentOf(row), id, received, trade, state[at + hot.bid]!, state[at + hot.ask]!);
    this.bars.tradeId = id;
    addTrade(memory, row, trade, turn.rules.graceMicros, this.bars);
    if (mark === chainMark.late) {
      // A late trade changes bars that a store took for done: their new state leaves with it, in the same segment.
      state[at + hot.sentAt] = 0;
    } else if (state[at + hot.gapBefore] !== gapBefore.none) this.#markAfterGap(row, id, trade.time);
    this.#keepPrice(row, id);
  }

  /** The bars of the first trade after missing ones may lack some of them. */
  #markAfterGap(row: number, id: number, time: number): void {
    const memory = this.#memory;
    const at = row * hotWords + hot.gapBefore;
    if (memory.hot[at] === gapBefore.unknown) {
      keepLostSpan(memory, row, 0, time);
      this.gaps.beginning(row, id);
    }
    memory.hot[at] = gapBefore.none;
    refreshIncomplete(memory, row, time, time, this.bars);
  }

  /** A price beyond belief: the trade is listed, and counts nowhere. */
  #quarantine(row: number, id: number, received: number): void {
    const { memory, rows, instrumentOf } = this.#turn;
    const { time, price, size, takerSold } = this.#trade;
    memory.counters[counter.tradesQuarantined]!++;
    memory.counters[counter.quarantineRows]!++;
    const to = rows.row(rowKind.quarantine, instrumentOf(row), rowWords.quarantine);
    const { words } = rows;
    words[to] = id;
    words[to + 1] = time;
    words[to + 2] = received;
    words[to + 3] = price;
    words[to + 4] = size;
    words[to + 5] = referencePrice(memory, row);
    words[to + 6] = takerSold ? 1 : 0;
  }

  #keepPrice(row: number, id: number): void {
    const state = this.#memory.hot;
    const at = row * hotWords;
    const { time, price, size } = this.#trade;
    if (id > state[at + hot.tradeId]!) {
      state[at + hot.tradeId] = id;
      state[at + hot.tradeTime] = time;
      state[at + hot.price] = price;
      state[at + hot.size] = size;
    }
    if (price > state[at + hot.ath]!) {
      state[at + hot.ath] = price;
      state[at + hot.athTime] = time;
    }
    if (price < state[at + hot.atl]! || state[at + hot.atl] === 0) {
      state[at + hot.atl] = price;
      state[at + hot.atlTime] = time;
    }
  }
}
