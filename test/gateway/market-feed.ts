/** Makes blocks as a shard does and puts them into a gateway's ring; remembers what it sent. */

import { barBit, barWord, barWords } from '../../src/market/bar-words.ts';
import type { Dictionary, Instrument } from '../../src/market/instrument.ts';
import { blockKind, timeBaseOf } from '../../src/wire/block.ts';
import { blockClass, blockMessageHead, channel, rescaleBlock } from '../../src/wire/block-message.ts';
import { encodeBookDelta } from '../../src/wire/encode-book.ts';
import { encodeBar, encodeGap } from '../../src/wire/encode-state.ts';
import { encodeQuotes, encodeTrades, type TickChain } from '../../src/wire/encode-ticks.ts';
import { SegmentWriter } from '../../src/wire/segment-ring.ts';
import { tickField, tickFlag, tickRecords, tickWords } from '../../src/wire/tick-record.ts';

export const startMicros = 1_723_161_255_000_000;

const names: readonly [string, string][] = [
  ['BTC', 'USDT'],
  ['ETH', 'USDT'],
  ['SOL', 'USDT'],
  ['BTC', 'USDC'],
];

/** Four real names, then invented ones, with 2 price and 3 size decimals. */
export function dictionaryOf(count: number): Dictionary {
  const instruments = Array.from({ length: count }, (_, index): Instrument => {
    const [base, quote] = names[index] ?? [`X${index}`, 'USDT'];
    const native = base + quote;
    const symbol = `BINANCE:${native}`;
    return {
      id: index + 1,
      venue: 'BINANCE',
      native,
      symbol,
      base,
      quote,
      priceDecimals: 2,
      sizeDecimals: 3,
      active: true,
    };
  });
  return { epoch: 1_723_000_000, version: 7, instruments };
}

const slots = 512;

export class MarketFeed {
  readonly #writer: SegmentWriter;
  readonly #segment: Uint8Array;
  readonly #view: DataView;
  readonly #ticks = tickRecords(slots);
  readonly #chain: TickChain;
  readonly #bar = new Float64Array(barWords);
  #length = 0;
  #sequence = 0;
  blocks = 0;
  /** Added to every trade's size: a large one makes trades of more bytes. */
  sizeBase = 0;

  constructor(memory: SharedArrayBuffer, bell: Int32Array) {
    this.#writer = new SegmentWriter(memory, bell);
    this.#segment = new Uint8Array(this.#writer.payloadMax);
    this.#view = new DataView(this.#segment.buffer);
    const next = Int32Array.from({ length: slots }, (_, index) => index + 1);
    this.#chain = {
      ring: this.#ticks,
      ringSlots: slots,
      extra: tickRecords(1),
      next,
      late: new Uint8Array(slots),
    };
  }

  /** Trades `id`, `id + 1` … of one instrument as one block; price mantissa = 100,000 + id, size = id + 1. */
  trades(instrument: number, id: number, count = 1, time = startMicros): this {
    for (let index = 0; index < count; index++) {
      const word = index * tickWords;
      const { words, halves } = this.#ticks;
      halves[word * 2] = (id + index) % 2 === 0 ? tickFlag.takerSold : 0;
      words[word + tickField.time] = time;
      words[word + tickField.id] = id + index;
      words[word + tickField.price] = 100_000 + id + index;
      words[word + tickField.size] = this.sizeBase + id + index + 1;
      words[word + tickField.firstId] = words[word + tickField.lastId] = id + index;
    }
    return this.#message(
      time,
      instrument,
      blockKind.trade,
      channel.trades,
      blockClass.log,
      count,
      id + count - 1,
      (at) => encodeTrades(this.#segment, at, this.#chain, instrument, 0, count),
    );
  }

  quote(instrument: number, version: number, time = startMicros): this {
    return this.quotes(instrument, version, 1, time);
  }

  /** Quotes `version`, `version + 1` … of one instrument as one block. */
  quotes(instrument: number, version: number, count: number, time = startMicros): this {
    const { words } = this.#ticks;
    for (let index = 0; index < count; index++) {
      const next = version + index;
      words.set([time, 0, next, 100_000 + next, 5, 100_010 + next, 6], index * tickWords + 1);
    }
    const last = version + count - 1;
    return this.#message(
      time,
      instrument,
      blockKind.quote,
      channel.quotes,
      blockClass.state,
      count,
      last,
      (at) => encodeQuotes(this.#segment, at, this.#chain, instrument, 0, count),
    );
  }

  /** A bar whose close is `close`. */
  bar(
    instrument: number,
    resolution: number,
    openTime: number,
    close: number,
    closed: boolean,
    revision = 0,
  ): this {
    const words = this.#bar.fill(0);
    words[barWord.openTime] = openTime;
    words[barWord.open] = words[barWord.low] = 1;
    words[barWord.high] = words[barWord.close] = close;
    words[barWord.revision] = revision;
    words[barWord.flags] = (closed ? barBit.closed : 0) | (revision > 0 ? barBit.corrected : 0);
    words[barWord.lastTime] = openTime;
    const kept = closed ? blockClass.log : blockClass.state;
    return this.#message(
      openTime,
      instrument,
      blockKind.bar,
      channel.bars + resolution,
      kept,
      1,
      openTime / 1e6,
      (at) => encodeBar(this.#segment, at, instrument, resolution, words, 0),
    );
  }

  gap(instrument: number, from: number, to: number, time = startMicros): this {
    return this.#message(time, instrument, blockKind.gap, channel.trades, blockClass.log, 1, from, (at) =>
      encodeGap(this.#segment, at, blockKind.gap, instrument, from, to, time),
    );
  }

  /** From here on the instrument has so many more digits, in this version of the dictionary. */
  rescale(instrument: number, prices: number, sizes: number, version: number): this {
    const { kind, bytes } = rescaleBlock;
    return this.#message(0, instrument, kind, channel.trades, blockClass.log, 1, version, (at) => {
      this.#segment.set([prices, sizes], at);
      return at + bytes;
    });
  }

  /** Book update `id`, which follows `id` − 1: one bid of price 99. */
  bookDelta(instrument: number, id: number, time = startMicros): this {
    const sides = { bids: Float64Array.of(99, 8), asks: new Float64Array(2), bidCount: 1, askCount: 0 };
    const change = { ...sides, firstId: id, lastId: id, previousId: id - 1, time };
    const { log } = blockClass;
    return this.#message(time, instrument, blockKind.bookDelta, channel.book, log, 1, id, (at) =>
      encodeBookDelta(this.#segment, at, instrument, { ...change, bidsWhole: true, asksWhole: true }),
    );
  }

  /** Commits what was gathered as one segment. Throws when the ring stays full. */
  async flush(): Promise<void> {
    this.#sequence++;
    for (let tries = 0; tries < 2_000; tries++) {
      if (this.#writer.write(this.#segment, this.#length, this.#sequence)) {
        this.#length = 0;
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error('the gateway takes nothing');
  }

  #message(
    time: number,
    instrument: number,
    kind: number,
    on: number,
    kept: number,
    count: number,
    cursor: number,
    encode: (at: number) => number,
  ): this {
    const head = this.#length;
    const end = encode(head + blockMessageHead);
    this.#view.setUint32(head, timeBaseOf(time), true);
    this.#view.setUint32(head + 4, end - head - blockMessageHead, true);
    this.#view.setUint32(head + 8, instrument, true);
    this.#view.setUint8(head + 12, kind);
    this.#view.setUint8(head + 13, on);
    this.#view.setUint8(head + 14, kept);
    this.#view.setUint8(head + 15, Math.min(255, count));
    this.#view.setFloat64(head + 16, cursor, true);
    this.#length = (end + 7) & ~7;
    this.blocks++;
    return this;
  }
}
