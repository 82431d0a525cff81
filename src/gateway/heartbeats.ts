/**
 * Tells each v2 client from time to time how far its log streams have come, so that a lost tail shows. The clients
 * take turns over the period, or ten thousand of them would stop the thread at once.
 *
 * Log blocks leave in order, also for a slow client, and a heartbeat queues among them: when it is read, everything
 * up to its cursors has been read.
 */
import { blockKind, blockRecordsMax, timeBaseOf } from '../wire/block.ts';
import { channel, channelCount } from '../wire/block-message.ts';
import { encodeHeartbeat, heartbeatBytesMax, heartbeatWords } from '../wire/encode-connection.ts';
import type { FanOut } from './fan-out.ts';
import type { V2Outbox } from './v2-outbox.ts';

const slots = 20;

export class Heartbeats {
  readonly #fanOut: FanOut;
  readonly #wall: () => number;
  readonly #timer: NodeJS.Timeout;
  readonly #clients = Array.from({ length: slots }, () => new Set<V2Outbox>());
  readonly #words = new Float64Array(blockRecordsMax * heartbeatWords);
  readonly #block = new Uint8Array(heartbeatBytesMax);
  #entered = 0;
  #turn = 0;
  #beats = 0;

  constructor(fanOut: FanOut, periodMs: number, wall: () => number) {
    this.#fanOut = fanOut;
    this.#wall = wall;
    this.#timer = setInterval(() => this.#tick(), periodMs / slots);
  }

  /** Returns how to leave. */
  enter(outbox: V2Outbox): () => void {
    const slot = this.#clients[this.#entered++ % slots]!;
    slot.add(outbox);
    return () => slot.delete(outbox);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const clients = this.#clients[this.#turn++ % slots]!;
    if (clients.size === 0) return;
    const now = this.#wall();
    for (const outbox of clients) this.#beat(outbox, now);
    this.#fanOut.endTurn();
  }

  #beat(outbox: V2Outbox, now: number): void {
    let count = 0;
    let sent = 0;
    for (const stream of outbox.places.keys()) {
      const kind = logKind(stream % channelCount);
      const cursor = this.#fanOut.latest.logCursor(stream);
      if (kind === 0 || cursor < 0) continue;
      this.#words[count * heartbeatWords] = kind;
      this.#words[count * heartbeatWords + 1] = Math.floor(stream / channelCount);
      this.#words[count * heartbeatWords + 2] = cursor;
      if (++count < blockRecordsMax) continue;
      this.#send(outbox, now, count);
      sent++;
      count = 0;
    }
    if (count > 0 || sent === 0) this.#send(outbox, now, count);
  }

  #send(outbox: V2Outbox, now: number, count: number): void {
    const length = encodeHeartbeat(this.#block, 0, ++this.#beats, now, this.#words, count);
    outbox.appendOwn(this.#block, length, timeBaseOf(now));
  }
}

/** How a heartbeat names a log stream (`proto/frames.md`); 0 for state channels. */
function logKind(on: number): number {
  if (on === channel.trades) return blockKind.trade;
  if (on === channel.book) return blockKind.bookDelta;
  return on >= channel.bars && on < channel.book ? blockKind.bar + 32 * (on - channel.bars) : 0;
}
