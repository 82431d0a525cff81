/**
 * Order books from their venue's changes and snapshots, by the venue's own rules.
 *
 * Binance ("How to manage a local order book correctly", rules 4 to 7), where L is the last id of the local book:
 *   4  a snapshot older than the first buffered change (lastUpdateId < U) is of no use: get another
 *   5  drop changes with u ≤ lastUpdateId; the first one kept must contain it: U ≤ lastUpdateId + 1 ≤ u
 *   6  the snapshot is the book
 *   7  u < L: ignore. U > L + 1: changes are missing, discard the book and start again. Else apply: sizes are absolute,
 *      0 takes the level away, and taking away one that is not there is normal
 * Backpack: U must be the last u + 1, else get a snapshot: rule 7 with U = L + 1.
 * Coinbase: no ids. The book follows the line whose snapshot came last; when that line ends, it is void. The ids told are
 * counted here, from the µs of the snapshot upwards, so that they rise over restarts too.
 *
 * A second line brings each change twice: the copy is known by its id. What is missing on one line may still come on the
 * other: the book goes on from where it stood when the next id comes before a snapshot does.
 *
 * A crossed book is never live: readers see it as syncing, and nothing is told of it, until a change uncrosses it
 * or it has lasted too long.
 *
 *   updates + snapshots = applied + snapshotsTaken + snapshotsOld + duplicates + torn + void + bufferDropped
 *                         + buffered now + pending now (0 or 1)
 */
import { type BookChange, bookState, bookWord } from '../market/book.ts';
import { BookBuffer } from './book-buffer.ts';
import { ownWord, ownWords, pendingBit, pendingHead, pendingWord, type ShardBooks } from './book-memory.ts';
import { BookWriter } from './book-writer.ts';
import { counter } from './shard-memory.ts';

/** Why a book asks for a snapshot; the numbers are those of `bookReason` in wire/row.ts. */
export const resyncReason = { unknown: 0, gap: 1, crossed: 2, thin: 3, cut: 4, torn: 5 } as const;

/** A crossed book is waited for so many changes, or so long (µs of market time); then it is void. */
const crossedChangesMax = 16;
const crossedMicros = 1_000_000;

export interface BookRules {
  /** More levels are asked for when a side that is not whole has fewer than this. */
  readonly lowWater: number;
  /** The best levels whose change is told as `topChanged`. */
  readonly topLevels: number;
  /** A request is made again after so long (µs of market time) without an answer. */
  readonly requestMicros: number;
}

/** What becomes known. */
export interface BookListener {
  /** A live book has taken a change. `change` holds only during the call. */
  changed(row: number, change: BookChange): void;
  /** A live book is another one as a whole. */
  replaced(row: number): void;
  /** The best levels of a live book are others. */
  topChanged(row: number): void;
  /** The book is live, or waits for its snapshot, since `since` (µs). */
  status(row: number, state: number, since: number): void;
  /** A new snapshot is needed; `lastId` is the last id known. */
  request(row: number, reason: number, lastId: number): void;
}

export class Books {
  readonly #books: ShardBooks;
  readonly #counters: Float64Array;
  readonly #rules: BookRules;
  readonly #listener: BookListener;
  readonly #buffer: BookBuffer;
  readonly #writer: BookWriter;
  #now = 0;

  /** @param changeLevels a change of more levels a side is told as a whole new book */
  constructor(
    books: ShardBooks,
    counters: Float64Array,
    rules: BookRules,
    listener: BookListener,
    changeLevels: number,
  ) {
    this.#books = books;
    this.#counters = counters;
    this.#rules = rules;
    this.#listener = listener;
    this.#buffer = new BookBuffer(books, counters);
    this.#writer = new BookWriter(books, counters, this.#buffer, rules.topLevels, changeLevels);
  }

  /** Takes the pending change or snapshot, which is complete. `now` is market time (µs). */
  take(now: number): void {
    const { pending } = this.#books;
    this.#now = now;
    const row = pending[pendingWord.book]! - 1;
    const flags = pending[pendingWord.flags]!;
    const noIds = (flags & pendingBit.noIds) !== 0;
    if ((flags & pendingBit.snapshot) !== 0) this.#takeSnapshot(row, noIds);
    else if (noIds) this.#takeUnnumbered(row);
    else this.#takeChange(row);
    pending[pendingWord.book] = 0;
  }

  #takeChange(row: number): void {
    const { own, pending } = this.#books;
    const at = row * ownWords;
    const lastId = pending[pendingWord.lastId]!;
    const known = this.#writer.head(row, bookWord.lastId);
    const based = own[at + ownWord.based] === 1;
    if (based && lastId <= known) return this.#count(counter.bookDuplicates);
    if (lastId > own[at + ownWord.seen]!) own[at + ownWord.seen] = lastId;
    const follows = based && pending[pendingWord.firstId]! <= known + 1;
    if (own[at + ownWord.phase] !== bookState.live) {
      if (follows) return this.#heal(row);
      this.#keep(row, false);
      if (own[at + ownWord.phase] === bookState.empty) this.#lose(row, resyncReason.unknown, false);
      return;
    }
    if (!follows) {
      this.#count(counter.bookGaps);
      this.#keep(row, false);
      return this.#lose(row, resyncReason.gap, true);
    }
    if (own[at + ownWord.thin] === 1) this.#keep(row, true);
    this.#applyPending(row, lastId, pending[pendingWord.firstId]!);
  }

  #takeUnnumbered(row: number): void {
    const { own, pending } = this.#books;
    const phase = own[row * ownWords + ownWord.phase]!;
    if (phase !== bookState.live) {
      this.#count(counter.bookVoid);
      if (phase === bookState.empty) this.#lose(row, resyncReason.unknown, false);
      return;
    }
    const line = (pending[pendingWord.flags]! & pendingBit.lineB) === 0 ? 0 : 1;
    if (this.#writer.head(row, bookWord.line) !== line) return this.#count(counter.bookDuplicates);
    const id = this.#writer.head(row, bookWord.lastId) + 1;
    own[row * ownWords + ownWord.seen] = id;
    this.#applyPending(row, id, id);
  }

  /** The pending change follows on a live book. */
  #applyPending(row: number, lastId: number, firstId: number): void {
    this.#writer.lock(row);
    this.#writer.applyPending(row, lastId, firstId);
    this.#settle(row, true);
    this.#askForMore(row);
  }

  /** What was missing has come before a snapshot did: the change, and all that waited and now follows. */
  #heal(row: number): void {
    const { own, pending } = this.#books;
    this.#writer.lock(row);
    this.#writer.applyPending(row, pending[pendingWord.lastId]!, pending[pendingWord.firstId]!);
    this.#writer.replay(row);
    // An id that was seen and never came whole is missing still.
    if (this.#writer.head(row, bookWord.lastId) < own[row * ownWords + ownWord.seen]!)
      return this.#writer.unlock(row);
    this.#goLive(row);
  }

  #takeSnapshot(row: number, noIds: boolean): void {
    const { own, pending } = this.#books;
    const at = row * ownWords;
    const known = this.#writer.head(row, bookWord.lastId);
    let id = pending[pendingWord.lastId]!;
    if (noIds) {
      id = Math.max(known + 1, Math.floor(pending[pendingWord.time]!));
      own[at + ownWord.seen] = id;
    } else {
      // Rule 4, and whatever else the replay would miss.
      const awaited = own[at + ownWord.phase] !== bookState.live || own[at + ownWord.thin] === 1;
      const reach = this.#buffer.reach(row, id);
      if ((id <= known && !awaited) || reach < Math.max(known, own[at + ownWord.seen]!)) {
        this.#count(counter.bookSnapshotsOld);
        if (awaited) this.#request(row, own[at + ownWord.reason]!);
        return;
      }
      if (id > own[at + ownWord.seen]!) own[at + ownWord.seen] = id;
    }
    this.#count(counter.bookSnapshotsTaken);
    this.#writer.lock(row);
    this.#writer.load(row, id);
    own[at + ownWord.based] = 1;
    this.#writer.replay(row);
    this.#writer.markLow(row, this.#rules.lowWater);
    this.#goLive(row);
  }

  /** A book that was syncing, or is loaded anew, is right again. Under the lock, which it opens. */
  #goLive(row: number): void {
    const { own } = this.#books;
    const at = row * ownWords;
    own[at + ownWord.phase] = bookState.live;
    own[at + ownWord.requestedAt] = 0;
    own[at + ownWord.crossedFor] = 0;
    own[at + ownWord.thin] = 0;
    this.#buffer.clear(row);
    this.#writer.topTouched = true;
    this.#settle(row, false);
  }

  /**
   * The end of a write to a live book: is it crossed? Opens the lock and tells what is to be told. A change is told as
   * such only when the book was live before it.
   */
  #settle(row: number, asChange: boolean): void {
    const { own } = this.#books;
    const at = row * ownWords;
    const wasCrossed = own[at + ownWord.crossedFor]! > 0;
    if (this.#writer.isCrossed(row)) {
      if (!wasCrossed) {
        this.#count(counter.bookCrossed);
        own[at + ownWord.crossedAt] = this.#now;
      }
      own[at + ownWord.crossedFor]!++;
      this.#writer.setState(row, bookState.syncing);
      this.#writer.unlock(row);
      if (own[at + ownWord.crossedFor]! > crossedChangesMax) this.#lose(row, resyncReason.crossed, false);
      return;
    }
    own[at + ownWord.crossedFor] = 0;
    if (this.#writer.isSpent(row)) {
      // What is best lies beyond what is known.
      this.#writer.unlock(row);
      return this.#lose(row, resyncReason.thin, false);
    }
    this.#writer.setState(row, bookState.live);
    this.#writer.unlock(row);
    const told = own[at + ownWord.told] === bookState.live;
    if (!told) this.#tell(row, bookState.live);
    this.#tellBook(row, asChange && told && !wasCrossed);
  }

  #tellBook(row: number, asChange: boolean): void {
    if (asChange && this.#writer.completeChange(row)) this.#listener.changed(row, this.#writer.change);
    else this.#listener.replaced(row);
    if (this.#writer.topTouched) this.#listener.topChanged(row);
    this.#writer.topTouched = false;
  }

  /** The book is not to be trusted from here on. `based`: it was right up to its last id, and may go on from there. */
  #lose(row: number, reason: number, based: boolean): void {
    const { own } = this.#books;
    const at = row * ownWords;
    this.#count(counter.bookResyncs);
    if (based) this.#writer.suspend(row);
    else this.#writer.empty(row, bookState.syncing);
    own[at + ownWord.phase] = bookState.syncing;
    own[at + ownWord.based] = based ? 1 : 0;
    own[at + ownWord.crossedFor] = 0;
    own[at + ownWord.thin] = 0;
    if (own[at + ownWord.told] !== bookState.syncing) this.#tell(row, bookState.syncing);
    this.#request(row, reason);
  }

  /** Records of a change were lost on the way here: it is as if it had never come, but for its id. */
  tear(now: number): void {
    const { own, pending } = this.#books;
    this.#now = now;
    const row = pending[pendingWord.book]! - 1;
    const flags = pending[pendingWord.flags]!;
    pending[pendingWord.book] = 0;
    this.#count(counter.bookTorn);
    const at = row * ownWords;
    const live = own[at + ownWord.phase] === bookState.live;
    const id = pending[pendingWord.lastId]!;
    if ((flags & pendingBit.snapshot) !== 0) {
      if (!live || own[at + ownWord.thin] === 1) this.#request(row, resyncReason.torn);
      return;
    }
    if ((flags & pendingBit.noIds) !== 0) {
      const line = (flags & pendingBit.lineB) === 0 ? 0 : 1;
      if (live && this.#writer.head(row, bookWord.line) === line) this.#lose(row, resyncReason.torn, false);
      return;
    }
    // The other line's copy had come already.
    if (live && id <= this.#writer.head(row, bookWord.lastId)) return;
    if (id > own[at + ownWord.seen]!) own[at + ownWord.seen] = id;
    if (live) this.#lose(row, resyncReason.torn, true);
    else if (own[at + ownWord.phase] === bookState.empty) this.#lose(row, resyncReason.torn, false);
  }

  /** The line (0, 1) that carries an unnumbered book has ended. Books with ids see for themselves what is missing. */
  cut(row: number, line: number, now: number): void {
    const { own } = this.#books;
    this.#now = now;
    if (own[row * ownWords + ownWord.phase] !== bookState.live) return;
    if (this.#writer.head(row, bookWord.line) !== line) return;
    this.#count(counter.bookCuts);
    this.#lose(row, resyncReason.cut, false);
  }

  /** The streams of the instrument are not taken any more, or its decimals are others: nothing is known. */
  forget(row: number, now: number): void {
    const { own, pending } = this.#books;
    const at = row * ownWords;
    this.#now = now;
    if (pending[pendingWord.book] === row + 1) {
      pending[pendingWord.book] = 0;
      this.#count(counter.bookTorn);
    }
    if (own[at + ownWord.phase] === bookState.empty) return;
    this.#buffer.clear(row);
    this.#writer.empty(row, bookState.empty);
    if (own[at + ownWord.told] === bookState.live) this.#tell(row, bookState.syncing);
    own.fill(0, at, at + ownWords);
  }

  /** Market time has come to `now`: what was asked for and did not come is asked for again, `most` times at most. */
  clock(now: number, most: number): void {
    const { own, pending } = this.#books;
    this.#now = now;
    // Records of one change come together; what is not whole by the second clock will not be.
    if (pending[pendingWord.book] !== 0 && ++pending[pendingWord.clocks]! > 1) this.tear(now);
    const { requestMicros } = this.#rules;
    let asked = 0;
    for (let row = 0, at = 0; row < this.#books.table.books && asked < most; row++, at += ownWords) {
      const requestedAt = own[at + ownWord.requestedAt]!;
      if (own[at + ownWord.crossedFor]! > 0 && now - own[at + ownWord.crossedAt]! >= crossedMicros)
        this.#lose(row, resyncReason.crossed, false);
      else if (requestedAt > 0 && now - requestedAt >= requestMicros) this.#askAgain(row);
      else continue;
      asked++;
    }
  }

  #askAgain(row: number): void {
    const { own } = this.#books;
    const at = row * ownWords;
    const thin = own[at + ownWord.thin] === 1;
    if (!thin || this.#writer.isLow(row)) return this.#request(row, own[at + ownWord.reason]!);
    own[at + ownWord.thin] = 0;
    own[at + ownWord.requestedAt] = 0;
    this.#buffer.clear(row);
  }

  #keep(row: number, applied: boolean): void {
    const { pending } = this.#books;
    const bids = pending[pendingWord.bids]!;
    const asks = pending[pendingWord.come]! - bids;
    const [lastId, firstId] = [pending[pendingWord.lastId]!, pending[pendingWord.firstId]!];
    const time = pending[pendingWord.time]!;
    if (!this.#buffer.add(row, lastId, firstId, time, applied, bids, asks, pending, pendingHead))
      this.#count(counter.bookDuplicates);
  }

  /** A live book that runs out of levels on a side asks for more, and is served meanwhile. */
  #askForMore(row: number): void {
    const { own } = this.#books;
    const at = row * ownWords;
    if (own[at + ownWord.phase] !== bookState.live || own[at + ownWord.thin] === 1) return;
    if (!this.#writer.isLow(row)) return;
    own[at + ownWord.thin] = 1;
    this.#request(row, resyncReason.thin);
  }

  #tell(row: number, state: number): void {
    const at = row * ownWords;
    this.#books.own[at + ownWord.told] = state;
    this.#books.own[at + ownWord.since] = this.#now;
    this.#listener.status(row, state, this.#now);
  }

  #request(row: number, reason: number): void {
    const at = row * ownWords;
    this.#count(counter.bookRequests);
    this.#books.own[at + ownWord.requestedAt] = Math.max(1, this.#now);
    this.#books.own[at + ownWord.reason] = reason;
    this.#listener.request(row, reason, this.#writer.head(row, bookWord.lastId));
  }

  #count(which: number): void {
    this.#counters[which]!++;
  }
}
