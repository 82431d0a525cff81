/**
 * What one v2 client has coming: the frame being made for it in this turn, and, when its socket is full, what waits.
 *
 *   block ──► frame ──► socket          while the socket takes it
 *        └──► log: queue (bounded)      while it does not: in order, sent first when it drains;
 *        └──► state: dirty mark         then the latest value of each marked stream
 *
 * A full queue dooms the client: it is closed with 4008 at the end of the turn.
 */
import { frameBytesMax, frameHeader, kindBits } from '../wire/block.ts';
import { blockClass } from '../wire/block-message.ts';
import { beginFrame, sealFrame } from '../wire/frame-v2.ts';
import { Arena } from './arena.ts';
import { BlockQueue } from './block-queue.ts';
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
  readonly dictionaryVersion: number;
  readonly softBytes: number;
  readonly outboxBytes: number;
  /** The outbox has something to send at the end of the turn. */
  touch(outbox: Outbox): void;
  /** The outbox's client must be closed at the end of the turn. */
  doom(outbox: Outbox): void;
}

const frameRoomMin = 1_024;

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

  constructor(shared: OutboxRoom, socket: FrameSocket) {
    this.#shared = shared;
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

  /** The latest block of a stream, marked as snapshot. Nothing when there is none yet. */
  appendSnapshot(stream: number): void {
    const { latest, arena } = this.#shared;
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
    const { arena, dictionaryVersion } = this.#shared;
    this.#room = this.#roomNext;
    this.#at = arena.take(this.#room);
    this.#length = frameHeader.blocks;
    this.#timeBase = timeBase;
    beginFrame(arena.bytes, dictionaryVersion, timeBase, this.#at);
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
    if (!this.#slow) this.#send();
  }

  #sendQueue(): void {
    const { arena } = this.#shared;
    for (let left = this.#queue?.count ?? 0; left > 0; left--) {
      const queue = this.#queue!;
      const { length, timeBase } = queue;
      if (this.#needsNewFrame(length, timeBase)) this.#send();
      if (this.#slow) return;
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
    const { latest } = this.#shared;
    for (const stream of this.#dirty ?? []) {
      const length = latest.length(stream);
      const timeBase = latest.timeBase(stream);
      if (this.#needsNewFrame(length, timeBase)) this.#send();
      if (this.#slow) return;
      this.#put(latest.at(stream), length, timeBase, blockClass.state);
      this.#dirty?.delete(stream);
    }
    this.#dirty = undefined;
  }

  #needsNewFrame(length: number, timeBase: number): boolean {
    return this.#length !== 0 && (timeBase !== this.#timeBase || this.#length + length > frameBytesMax);
  }

  /** A stream is no longer wanted: what is marked of it need not be sent. */
  forget(stream: number): void {
    if (this.#dirty?.delete(stream) === true) this.#shared.delivery.conflated[deliveryClass.state]!++;
  }

  waiting(waiting: Float64Array): void {
    waiting[deliveryClass.state]! += this.#states + (this.#dirty?.size ?? 0);
    waiting[deliveryClass.log]! += this.#logs + (this.#queue?.countOf(deliveryClass.log) ?? 0);
    waiting[deliveryClass.extra]! += this.#extras + (this.#queue?.countOf(deliveryClass.extra) ?? 0);
  }

  discard(reason: DropReason): void {
    const { delivery } = this.#shared;
    if (this.#length !== 0) this.#dropFrame(reason);
    delivery.drop(deliveryClass.state, reason, this.#dirty?.size ?? 0);
    delivery.drop(deliveryClass.log, reason, this.#queue?.countOf(deliveryClass.log) ?? 0);
    delivery.drop(deliveryClass.extra, reason, this.#queue?.countOf(deliveryClass.extra) ?? 0);
    this.#queue = undefined;
    this.#dirty = undefined;
  }
}
