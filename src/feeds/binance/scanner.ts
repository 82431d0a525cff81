/**
 * Reads trade, aggTrade and bookTicker messages of exactly the shape that Binance sends straight from their bytes, in
 * one pass, with no string and no object. It accepts or declines, and never refuses: whatever is not to the byte as
 * expected is left to `normalise.ts`, which must agree with all that is accepted here.
 *
 *   {"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":2,"p":"3.0","q":"4.0","T":5,"m":true,"M":true}}
 *   {"stream":"btcusdt@aggTrade","data":{"e":"aggTrade", … "a":2,"p":"3.0","q":"4.0","f":6,"l":7,"T":5,"m":true,"M":true}}
 *   {"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"2.0","B":"3.0","a":"4.0","A":"5.0"}}
 *
 * Raw streams send the data alone. Until 2023 trades also had `"b":8,"a":9` (order ids) before `"T"`.
 */
import { type TickRecords, tickFlag, tickKind, tickWords } from '../../wire/tick-record.ts';
import type { NormaliserOptions } from '../normaliser.ts';
import { notDigits, scanDecimal, scanWhole, valueOfFour } from '../scan-number.ts';
import { nameBytesMax, SymbolTable } from '../symbol-table.ts';
import * as w from './words.ts';

const quoteMark = 0x22;
const atSign = 0x40;
const brace = 0x7d;
const comma = 0x2c;
const zeroDigits = 0x30303030;

/** The shortest messages have more bytes; so their fixed heads can be compared unchecked. */
const rawBytesMin = 48;
const combinedBytesMin = 84;
const symbolBytesMin = 4;
/** `,"s":"` before the symbol and `","t":` after it. */
const symbolFrame = 12;
/** The least that follows a whole number or a price in any message: so much can be compared unchecked. */
const tailMin = 17;

const millisFrom = 1e12;
const millisTo = 1e13;
const microsFrom = 1e15;
const microsTo = 1e16;

export class BinanceScanner {
  readonly #streams: SymbolTable;
  readonly #natives: SymbolTable;
  readonly #ids: Uint32Array;
  readonly #priceDecimals: Uint8Array;
  readonly #sizeDecimals: Uint8Array;
  /** 1 when aggregates make the ticks. */
  readonly #aggregated: Uint8Array;
  readonly #past: number;
  readonly #future: number;
  readonly #spanFrom: number;
  readonly #spanTo: number;
  /** Views are made once a buffer, not once a message: a socket's chunk holds many. */
  #buffer: ArrayBufferLike | undefined;
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** The first eight of the 13 digits of the last time, as they stand in memory, and their value. */
  #stamp0 = 0;
  #stamp1 = 0;
  #stampValue = 0;

  constructor(options: NormaliserOptions) {
    const { instruments, plausible } = options;
    this.#streams = new SymbolTable(instruments.map((one) => one.native.toLowerCase()));
    this.#natives = new SymbolTable(instruments.map((one) => one.native));
    this.#ids = Uint32Array.from(instruments, (one) => one.id);
    this.#priceDecimals = Uint8Array.from(instruments, (one) => one.priceDecimals);
    this.#sizeDecimals = Uint8Array.from(instruments, (one) => one.sizeDecimals);
    this.#aggregated = Uint8Array.from(instruments, (one) => (options.tradesOf(one) === 'aggTrade' ? 1 : 0));
    const near = plausible.around === 'receipt';
    this.#past = near ? plausible.pastMicros : Number.POSITIVE_INFINITY;
    this.#future = near ? plausible.futureMicros : Number.POSITIVE_INFINITY;
    this.#spanFrom = near ? 0 : plausible.from;
    this.#spanTo = near ? Number.POSITIVE_INFINITY : plausible.to;
  }

  /** True when the message was accepted and its record is in slot 0 of `out`; false: not mine, `out` is spoilt. */
  scan(bytes: Uint8Array, from: number, to: number, received: number, out: TickRecords): boolean {
    if (to - from < rawBytesMin) return false;
    const { buffer } = bytes;
    if (buffer !== this.#buffer) {
      this.#buffer = buffer;
      this.#view = new DataView(buffer);
    }
    const view = this.#view;
    const base = bytes.byteOffset;
    const p = base + from;
    const end = base + to;
    const head = view.getInt32(p, true);
    if (head === w.stream0) return this.#combined(view, p, end, received, out);
    if (head === w.book5)
      return view.getUint8(p + 4) === 0x3a && this.#quote(view, p + 5, end, -1, received, out);
    if (head === w.rawEvent) return this.#raw(view, p, end, received, out);
    return false;
  }

  #combined(view: DataView, p: number, end: number, received: number, out: TickRecords): boolean {
    if (end - p < combinedBytesMin) return false;
    if (view.getInt32(p + 4, true) !== w.stream1 || view.getInt32(p + 7, true) !== w.stream2) return false;
    p += 11;
    let a = p + symbolBytesMin;
    const stop = p + nameBytesMax;
    while (a < stop && view.getUint8(a) !== atSign) a++;
    const i = this.#streams.find(view, p, a);
    if (i < 0) return false;
    const kind = view.getInt32(a, true);
    if (kind === w.trade0) {
      return (
        this.#aggregated[i] === 0 &&
        view.getInt32(a + 4, true) === w.trade1 &&
        view.getInt32(a + 8, true) === w.data0 &&
        view.getInt32(a + 12, true) === w.data1 &&
        view.getInt32(a + 16, true) === w.eventTrade0 &&
        view.getInt32(a + 20, true) === w.eventTrade1 &&
        view.getInt32(a + 24, true) === w.trade1 &&
        view.getInt32(a + 28, true) === w.eventE &&
        this.#trade(view, a + 32, end, i, 2, received, out)
      );
    }
    if (kind === w.book0) {
      return (
        view.getInt32(a + 4, true) === w.book1 &&
        view.getInt32(a + 8, true) === w.book2 &&
        view.getInt32(a + 12, true) === w.book3 &&
        view.getInt32(a + 16, true) === w.book4 &&
        view.getInt32(a + 20, true) === w.book5 &&
        view.getInt32(a + 21, true) === w.book6 &&
        this.#quote(view, a + 25, end, i, received, out)
      );
    }
    return (
      kind === w.agg0 &&
      this.#aggregated[i] === 1 &&
      view.getInt32(a + 4, true) === w.agg1 &&
      view.getInt32(a + 8, true) === w.agg2 &&
      view.getInt32(a + 12, true) === w.agg3 &&
      view.getInt32(a + 16, true) === w.agg4 &&
      view.getInt32(a + 20, true) === w.agg5 &&
      view.getInt32(a + 24, true) === w.agg6 &&
      view.getInt32(a + 28, true) === w.agg7 &&
      view.getInt32(a + 32, true) === w.agg8 &&
      view.getInt32(a + 34, true) === w.eventE &&
      this.#aggregate(view, a + 38, end, i, 2, received, out)
    );
  }

  #raw(view: DataView, p: number, end: number, received: number, out: TickRecords): boolean {
    const next = view.getInt32(p + 4, true);
    if (next === w.rawTrade1) {
      return (
        view.getInt32(p + 8, true) === w.rawTrade2 &&
        view.getInt32(p + 12, true) === w.agg9 &&
        view.getUint8(p + 16) === 0x3a &&
        this.#trade(view, p + 17, end, -1, 1, received, out)
      );
    }
    return (
      next === w.rawAgg1 &&
      view.getInt32(p + 8, true) === w.rawAgg2 &&
      view.getInt32(p + 12, true) === w.rawAgg3 &&
      view.getInt32(p + 16, true) === w.eventE &&
      this.#aggregate(view, p + 20, end, -1, 1, received, out)
    );
  }

  /**
   * `,"s":"BTCUSDT` at `p`: the instrument's index, or -1. `known` is the one that the stream's name gave, or -1.
   * Leaves room for what follows the symbol to be compared unchecked.
   */
  #symbol(view: DataView, p: number, end: number, known: number): number {
    if (p + symbolFrame + nameBytesMax > end) return -1;
    if (view.getInt32(p, true) !== w.symbol0 || view.getInt32(p + 2, true) !== w.symbol1) return -1;
    p += 6;
    if (known >= 0) return this.#natives.isAt(known, view, p) ? known : -1;
    let q = p + symbolBytesMin;
    const stop = p + nameBytesMax;
    while (q < stop && view.getUint8(q) !== quoteMark) q++;
    return this.#natives.find(view, p, q);
  }

  /** A time. Its first eight digits change only every 100 s: they are compared, not read. */
  #time(view: DataView, p: number, end: number, words: Float64Array, at: number): number {
    if (p + tailMin > end) return -1;
    const digits = view.getInt32(p + 8, true) ^ zeroDigits;
    const last = view.getUint8(p + 12) - 0x30;
    const known = view.getInt32(p, true) === this.#stamp0 && view.getInt32(p + 4, true) === this.#stamp1;
    const next = view.getUint8(p + 13);
    if (known && notDigits(digits) === 0 && last >= 0 && last <= 9 && next === comma) {
      words[at] = this.#stampValue + (Math.imul(valueOfFour(digits), 10) + last);
      return p + 13;
    }
    const after = scanWhole(view, p, end, words, at);
    if (after === p + 13) {
      this.#stamp0 = view.getInt32(p, true);
      this.#stamp1 = view.getInt32(p + 4, true);
      this.#stampValue = words[at]! - (words[at]! % 100_000);
    }
    return after;
  }

  /** From the number after `"E":`; `braces` close the message. */
  #trade(
    view: DataView,
    p: number,
    end: number,
    known: number,
    braces: number,
    received: number,
    out: TickRecords,
  ): boolean {
    const { words } = out;
    p = this.#time(view, p, end, words, 2);
    if (p < 0) return false;
    const i = this.#symbol(view, p, end, known);
    if (i < 0 || this.#aggregated[i] !== 0) return false;
    p += 6 + this.#natives.lengthOf(i);
    if (view.getInt32(p, true) !== w.id0 || view.getInt32(p + 2, true) !== w.id1) return false;
    p = scanWhole(view, p + 6, end, words, 3);
    if (p < 0 || (p = this.#priceAndSize(view, p, end, i, words)) < 0) return false;
    const id = words[3]!;
    words[6] = id;
    words[7] = id;
    if (view.getInt32(p, true) === w.buyer0) {
      if (view.getInt32(p + 2, true) !== w.buyer1) return false;
      p = scanWhole(view, p + 6, end, words, 1);
      if (p < 0 || p + 5 > end) return false;
      if (view.getInt32(p, true) !== w.seller0 || view.getInt32(p + 1, true) !== w.aggId1) return false;
      p = scanWhole(view, p + 5, end, words, 1);
      if (p < 0 || p + 5 > end) return false;
      if (view.getInt32(p, true) !== w.plainTime0 || view.getInt32(p + 1, true) !== w.time1) return false;
      p += 5;
    } else {
      if (view.getInt32(p, true) !== w.time0 || view.getInt32(p + 2, true) !== w.time1) return false;
      p += 6;
    }
    return this.#timeAndSide(view, p, end, i, braces, received, out);
  }

  /** From the number after `"E":`. */
  #aggregate(
    view: DataView,
    p: number,
    end: number,
    known: number,
    braces: number,
    received: number,
    out: TickRecords,
  ): boolean {
    const { words } = out;
    p = this.#time(view, p, end, words, 2);
    if (p < 0) return false;
    const i = this.#symbol(view, p, end, known);
    if (i < 0 || this.#aggregated[i] !== 1) return false;
    p += 6 + this.#natives.lengthOf(i);
    if (view.getInt32(p, true) !== w.aggId0 || view.getInt32(p + 2, true) !== w.aggId1) return false;
    p = scanWhole(view, p + 6, end, words, 3);
    if (p < 0 || (p = this.#priceAndSize(view, p, end, i, words)) < 0) return false;
    if (view.getInt32(p, true) !== w.first0 || view.getInt32(p + 2, true) !== w.first1) return false;
    p = scanWhole(view, p + 6, end, words, 6);
    if (p < 0 || p + 5 > end) return false;
    if (view.getInt32(p, true) !== w.last0 || view.getInt32(p + 1, true) !== w.last1) return false;
    p = scanWhole(view, p + 5, end, words, 7);
    if (p < 0 || p + 5 > end || words[6]! > words[7]!) return false;
    if (view.getInt32(p, true) !== w.plainTime0 || view.getInt32(p + 1, true) !== w.time1) return false;
    return this.#timeAndSide(view, p + 5, end, i, braces, received, out);
  }

  /** `,"p":"1.0","q":"2.0`: the position of the closing quote mark, or -1. */
  #priceAndSize(view: DataView, p: number, end: number, i: number, words: Float64Array): number {
    if (p + tailMin > end) return -1;
    if (view.getInt32(p, true) !== w.price0 || view.getInt32(p + 2, true) !== w.price1) return -1;
    p = scanDecimal(view, p + 6, end, this.#priceDecimals[i]!, words, 4);
    if (p < 0 || p + tailMin > end) return -1;
    if (view.getInt32(p, true) !== w.size0 || view.getInt32(p + 3, true) !== w.size1) return -1;
    p = scanDecimal(view, p + 7, end, this.#sizeDecimals[i]!, words, 5);
    return p < 0 || p + tailMin > end || words[4] === 0 || words[5] === 0 ? -1 : p;
  }

  /** From the number after `"T":` to the end: the last of what a trade needs. */
  #timeAndSide(
    view: DataView,
    p: number,
    end: number,
    i: number,
    braces: number,
    received: number,
    out: TickRecords,
  ): boolean {
    const { words, halves } = out;
    p = this.#time(view, p, end, words, 1);
    // `,"m":true,"M":true` and the braces are 18 bytes and more.
    if (p < 0 || p + 18 + braces > end || view.getInt32(p, true) !== w.maker0) return false;
    let head: number = tickKind.trade;
    if (view.getInt32(p + 4, true) === w.makerTrue1) {
      if (p + 18 + braces !== end) return false;
      if (view.getInt32(p + 8, true) !== w.makerTrue2 || view.getInt32(p + 12, true) !== w.makerTrue3)
        return false;
      head |= tickFlag.takerSold;
    } else {
      if (p + 19 + braces !== end || view.getInt32(p + 4, true) !== w.makerFalse1) return false;
      if (view.getInt32(p + 8, true) !== w.makerFalse2 || view.getInt32(p + 12, true) !== w.makerFalse3)
        return false;
    }
    if (view.getInt32(end - 4, true) !== (braces === 2 ? w.close2 : w.close1)) return false;
    if (view.getInt32(end - 3 - braces, true) !== w.close1) return false;
    let time = words[1]!;
    if (time >= millisFrom && time < millisTo) time *= 1_000;
    else if (time < microsFrom || time >= microsTo) return false;
    if (time < received - this.#past || time > received + this.#future) return false;
    if (time < this.#spanFrom || time > this.#spanTo) return false;
    halves[0] = head;
    halves[1] = this.#ids[i]!;
    words[1] = time;
    words[2] = received;
    return true;
  }

  /** From the number after `"u":`. `known` below 0: a raw stream. */
  #quote(view: DataView, p: number, end: number, known: number, received: number, out: TickRecords): boolean {
    const { words, halves } = out;
    p = scanWhole(view, p, end, words, 3);
    if (p < 0) return false;
    const i = this.#symbol(view, p, end, known);
    if (i < 0) return false;
    const priceDecimals = this.#priceDecimals[i]!;
    const sizeDecimals = this.#sizeDecimals[i]!;
    p += 6 + this.#natives.lengthOf(i);
    if (view.getInt32(p, true) !== w.bid0 || view.getInt32(p + 3, true) !== w.bid1) return false;
    p = scanDecimal(view, p + 7, end, priceDecimals, words, 4);
    if (p < 0 || p + 7 > end) return false;
    if (view.getInt32(p, true) !== w.bidSize0 || view.getInt32(p + 3, true) !== w.bidSize1) return false;
    p = scanDecimal(view, p + 7, end, sizeDecimals, words, 5);
    if (p < 0 || p + 7 > end) return false;
    if (view.getInt32(p, true) !== w.ask0 || view.getInt32(p + 3, true) !== w.ask1) return false;
    p = scanDecimal(view, p + 7, end, priceDecimals, words, 6);
    if (p < 0 || p + 7 > end) return false;
    if (view.getInt32(p, true) !== w.askSize0 || view.getInt32(p + 3, true) !== w.askSize1) return false;
    p = scanDecimal(view, p + 7, end, sizeDecimals, words, 7);
    const braces = known < 0 ? 1 : 2;
    if (p < 0 || p + 1 + braces !== end || view.getUint8(p) !== quoteMark) return false;
    if (view.getUint8(end - 1) !== brace || view.getUint8(end - braces) !== brace) return false;
    const bid = words[4]!;
    if (bid === 0 || bid >= words[6]!) return false;
    halves[0] = tickKind.quote | tickFlag.noVenueTime;
    halves[1] = this.#ids[i]!;
    words[1] = received - (received % 1_000);
    words[2] = received;
    return true;
  }
}

if (tickWords !== 8) throw new Error('the scanner writes the words of a tick record by number');
