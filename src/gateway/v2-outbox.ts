/**
 * What one v2 client has coming: the frame being made for it in this turn, and, when its socket is full, what waits.
 *
 *   block ──► frame ──► socket          while the socket takes it
 *        └──► log: queue (bounded)      while it does not: in order, sent first when it drains;
 *        ├──► state: dirty mark         then the latest value of each marked stream
 *        └──► book: dirty mark          then the whole book of each marked one, in place of its changes
 *
 * A full queue dooms the client: it is closed with 4008 at the end of the turn.
 */
import { blockKind, frameBytesMax, frameHeader, kindBits } from '../wire/block.ts';
import { blockClass, channel, channelCount } from '../wire/block-message.ts';
import { beginFrame, sealFrame } from '../wire/frame-v2.ts';
import { Arena } from './arena.ts';
import { BlockQueue } from './block-queue.ts';
import type { BookShelf } from './book-shelf.ts';
import { type Delivery, type DropReason, deliveryClass, dropReason } from './delivery.ts';
import { frameCrc32 } from './frame-crc.ts';
import type { LatestBlocks } from './latest-blocks.ts';
import { closeCode } from './refusal.ts';
import type { Subscriber } from './subscribers.ts';
import { sendStatus } from './uws.ts';

/** The client's socket, as far as an outbox needs it. */
export interface FrameSocket {
  send(bytes: Uint8Array, isBinary: boolean): number;
  getBufferedAmount(): number;
}

export interface Outbox extends Subscriber {
  /** A close code, once it must be closed. */
  readonly doomed: number;
  /** The turn is over: what was gathered goes out. */
  endTurn(): void;
  /** The socket has room again. */
  drained(): void;
  /** Adds what waits to `waiting`, per class. */
  waiting(waiting: Float64Array): void;
  /** The connection is over: what waits is dropped, and counted. */
  discard(reason: DropReason): void;
}

/** What all outboxes of a gateway share. */
export interface OutboxRoom {
  readonly arena: Arena;
  readonly latest: LatestBlocks;
  readonly delivery: Delivery;
  readonly traffic: { frames: number; bytes: number };
  /** Of the dictionary by which blocks are counted from now on. */
  dictionaryVersion: number;
  readonly books: BookShelf;
  readonly softBytes: number;
  readonly outboxBytes: number;
  /** The outbox has something to send at the end of the turn. */
  touch(outbox: Outbox): void;
  /** The outbox's client must be closed at the end of the turn. */
  doom(outbox: Outbox): void;
}

const frameRoomMin = 1_024;
/** Class of what waits in a queue without being a block: from here on another version of the dictionary holds. */
const versionMark = 3;
const nothing = new Uint8Array(0);

export class V2Outbox implements Outbox {
  readonly places = new Map<number, number>();
  doomed = 0;
  readonly #shared: OutboxRoom;
  readonly #socket: FrameSocket;
  #slow = false;
  #touched = false;
  /** The open frame: where, how much room, how long (0: none), and how many blocks of each class. */
  #at = 0;
  #room = 0;
  #roomNext = frameRoomMin;
  #length = 0;
  #timeBase = 0;
  #states = 0;
  #logs = 0;
  #extras = 0;
  #queue: BlockQueue | undefined;
  #dirty: Set<number> | undefined;
  /** Streams of books whose changes were left out. */
  #dirtyBooks: Set<number> | undefined;

  /** Of the dictionary, in the frames that are made now. */
  #version: number;

  constructor(shared: OutboxRoom, socket: FrameSocket) {
    this.#shared = shared;
    this.#version = shared.dictionaryVersion;
    this.#socket = socket;
  }

  get slow(): boolean {
    return this.#slow;
  }

  /**
   * A block that became due: `length` bytes at arena address `from`. `newest` is false for a correction of
   * something older than the latest block of its stream.
   */
  append(
    stream: number,
    from: number,
    length: number,
    timeBase: number,
    kept: number,
    newest: boolean,
  ): void {
    if (this.#length !== 0 && (timeBase !== this.#timeBase || this.#length + length > frameBytesMax))
      this.#send();
    if (this.#slow) this.#hold(stream, from, length, timeBase, kept, newest);
    else this.#put(from, length, timeBase, kept);
  }

  /** Frames with what comes from here on carry the room's version of the dictionary. */
  adoptVersion(): void {
    const { dictionaryVersion } = this.#shared;
    if (this.#queue === undefined) {
      this.#send();
      this.#version = dictionaryVersion;
    } else if (this.doomed === 0 && !this.#queue.push(nothing, 0, 0, dictionaryVersion, versionMark)) {
      this.#doom();
    }
  }

  /** The latest block of a stream, or the whole book, marked as snapshot. Nothing when there is none yet. */
  appendSnapshot(stream: number): void {
    const { latest, arena, books } = this.#shared;
    if (stream % channelCount === channel.book) {
      if (books.snapshot(Math.floor(stream / channelCount)))
        this.appendOwn(books.block, books.length, books.timeBase);
      return;
    }
    const length = latest.length(stream);
    if (length === 0) return;
    const room = Arena.room(length);
    const copy = arena.take(room);
    arena.bytes.copyWithin(copy, latest.at(stream), latest.at(stream) + length);
    arena.bytes[copy]! |= kindBits.snapshot;
    this.#appendExtra(copy, length, latest.timeBase(stream));
    arena.give(copy, room);
  }

  /** A block of this connection's own, such as a dictionary. */
  appendOwn(block: Uint8Array, length: number, timeBase: number): void {
    const { arena } = this.#shared;
    const room = Arena.room(length);
    const copy = arena.take(room);
    arena.bytes.set(length === block.length ? block : block.subarray(0, length), copy);
    this.#appendExtra(copy, length, timeBase);
    arena.give(copy, room);
  }

  #appendExtra(from: number, length: number, timeBase: number): void {
    this.#shared.delivery.due[deliveryClass.extra]!++;
    this.append(-1, from, length, timeBase, deliveryClass.extra, true);
  }

  #put(from: number, length: number, timeBase: number, kept: number): void {
    if (this.#length === 0) this.#begin(timeBase);
    const end = this.#length + length;
    if (end > this.#room) this.#enlarge(end);
    this.#shared.arena.bytes.copyWithin(this.#at + this.#length, from, from + length);
    this.#length = end;
    if (kept === blockClass.state) this.#states++;
    else if (kept === blockClass.log) this.#logs++;
    else this.#extras++;
  }

  #begin(timeBase: number): void {
    const { arena } = this.#shared;
    this.#room = this.#roomNext;
    this.#at = arena.take(this.#room);
    this.#length = frameHeader.blocks;
    this.#timeBase = timeBase;
    beginFrame(arena.bytes, this.#version, timeBase, this.#at);
    if (this.#touched) return;
    this.#touched = true;
    this.#shared.touch(this);
  }

  #enlarge(need: number): void {
    const { arena } = this.#shared;
    const room = Arena.room(need);
    const at = arena.take(room);
    arena.bytes.copyWithin(at, this.#at, this.#at + this.#length);
    arena.give(this.#at, this.#room);
    this.#at = at;
    this.#room = room;
  }

  endTurn(): void {
    this.#touched = false;
    this.#send();
  }

  /** Seals the open frame, if there is one, and hands it to the socket: one write. */
  #send(): void {
    const length = this.#length;
    if (length === 0) return;
    const { arena, delivery, traffic, softBytes } = this.#shared;
    const at = this.#at;
    sealFrame(arena.bytes, length, frameCrc32, at);
    const status = this.#socket.send(arena.bytes.subarray(at, at + length), true);
    if (status === sendStatus.dropped) {
      this.#dropFrame(dropReason.tooSlow);
      this.#doom();
      return;
    }
    delivery.delivered[deliveryClass.state]! += this.#states;
    delivery.delivered[deliveryClass.log]! += this.#logs;
    delivery.delivered[deliveryClass.extra]! += this.#extras;
    traffic.frames++;
    traffic.bytes += length;
    this.#roomNext = Math.max(frameRoomMin, Arena.room(length));
    this.#endFrame();
    if (status === sendStatus.backpressure && this.#socket.getBufferedAmount() > softBytes) this.#slow = true;
  }

  #endFrame(): void {
    this.#shared.arena.give(this.#at, this.#room);
    this.#length = this.#states = this.#logs = this.#extras = 0;
  }

  #dropFrame(reason: DropReason): void {
    const { delivery } = this.#shared;
    delivery.drop(deliveryClass.state, reason, this.#states);
    delivery.drop(deliveryClass.log, reason, this.#logs);
    delivery.drop(deliveryClass.extra, reason, this.#extras);
    this.#endFrame();
  }

  #hold(stream: number, from: number, length: number, timeBase: number, kept: number, newest: boolean): void {
    const { arena, delivery, outboxBytes } = this.#shared;
    if (this.doomed !== 0) {
      delivery.drop(kept, dropReason.tooSlow);
      return;
    }
    if (kept === blockClass.state) {
      const dirty = (this.#dirty ??= new Set());
      if (dirty.has(stream)) delivery.conflated[deliveryClass.state]!++;
      else dirty.add(stream);
      return;
    }
    if (isBookChange(stream, arena.bytes[from]!)) {
      const books = (this.#dirtyBooks ??= new Set());
      if (books.has(stream)) delivery.conflated[deliveryClass.log]!++;
      else books.add(stream);
      return;
    }
    // A closed bar is newer than the forming one that was marked: the mark would send the closed bar a second time.
    if (kept === blockClass.log && newest && this.#dirty?.delete(stream) === true)
      delivery.conflated[deliveryClass.state]!++;
    const queue = (this.#queue ??= new BlockQueue(outboxBytes));
    if (queue.push(arena.bytes, from, length, timeBase, kept)) return;
    delivery.drop(kept, dropReason.tooSlow);
    this.#doom();
  }

  #doom(): void {
    if (this.doomed !== 0) return;
    this.#slow = true;
    this.doomed = closeCode.tooSlow;
    this.#shared.doom(this);
  }

  drained(): void {
    if (!this.#slow || this.doomed !== 0 || this.#socket.getBufferedAmount() > this.#shared.softBytes) return;
    this.#slow = false;
    this.#sendQueue();
    if (!this.#slow) this.#sendDirty();
    if (!this.#slow) this.#sendBooks();
    if (!this.#slow) this.#send();
  }

  #sendQueue(): void {
    const { arena } = this.#shared;
    for (let left = this.#queue?.count ?? 0; left > 0; left--) {
      const queue = this.#queue!;
      const { length, timeBase } = queue;
      const isMark = queue.class === versionMark;
      if (isMark || this.#needsNewFrame(length, timeBase)) this.#send();
      if (this.#slow) return;
      if (isMark) {
        this.#version = timeBase;
        queue.shift();
        continue;
      }
      const room = Arena.room(length);
      const copy = arena.take(room);
      arena.bytes.set(queue.bytes.subarray(queue.at, queue.at + length), copy);
      this.#put(copy, length, timeBase, queue.class);
      arena.give(copy, room);
      queue.shift();
    }
    this.#queue = undefined;
  }

  #sendDirty(): void {
    const { latest, delivery } = this.#shared;
    for (const stream of this.#dirty ?? []) {
      const length = latest.length(stream);
      if (length === 0) {
        // It was counted by other decimals, and nothing newer has come.
        delivery.conflated[deliveryClass.state]!++;
        this.#dirty?.delete(stream);
        continue;
      }
      const timeBase = latest.timeBase(stream);
      if (this.#needsNewFrame(length, timeBase)) this.#send();
      if (this.#slow) return;
      this.#put(latest.at(stream), length, timeBase, blockClass.state);
      this.#dirty?.delete(stream);
    }
    this.#dirty = undefined;
  }

  /** A book that is not live now has said so, and comes as a snapshot of its own when it is. */
  #sendBooks(): void {
    const { arena, books, delivery } = this.#shared;
    for (const stream of this.#dirtyBooks ?? []) {
      if (!books.snapshot(Math.floor(stream / channelCount))) {
        delivery.conflated[deliveryClass.log]!++;
        this.#dirtyBooks?.delete(stream);
        continue;
      }
      const { block, length, timeBase } = books;
      if (this.#needsNewFrame(length, timeBase)) this.#send();
      if (this.#slow) return;
      const room = Arena.room(length);
      const copy = arena.take(room);
      arena.bytes.set(block.subarray(0, length), copy);
      this.#put(copy, length, timeBase, blockClass.log);
      arena.give(copy, room);
      this.#dirtyBooks?.delete(stream);
    }
    this.#dirtyBooks = undefined;
  }

  #needsNewFrame(length: number, timeBase: number): boolean {
    return this.#length !== 0 && (timeBase !== this.#timeBase || this.#length + length > frameBytesMax);
  }

  /** A stream is no longer wanted: what is marked of it need not be sent. */
  forget(stream: number): void {
    const { conflated } = this.#shared.delivery;
    if (this.#dirty?.delete(stream) === true) conflated[deliveryClass.state]!++;
    if (this.#dirtyBooks?.delete(stream) === true) conflated[deliveryClass.log]!++;
  }

  waiting(waiting: Float64Array): void {
    waiting[deliveryClass.state]! += this.#states + (this.#dirty?.size ?? 0);
    waiting[deliveryClass.log]! +=
      this.#logs + (this.#queue?.countOf(deliveryClass.log) ?? 0) + (this.#dirtyBooks?.size ?? 0);
    waiting[deliveryClass.extra]! += this.#extras + (this.#queue?.countOf(deliveryClass.extra) ?? 0);
  }

  discard(reason: DropReason): void {
    const { delivery } = this.#shared;
    if (this.#length !== 0) this.#dropFrame(reason);
    delivery.drop(deliveryClass.state, reason, this.#dirty?.size ?? 0);
    delivery.drop(deliveryClass.log, reason, this.#queue?.countOf(deliveryClass.log) ?? 0);
    delivery.drop(deliveryClass.extra, reason, this.#queue?.countOf(deliveryClass.extra) ?? 0);
    delivery.drop(deliveryClass.log, reason, this.#dirtyBooks?.size ?? 0);
    this.#queue = undefined;
    this.#dirty = undefined;
    this.#dirtyBooks = undefined;
  }
}

/** A snapshot or change of an order book: what a later snapshot says better. Notices of its stream are not. */
function isBookChange(stream: number, kindByte: number): boolean {
  if (stream < 0 || stream % channelCount !== channel.book) return false;
  const kind = kindByte & kindBits.kind;
  return kind === blockKind.bookDelta || kind === blockKind.bookSnapshot;
}
