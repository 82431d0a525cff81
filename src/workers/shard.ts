/**
 * One shard: takes tick records in, and makes blocks for gateways, rows for sinks and requests for the hub, turn by turn.
 *
 * Everything it does follows from its input alone (market time comes in with `clock` records), so a shard that is run
 * again from a snapshot makes the same segments with the same numbers, and skips those that are already committed.
 */

import { clockBars } from '../compute/bars.ts';
import type { ShardBooks } from '../compute/book-memory.ts';
import { rescale } from '../compute/rescale.ts';
import { counter, hot, hotWords, type ShardMemory, shardWord } from '../compute/shard-memory.ts';
import { rowWords } from '../wire/row.ts';
import { tickField, tickFlag, tickKind, tickWords } from '../wire/tick-record.ts';
import { BookStage, bookOutputBytesMin } from './book-stage.ts';
import { takeExtreme } from './extreme-stage.ts';
import { IndexStage } from './index-stage.ts';
import type { BlockBuffer, RowBuffer } from './output-buffer.ts';
import { QuoteStage } from './quote-stage.ts';
import { type ShardParts, ShardTurn } from './shard-turn.ts';
import { stateBytesMax } from './state-output.ts';
import { blockHeadBytesMax, tickBytesMax, writeTickBlocks } from './tick-blocks.ts';
import { TradeStage } from './trade-stage.ts';
import { statusBytes, WatchStage } from './watch-stage.ts';

/**
 * What one record can make besides state: it and `heldMax` trades that it releases, each with its row, and each closing
 * or correcting ten bars twice at worst (an older one in its grace goes out first), with gap notices; and all 126
 * remembered bars of the instrument that say that they lack trades, and not any more.
 */
const releasedBytesMax = 196_608;

/** What one quote can make: a block or row of it, its instrument's state, and that its streams are live again. */
const quoteBytesMax = stateBytesMax + blockHeadBytesMax + tickBytesMax + 8 * rowWords.quote + 3 * 80;
/** So many quotes at most are taken without asking for room again: what they ask of the hub fits the reserve for one. */
const quotesUnasked = 64;

/** What a turn must have room for: all instruments' bars closing at once, and a good number of ticks. */
export function outputBytesMin(instruments: number): number {
  return (
    (instruments + 2) * (stateBytesMax + blockHeadBytesMax) +
    2 * releasedBytesMax +
    bookOutputBytesMin(instruments)
  );
}

export class Shard {
  /** Quotes that turns left out because a gateway's ring was full. */
  quotesConflated = 0;
  readonly #turn: ShardTurn;
  readonly #trades: TradeStage;
  readonly #quotes: QuoteStage;
  readonly #watch: WatchStage;
  readonly #books: BookStage;
  readonly #indexes: IndexStage;
  readonly #outputBytes: number;
  /** So many quotes fit whatever they are. */
  #quotesLeft = 0;
  /** What a turn has room for whatever it holds. */
  readonly #alwaysBytes: number;
  /** In `blocks`: what was made as it happened ends, and the tick blocks end. */
  #noticesEnd = 0;
  #ticksEnd = 0;
  #collapsed = false;
  #sendAllChanged = false;
  /** This turn has changed an instrument's digits: it ends here. */
  #rescaled = false;

  constructor(parts: ShardParts) {
    this.#turn = new ShardTurn(parts);
    this.#trades = new TradeStage(this.#turn);
    this.#quotes = new QuoteStage(this.#turn);
    this.#watch = new WatchStage(this.#turn, parts.books.table);
    this.#books = new BookStage(this.#turn, parts.books);
    this.#indexes = new IndexStage(this.#turn, this.#trades, this.#quotes);
    this.#outputBytes = parts.outputBytes - (parts.outputBytes % 8);
    this.#alwaysBytes = releasedBytesMax + this.#indexes.bytesNeeded;
  }

  get memory(): ShardMemory {
    return this.#turn.memory;
  }

  get books(): ShardBooks {
    return this.#books.memory;
  }

  get blocks(): BlockBuffer {
    return this.#turn.blocks;
  }

  get rows(): RowBuffer {
    return this.#turn.rows;
  }

  get requests(): RowBuffer {
    return this.#turn.requests;
  }

  get chains(): ShardTurn['chains'] {
    return this.#turn.chains;
  }

  get instrumentOf(): (row: number) => number {
    return this.#turn.instrumentOf;
  }

  /** False when the record in `slot` might not find room, or begins something new: the turn must be ended first. */
  fits(slot: number): boolean {
    const kind = this.#turn.input.halves[slot * tickWords * 2]! & 0xff;
    if (kind === tickKind.quote && this.#quotesLeft > 0) {
      this.#quotesLeft--;
      return true;
    }
    this.#quotesLeft = 0;
    // Ticks of before and after must not share a block.
    if (this.#rescaled || (kind === tickKind.rescale && this.#hasBegun())) return false;
    const rows = kind === tickKind.clock ? this.memory.instruments : this.chains.touchedCount + 1;
    return this.#hasRoom(rows, this.#books.bytesNeeded(kind));
  }

  #hasBegun(): boolean {
    return this.blocks.length > 0 || this.rows.length > 0 || this.chains.touchedCount > 0;
  }

  /** Room for what one record can make, and for the state of `rows` instruments. */
  #hasRoom(rows: number, books = this.#books.bytesNeeded(tickKind.clock)): boolean {
    const { blocks, rows: sink, chains } = this.#turn;
    const state = (rows + 1) * (stateBytesMax + blockHeadBytesMax) + this.#alwaysBytes;
    const left =
      this.#outputBytes -
      state -
      Math.max(blocks.length + chains.ticks * tickBytesMax + books, sink.length * 8);
    if (left < 0 || chains.full || !this.#turn.hasRequestRoom()) return false;
    this.#quotesLeft = Math.min(quotesUnasked, Math.floor(left / quoteBytesMax));
    return true;
  }

  /** Takes the record in `slot` of the input ring. */
  take(slot: number): void {
    const word = slot * tickWords;
    const { halves, words } = this.#turn.input;
    const kind = halves[word * 2 + tickField.head]! & 0xff;
    const row = this.#turn.rowOf(halves[word * 2 + tickField.instrument]!);
    switch (kind) {
      case tickKind.trade:
        this.memory.counters[counter.trades]!++;
        this.#trades.take(row, slot);
        // What was fetched does not show that the stream is alive.
        if ((halves[word * 2]! & tickFlag.repair) === 0) this.#watch.trade(row);
        break;
      case tickKind.quote:
        this.memory.counters[counter.quotes]!++;
        if (this.#quotes.take(row, slot)) this.#watch.quote(row);
        break;
      case tickKind.clock:
        this.memory.counters[counter.clocks]!++;
        this.#takeClock(words[word + tickField.time]!);
        break;
      case tickKind.extreme:
        this.memory.counters[counter.extremes]!++;
        takeExtreme(this.#turn, row, slot);
        break;
      case tickKind.heartbeat:
        this.memory.counters[counter.heartbeats]!++;
        this.#watch.alive(row);
        this.#trades.heartbeat(row, slot);
        break;
      case tickKind.lost:
        this.memory.counters[counter.lostRecords]!++;
        this.#trades.lose(row, slot);
        break;
      case tickKind.part:
        this.#indexes.take(row, slot);
        break;
      case tickKind.subscribed:
        this.memory.counters[counter.subscriptions]!++;
        this.#watch.subscribed(row, slot);
        if (words[word + tickField.id] === 0) this.#books.forget(row);
        break;
      case tickKind.book:
        this.memory.counters[counter.bookRecords]!++;
        this.#books.take(row, slot, kind);
        if ((halves[word * 2]! & tickFlag.snapshot) === 0) this.#watch.book(row);
        break;
      case tickKind.levels:
      case tickKind.cut:
        this.memory.counters[counter.bookRecords]!++;
        this.#books.take(row, slot, kind);
        break;
      case tickKind.rescale:
        this.memory.counters[counter.rescales]!++;
        this.#rescale(row, word);
        break;
      default:
        throw new Error(`broken invariant: a tick record of kind ${kind}`);
    }
  }

  /** A turn of its own, which begins by saying so: whoever reads it knows by which digits each row and block is counted. */
  #rescale(row: number, word: number): void {
    const { output, instrumentOf, chains, input } = this.#turn;
    const prices = input.words[word + tickField.price]!;
    const sizes = input.words[word + tickField.size]!;
    output.rescaled(instrumentOf(row), prices, sizes, input.words[word + tickField.id]!);
    rescale(this.memory, row, prices, sizes);
    this.#books.forget(row);
    chains.touch(row);
    this.#rescaled = true;
    this.#quotesLeft = 0;
  }

  /** Market time has come to `time`: bars end, waits end, and what changed goes out. */
  #takeClock(time: number): void {
    const turn = this.#turn;
    if (time > turn.now) turn.now = time;
    const now = turn.now;
    // When the market stands still (a recording has ended), what came last must not wait for more.
    const quiet = now === this.memory.counters[shardWord.clockBefore];
    this.memory.counters[shardWord.clockBefore] = now;
    this.#books.clock(now);
    this.#indexes.clock();
    const state = this.memory.hot;
    const { graceMicros, formingMicros } = turn.rules;
    for (let row = 0; row < this.memory.instruments; row++) {
      const at = row * hotWords;
      // Where many instruments wait at once, those that find no room in this turn wait for the next clock.
      if (this.#trades.isWaiting(row) && this.#hasRoom(this.memory.instruments)) {
        if (this.#trades.clock(row, quiet)) this.#watch.tradesMissing(row);
      }
      clockBars(this.memory, row, now, graceMicros, this.#trades.bars);
      if (state[at + hot.gapCount]! > 0 || state[at + hot.subscribedAt]! > 0)
        this.#watch.clock(row, this.#tellAgain(row));
      if (state[at + hot.changed]! > 0 && (quiet || now - state[at + hot.sentAt]! >= formingMicros))
        this.chains.touch(row);
    }
    this.#sendAllChanged = quiet;
  }

  /** Whether the hub is to be told of the instrument's stale streams again; its open gaps it then was. */
  #tellAgain(row: number): boolean {
    const state = this.memory.hot;
    const at = row * hotWords;
    const { now, rules } = this.#turn;
    if (state[at + hot.gapCount] === 0 && !this.#watch.isToTell(row)) return false;
    if (now - state[at + hot.toldAt]! < rules.repeatMicros) return false;
    if (!this.#turn.hasRequestRoom(this.#trades.gaps.repeatBytes(row) + statusBytes)) return false;
    state[at + hot.toldAt] = now;
    this.#trades.gaps.repeat(row);
    return true;
  }

  /** Completes the outputs of this turn: `blocks`, `rows` and `requests` then hold its segments. */
  finishTurn(): void {
    this.#indexes.finishTurn();
    const { chains, blocks, instrumentOf, rules, now, output } = this.#turn;
    this.#trades.gaps.finishTurn();
    this.#noticesEnd = blocks.length;
    writeTickBlocks(blocks, chains, instrumentOf, false);
    this.#ticksEnd = blocks.length;
    const state = this.memory.hot;
    for (let index = 0; index < chains.touchedCount; index++) {
      const row = chains.touched[index]!;
      const at = row * hotWords;
      if (state[at + hot.changed] === 0) continue;
      if (!this.#sendAllChanged && now - state[at + hot.sentAt]! < rules.formingMicros) continue;
      state[at + hot.sentAt] = now;
      output.state(row, instrumentOf(row), now);
      state[at + hot.changed] = 0;
    }
    this.#books.finishTurn();
  }

  /** Makes `blocks` anew with only the last quote of each instrument, for a ring that is full; `rows` stay. */
  collapseQuotes(): void {
    if (this.#collapsed) return;
    this.#collapsed = true;
    const { blocks, chains, instrumentOf } = this.#turn;
    const states = blocks.bytes.slice(this.#ticksEnd, blocks.length);
    blocks.length = this.#noticesEnd;
    this.quotesConflated += writeTickBlocks(blocks, chains, instrumentOf, true);
    blocks.bytes.set(states, blocks.length);
    blocks.length += states.length;
  }

  /** The run ends: nothing waits for market time any longer, and all that changed goes out. */
  finish(): void {
    this.memory.counters[shardWord.clockBefore] = this.#turn.now;
    this.#takeClock(this.#turn.now);
  }

  /** Forgets this turn's outputs. */
  beginTurn(): void {
    this.#turn.begin();
    this.#rescaled = false;
    this.#collapsed = false;
    this.#sendAllChanged = false;
    this.#quotesLeft = 0;
  }
}
