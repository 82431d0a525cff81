/** Binary messages in, events out: decodes frames, keeps the dictionary and the trade cursors. Knows no sockets. */
import type { Enigma, GapNotice, Ticker } from '../market/tick.ts';
import { blockKind } from '../wire/block.ts';
import { channel } from '../wire/block-message.ts';
import type { Crc32 } from '../wire/crc32.ts';
import { FrameReader } from '../wire/decode.ts';
import { type QuoteBatch, quoteBatch, type TradeBatch, tradeBatch } from '../wire/decode-batch.ts';
import { type BookBatch, bookBatch } from '../wire/decode-book.ts';
import {
  type DictionaryEntry,
  readDictionary,
  readError,
  readHeartbeat,
  type StreamCursor,
} from '../wire/decode-connection.ts';
import { FrameFault, type FrameFaultReason } from '../wire/decode-fault.ts';
import {
  type BarUpdate,
  readBar,
  readEnigma,
  readGap,
  readStatus,
  readTicker,
  type StreamStatus,
} from '../wire/decode-records.ts';
import { decodeV1, type V1Batch, v1Batch } from '../wire/frame-v1.ts';
import { InstrumentDictionary } from './dictionary.ts';
import type { Listeners } from './listeners.ts';
import { type BookJump, type OrderBook, OrderBooks } from './order-books.ts';
import { TradeCursors, type TradeJump } from './trade-cursors.ts';

/**
 * What a client can listen to. Batches are reused: they hold only during the call. `snapshot` means the state as
 * it stood at the subscription.
 */
export interface FrameEvents {
  trades: (batch: TradeBatch) => void;
  quotes: (batch: QuoteBatch) => void;
  ticker: (ticker: Ticker, snapshot: boolean) => void;
  bar: (bar: BarUpdate, snapshot: boolean) => void;
  enigma: (enigma: Enigma, snapshot: boolean) => void;
  /** An order book has changed: kept by the client, the same object each time. */
  book: (book: OrderBook) => void;
  /** A change of a book did not follow the one before it: a fresh snapshot is asked for. */
  bookJump: (jump: BookJump) => void;
  /** The best levels of a book, conflated. */
  bookTop: (batch: BookBatch) => void;
  /** A stream is stale, live again, or (a book) waits for its snapshot: the server's word. */
  status: (status: StreamStatus) => void;
  /** Trades are missing, came after all, or are lost: the server's word. */
  gap: (notice: GapNotice) => void;
  /** Trades did not come and nobody said so. */
  jump: (jump: TradeJump) => void;
  dictionary: (entries: readonly DictionaryEntry[]) => void;
  heartbeat: (cursors: readonly StreamCursor[]) => void;
  /** An error block: a number of `control.md` and its text. */
  notice: (code: number, text: string) => void;
  /** Price and size records of a v1 frame. */
  updates: (batch: V1Batch) => void;
  /** A frame could not be trusted and was dropped from the fault on. */
  fault: (fault: FrameFault) => void;
}

export class FrameIntake {
  readonly dictionary = new InstrumentDictionary();
  readonly cursors = new TradeCursors();
  readonly books = new OrderBooks();
  frames = 0;
  bytes = 0;
  /** Blocks left out since something in them is unknown to this client. */
  skipped = 0;
  jumps = 0;
  /** Frames with a fault, by reason. */
  readonly faults: Partial<Record<FrameFaultReason, number>> = {};
  readonly #events: Listeners<FrameEvents>;
  readonly #crc32: Crc32;
  readonly #reader = new FrameReader();
  readonly #trades = tradeBatch();
  readonly #quotes = quoteBatch();
  readonly #book = bookBatch();
  #v1: V1Batch | undefined;
  /** Where the instruments of a former epoch stood, by symbol. */
  #stood = new Map<string, number>();

  constructor(events: Listeners<FrameEvents>, crc32: Crc32) {
    this.#events = events;
    this.#crc32 = crc32;
  }

  v2(bytes: Uint8Array): void {
    const reader = this.#reader;
    this.#count(bytes);
    try {
      reader.open(bytes, this.#crc32);
      while (reader.next()) this.#block(reader);
      this.skipped += reader.skipped;
    } catch (error) {
      this.#fault(error);
    }
    for (const jump of this.cursors.judge()) {
      this.jumps++;
      this.#events.emit('jump', jump);
    }
  }

  v1(bytes: Uint8Array): void {
    const batch = (this.#v1 ??= v1Batch());
    this.#count(bytes);
    try {
      decodeV1(bytes, batch, this.#crc32);
      this.#events.emit('updates', batch);
    } catch (error) {
      this.#fault(error);
    }
  }

  /** A dictionary, from a block or from the text message of v1. */
  learn(epoch: number, entries: readonly DictionaryEntry[]): void {
    const { dictionary, cursors } = this;
    if (epoch !== dictionary.epoch) {
      this.books.clear();
      for (const [instrument, last] of cursors.clear()) {
        const symbol = dictionary.get(instrument)?.symbol;
        if (symbol !== undefined) this.#stood.set(symbol, last);
      }
    }
    dictionary.learn(epoch, entries);
    for (const { id, symbol } of this.#stood.size === 0 ? [] : entries) {
      const last = this.#stood.get(symbol);
      if (last !== undefined) cursors.resume(id, last);
      this.#stood.delete(symbol);
    }
    this.#events.emit('dictionary', entries);
  }

  #block(reader: FrameReader): void {
    const events = this.#events;
    switch (reader.kind) {
      case blockKind.trade:
        if (!reader.trades(this.#trades)) return;
        this.cursors.trades(this.#trades);
        return events.emit('trades', this.#trades);
      case blockKind.quote:
        if (events.has('quotes') && reader.quotes(this.#quotes)) events.emit('quotes', this.#quotes);
        return;
      case blockKind.ticker:
        return events.emit('ticker', readTicker(reader), reader.snapshot);
      case blockKind.bar: {
        const bar = readBar(reader);
        return bar && events.emit('bar', bar, reader.snapshot);
      }
      case blockKind.enigma:
        return events.emit('enigma', readEnigma(reader), reader.snapshot);
      case blockKind.bookSnapshot:
      case blockKind.bookDelta:
      case blockKind.bookTop:
        if (reader.book(this.#book)) this.#takeBook();
        return;
      default:
        this.#noticeBlock(reader);
    }
  }

  #takeBook(): void {
    const batch = this.#book;
    if (batch.kind === blockKind.bookTop) return this.#events.emit('bookTop', batch);
    const jump = this.books.take(batch);
    if (jump !== undefined) return this.#events.emit('bookJump', jump);
    const book = this.books.get(batch.instrument);
    if (book?.live === true && book.cursor === batch.cursor) this.#events.emit('book', book);
  }

  #noticeBlock(reader: FrameReader): void {
    switch (reader.kind) {
      case blockKind.gap:
      case blockKind.repaired:
      case blockKind.lost: {
        const notice = readGap(reader);
        this.cursors.gap(notice);
        return this.#events.emit('gap', notice);
      }
      case blockKind.status: {
        const status = readStatus(reader);
        if (status === undefined) return;
        if (status.channel === channel.book && status.state !== 'live') this.books.suspend(status.instrument);
        return this.#events.emit('status', status);
      }
      case blockKind.dictionary: {
        const entries = readDictionary(reader);
        return entries && this.learn(reader.cursor, entries);
      }
      case blockKind.heartbeat: {
        const cursors = readHeartbeat(reader);
        for (const { kind, instrument, cursor } of cursors) {
          if (kind === blockKind.trade) this.cursors.reached(instrument, cursor);
        }
        return this.#events.emit('heartbeat', cursors);
      }
      default:
        this.#events.emit('notice', reader.cursor, readError(reader));
    }
  }

  #count(bytes: Uint8Array): void {
    this.frames++;
    this.bytes += bytes.length;
  }

  #fault(error: unknown): void {
    if (!(error instanceof FrameFault)) throw error;
    this.faults[error.reason] = (this.faults[error.reason] ?? 0) + 1;
    this.#events.emit('fault', error);
  }
}
