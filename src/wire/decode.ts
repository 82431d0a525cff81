/**
 * Walks the blocks of a v2 frame (`proto/frames.md`). Knows no sockets, keeps no bytes, allocates nothing per frame:
 *
 *   reader.open(bytes);
 *   while (reader.next()) if (reader.kind === blockKind.trade && reader.trades(batch)) use(batch);
 *
 * Runs in Node and in the browser. Anything wrong throws `FrameFault`.
 */
import { blockKind, blockRecordsMax, frameBytesMax, frameHeader, kindBits, timeBaseMillis } from './block.ts';
import { type Crc32, tableCrc32 } from './crc32.ts';
import { type QuoteBatch, readQuotes, readTrades, type TradeBatch } from './decode-batch.ts';
import { type BookBatch, readBookBlock } from './decode-book.ts';
import { ByteReader, checked } from './decode-bytes.ts';
import { FrameFault } from './decode-fault.ts';

const instrumentMax = 2 ** 32 - 1;

/** How many records a block of each kind may have; kinds without an entry are skipped. */
const recordsMin = new Int32Array(32).fill(-1);
const recordsMax = new Int32Array(32);
for (const [kinds, least, most] of [
  [[blockKind.trade, blockKind.quote, blockKind.dictionary], 1, blockRecordsMax],
  [[blockKind.heartbeat], 0, blockRecordsMax],
  [[blockKind.ticker, blockKind.bar, blockKind.enigma, blockKind.error], 1, 1],
  [[blockKind.gap, blockKind.repaired, blockKind.lost, blockKind.status], 1, 1],
  [[blockKind.bookSnapshot, blockKind.bookDelta, blockKind.bookTop], 1, 1],
] as const) {
  for (const kind of kinds) {
    recordsMin[kind] = least;
    recordsMax[kind] = most;
  }
}

/** A frame, block by block. The fields are of the block that `next` found; the reader is reused, frame after frame. */
export class FrameReader extends ByteReader {
  /** Version of the dictionary that `instrument` belongs to. */
  dictionary = 0;
  timeBase = 0;
  kind = 0;
  instrument = 0;
  count = 0;
  cursor = 0;
  /** µs since 1970. */
  time = 0;
  /** When the server got the last record, µs since 1970; 0 when the block does not say. */
  received = 0;
  /** State as it stood at the subscription, not a new event. */
  snapshot = false;
  /** Times of the records are in so many µs: 1 or 1,000. */
  unit = 1_000;
  /** Blocks of the frame left out so far, because their kind or a flag in them is unknown. */
  skipped = 0;
  #baseMicros = 0;
  #nextAt = 0;
  #frameEnd = 0;

  /** Starts at a frame. The CRC is checked before anything is read. */
  open(bytes: Uint8Array, crc32: Crc32 = tableCrc32): void {
    const length = bytes.length;
    this.#nextAt = this.#frameEnd = 0;
    if (length < frameHeader.blocks) throw new FrameFault('too-short', `${length} bytes`);
    if (length > frameBytesMax) throw new FrameFault('too-long', `${length} bytes`);
    if (crc32(bytes, frameHeader.magic, length) !== uint32(bytes, frameHeader.crc)) {
      throw new FrameFault('bad-crc', `frame of ${length} bytes`);
    }
    if (bytes[frameHeader.magic] !== 0x54 || bytes[frameHeader.magic + 1] !== 0x57) {
      throw new FrameFault('bad-magic', 'not "TW"');
    }
    const version = bytes[frameHeader.version]!;
    if (version !== 2) throw new FrameFault('bad-version', `version ${version}`);
    this.dictionary = uint32(bytes, frameHeader.dictionary);
    this.openBlocks(bytes, frameHeader.blocks, length, uint32(bytes, frameHeader.timeBase));
  }

  /** Starts at blocks without a frame around them, as rings and stores hold them: `from` ≤ index < `to`. */
  openBlocks(bytes: Uint8Array, from: number, to: number, timeBase: number): void {
    this.bytes = bytes;
    this.timeBase = timeBase;
    this.#baseMicros = timeBase * (timeBaseMillis * 1_000);
    this.#nextAt = from;
    this.#frameEnd = to;
    this.skipped = 0;
  }

  /** Goes to the next block of a known kind and reads its head; false when there is none. */
  next(): boolean {
    while (this.#nextAt < this.#frameEnd) {
      this.at = this.#nextAt;
      this.end = this.#frameEnd;
      const head = this.u8();
      const instrument = this.varuint();
      const length = this.varuint();
      if (instrument > instrumentMax) throw new FrameFault('bad-number', `instrument ${instrument}`);
      if (length > this.end - this.at)
        throw new FrameFault('bad-length', `a block of ${length} bytes at ${this.at}`);
      this.end = this.#nextAt = this.at + length;
      this.kind = head & kindBits.kind;
      this.instrument = instrument;
      if (recordsMin[this.kind]! >= 0) {
        this.#blockHead(head);
        return true;
      }
      this.skipped++;
    }
    return false;
  }

  #blockHead(head: number): void {
    const count = this.varuint();
    if (count < recordsMin[this.kind]! || count > recordsMax[this.kind]!) {
      throw new FrameFault('bad-number', `${count} records of kind ${this.kind}`);
    }
    this.count = count;
    this.cursor = this.varuint();
    this.unit = (head & kindBits.micros) !== 0 ? 1 : 1_000;
    this.time = checked(this.#baseMicros + this.varuint() * this.unit);
    this.received = (head & kindBits.receive) !== 0 ? checked(this.time + this.varint()) : 0;
    this.snapshot = (head & kindBits.snapshot) !== 0;
  }

  /** Reads the records of a trade block; false when a flag in them is unknown, and the block thus skipped. */
  trades(batch: TradeBatch): boolean {
    return readTrades(this, batch) || this.skip();
  }

  /** Reads the records of a quote block; false when a flag in them is unknown, and the block thus skipped. */
  quotes(batch: QuoteBatch): boolean {
    return readQuotes(this, batch) || this.skip();
  }

  /** Reads a book snapshot, top or delta; false when a flag in it is unknown, and the block thus skipped. */
  book(batch: BookBatch): boolean {
    return readBookBlock(this, batch) || this.skip();
  }

  /** Leaves the rest of the block out, because something in it is unknown. */
  skip(): false {
    this.skipped++;
    this.at = this.end;
    return false;
  }

  /** To be called after the last record of a block: they must fill it. */
  finish(): void {
    if (this.at !== this.end)
      throw new FrameFault('bad-length', `${this.end - this.at} bytes left over in a block`);
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
