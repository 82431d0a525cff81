/** A whole v2 frame as objects: for tests, tools and golden vectors. What must be fast uses `FrameReader` itself. */
import type { Enigma, GapNotice, Quote, Ticker, Trade } from '../market/tick.ts';
import { blockKind, tradeFlag } from './block.ts';
import type { Crc32 } from './crc32.ts';
import { FrameReader } from './decode.ts';
import { quoteAt, quoteBatch, tradeAt, tradeBatch } from './decode-batch.ts';
import { type BookBatch, bookBatch } from './decode-book.ts';
import {
  type DictionaryEntry,
  readDictionary,
  readError,
  readHeartbeat,
  type StreamCursor,
} from './decode-connection.ts';
import {
  type BarUpdate,
  readBar,
  readEnigma,
  readGap,
  readStatus,
  readTicker,
  type StreamStatus,
} from './decode-records.ts';

/** A trade with the word of its frame whether it came after younger ones. */
export interface WireTrade extends Trade {
  readonly late: boolean;
  /** Only there when its price is beyond belief, and it counts nowhere. */
  readonly quarantined?: true;
}

/** Price and size, mantissas. */
export type WireLevel = readonly [price: number, size: number];

/** A book, best first. */
export interface WireBook {
  readonly instrument: number;
  readonly bidsWhole: boolean;
  readonly asksWhole: boolean;
  readonly bids: readonly WireLevel[];
  readonly asks: readonly WireLevel[];
}

/** A change of a book: levels in the order in which they apply; size 0 takes one away. */
export interface WireBookDelta extends WireBook {
  /** Cursor of the change before; first update id of this one. */
  readonly previous: number;
  readonly firstUpdate: number;
}

export interface BlockHead {
  readonly instrument: number;
  readonly cursor: number;
  /** µs since 1970. */
  readonly time: number;
  readonly snapshot: boolean;
  /** Whether the block's times are coded in µs, else in ms. */
  readonly micros: boolean;
  /** Receive time of the last record, µs since 1970; 0 when the block does not say. */
  readonly received: number;
}

export type BlockRecords =
  | { readonly kind: 'trade'; readonly records: readonly WireTrade[] }
  | { readonly kind: 'quote'; readonly records: readonly Quote[] }
  | { readonly kind: 'ticker'; readonly records: readonly Ticker[] }
  | { readonly kind: 'bar'; readonly records: readonly BarUpdate[] }
  | { readonly kind: 'enigma'; readonly records: readonly Enigma[] }
  | { readonly kind: 'gap'; readonly records: readonly GapNotice[] }
  | { readonly kind: 'bookSnapshot' | 'bookTop'; readonly records: readonly WireBook[] }
  | { readonly kind: 'bookDelta'; readonly records: readonly WireBookDelta[] }
  | { readonly kind: 'status'; readonly records: readonly StreamStatus[] }
  | { readonly kind: 'heartbeat'; readonly records: readonly StreamCursor[] }
  | { readonly kind: 'dictionary'; readonly records: readonly DictionaryEntry[] }
  | { readonly kind: 'error'; readonly records: readonly string[] };

export type Block = BlockHead & BlockRecords;

export interface Frame {
  readonly dictionary: number;
  readonly timeBase: number;
  /** Blocks of known kinds, in the frame's order. */
  readonly blocks: readonly Block[];
  /** Blocks left out because something in them is unknown. */
  readonly skipped: number;
}

/** @throws FrameFault */
export function decodeFrame(bytes: Uint8Array, crc32?: Crc32): Frame {
  const reader = new FrameReader();
  reader.open(bytes, crc32);
  const blocks = restOfBlocks(reader);
  return { dictionary: reader.dictionary, timeBase: reader.timeBase, blocks, skipped: reader.skipped };
}

/** The blocks that a reader has still before it. */
export function restOfBlocks(reader: FrameReader): Block[] {
  const blocks: Block[] = [];
  while (reader.next()) {
    const { instrument, cursor, time, snapshot, received } = reader;
    const records = recordsOf(reader);
    if (records === undefined) continue;
    blocks.push({ instrument, cursor, time, snapshot, micros: reader.unit === 1, received, ...records });
  }
  return blocks;
}

function recordsOf(reader: FrameReader): BlockRecords | undefined {
  switch (reader.kind) {
    case blockKind.trade:
      return tradesOf(reader);
    case blockKind.quote:
      return quotesOf(reader);
    case blockKind.ticker:
      return { kind: 'ticker', records: [readTicker(reader)] };
    case blockKind.bar: {
      const bar = readBar(reader);
      return bar && { kind: 'bar', records: [bar] };
    }
    case blockKind.enigma:
      return { kind: 'enigma', records: [readEnigma(reader)] };
    case blockKind.bookSnapshot:
    case blockKind.bookDelta:
    case blockKind.bookTop:
      return bookOf(reader);
    case blockKind.status: {
      const status = readStatus(reader);
      return status && { kind: 'status', records: [status] };
    }
    case blockKind.heartbeat:
      return { kind: 'heartbeat', records: readHeartbeat(reader) };
    case blockKind.dictionary: {
      const entries = readDictionary(reader);
      return entries && { kind: 'dictionary', records: entries };
    }
    case blockKind.error:
      return { kind: 'error', records: [readError(reader)] };
    default:
      return { kind: 'gap', records: [readGap(reader)] };
  }
}

function tradesOf(reader: FrameReader): BlockRecords | undefined {
  const batch = tradeBatch();
  if (!reader.trades(batch)) return undefined;
  const records = Array.from({ length: batch.count }, (_, i): WireTrade => {
    const flags = batch.flags[i]!;
    const trade = { ...tradeAt(batch, i), late: (flags & tradeFlag.late) !== 0 };
    return (flags & tradeFlag.quarantined) === 0 ? trade : { ...trade, quarantined: true };
  });
  return { kind: 'trade', records };
}

function bookOf(reader: FrameReader): BlockRecords | undefined {
  const batch = bookBatch();
  if (!reader.book(batch)) return undefined;
  const { instrument, previous, firstUpdate, bidsWhole, asksWhole } = batch;
  const book = {
    instrument,
    bidsWhole,
    asksWhole,
    bids: levelsOf(batch, 'bid'),
    asks: levelsOf(batch, 'ask'),
  };
  if (batch.kind === blockKind.bookDelta)
    return { kind: 'bookDelta', records: [{ ...book, previous, firstUpdate }] };
  return { kind: batch.kind === blockKind.bookTop ? 'bookTop' : 'bookSnapshot', records: [book] };
}

function levelsOf(batch: BookBatch, side: 'bid' | 'ask'): WireLevel[] {
  const prices = batch[`${side}Price`];
  const sizes = batch[`${side}Size`];
  return Array.from({ length: batch[`${side}Count`] }, (_, i): WireLevel => [prices[i]!, sizes[i]!]);
}

function quotesOf(reader: FrameReader): BlockRecords | undefined {
  const batch = quoteBatch();
  if (!reader.quotes(batch)) return undefined;
  return { kind: 'quote', records: Array.from({ length: batch.count }, (_, i) => quoteAt(batch, i)) };
}
