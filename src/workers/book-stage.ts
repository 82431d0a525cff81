/**
 * Order books of a shard: gathers each change from its records, has compute/books.ts judge it, and writes what becomes
 * known as blocks (changes and snapshots at once, tops at the end of the turn) and requests to the hub.
 */

import {
  ownWord,
  ownWords,
  pendingBit,
  pendingHead,
  pendingLevelsMax,
  pendingWord,
  type ShardBooks,
} from '../compute/book-memory.ts';
import { type BookListener, Books } from '../compute/books.ts';
import { counter } from '../compute/shard-memory.ts';
import { type BookChange, type BookCopy, bookCopy, bookState, copyBook } from '../market/book.ts';
import { blockKind, bookLevelsMax, timeBaseOf } from '../wire/block.ts';
import { blockClass, blockMessageHead, channel } from '../wire/block-message.ts';
import { bookBlockBytesMax, encodeBook, encodeBookDelta } from '../wire/encode-book.ts';
import { encodeStatus } from '../wire/encode-state.ts';
import { rowKind, rowWords, streamState } from '../wire/row.ts';
import { levelBits, tickField, tickFlag, tickKind, tickWords } from '../wire/tick-record.ts';
import type { ShardTurn } from './shard-turn.ts';

/** Head and padding of a block message. */
const messageBytes = blockMessageHead + 8;
/** Two states of streams. */
const statusBytesMax = 2 * (messageBytes + 64);
/** Books that a clock record asks for again at most; the next one goes on. */
const askedPerClock = 64;
/** Levels a side of a top at most, whatever is configured. */
const topLevelsMax = 50;

function topBytesMax(levels: number): number {
  return messageBytes + bookBlockBytesMax(levels * 2);
}

/** What a turn must have room for, beside everything else, where so many books are kept. */
export function bookOutputBytesMin(books: number): number {
  const clock = askedPerClock * statusBytesMax;
  return (
    messageBytes + bookBlockBytesMax(bookLevelsMax * 2) + clock + (books + 1) * topBytesMax(topLevelsMax)
  );
}

export class BookStage implements BookListener {
  readonly #turn: ShardTurn;
  readonly #memory: ShardBooks;
  readonly #books: Books;
  readonly #copy: BookCopy;
  readonly #topLevels: number;
  readonly #bookBytes: number;
  /** Rows whose top changed in this turn. */
  readonly #changed: Int32Array;
  readonly #isChanged: Uint8Array;
  #changedCount = 0;

  constructor(turn: ShardTurn, memory: ShardBooks) {
    const { levels, books } = memory.table;
    const { lowWater, requestMicros } = turn.rules.books;
    if (levels > bookLevelsMax)
      throw new RangeError(`books of ${levels} levels a side; at most ${bookLevelsMax}`);
    this.#turn = turn;
    this.#memory = memory;
    this.#topLevels = Math.min(turn.rules.books.topLevels, topLevelsMax, levels);
    const rules = { lowWater, requestMicros, topLevels: this.#topLevels };
    this.#books = new Books(memory, turn.memory.counters, rules, this, levels);
    this.#copy = bookCopy(levels);
    this.#bookBytes = messageBytes + bookBlockBytesMax(levels * 2) + statusBytesMax;
    this.#changed = new Int32Array(books);
    this.#isChanged = new Uint8Array(books);
  }

  get memory(): ShardBooks {
    return this.#memory;
  }

  /** Bytes of blocks that a record of this kind may make, with the tops that are due. */
  bytesNeeded(kind: number): number {
    const tops = (this.#changedCount + 1) * topBytesMax(this.#topLevels);
    if (kind === tickKind.book || kind === tickKind.levels) return tops + this.#bookBytes;
    return tops + (kind === tickKind.clock ? askedPerClock : 1) * statusBytesMax;
  }

  /** Takes the `book`, `levels` or `cut` record in `slot` of the input ring. */
  take(row: number, slot: number, kind: number): void {
    if (kind === tickKind.book) this.#begin(row, slot * tickWords);
    else if (kind === tickKind.levels) this.#levels(row, slot * tickWords);
    else if (kind === tickKind.cut) {
      const head = this.#turn.input.halves[slot * tickWords * 2]!;
      this.#books.cut(row, (head & tickFlag.lineB) === 0 ? 0 : 1, this.#turn.now);
    }
  }

  /** The instrument's streams are not taken any more, or its decimals have changed. */
  forget(row: number): void {
    this.#books.forget(row, this.#turn.now);
  }

  clock(now: number): void {
    this.#books.clock(now, askedPerClock);
  }

  #begin(row: number, word: number): void {
    const { pending } = this.#memory;
    const { words, halves } = this.#turn.input;
    if (pending[pendingWord.book] !== 0) this.#tear();
    const head = halves[word * 2]!;
    const snapshot = (head & tickFlag.snapshot) !== 0;
    const levels = words[word + tickField.levels]!;
    this.#turn.memory.counters[snapshot ? counter.bookSnapshots : counter.bookUpdates]!++;
    pending[pendingWord.book] = row + 1;
    pending[pendingWord.flags] =
      (snapshot ? pendingBit.snapshot : 0) |
      ((head & tickFlag.noIds) === 0 ? 0 : pendingBit.noIds) |
      ((head & tickFlag.lineB) === 0 ? 0 : pendingBit.lineB);
    pending[pendingWord.lastId] = words[word + tickField.id]!;
    pending[pendingWord.firstId] = words[word + tickField.firstUpdate]!;
    pending[pendingWord.time] = words[word + tickField.time]!;
    pending[pendingWord.bidHorizon] = snapshot ? words[word + tickField.bidHorizon]! : 0;
    pending[pendingWord.askHorizon] = snapshot
      ? words[word + tickField.askHorizon]!
      : Number.POSITIVE_INFINITY;
    pending[pendingWord.levels] = levels;
    pending[pendingWord.come] = 0;
    pending[pendingWord.bids] = 0;
    pending[pendingWord.clocks] = 0;
    if (levels > pendingLevelsMax) this.#tear();
    else if (levels === 0) this.#take();
  }

  #levels(row: number, word: number): void {
    const { pending } = this.#memory;
    const { words, halves } = this.#turn.input;
    const head = halves[word * 2]!;
    const count = (head >>> levelBits.countShift) & levelBits.countMask;
    const come = pending[pendingWord.come]!;
    const lineB = (head & tickFlag.lineB) !== 0;
    if (
      pending[pendingWord.book] !== row + 1 ||
      words[word + tickField.levelsOf] !== pending[pendingWord.lastId] ||
      lineB !== ((pending[pendingWord.flags]! & pendingBit.lineB) !== 0) ||
      come + count > pending[pendingWord.levels]!
    ) {
      this.#turn.memory.counters[counter.bookLevelsStray]! += count;
      if (pending[pendingWord.book] === row + 1) this.#tear();
      return;
    }
    for (let level = 0; level < count; level++) {
      const to = pendingHead + (come + level) * 2;
      pending[to] = words[word + tickField.level + level * 2]!;
      pending[to + 1] = words[word + tickField.level + level * 2 + 1]!;
      if ((head & (1 << (levelBits.askShift + level))) !== 0) continue;
      // Bids come first: a bid after an ask is of a change that lacks records.
      if (pending[pendingWord.bids] !== come + level) return this.#tear();
      pending[pendingWord.bids]!++;
    }
    pending[pendingWord.come] = come + count;
    if (come + count === pending[pendingWord.levels]) this.#take();
  }

  /** Market time, or the change's own when no clock came before it. */
  get #now(): number {
    return Math.max(this.#turn.now, this.#memory.pending[pendingWord.time]!);
  }

  #take(): void {
    this.#books.take(this.#now);
  }

  #tear(): void {
    this.#books.tear(this.#now);
  }

  changed(row: number, change: BookChange): void {
    const { blocks, instrumentOf } = this.#turn;
    const instrument = instrumentOf(row);
    const end = encodeBookDelta(blocks.bytes, blocks.blockAt, instrument, change);
    this.#add(end, change.time, instrument, blockKind.bookDelta, change.lastId);
  }

  replaced(row: number): void {
    const { blocks, instrumentOf } = this.#turn;
    const instrument = instrumentOf(row);
    const copy = this.#copy;
    copyBook(this.#memory.table, row, this.#memory.table.levels, copy);
    const end = encodeBook(blocks.bytes, blocks.blockAt, blockKind.bookSnapshot, instrument, copy);
    this.#add(end, copy.time, instrument, blockKind.bookSnapshot, copy.lastId);
  }

  #add(end: number, time: number, instrument: number, kind: number, lastId: number): void {
    this.#turn.blocks.add(end, timeBaseOf(time), instrument, kind, channel.book, blockClass.log, 1, lastId);
  }

  topChanged(row: number): void {
    if (this.#isChanged[row] === 1) return;
    this.#isChanged[row] = 1;
    this.#changed[this.#changedCount++] = row;
  }

  status(row: number, state: number, since: number): void {
    const { blocks, requests, instrumentOf } = this.#turn;
    const instrument = instrumentOf(row);
    const now = state === bookState.live ? streamState.live : streamState.syncing;
    const copy = this.#copy;
    copyBook(this.#memory.table, row, 0, copy);
    for (const on of [channel.book, channel.bookTop]) {
      const end = encodeStatus(blocks.bytes, blocks.blockAt, instrument, copy.lastId, since, on, now, since);
      blocks.add(end, timeBaseOf(since), instrument, blockKind.status, on, blockClass.log, 1, copy.lastId);
    }
    const word = requests.row(rowKind.status, instrument, rowWords.status);
    requests.words[word] = channel.book;
    requests.words[word + 1] = now;
    requests.words[word + 2] = since;
    requests.words[word + 3] = 0;
    requests.words[word + 4] = 0;
  }

  request(row: number, reason: number, lastId: number): void {
    const { requests, instrumentOf } = this.#turn;
    const word = requests.row(rowKind.bookRequest, instrumentOf(row), rowWords.bookRequest);
    requests.words[word] = reason;
    requests.words[word + 1] = lastId;
    requests.words[word + 2] = this.#memory.own[row * ownWords + ownWord.requestedAt]!;
  }

  /** Writes the tops that changed in this turn, of books that are live at its end. */
  finishTurn(): void {
    const { blocks, instrumentOf } = this.#turn;
    const copy = this.#copy;
    for (let index = 0; index < this.#changedCount; index++) {
      const row = this.#changed[index]!;
      this.#isChanged[row] = 0;
      copyBook(this.#memory.table, row, this.#topLevels, copy);
      if (copy.state !== bookState.live) continue;
      const instrument = instrumentOf(row);
      const end = encodeBook(blocks.bytes, blocks.blockAt, blockKind.bookTop, instrument, copy);
      const base = timeBaseOf(copy.time);
      blocks.add(end, base, instrument, blockKind.bookTop, channel.bookTop, blockClass.state, 1, copy.lastId);
    }
    this.#changedCount = 0;
  }
}
