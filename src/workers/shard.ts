/**
 * One shard: takes tick records in, and makes blocks for gateways and rows for sinks, turn by turn.
 *
 * Everything it does follows from its input alone (market time comes in with `clock` records), so a shard that is run
 * again from a snapshot makes the same segments with the same numbers, and skips those that are already committed.
 */
import {
  type GapListener,
  giveUpWaiting,
  hold,
  judgeTrade,
  takeHeld,
  verdict,
} from '../compute/arbitration.ts';
import type { BarTrade } from '../compute/bar-sums.ts';
import { addTrade, type BarListener, clockBars, markGap } from '../compute/bars.ts';
import { keepMinute } from '../compute/day-statistics.ts';
import { seedExtremes } from '../compute/seed.ts';
import {
  changedStatistics,
  counter,
  heldMax,
  heldWords,
  hot,
  hotWords,
  type ShardMemory,
  shardWord,
} from '../compute/shard-memory.ts';
import { blockKind } from '../wire/block.ts';
import { type TickRecords, tickField, tickFlag, tickKind, tickWords } from '../wire/tick-record.ts';
import { BlockBuffer, RowBuffer } from './output-buffer.ts';
import type { ShardRules } from './shard-options.ts';
import { StateOutput, stateBytesMax } from './state-output.ts';
import { blockHeadBytesMax, tickBytesMax, writeTickBlocks } from './tick-blocks.ts';
import { TurnChains } from './turn-chains.ts';

export interface ShardParts {
  /** It owns the instruments with (id − 1) mod shards = index. */
  readonly index: number;
  readonly shards: number;
  readonly memory: ShardMemory;
  readonly input: TickRecords;
  readonly inputSlots: number;
  /** Bytes that a turn may make for one consumer; at least `outputBytesMin(instruments)`. */
  readonly outputBytes: number;
  readonly rules: ShardRules;
}

/**
 * What one record can make besides state: it and `heldMax` trades that it releases, each with its row, and each closing
 * or correcting ten bars twice at worst (an older one in its grace goes out first), with gap notices.
 */
const releasedBytesMax = 131_072;

/** What a turn must have room for: all instruments' bars closing at once, and a good number of ticks. */
export function outputBytesMin(instruments: number): number {
  return (instruments + 2) * (stateBytesMax + blockHeadBytesMax) + 2 * releasedBytesMax;
}

export class Shard implements BarListener, GapListener {
  readonly memory: ShardMemory;
  readonly blocks: BlockBuffer;
  readonly rows: RowBuffer;
  /** Quotes that turns left out because a gateway's ring was full. */
  quotesConflated = 0;
  readonly #index: number;
  readonly #shards: number;
  readonly #rules: ShardRules;
  readonly #heldMost: number;
  readonly #input: TickRecords;
  readonly chains: TurnChains;
  readonly #output: StateOutput;
  /** In `blocks`: what was made as it happened ends, and the tick blocks end. */
  #noticesEnd = 0;
  #ticksEnd = 0;
  #collapsed = false;
  #sendAllChanged = false;
  readonly #trade: BarTrade = { time: 0, price: 0, size: 0, firstId: 0, lastId: 0, takerSold: false };
  readonly #held = new Float64Array(heldWords);
  readonly instrumentOf = (row: number): number => row * this.#shards + this.#index + 1;

  constructor(parts: ShardParts) {
    this.memory = parts.memory;
    this.#index = parts.index;
    this.#shards = parts.shards;
    this.#rules = parts.rules;
    this.#heldMost = Math.min(parts.rules.reorderRecords, heldMax);
    this.#input = parts.input;
    this.chains = new TurnChains(parts.input, parts.inputSlots, parts.memory.instruments);
    this.blocks = new BlockBuffer(parts.outputBytes);
    this.rows = new RowBuffer(parts.outputBytes);
    this.#output = new StateOutput(this.memory, this.blocks, this.rows, parts.rules);
  }

  /** Highest market time seen (µs). */
  get now(): number {
    return this.memory.counters[shardWord.now]!;
  }

  set now(time: number) {
    this.memory.counters[shardWord.now] = time;
  }

  #rowOf(instrument: number): number {
    return ((instrument - 1 - this.#index) / this.#shards) | 0;
  }

  /** False when the record in `slot` might not find room: the turn must be ended first. */
  fits(slot: number): boolean {
    const clock = (this.#input.halves[slot * tickWords * 2]! & 0xff) === tickKind.clock;
    return this.#hasRoom(clock ? this.memory.instruments : this.chains.touchedCount + 1);
  }

  /** Room for what one record can make, and for the state of `rows` instruments. */
  #hasRoom(rows: number): boolean {
    const state = (rows + 1) * (stateBytesMax + blockHeadBytesMax) + releasedBytesMax;
    return (
      this.blocks.length + this.chains.ticks * tickBytesMax + state <= this.blocks.bytes.length &&
      this.rows.byteLength + state <= this.rows.bytes.length &&
      !this.chains.full
    );
  }

  /** Takes the record in `slot` of the input ring. */
  take(slot: number): void {
    const word = slot * tickWords;
    const kind = this.#input.halves[word * 2 + tickField.head]! & 0xff;
    const row = this.#rowOf(this.#input.halves[word * 2 + tickField.instrument]!);
    switch (kind) {
      case tickKind.trade:
        this.memory.counters[counter.trades]!++;
        this.#takeTrade(row, slot);
        break;
      case tickKind.quote:
        this.memory.counters[counter.quotes]!++;
        this.#takeQuote(row, slot);
        break;
      case tickKind.clock:
        this.memory.counters[counter.clocks]!++;
        this.#takeClock(this.#input.words[word + tickField.time]!);
        break;
      case tickKind.extreme:
        this.memory.counters[counter.extremes]!++;
        this.#takeExtreme(row, word);
        break;
      default:
        throw new Error(`broken invariant: a tick record of kind ${kind}`);
    }
  }

  #takeTrade(row: number, slot: number): void {
    const memory = this.memory;
    const word = slot * tickWords;
    const id = this.#input.words[word + tickField.id]!;
    let judged = judgeTrade(memory, row, id, this);
    while (judged === verdict.held && memory.hot[row * hotWords + hot.heldCount]! >= this.#heldMost) {
      this.#giveUpWaiting(row);
      judged = judgeTrade(memory, row, id, this);
    }
    if (judged === verdict.pass) {
      this.#passTrade(row, slot, this.#input, word, 0);
      if (memory.hot[row * hotWords + hot.heldCount]! > 0) this.#release(row);
    } else if (judged === verdict.late) this.#passTrade(row, slot, this.#input, word, 1);
    else if (judged === verdict.held) this.#hold(row, word);
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
    hold(this.memory, row, held, Math.max(this.now, held[0]));
    this.memory.counters[counter.tradesHeld]!++;
  }

  /** Passes on whatever was held and now follows. */
  #release(row: number): void {
    const held = this.#held;
    const chains = this.chains;
    while (takeHeld(this.memory, row, held)) {
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

  #giveUpWaiting(row: number): void {
    markGap(this.memory, row, this.memory.hot[row * hotWords + hot.tradeTime]!, this);
    giveUpWaiting(this.memory, row, this.now, this);
    this.#release(row);
  }

  /** A trade that counts: into the chain of this turn, the bars, the prices, the rows. */
  #passTrade(row: number, slot: number, records: TickRecords, word: number, late: 0 | 1): void {
    this.chains.trade(row, slot, late);
    this.memory.counters[counter.tradesPassed]!++;
    const words = records.words;
    const trade = this.#trade;
    trade.time = words[word + tickField.time]!;
    trade.price = words[word + tickField.price]!;
    trade.size = words[word + tickField.size]!;
    trade.firstId = words[word + tickField.firstId]!;
    trade.lastId = words[word + tickField.lastId]!;
    trade.takerSold = (records.halves[word * 2]! & tickFlag.takerSold) !== 0;
    if (trade.time > this.now) this.now = trade.time;
    const id = words[word + tickField.id]!;
    const at = row * hotWords;
    const state = this.memory.hot;
    // Before the bars that know of it: a sink never has a bar whose trades it lacks.
    this.rows.trade(
      this.instrumentOf(row),
      id,
      words[word + tickField.received]!,
      trade,
      state[at + hot.bid]!,
      state[at + hot.ask]!,
    );
    const afterGap = late === 0 && this.memory.hot[row * hotWords + hot.gapBefore] === 1;
    addTrade(this.memory, row, trade, this.#rules.graceMicros, this);
    if (afterGap) {
      this.memory.hot[row * hotWords + hot.gapBefore] = 0;
      markGap(this.memory, row, trade.time, this);
    }
    // A late trade changes bars that a store took for done: their new state leaves with it, in the same segment.
    if (late === 1) this.memory.hot[row * hotWords + hot.sentAt] = 0;
    this.#keepPrice(row, id);
  }

  #keepPrice(row: number, id: number): void {
    const state = this.memory.hot;
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

  /** A quote passes when its version is newer than the last one's; a jump in versions is no gap (scenario 15). */
  #takeQuote(row: number, slot: number): void {
    const word = slot * tickWords;
    const words = this.#input.words;
    const state = this.memory.hot;
    const at = row * hotWords;
    const version = words[word + tickField.id]!;
    if (version <= state[at + hot.quoteVersion]!) {
      this.memory.counters[counter.quotesStale]!++;
      return;
    }
    this.chains.quote(row, slot);
    this.memory.counters[counter.quotesPassed]!++;
    state[at + hot.quoteVersion] = version;
    state[at + hot.bid] = words[word + tickField.bid]!;
    state[at + hot.bidSize] = words[word + tickField.bidSize]!;
    state[at + hot.ask] = words[word + tickField.ask]!;
    state[at + hot.askSize] = words[word + tickField.askSize]!;
    state[at + hot.quoteTime] = words[word + tickField.time]!;
    if (this.#rules.quotes !== 'none') this.#quoteRow(row);
  }

  #quoteRow(row: number): void {
    const state = this.memory.hot;
    const at = row * hotWords;
    const time = state[at + hot.quoteTime]!;
    if (this.#rules.quotes === '1s') {
      const second = Math.floor(time / 1_000_000);
      if (second === state[at + hot.quoteSecond]) return;
      state[at + hot.quoteSecond] = second;
    }
    this.memory.counters[counter.quoteRows]!++;
    this.rows.quote(this.instrumentOf(row), state, at);
  }

  /** Market time has come to `time`: bars end, waits end, and what changed goes out. */
  #takeClock(time: number): void {
    if (time > this.now) this.now = time;
    const now = this.now;
    // When the market stands still (a recording has ended), what came last must not wait for more.
    const quiet = now === this.memory.counters[shardWord.clockBefore];
    this.memory.counters[shardWord.clockBefore] = now;
    const state = this.memory.hot;
    const { graceMicros, reorderMicros, formingMicros } = this.#rules;
    for (let row = 0; row < this.memory.instruments; row++) {
      const at = row * hotWords;
      const waited = quiet || now - state[at + hot.heldSince]! >= reorderMicros;
      // Where many instruments wait at once, those that find no room in this turn wait for the next clock.
      if (state[at + hot.heldCount]! > 0 && waited && this.#hasRoom(this.memory.instruments))
        this.#giveUpWaiting(row);
      clockBars(this.memory, row, now, graceMicros, this);
      if (state[at + hot.changed]! > 0 && (quiet || now - state[at + hot.sentAt]! >= formingMicros))
        this.chains.touch(row);
    }
    this.#sendAllChanged = quiet;
  }

  #takeExtreme(row: number, word: number): void {
    const words = this.#input.words;
    const ath = words[word + tickField.price]!;
    const athTime = words[word + tickField.size]!;
    seedExtremes(
      this.memory,
      row,
      ath,
      athTime,
      words[word + tickField.firstId]!,
      words[word + tickField.lastId]!,
    );
    const at = row * hotWords + hot.changed;
    this.memory.hot[at] = this.memory.hot[at]! | changedStatistics;
  }

  /** Completes the outputs of this turn: `blocks` and `rows` then hold its segments. */
  finishTurn(): void {
    this.#noticesEnd = this.blocks.length;
    writeTickBlocks(this.blocks, this.chains, this.instrumentOf, false);
    this.#ticksEnd = this.blocks.length;
    const state = this.memory.hot;
    for (let index = 0; index < this.chains.touchedCount; index++) {
      const row = this.chains.touched[index]!;
      const at = row * hotWords;
      if (state[at + hot.changed] === 0) continue;
      if (!this.#sendAllChanged && this.now - state[at + hot.sentAt]! < this.#rules.formingMicros) continue;
      state[at + hot.sentAt] = this.now;
      this.#output.state(row, this.instrumentOf(row), this.now);
      state[at + hot.changed] = 0;
    }
  }

  /** Makes `blocks` anew with only the last quote of each instrument, for a ring that is full; `rows` stay. */
  collapseQuotes(): void {
    if (this.#collapsed) return;
    this.#collapsed = true;
    const states = this.blocks.bytes.slice(this.#ticksEnd, this.blocks.length);
    this.blocks.length = this.#noticesEnd;
    this.quotesConflated += writeTickBlocks(this.blocks, this.chains, this.instrumentOf, true);
    this.blocks.bytes.set(states, this.blocks.length);
    this.blocks.length += states.length;
  }

  /** The run ends: nothing waits for market time any longer, and all that changed goes out. */
  finish(): void {
    this.memory.counters[shardWord.clockBefore] = this.now;
    this.#takeClock(this.now);
  }

  /** Forgets this turn's outputs. */
  beginTurn(): void {
    this.chains.clear();
    this.#collapsed = false;
    this.#sendAllChanged = false;
    this.blocks.length = 0;
    this.rows.length = 0;
  }

  bar(row: number, resolution: number, words: Float64Array, at: number): void {
    this.#output.bar(this.instrumentOf(row), resolution, words, at);
  }

  minute(row: number, words: Float64Array, at: number): void {
    keepMinute(this.memory, row, words, at);
  }

  gap(row: number, from: number, to: number): void {
    this.#output.notice(blockKind.gap, this.instrumentOf(row), from, to, this.now);
  }

  lost(row: number, from: number, to: number): void {
    this.#output.notice(blockKind.lost, this.instrumentOf(row), from, to, this.now);
  }

  repaired(row: number, from: number, to: number): void {
    this.#output.notice(blockKind.repaired, this.instrumentOf(row), from, to, this.now);
  }
}
