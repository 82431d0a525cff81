/** Order book blocks into columns: snapshot, top and delta alike (`proto/frames.md`). A batch holds one block. */
import { blockKind, bookFlag, bookFlagsKnown, bookLevelsMax } from './block.ts';
import type { FrameReader } from './decode.ts';
import { checked } from './decode-bytes.ts';
import { FrameFault } from './decode-fault.ts';

/**
 * A book, or a change of it. In a snapshot or top the levels are best first; in a delta they are in the order in which
 * they are to be applied, and size 0 takes the level away.
 */
export interface BookBatch {
  instrument: number;
  /** `blockKind.bookSnapshot`, `bookTop` or `bookDelta`. */
  kind: number;
  /** The venue's last update id that it holds. */
  cursor: number;
  /** Of a delta: the cursor of the change before, and the first update id of this one. Else both `cursor`. */
  previous: number;
  firstUpdate: number;
  /** µs since 1970. */
  time: number;
  /** µs since 1970; 0 when unknown. */
  received: number;
  snapshot: boolean;
  /** False when the side has more levels, beyond the worst here, than the server knows or tells. */
  bidsWhole: boolean;
  asksWhole: boolean;
  bidCount: number;
  askCount: number;
  /** Mantissas. */
  readonly bidPrice: Float64Array;
  readonly bidSize: Float64Array;
  readonly askPrice: Float64Array;
  readonly askSize: Float64Array;
}

const column = (): Float64Array => new Float64Array(bookLevelsMax);

export function bookBatch(): BookBatch {
  const columns = { bidPrice: column(), bidSize: column(), askPrice: column(), askSize: column() };
  const ids = { instrument: 0, kind: 0, cursor: 0, previous: 0, firstUpdate: 0, time: 0, received: 0 };
  const counts = { snapshot: false, bidsWhole: true, asksWhole: true, bidCount: 0, askCount: 0 };
  return { ...ids, ...counts, ...columns };
}

/** False when a flag is unknown; the batch is then empty. */
export function readBookBlock(reader: FrameReader, batch: BookBatch): boolean {
  batch.bidCount = batch.askCount = 0;
  const flags = reader.u8();
  if (flags > bookFlagsKnown) return false;
  const { cursor, kind } = reader;
  const delta = kind === blockKind.bookDelta;
  const previous = delta ? checked(cursor - reader.varuint()) : cursor;
  const firstUpdate = delta ? checked(cursor - reader.varuint()) : cursor;
  const bids = reader.varuint();
  const asks = reader.varuint();
  if (bids > bookLevelsMax || asks > bookLevelsMax)
    throw new FrameFault('bad-number', `${bids} bids and ${asks} asks`);
  if (delta) readChanges(reader, batch, bids, asks);
  else readSides(reader, batch, bids, asks);
  reader.finish();
  batch.instrument = reader.instrument;
  batch.kind = kind;
  batch.cursor = cursor;
  batch.previous = previous;
  batch.firstUpdate = firstUpdate;
  batch.time = reader.time;
  batch.received = reader.received;
  batch.snapshot = reader.snapshot;
  batch.bidsWhole = (flags & bookFlag.bidsCut) === 0;
  batch.asksWhole = (flags & bookFlag.asksCut) === 0;
  batch.bidCount = bids;
  batch.askCount = asks;
  return true;
}

function readChanges(reader: FrameReader, batch: BookBatch, bids: number, asks: number): void {
  const { bidPrice, bidSize, askPrice, askSize } = batch;
  let price = 0;
  for (let level = 0; level < bids; level++) {
    price = checked(price + reader.varint());
    bidPrice[level] = price;
    bidSize[level] = reader.varuint();
  }
  for (let level = 0; level < asks; level++) {
    price = checked(price + reader.varint());
    askPrice[level] = price;
    askSize[level] = reader.varuint();
  }
}

function readSides(reader: FrameReader, batch: BookBatch, bids: number, asks: number): void {
  const { bidPrice, bidSize, askPrice, askSize } = batch;
  let price = 0;
  for (let level = 0; level < bids; level++) {
    price = level === 0 ? reader.varuint() : checked(price - step(reader));
    bidPrice[level] = price;
    bidSize[level] = reader.varuint();
  }
  price = bids > 0 ? bidPrice[0]! : 0;
  for (let level = 0; level < asks; level++) {
    price = checked(level === 0 ? price + reader.varint() : price + step(reader));
    askPrice[level] = price;
    askSize[level] = reader.varuint();
  }
}

/** From one level to the next: never 0, so that no price comes twice. */
function step(reader: FrameReader): number {
  const value = reader.varuint();
  if (value === 0) throw new FrameFault('bad-number', 'a price twice in one side of a book');
  return value;
}
