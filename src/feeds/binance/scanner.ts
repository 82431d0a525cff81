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
import { tickFlag, tickKind, tickWords, type TickRecords } from '../../wire/tick-record.ts';
import type { NormaliserOptions } from '../normaliser.ts';
import { notDigits, scanDecimal, scanWhole, valueOfFour } from '../scan-number.ts';
import { nameBytesMax, SymbolTable } from '../symbol-table.ts';

/** Four ASCII characters as the 32-bit word they are in memory. */
function word(text: string): number {
  return text.charCodeAt(0) | (text.charCodeAt(1) << 8) | (text.charCodeAt(2) << 16) | (text.charCodeAt(3) << 24);
}

const stream0 = word('{"st');
const stream1 = word('ream');
const stream2 = word('m":"');
const trade0 = word('@tra');
const trade1 = word('de",');
const data0 = word('"dat');
const data1 = word('a":{');
const eventTrade0 = word('"e":');
const eventTrade1 = word('"tra');
const eventE = word('"E":');
const agg0 = word('@agg');
const agg1 = word('Trad');
const agg2 = word('e","');
const agg3 = word('data');
const agg4 = word('":{"');
const agg5 = word('e":"');
const agg6 = word('aggT');
const agg7 = word('rade');
const agg8 = word('","E');
const agg9 = word(',"E"');
const book0 = word('@boo');
const book1 = word('kTic');
const book2 = word('ker"');
const book3 = word(',"da');
const book4 = word('ta":');
const book5 = word('{"u"');
const book6 = word('"u":');
const rawEvent = word('{"e"');
const rawTrade1 = word(':"tr');
const rawTrade2 = word('ade"');
const rawAgg1 = word(':"ag');
const rawAgg2 = word('gTra');
const rawAgg3 = word('de",');
const symbol0 = word(',"s"');
const symbol1 = word('s":"');
const id0 = word('","t');
const id1 = word('"t":');
const aggId0 = word('","a');
const aggId1 = word('"a":');
const price0 = word(',"p"');
const price1 = word('p":"');
const size0 = word('","q');
const size1 = word('q":"');
const time0 = word('","T');
const time1 = word('"T":');
const first0 = word('","f');
const first1 = word('"f":');
const last0 = word(',"l"');
const last1 = word('"l":');
const plainTime0 = word(',"T"');
const buyer0 = word('","b');
const buyer1 = word('"b":');
const seller0 = word(',"a"');
const maker0 = word(',"m"');
const makerTrue1 = word(':tru');
const makerTrue2 = word('e,"M');
const makerTrue3 = word('":tr');
const makerFalse1 = word(':fal');
const makerFalse2 = word('se,"');
const makerFalse3 = word('M":t');
const close1 = word('rue}');
const close2 = word('ue}}');
const bid0 = word('","b');
const bid1 = word('b":"');
const bidSize0 = word('","B');
const bidSize1 = word('B":"');
const ask0 = word('","a');
const ask1 = word('a":"');
const askSize0 = word('","A');
const askSize1 = word('A":"');
const quoteMark = 0x22;
const at = 0x40;
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
    if (head === stream0) return this.#combined(view, p, end, received, out);
    if (head === book5) return view.getUint8(p + 4) === 0x3a && this.#quote(view, p + 5, end, -1, received, out);
    if (head === rawEvent) return this.#raw(view, p, end, received, out);
    return false;
  }

  #combined(view: DataView, p: number, end: number, received: number, out: TickRecords): boolean {
    if (end - p < combinedBytesMin) return false;
    if (view.getInt32(p + 4, true) !== stream1 || view.getInt32(p + 7, true) !== stream2) return false;
    p += 11;
    let a = p + symbolBytesMin;
    const stop = p + nameBytesMax;
    while (a < stop && view.getUint8(a) !== at) a++;
    const i = this.#streams.find(view, p, a);
    if (i < 0) return false;
    const kind = view.getInt32(a, true);
    if (kind === trade0) {
      return (
        this.#aggregated[i] === 0 &&
        view.getInt32(a + 4, true) === trade1 &&
        view.getInt32(a + 8, true) === data0 &&
        view.getInt32(a + 12, true) === data1 &&
        view.getInt32(a + 16, true) === eventTrade0 &&
        view.getInt32(a + 20, true) === eventTrade1 &&
        view.getInt32(a + 24, true) === trade1 &&
        view.getInt32(a + 28, true) === eventE &&
        this.#trade(view, a + 32, end, i, 2, received, out)
      );
    }
    if (kind === book0) {
      return (
        view.getInt32(a + 4, true) === book1 &&
        view.getInt32(a + 8, true) === book2 &&
        view.getInt32(a + 12, true) === book3 &&
        view.getInt32(a + 16, true) === book4 &&
        view.getInt32(a + 20, true) === book5 &&
        view.getInt32(a + 21, true) === book6 &&
        this.#quote(view, a + 25, end, i, received, out)
      );
    }
    return (
      kind === agg0 &&
      this.#aggregated[i] === 1 &&
      view.getInt32(a + 4, true) === agg1 &&
      view.getInt32(a + 8, true) === agg2 &&
      view.getInt32(a + 12, true) === agg3 &&
      view.getInt32(a + 16, true) === agg4 &&
      view.getInt32(a + 20, true) === agg5 &&
      view.getInt32(a + 24, true) === agg6 &&
      view.getInt32(a + 28, true) === agg7 &&
      view.getInt32(a + 32, true) === agg8 &&
      view.getInt32(a + 34, true) === eventE &&
      this.#aggregate(view, a + 38, end, i, 2, received, out)
    );
  }

  #raw(view: DataView, p: number, end: number, received: number, out: TickRecords): boolean {
    const next = view.getInt32(p + 4, true);
    if (next === rawTrade1) {
      return (
        view.getInt32(p + 8, true) === rawTrade2 &&
        view.getInt32(p + 12, true) === agg9 &&
        view.getUint8(p + 16) === 0x3a &&
        this.#trade(view, p + 17, end, -1, 1, received, out)
      );
    }
    return (
      next === rawAgg1 &&
      view.getInt32(p + 8, true) === rawAgg2 &&
      view.getInt32(p + 12, true) === rawAgg3 &&
      view.getInt32(p + 16, true) === eventE &&
      this.#aggregate(view, p + 20, end, -1, 1, received, out)
    );
  }

  /**
   * `,"s":"BTCUSDT` at `p`: the instrument's index, or -1. `known` is the one that the stream's name gave, or -1.
   * Leaves room for what follows the symbol to be compared unchecked.
   */
  #symbol(view: DataView, p: number, end: number, known: number): number {
    if (p + symbolFrame + nameBytesMax > end) return -1;
    if (view.getInt32(p, true) !== symbol0 || view.getInt32(p + 2, true) !== symbol1) return -1;
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
    if (view.getInt32(p, true) !== id0 || view.getInt32(p + 2, true) !== id1) return false;
    p = scanWhole(view, p + 6, end, words, 3);
    if (p < 0 || (p = this.#priceAndSize(view, p, end, i, words)) < 0) return false;
    const id = words[3]!;
    words[6] = id;
    words[7] = id;
    if (view.getInt32(p, true) === buyer0) {
      if (view.getInt32(p + 2, true) !== buyer1) return false;
      p = scanWhole(view, p + 6, end, words, 1);
      if (p < 0 || p + 5 > end) return false;
      if (view.getInt32(p, true) !== seller0 || view.getInt32(p + 1, true) !== aggId1) return false;
      p = scanWhole(view, p + 5, end, words, 1);
      if (p < 0 || p + 5 > end) return false;
      if (view.getInt32(p, true) !== plainTime0 || view.getInt32(p + 1, true) !== time1) return false;
      p += 5;
    } else {
      if (view.getInt32(p, true) !== time0 || view.getInt32(p + 2, true) !== time1) return false;
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
    if (view.getInt32(p, true) !== aggId0 || view.getInt32(p + 2, true) !== aggId1) return false;
    p = scanWhole(view, p + 6, end, words, 3);
    if (p < 0 || (p = this.#priceAndSize(view, p, end, i, words)) < 0) return false;
    if (view.getInt32(p, true) !== first0 || view.getInt32(p + 2, true) !== first1) return false;
    p = scanWhole(view, p + 6, end, words, 6);
    if (p < 0 || p + 5 > end) return false;
    if (view.getInt32(p, true) !== last0 || view.getInt32(p + 1, true) !== last1) return false;
    p = scanWhole(view, p + 5, end, words, 7);
    if (p < 0 || p + 5 > end || words[6]! > words[7]!) return false;
    if (view.getInt32(p, true) !== plainTime0 || view.getInt32(p + 1, true) !== time1) return false;
    return this.#timeAndSide(view, p + 5, end, i, braces, received, out);
  }

  /** `,"p":"1.0","q":"2.0`: the position of the closing quote mark, or -1. */
  #priceAndSize(view: DataView, p: number, end: number, i: number, words: Float64Array): number {
    if (p + tailMin > end) return -1;
    if (view.getInt32(p, true) !== price0 || view.getInt32(p + 2, true) !== price1) return -1;
    p = scanDecimal(view, p + 6, end, this.#priceDecimals[i]!, words, 4);
    if (p < 0 || p + tailMin > end) return -1;
    if (view.getInt32(p, true) !== size0 || view.getInt32(p + 3, true) !== size1) return -1;
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
    if (p < 0 || p + 18 + braces > end || view.getInt32(p, true) !== maker0) return false;
    let head: number = tickKind.trade;
    if (view.getInt32(p + 4, true) === makerTrue1) {
      if (p + 18 + braces !== end) return false;
      if (view.getInt32(p + 8, true) !== makerTrue2 || view.getInt32(p + 12, true) !== makerTrue3) return false;
      head |= tickFlag.takerSold;
    } else {
      if (p + 19 + braces !== end || view.getInt32(p + 4, true) !== makerFalse1) return false;
      if (view.getInt32(p + 8, true) !== makerFalse2 || view.getInt32(p + 12, true) !== makerFalse3) return false;
    }
    if (view.getInt32(end - 4, true) !== (braces === 2 ? close2 : close1)) return false;
    if (view.getInt32(end - 3 - braces, true) !== close1) return false;
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
    if (view.getInt32(p, true) !== bid0 || view.getInt32(p + 3, true) !== bid1) return false;
    p = scanDecimal(view, p + 7, end, priceDecimals, words, 4);
    if (p < 0 || p + 7 > end) return false;
    if (view.getInt32(p, true) !== bidSize0 || view.getInt32(p + 3, true) !== bidSize1) return false;
    p = scanDecimal(view, p + 7, end, sizeDecimals, words, 5);
    if (p < 0 || p + 7 > end) return false;
    if (view.getInt32(p, true) !== ask0 || view.getInt32(p + 3, true) !== ask1) return false;
    p = scanDecimal(view, p + 7, end, priceDecimals, words, 6);
    if (p < 0 || p + 7 > end) return false;
    if (view.getInt32(p, true) !== askSize0 || view.getInt32(p + 3, true) !== askSize1) return false;
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
