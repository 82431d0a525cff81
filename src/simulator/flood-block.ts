/**
 * A block of messages that a flood plays round after round, and one connection's rendition of it: its frames ready
 * in one buffer, with digits of fixed width, so that a new round only writes new ids and times over the old ones.
 */
import type { Channel, Switchboard } from './channel.ts';
import { Dice, digest } from './dice.ts';
import { headerBytes, writeHeader } from './frame.ts';
import { type SimulatedInstrument, simulatedInstruments } from './instrument.ts';
import { Scribe } from './scribe.ts';
import type { Session } from './session.ts';

const idFirst = 100_000_000_000; // twelve digits, with room for 900 thousand million of each
const half = 1_000_000;
const zero = 48;
const messageBytesMax = 512;

export const floodKind = { trade: 0, quote: 1 } as const;

interface FloodSymbol {
  readonly instrument: SimulatedInstrument;
  readonly trade: Channel;
  readonly quote: Channel;
  /** Messages of the block, by kind: each round raises the ids by so many. */
  readonly counts: [trades: number, quotes: number];
}

export class FloodBlock {
  readonly length: number;
  readonly symbols: readonly FloodSymbol[];
  readonly symbol: Uint16Array;
  readonly kind: Uint8Array;
  /** Which of its symbol's messages of that kind it is, from 0. */
  readonly ordinal: Uint32Array;
  readonly #bid: Float64Array;
  readonly #size: Float64Array;
  readonly #otherSize: Float64Array;
  readonly #maker: Uint8Array;

  constructor(
    length: number,
    symbols: number,
    quotesPerTrade: number,
    seed: number,
    switchboard: Switchboard,
  ) {
    this.length = length;
    this.symbols = simulatedInstruments(symbols).map((instrument) => {
      const name = instrument.symbol.toLowerCase();
      const [trade, quote] = [
        switchboard.channel(`${name}@trade`),
        switchboard.channel(`${name}@bookTicker`),
      ];
      return { instrument, trade, quote, counts: [0, 0] };
    });
    this.symbol = new Uint16Array(length);
    this.kind = new Uint8Array(length);
    this.ordinal = new Uint32Array(length);
    this.#bid = new Float64Array(length);
    this.#size = new Float64Array(length);
    this.#otherSize = new Float64Array(length);
    this.#maker = new Uint8Array(length);
    this.#draw(new Dice(digest(seed, 'flood')), quotesPerTrade);
  }

  channel(index: number): Channel {
    const symbol = this.symbols[this.symbol[index]!]!;
    return this.kind[index] === floodKind.trade ? symbol.trade : symbol.quote;
  }

  /** The id of a message in a round: contiguous for each symbol and kind. */
  id(index: number, round: number): number {
    const kind = this.kind[index]!;
    return idFirst + round * this.symbols[this.symbol[index]!]!.counts[kind]! + this.ordinal[index]!;
  }

  /** Of a trade: ticks, steps, and who waited in the book. */
  terms(index: number): { price: number; size: number; buyerIsMaker: boolean } {
    const buyerIsMaker = this.#maker[index] === 1;
    const bid = this.#bid[index]!;
    return { price: buyerIsMaker ? bid : bid + 1, size: this.#size[index]!, buyerIsMaker };
  }

  /** Writes the payload of a message; answers where its id and its times stand (0 for none). */
  write(
    scribe: Scribe,
    index: number,
    micro: boolean,
    id = idFirst,
    timeUs = 0,
  ): [id: number, event: number, made: number] {
    const { instrument } = this.symbols[this.symbol[index]!]!;
    const { symbol, priceDecimals, sizeDecimals } = instrument;
    const time = micro
      ? String(timeUs).padStart(16, '0')
      : String(Math.floor(timeUs / 1_000)).padStart(13, '0');
    const bid = this.#bid[index]!;
    if (this.kind[index] === floodKind.quote) {
      scribe.text('{"u":');
      const idAt = scribe.at;
      scribe.text(`${id},"s":"${symbol}","b":"`);
      scribe.decimal(bid, priceDecimals);
      scribe.text('","B":"');
      scribe.decimal(this.#size[index]!, sizeDecimals);
      scribe.text('","a":"');
      scribe.decimal(bid + 1, priceDecimals);
      scribe.text('","A":"');
      scribe.decimal(this.#otherSize[index]!, sizeDecimals);
      scribe.text('"}');
      return [idAt, 0, 0];
    }
    const maker = this.#maker[index] === 1;
    scribe.text('{"e":"trade","E":');
    const event = scribe.at;
    scribe.text(`${time},"s":"${symbol}","t":`);
    const idAt = scribe.at;
    scribe.text(`${id},"p":"`);
    scribe.decimal(maker ? bid : bid + 1, priceDecimals);
    scribe.text('","q":"');
    scribe.decimal(this.#size[index]!, sizeDecimals);
    scribe.text('","T":');
    const made = scribe.at;
    scribe.text(`${time},"m":${maker},"M":true}`);
    return [idAt, event, made];
  }

  #draw(dice: Dice, quotesPerTrade: number): void {
    const bids = this.symbols.map(({ instrument }) => instrument.openingPrice);
    for (let i = 0; i < this.length; i++) {
      const index = dice.below(this.symbols.length);
      const symbol = this.symbols[index]!;
      const kind = dice.unit() * (1 + quotesPerTrade) < 1 ? floodKind.trade : floodKind.quote;
      if (kind === floodKind.quote) bids[index] = Math.max(2, bids[index]! + dice.below(3) - 1);
      this.symbol[i] = index;
      this.kind[i] = kind;
      this.ordinal[i] = symbol.counts[kind]++;
      this.#bid[i] = bids[index]!;
      this.#size[i] = 1 + dice.below(1_000_000);
      this.#otherSize[i] = 1 + dice.below(1_000_000);
      this.#maker[i] = dice.u32() & 1;
    }
  }
}

export class Rendition {
  readonly revision: number;
  readonly bytes: Buffer;
  /** Where the frame of each message begins; the end of all behind the last. Nothing between two: not subscribed. */
  readonly starts: Uint32Array;
  readonly #block: FloodBlock;
  readonly #micro: boolean;
  readonly #idAt: Uint32Array;
  readonly #eventAt: Uint32Array;
  readonly #madeAt: Uint32Array;
  readonly #stamp: Uint8Array;

  constructor(block: FloodBlock, session: Session) {
    this.revision = session.revision;
    this.#block = block;
    this.#micro = session.micro;
    this.#stamp = new Uint8Array(session.micro ? 16 : 13);
    this.starts = new Uint32Array(block.length + 1);
    this.#idAt = new Uint32Array(block.length);
    this.#eventAt = new Uint32Array(block.length);
    this.#madeAt = new Uint32Array(block.length);
    const parts: Buffer[] = [];
    const scribe = new Scribe(messageBytesMax);
    let at = 0;
    for (let i = 0; i < block.length; i++) {
      this.starts[i] = at;
      const channel = block.channel(i);
      if (!session.streams.has(channel.name)) continue;
      const frame = this.#frame(scribe, i, channel, session.combined, at);
      parts.push(frame);
      at += frame.length;
    }
    this.starts[block.length] = at;
    this.bytes = Buffer.concat(parts);
  }

  /** Writes ids and times of a round into the messages [from, to); answers how many trades and quotes they are. */
  patch(from: number, to: number, round: number, timeUs: number): [trades: number, quotes: number] {
    this.#setStamp(this.#micro ? timeUs : Math.floor(timeUs / 1_000));
    let trades = 0;
    let quotes = 0;
    for (let i = from; i < to; i++) {
      if (this.starts[i] === this.starts[i + 1]) continue;
      this.#writeId(this.#idAt[i]!, this.#block.id(i, round));
      if (this.#eventAt[i] === 0) quotes++;
      else {
        this.#writeStamp(this.#eventAt[i]!);
        this.#writeStamp(this.#madeAt[i]!);
        trades++;
      }
    }
    return [trades, quotes];
  }

  #frame(scribe: Scribe, index: number, channel: Channel, combined: boolean, at: number): Buffer {
    scribe.at = 0;
    if (combined) scribe.put(channel.head);
    const [id, event, made] = this.#block.write(scribe, index, this.#micro);
    if (combined) scribe.text('}');
    const header = headerBytes(scribe.at);
    const frame = Buffer.allocUnsafe(header + scribe.at);
    scribe.bytes.copy(frame, writeHeader(frame, 0, scribe.at), 0, scribe.at);
    this.#idAt[index] = at + header + id;
    if (event > 0) this.#eventAt[index] = at + header + event;
    if (made > 0) this.#madeAt[index] = at + header + made;
    return frame;
  }

  #writeId(at: number, id: number): void {
    const high = Math.floor(id / half);
    this.#six(at, high);
    this.#six(at + 6, id - high * half);
  }

  #six(at: number, value: number): void {
    const { bytes } = this;
    let rest = value | 0;
    for (let i = at + 5; i >= at; i--) {
      const next = (rest / 10) | 0;
      bytes[i] = zero + (rest - next * 10);
      rest = next;
    }
  }

  #setStamp(time: number): void {
    const digits = String(time);
    for (let i = 0; i < this.#stamp.length; i++) this.#stamp[i] = digits.charCodeAt(i);
  }

  #writeStamp(at: number): void {
    const { bytes } = this;
    const stamp = this.#stamp;
    for (let i = 0; i < stamp.length; i++) bytes[at + i] = stamp[i]!;
  }
}
