/**
 * Reads depth updates of exactly the shape that Binance sends from their bytes straight into records, level by level.
 * As `scanner.ts`: it accepts or declines, and never refuses; `normalise.ts` must agree with all that is accepted here.
 *
 *   {"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":2,"u":3,"b":[["4.0","5.0"]],"a":[]}}
 */
import { levelBits, levelsPerRecord, type TickRecords, tickKind, tickWords } from '../../wire/tick-record.ts';
import type { NormaliserOptions, PlausibleTime } from '../normaliser.ts';
import { scanDecimal, scanWhole } from '../scan-number.ts';
import { nameBytesMax, SymbolTable } from '../symbol-table.ts';
import * as w from './words.ts';

const quoteMark = 0x22;
const comma = 0x2c;
const atSign = 0x40;
const closing = 0x5d;
const brace = 0x7d;
/** `["`, `",` and `"]` as little-endian words of 16 bits. */
const levelOpen = 0x225b;
const quoteComma = 0x2c22;
const levelClose = 0x5d22;

const symbolBytesMin = 4;
/** The heads, the longest symbol twice and `"E":1`: so much can be compared unchecked. */
const combinedBytesMin = 120;
const rawBytesMin = 72;

export class BinanceDepthScanner {
  readonly #streams: SymbolTable;
  readonly #natives: SymbolTable;
  readonly #ids: Uint32Array;
  readonly #priceDecimals: Uint8Array;
  readonly #sizeDecimals: Uint8Array;
  readonly #plausible: PlausibleTime;
  readonly #bytesMax: number;
  #buffer: ArrayBufferLike | undefined;
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** Levels read so far of the message, and the word that the next one goes to. */
  #levels = 0;
  #at = 0;

  constructor({ instruments, plausible, messageBytesMax }: NormaliserOptions) {
    this.#streams = new SymbolTable(instruments.map((one) => one.native.toLowerCase()));
    this.#natives = new SymbolTable(instruments.map((one) => one.native));
    this.#ids = Uint32Array.from(instruments, (one) => one.id);
    this.#priceDecimals = Uint8Array.from(instruments, (one) => one.priceDecimals);
    this.#sizeDecimals = Uint8Array.from(instruments, (one) => one.sizeDecimals);
    this.#plausible = plausible;
    this.#bytesMax = messageBytesMax;
  }

  /** How many records were written to slots 0 … of `out`; 0: not mine, `out` is spoilt. */
  scan(bytes: Uint8Array, from: number, to: number, received: number, out: TickRecords): number {
    const length = to - from;
    if (length < rawBytesMin || length > this.#bytesMax) return 0;
    const { buffer } = bytes;
    if (buffer !== this.#buffer) {
      this.#buffer = buffer;
      this.#view = new DataView(buffer);
    }
    const view = this.#view;
    const p = bytes.byteOffset + from;
    const end = bytes.byteOffset + to;
    if (w.isAt(w.rawDepthHead, view, p)) {
      return this.#update(view, p + w.rawDepthHead.length, end, -1, 1, received, out);
    }
    if (length < combinedBytesMin || !w.isAt(w.streamHead, view, p)) return 0;
    const name = p + w.streamHead.length;
    let a = name + symbolBytesMin;
    const stop = name + nameBytesMax;
    while (a < stop && view.getUint8(a) !== atSign) a++;
    if (!w.isAt(w.depth, view, a)) return 0;
    const i = this.#streams.find(view, name, a);
    a += w.depth.length;
    if (w.isAt(w.depthSpeed, view, a)) a += w.depthSpeed.length;
    if (i < 0 || a + w.depthHead.length > end || !w.isAt(w.depthHead, view, a)) return 0;
    return this.#update(view, a + w.depthHead.length, end, i, 2, received, out);
  }

  /** From the number after `"E":`; `known` is the symbol that the stream's name gave, or -1; `braces` close the message. */
  #update(
    view: DataView,
    p: number,
    end: number,
    known: number,
    braces: number,
    received: number,
    out: TickRecords,
  ): number {
    const { words } = out;
    p = scanWhole(view, p, end, words, 1);
    if (p < 0) return 0;
    const time = this.#micros(words[1]!, received);
    const i = time < 0 ? -1 : this.#symbol(view, p, end, known);
    if (i < 0) return 0;
    p += w.symbolHead.length + this.#natives.lengthOf(i);
    if (!w.isAt(w.firstUpdateHead, view, p)) return 0;
    p = scanWhole(view, p + w.firstUpdateHead.length, end, words, 4);
    if (p < 0 || p + w.lastUpdateHead.length > end || !w.isAt(w.lastUpdateHead, view, p)) return 0;
    p = scanWhole(view, p + w.lastUpdateHead.length, end, words, 3);
    if (p < 0 || words[4]! > words[3]! || !this.#isAt(w.bidsHead, view, p, end)) return 0;
    this.#levels = 0;
    this.#at = tickWords + 1;
    p = this.#side(view, p + w.bidsHead.length, end, i, words);
    const bids = this.#levels;
    if (p < 0 || !this.#isAt(w.asksHead, view, p, end)) return 0;
    p = this.#side(view, p + w.asksHead.length, end, i, words);
    if (p < 0 || p + braces !== end) return 0;
    if (view.getUint8(end - 1) !== brace || view.getUint8(p) !== brace) return 0;
    words[1] = time;
    words[2] = received;
    return this.#finish(out, this.#ids[i]!, bids);
  }

  #isAt(text: w.Literal, view: DataView, p: number, end: number): boolean {
    return p + text.length <= end && w.isAt(text, view, p);
  }

  /** A venue's time in µs, or -1. */
  #micros(time: number, received: number): number {
    if (time >= 1e12 && time < 1e13) time *= 1_000;
    else if (time < 1e15 || time >= 1e16) return -1;
    const { around } = this.#plausible;
    if (around === 'span') return time < this.#plausible.from || time > this.#plausible.to ? -1 : time;
    const { pastMicros, futureMicros } = this.#plausible;
    return time < received - pastMicros || time > received + futureMicros ? -1 : time;
  }

  /** `,"s":"BTCUSDT` at `p`: the instrument's index, or -1. What follows the symbol can then be compared unchecked. */
  #symbol(view: DataView, p: number, end: number, known: number): number {
    const frame = w.symbolHead.length + nameBytesMax + w.firstUpdateHead.length;
    if (p + frame > end || !w.isAt(w.symbolHead, view, p)) return -1;
    p += w.symbolHead.length;
    if (known >= 0) return this.#natives.isAt(known, view, p) ? known : -1;
    let q = p + symbolBytesMin;
    const stop = p + nameBytesMax;
    while (q < stop && view.getUint8(q) !== quoteMark) q++;
    return this.#natives.find(view, p, q);
  }

  /** The levels of a side, from after its `[`: the position after its `]`, or -1. */
  #side(view: DataView, p: number, end: number, i: number, words: Float64Array): number {
    if (p < end && view.getUint8(p) === closing) return p + 1;
    const priceDecimals = this.#priceDecimals[i]!;
    const sizeDecimals = this.#sizeDecimals[i]!;
    const most = words.length;
    let at = this.#at;
    let levels = this.#levels;
    for (;;) {
      // The least that a level can be: ["1","2"]
      if (p + 9 > end || at + 2 >= most || view.getUint16(p, true) !== levelOpen) return -1;
      p = scanDecimal(view, p + 2, end, priceDecimals, words, at);
      if (p < 0 || p + 7 > end || words[at] === 0) return -1;
      if (view.getUint16(p, true) !== quoteComma || view.getUint8(p + 2) !== quoteMark) return -1;
      p = scanDecimal(view, p + 3, end, sizeDecimals, words, at + 1);
      if (p < 0 || p + 3 > end || view.getUint16(p, true) !== levelClose) return -1;
      levels++;
      // The third level of a record ends at its word 6; the next record's begin at word 1.
      at += levels % levelsPerRecord === 0 ? tickWords - 2 * (levelsPerRecord - 1) : 2;
      const next = view.getUint8(p + 2);
      p += 3;
      if (next === comma) continue;
      if (next !== closing) return -1;
      this.#at = at;
      this.#levels = levels;
      return p;
    }
  }

  /** The heads of all records, and zeros where the last one has no level. Gives the number of records. */
  #finish({ words, halves }: TickRecords, instrument: number, bids: number): number {
    const levels = this.#levels;
    const lastUpdate = words[3]!;
    halves[0] = tickKind.book;
    halves[1] = instrument;
    words[5] = levels;
    words[6] = 0;
    words[7] = 0;
    let slot = 1;
    for (let done = 0; done < levels; done += levelsPerRecord, slot++) {
      const count = Math.min(levelsPerRecord, levels - done);
      // The first asks of the first record with any may stand behind bids.
      const first = Math.min(Math.max(bids - done, 0), count);
      const asks = ((1 << count) - 1) & ~((1 << first) - 1);
      halves[slot * tickWords * 2] =
        tickKind.levels | (count << levelBits.countShift) | (asks << levelBits.askShift);
      halves[slot * tickWords * 2 + 1] = instrument;
      words[slot * tickWords + 7] = lastUpdate;
    }
    for (let at = this.#at; at % tickWords !== 1 && at % tickWords !== 7; at++) words[at] = 0;
    return slot;
  }
}
