/**
 * Reads snapshots and l2updates of exactly the shape that Coinbase sends straight from their bytes: a snapshot may have
 * several MB, and JSON.parse of them would hold up everything else. What is not to the byte as expected is left to
 * `normalise.ts`, which must agree with all that is accepted here.
 *
 *   {"type":"l2update","product_id":"BTC-USD","changes":[["buy","1.0","2.0"]],"time":"2021-04-17T16:43:37.075687Z"}
 *   {"type":"snapshot","product_id":"BTC-USD","asks":[["1.0","2.0"]],"bids":[]}    either side first; perhaps a time
 */
import { type TickRecords, tickFlag } from '../../wire/tick-record.ts';
import { type BookHead, BookRecords, bookHead } from '../book-records.ts';
import { readLevelSizeText } from '../decimal-text.ts';
import type { NormaliserOptions } from '../normaliser.ts';
import { readIso, TimeBounds } from '../read-time.ts';
import { scanDecimal } from '../scan-number.ts';
import { nameBytesMax, SymbolTable } from '../symbol-table.ts';

const encoder = new TextEncoder();
const updateHead = encoder.encode('{"type":"l2update","product_id":"');
const snapshotHead = encoder.encode('{"type":"snapshot","product_id":"');
const changesHead = encoder.encode('","changes":[');
const asksHead = encoder.encode('"asks":[');
const bidsHead = encoder.encode('"bids":[');
const timeHead = encoder.encode(',"time":"');
const buyHead = encoder.encode('["buy","');
const sellHead = encoder.encode('["sell","');

const quoteMark = 0x22;
const comma = 0x2c;
const opening = 0x5b;
const closing = 0x5d;
const brace = 0x7d;
/** `2021-04-17T16:43:37.075687Z` */
const timeBytes = 27;
const minuteBytes = 16;
const zero = 0x30;
/** A size that is longer is left to the obvious reader. */
const sizeBytesMax = 48;

export class CoinbaseBookScanner {
  readonly #natives: SymbolTable;
  readonly #ids: Uint32Array;
  readonly #priceDecimals: Uint8Array;
  readonly #sizeDecimals: Uint8Array;
  readonly #times: TimeBounds;
  readonly #book: BookRecords;
  readonly #head: BookHead = bookHead();
  /** Price and size of the level that is being read. */
  readonly #level = new Float64Array(2);
  /** Made once a buffer, not once a message: a socket's chunk holds many. */
  #buffer: ArrayBufferLike | undefined;
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** The minute that was last read: its text, and the µs it stands for. */
  readonly #minute = new Uint8Array(minuteBytes);
  #minuteMicros = -1;

  constructor(options: NormaliserOptions) {
    const { instruments, plausible, bookLevels } = options;
    this.#natives = new SymbolTable(instruments.map((one) => one.native));
    this.#ids = Uint32Array.from(instruments, (one) => one.id);
    this.#priceDecimals = Uint8Array.from(instruments, (one) => one.priceDecimals);
    this.#sizeDecimals = Uint8Array.from(instruments, (one) => one.sizeDecimals);
    this.#times = new TimeBounds(plausible);
    this.#book = new BookRecords(bookLevels);
  }

  /** How many records the message gave, or a refusal; 0: not mine, and `out` may be spoilt. */
  scan(bytes: Uint8Array, from: number, to: number, received: number, out: TickRecords): number {
    const { buffer } = bytes;
    if (buffer !== this.#buffer) {
      this.#buffer = buffer;
      this.#view = new DataView(buffer);
    }
    const view = this.#view;
    const end = bytes.byteOffset + to;
    const p = bytes.byteOffset + from;
    if (isAt(updateHead, view, p, end)) return this.#update(view, p + updateHead.length, end, received, out);
    if (isAt(snapshotHead, view, p, end))
      return this.#snapshot(view, p + snapshotHead.length, end, received, out);
    return 0;
  }

  #update(view: DataView, p: number, end: number, received: number, out: TickRecords): number {
    const i = this.#symbol(view, p, end);
    if (i < 0) return 0;
    p += this.#natives.lengthOf(i);
    if (!isAt(changesHead, view, p, end)) return 0;
    p += changesHead.length;
    this.#book.clear();
    for (;;) {
      const isBid = isAt(buyHead, view, p, end);
      if (!isBid && !isAt(sellHead, view, p, end)) return 0;
      p = this.#readLevel(view, p + (isBid ? buyHead.length : sellHead.length), end, i);
      if (p < 0) return 0;
      if (isBid) this.#book.addBid(this.#level[0]!, this.#level[1]!);
      else this.#book.addAsk(this.#level[0]!, this.#level[1]!);
      const next = view.getUint8(p++);
      if (next === closing) break;
      if (next !== comma) return 0;
    }
    if (!this.#finish(view, p, end, i, received)) return 0;
    return this.#book.writeChange(this.#head, out);
  }

  #snapshot(view: DataView, p: number, end: number, received: number, out: TickRecords): number {
    const i = this.#symbol(view, p, end);
    if (i < 0) return 0;
    p += this.#natives.lengthOf(i) + 1;
    this.#book.clear();
    const bidsFirst = isAt(bidsHead, view, p + 1, end);
    for (let side = 0; side < 2; side++) {
      const isBid = (side === 0) === bidsFirst;
      const head = isBid ? bidsHead : asksHead;
      if (p >= end || view.getUint8(p) !== comma || !isAt(head, view, p + 1, end)) return 0;
      p = this.#side(view, p + 1 + head.length, end, i, isBid);
      if (p < 0) return 0;
    }
    if (!this.#finish(view, p, end, i, received)) return 0;
    return this.#book.writeSnapshot(this.#head, out);
  }

  /** From after the `[` of a side: the position after its `]`, or -1. Empty levels are left out. */
  #side(view: DataView, p: number, end: number, i: number, isBid: boolean): number {
    if (p < end && view.getUint8(p) === closing) return p + 1;
    const level = this.#level;
    for (;;) {
      if (p + 2 > end || view.getUint8(p) !== opening || view.getUint8(p + 1) !== quoteMark) return -1;
      p = this.#readLevel(view, p + 2, end, i);
      if (p < 0) return -1;
      if (level[1] !== 0) {
        if (isBid) this.#book.addBid(level[0]!, level[1]!);
        else this.#book.addAsk(level[0]!, level[1]!);
      }
      const next = view.getUint8(p++);
      if (next === closing) return p;
      if (next !== comma) return -1;
    }
  }

  /** `1.0","2.0"]`: price and size to `#level`; the position after the `]`, at which one more byte can be read, or -1. */
  #readLevel(view: DataView, p: number, end: number, i: number): number {
    const level = this.#level;
    p = scanDecimal(view, p, end, this.#priceDecimals[i]!, level, 0);
    if (p < 0 || p + 3 > end || level[0] === 0) return -1;
    if (
      view.getUint8(p) !== quoteMark ||
      view.getUint8(p + 1) !== comma ||
      view.getUint8(p + 2) !== quoteMark
    )
      return -1;
    p += 3;
    const after = scanDecimal(view, p, end, this.#sizeDecimals[i]!, level, 1);
    p = after < 0 ? this.#fineSize(view, p, end, i) : after;
    if (p < 0 || p + 3 > end || view.getUint8(p) !== quoteMark || view.getUint8(p + 1) !== closing) return -1;
    return p + 2;
  }

  /** A size that is finer than the lot size. */
  #fineSize(view: DataView, p: number, end: number, i: number): number {
    let text = '';
    const stop = Math.min(end, p + sizeBytesMax);
    for (; p < stop && view.getUint8(p) !== quoteMark; p++) text += String.fromCharCode(view.getUint8(p));
    const size = readLevelSizeText(text, this.#sizeDecimals[i]!);
    if (size < 0) return -1;
    this.#level[1] = size;
    return p;
  }

  /** The index of the product whose name begins at `p`, or -1. */
  #symbol(view: DataView, p: number, end: number): number {
    let q = p;
    const stop = Math.min(end, p + nameBytesMax + 1);
    while (q < stop && view.getUint8(q) !== quoteMark) q++;
    return this.#natives.find(view, p, q);
  }

  /** The time, if there is one, and the end of the message; fills the head. */
  #finish(view: DataView, p: number, end: number, i: number, received: number): boolean {
    const head = this.#head;
    head.flags = tickFlag.noIds;
    head.instrumentId = this.#ids[i]!;
    head.received = received;
    if (p + 1 === end) {
      head.flags |= tickFlag.noVenueTime;
      head.time = received - (received % 1_000);
      return view.getUint8(p) === brace;
    }
    if (!isAt(timeHead, view, p, end)) return false;
    p += timeHead.length;
    if (p + timeBytes + 2 !== end || view.getUint8(end - 1) !== brace || view.getUint8(end - 2) !== quoteMark)
      return false;
    head.time = this.#times.believed(this.#time(view, p), received);
    return head.time >= 0;
  }

  /** The time whose 27 bytes begin at `p`, in µs; negative when it is none. Its minute is mostly known already. */
  #time(view: DataView, p: number): number {
    let same = 0;
    while (same < minuteBytes && view.getUint8(p + same) === this.#minute[same]) same++;
    if (same < minuteBytes || this.#minuteMicros < 0) {
      for (let k = 0; k < minuteBytes; k++) this.#minute[k] = view.getUint8(p + k);
      this.#minuteMicros = readIso(`${String.fromCharCode(...this.#minute)}:00Z`);
      if (this.#minuteMicros < 0) return -1;
    }
    // `:37.075687Z`
    if (view.getUint8(p + 16) !== 0x3a || view.getUint8(p + 19) !== 0x2e || view.getUint8(p + 26) !== 0x5a)
      return -1;
    const second = digits(view, p + 17, 2);
    const micros = digits(view, p + 20, 6);
    return second < 0 || second > 59 || micros < 0 ? -1 : this.#minuteMicros + second * 1e6 + micros;
  }
}

function isAt(text: Uint8Array, view: DataView, p: number, end: number): boolean {
  if (p + text.length > end) return false;
  for (let k = 0; k < text.length; k++) if (view.getUint8(p + k) !== text[k]) return false;
  return true;
}

/** `count` digits from `p`, or -1. */
function digits(view: DataView, p: number, count: number): number {
  let value = 0;
  for (let k = 0; k < count; k++) {
    const digit = view.getUint8(p + k) - zero;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
