/**
 * From the shards' rings to the clients' sockets, a turn at a time: every block of every waiting segment is kept as
 * the latest of its stream and put into the frames of those who want it; then each client gets one write.
 * A block costs the same whoever else is connected: nothing here grows with clients or symbols.
 */
import type { Instrument } from '../market/instrument.ts';
import { blockKind, kindBits } from '../wire/block.ts';
import { BlockMessages, blockClass, channel, channelCount, rescaleBlock } from '../wire/block-message.ts';
import { FrameReader } from '../wire/decode.ts';
import { tradeBatch } from '../wire/decode-batch.ts';
import type { SegmentReader } from '../wire/segment-ring.ts';
import { Arena } from './arena.ts';
import type { BookShelf } from './book-shelf.ts';
import { Delivery, deliveryClass } from './delivery.ts';
import type { Interest } from './interest.ts';
import type { KnownInstruments } from './known-instruments.ts';
import { LatestBlocks } from './latest-blocks.ts';
import type { GatewayLimits } from './limits.ts';
import { Subscribers } from './subscribers.ts';
import type { V1Outbox, V1Room } from './v1-outbox.ts';
import { V1Windows } from './v1-windows.ts';
import type { Outbox, OutboxRoom, V2Outbox } from './v2-outbox.ts';

/** Taken from one ring in one turn, give or take a segment; then the sockets have their say. */
const turnBytes = 262_144;

export function streamOf(instrument: number, channelNumber: number): number {
  return instrument * channelCount + channelNumber;
}

/** Blocks that tell of a stream, and are no part of it. */
function isNoticeKind(kind: number): boolean {
  return (
    kind === blockKind.gap ||
    kind === blockKind.repaired ||
    kind === blockKind.lost ||
    kind === blockKind.status
  );
}

export class FanOut {
  readonly v2: Subscribers<V2Outbox>;
  readonly v1: Subscribers<V1Outbox>;
  readonly latest: LatestBlocks;
  readonly interest: Interest;
  readonly room: OutboxRoom;
  readonly v1Room: V1Room;
  readonly delivery = new Delivery();
  /** In records, as class `log`. */
  readonly v1Delivery = new Delivery();
  readonly traffic = { v2: { frames: 0, bytes: 0 }, v1: { frames: 0, bytes: 0 } };
  readonly received = { segments: 0, blocks: 0, bytes: 0, unknownStream: 0 };
  readonly #rings: readonly SegmentReader[];
  readonly #known: KnownInstruments;
  readonly #arena = new Arena();
  readonly #windows: V1Windows;
  readonly #messages = new BlockMessages();
  readonly #reader = new FrameReader();
  readonly #batch = tradeBatch();
  readonly #streams: number;
  readonly #touched: (Outbox | undefined)[] = [];
  readonly #closeDoomed: (outbox: Outbox) => void;
  #touchedCount = 0;
  /** Told when an instrument has more decimals from the next block on. */
  onRescaled: (instrument: Instrument) => void = () => undefined;
  readonly #doomed: Outbox[] = [];
  #stage = 0;
  #stageRoom = 0;

  /** @param closeDoomed closes the connection of an outbox, with the code it is doomed to */
  constructor(
    rings: readonly SegmentReader[],
    known: KnownInstruments,
    limits: GatewayLimits,
    interest: Interest,
    books: BookShelf,
    closeDoomed: (outbox: Outbox) => void,
  ) {
    this.#rings = rings;
    this.interest = interest;
    this.#known = known;
    this.#streams = streamOf(known.capacity + 1, 0);
    this.#closeDoomed = closeDoomed;
    this.v2 = new Subscribers(this.#streams);
    this.v1 = new Subscribers(this.#streams);
    this.latest = new LatestBlocks(this.#arena, this.#streams);
    this.#windows = new V1Windows(limits.v1.windowMs, () => performance.now());
    const { softBytes, outboxBytes } = limits;
    const doom = (outbox: Outbox): void => void this.#doomed.push(outbox);
    this.room = {
      arena: this.#arena,
      latest: this.latest,
      delivery: this.delivery,
      traffic: this.traffic.v2,
      dictionaryVersion: known.dictionary.version,
      books,
      softBytes,
      outboxBytes,
      touch: (outbox) => {
        this.#touched[this.#touchedCount++] = outbox;
      },
      doom,
    };
    this.v1Room = {
      delivery: this.v1Delivery,
      traffic: this.traffic.v1,
      records: limits.v1.records,
      softBytes,
      outboxBytes,
      open: (outbox) => this.#windows.open(outbox),
      shut: (outbox) => this.#windows.shut(outbox),
      doom,
    };
  }

  /** One turn. True when segments are left for the next one. */
  drain(): boolean {
    let left = false;
    for (const ring of this.#rings) {
      const enough = this.received.bytes + turnBytes;
      while (this.received.bytes < enough && ring.read(this.#take, 1) > 0) this.received.segments++;
      left ||= ring.used > 0;
    }
    this.endTurn();
    return left;
  }

  /** Sends what was put into frames, and closes who could not keep up. Also after a subscription. */
  endTurn(): void {
    for (let index = 0; index < this.#touchedCount; index++) {
      this.#touched[index]!.endTurn();
      this.#touched[index] = undefined;
    }
    this.#touchedCount = 0;
    this.#windows.endTurn();
    while (this.#doomed.length > 0) this.#closeDoomed(this.#doomed.pop()!);
  }

  close(): void {
    this.#windows.close();
  }

  get memoryBytes(): number {
    return this.#arena.bytes.length;
  }

  readonly #take = (bytes: Uint8Array, from: number, to: number): void => {
    const length = to - from;
    if (length > this.#stageRoom) this.#enlargeStage(length);
    const stage = this.#stage;
    this.#arena.bytes.set(bytes.subarray(from, to), stage);
    this.received.bytes += length;
    const messages = this.#messages;
    messages.open(this.#arena.bytes, stage, stage + length);
    while (messages.next()) this.#route(messages);
  };

  #route(messages: BlockMessages): void {
    const { instrument, channel: on, timeBase, lastCursor, from } = messages;
    this.received.blocks++;
    const stream = streamOf(instrument, on);
    if (on >= channelCount || stream >= this.#streams) {
      this.received.unknownStream++;
      return;
    }
    const length = messages.to - from;
    const kind = messages.kind & kindBits.kind;
    if (kind === rescaleBlock.kind) return this.#rescale(instrument, from, lastCursor);
    const kept = messages.class === blockClass.log ? deliveryClass.log : deliveryClass.state;
    const isNotice = isNoticeKind(kind);
    const isLog = kept === deliveryClass.log;
    const newest = !isNotice && !(isLog && this.latest.isOlder(stream, lastCursor));
    // A book is read whole from the shard's memory when it is needed: its last change alone is of no use.
    if (newest && on !== channel.book) this.latest.keep(stream, from, length, timeBase, lastCursor);
    if (isLog && !isNotice) this.latest.logged(stream, lastCursor);
    const outboxes = this.v2.of(stream);
    if (outboxes !== undefined && outboxes.length > 0) {
      const count = outboxes.length;
      this.delivery.due[kept]! += count;
      for (let index = 0; index < count; index++) {
        outboxes[index]!.append(stream, from, length, timeBase, kept, newest);
      }
    }
    if (on === channel.trades && kind === blockKind.trade) this.#routeV1(stream, messages);
  }

  /** The instrument is counted by more digits from here on: what is kept of it is not. */
  #rescale(instrument: number, at: number, version: number): void {
    const { bytes } = this.#arena;
    const now = this.#known.rescale(instrument, bytes[at]!, bytes[at + 1]!, version);
    if (now === undefined) return;
    for (let on = 0; on < channelCount; on++) this.latest.drop(streamOf(instrument, on));
    this.onRescaled(now);
  }

  #routeV1(stream: number, messages: BlockMessages): void {
    const outboxes = this.v1.of(stream);
    if (outboxes === undefined || outboxes.length === 0) return;
    const reader = this.#reader;
    const batch = this.#batch;
    reader.openBlocks(this.#arena.bytes, messages.from, messages.to, messages.timeBase);
    if (!reader.next() || !reader.trades(batch))
      throw new Error('broken invariant: a shard sends trade blocks we know');
    const instrument = this.#known.dictionary.instruments[batch.instrument - 1]!;
    this.v1Delivery.due[deliveryClass.log]! += batch.count * outboxes.length;
    for (const outbox of outboxes) outbox.append(batch, instrument.priceDecimals, instrument.sizeDecimals);
  }

  #enlargeStage(length: number): void {
    if (this.#stageRoom > 0) this.#arena.give(this.#stage, this.#stageRoom);
    this.#stageRoom = Arena.room(length);
    this.#stage = this.#arena.take(this.#stageRoom);
  }
}
