/**
 * What one v1 client has coming: a frame of trade records that goes out when it is full or its window is over.
 * Records are counted one by one; when the socket is full, whole frames wait in order, bounded as for v2.
 */
import { doubleOf } from '../market/mantissa.ts';
import type { TradeBatch } from '../wire/decode-batch.ts';
import { putV1, sealV1, v1Bytes, v1HeaderBytes, v1RecordBytes } from '../wire/frame-v1.ts';
import { BlockQueue } from './block-queue.ts';
import { type Delivery, type DropReason, deliveryClass, dropReason } from './delivery.ts';
import { frameCrc32 } from './frame-crc.ts';
import { closeCode } from './refusal.ts';
import { sendStatus } from './uws.ts';
import type { FrameSocket, Outbox } from './v2-outbox.ts';

/** What all v1 outboxes of a gateway share. */
export interface V1Room {
  /** Counts records, as class `log`. */
  readonly delivery: Delivery;
  readonly traffic: { frames: number; bytes: number };
  readonly records: number;
  readonly softBytes: number;
  readonly outboxBytes: number;
  /** The outbox has its first record: `send` it when its window is over. */
  open(outbox: V1Outbox): void;
  /** It has been sent. */
  shut(outbox: V1Outbox): void;
  doom(outbox: Outbox): void;
}

export class V1Outbox implements Outbox {
  readonly places = new Map<number, number>();
  doomed = 0;
  /** Set by the windows: when the open frame must go (ms). */
  deadline = 0;
  readonly #shared: V1Room;
  readonly #socket: FrameSocket;
  readonly #bytes: Uint8Array;
  #count = 0;
  #slow = false;
  #queue: BlockQueue | undefined;

  constructor(shared: V1Room, socket: FrameSocket) {
    this.#shared = shared;
    this.#socket = socket;
    this.#bytes = new Uint8Array(v1Bytes(shared.records));
  }

  /** Every trade of the batch becomes a record. */
  append(batch: TradeBatch, priceDecimals: number, sizeDecimals: number): void {
    const { records } = this.#shared;
    for (let index = 0; index < batch.count; index++) {
      if (this.#count === 0) this.#shared.open(this);
      const at = v1HeaderBytes + this.#count * v1RecordBytes;
      const price = doubleOf(batch.price[index]!, priceDecimals);
      putV1(this.#bytes, at, batch.instrument, price, doubleOf(batch.size[index]!, sizeDecimals));
      if (++this.#count === records) this.send();
    }
  }

  endTurn(): void {
    this.send();
  }

  /** Seals the open frame, if there is one, and hands it to the socket, or lets it wait. */
  send(): void {
    const count = this.#count;
    if (count === 0) return;
    const { delivery } = this.#shared;
    this.#shared.shut(this);
    this.#count = 0;
    const length = sealV1(this.#bytes, count, frameCrc32);
    if (this.doomed !== 0) {
      delivery.drop(deliveryClass.log, dropReason.tooSlow, count);
    } else if (!this.#slow) {
      this.#write(this.#bytes.subarray(0, length), count);
    } else if (
      !(this.#queue ??= new BlockQueue(this.#shared.outboxBytes)).push(
        this.#bytes,
        0,
        length,
        count,
        deliveryClass.log,
      )
    ) {
      delivery.drop(deliveryClass.log, dropReason.tooSlow, count);
      this.#doom();
    }
  }

  #write(frame: Uint8Array, count: number): void {
    const { delivery, traffic, softBytes } = this.#shared;
    const status = this.#socket.send(frame, true);
    if (status === sendStatus.dropped) {
      delivery.drop(deliveryClass.log, dropReason.tooSlow, count);
      this.#doom();
      return;
    }
    delivery.delivered[deliveryClass.log]! += count;
    traffic.frames++;
    traffic.bytes += frame.length;
    if (status === sendStatus.backpressure && this.#socket.getBufferedAmount() > softBytes) this.#slow = true;
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
    for (let left = this.#queue?.count ?? 0; left > 0; left--) {
      const queue = this.#queue!;
      // A waiting frame's place for the time base holds its number of records.
      this.#write(queue.bytes.subarray(queue.at, queue.at + queue.length), queue.timeBase);
      queue.shift();
      if (this.#slow) return;
    }
    this.#queue = undefined;
  }

  waiting(waiting: Float64Array): void {
    waiting[deliveryClass.log]! += this.#count + this.#queued();
  }

  discard(reason: DropReason): void {
    if (this.#count > 0) this.#shared.shut(this);
    this.#shared.delivery.drop(deliveryClass.log, reason, this.#count + this.#queued());
    this.#count = 0;
    this.#queue = undefined;
  }

  /** Records in waiting frames: a frame's length tells. */
  #queued(): number {
    const queue = this.#queue;
    return queue === undefined ? 0 : (queue.contentBytes - queue.count * v1HeaderBytes) / v1RecordBytes;
  }
}
