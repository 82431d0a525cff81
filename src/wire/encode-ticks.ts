/**
 * Trade and quote blocks of frame v2, straight from tick records: the hot loop of a shard's output.
 * Layout and rules: `proto/frames.md`. Judged by `test/frames/obvious-encoder.ts`.
 */
import { blockKind, kindBits, quoteFlag, timeBaseMillis, tradeFlag } from './block.ts';
import { beginBlock, endBlock } from './encode-block.ts';
import { type TickRecords, tickField, tickFlag, tickWords } from './tick-record.ts';
import { putVarint, putVaruint } from './varint.ts';

/**
 * Records to encode: slots of `ring`, or of `extra` when the slot number is `ringSlots` or more, chained by
 * `next`. `late[slot]` has bit 0 for a trade that came after younger ones, bit 1 for one that is quarantined.
 */
export interface TickChain {
  readonly ring: TickRecords;
  readonly ringSlots: number;
  readonly extra: TickRecords;
  readonly next: Int32Array;
  readonly late: Uint8Array;
}

/** The most bytes a block of `count` trades or quotes can take: a quote has a flag and six numbers of 8 bytes. */
export function tickBlockBytesMax(count: number): number {
  return 32 + count * 49;
}

/** Writes a block of `count` trades from slot `first` on; returns the index after it. */
export function encodeTrades(
  out: Uint8Array,
  at: number,
  chain: TickChain,
  instrument: number,
  first: number,
  count: number,
): number {
  const end = tradeBlock(out, at, chain, instrument, first, count, 1_000);
  return end > 0 ? end : tradeBlock(out, at, chain, instrument, first, count, 1);
}

/** The time base that a time (µs) counts from, in units of `unit` µs. */
function baseOf(micros: number, unit: number): number {
  return Math.floor(micros / (timeBaseMillis * 1_000)) * ((timeBaseMillis * 1_000) / unit);
}

/** In units of `unit` µs; 0 when a time is no whole number of them. */
function tradeBlock(
  out: Uint8Array,
  at: number,
  chain: TickChain,
  instrument: number,
  first: number,
  count: number,
  unit: number,
): number {
  const { ringSlots, next, late } = chain;
  const ringWords = chain.ring.words;
  const ringHalves = chain.ring.halves;
  const kind = unit === 1 ? blockKind.trade | kindBits.micros : blockKind.trade;
  const body = beginBlock(out, at, kind, instrument, count);
  let end = putVaruint(out, body, count);
  let slot = first;
  let previousId = 0;
  let previousTime = 0;
  let previousPrice = 0;
  for (let index = 0; index < count; index++) {
    const inRing = slot < ringSlots;
    const words = inRing ? ringWords : chain.extra.words;
    const word = (inRing ? slot : slot - ringSlots) * tickWords;
    const head = inRing ? ringHalves[word * 2]! : chain.extra.halves[word * 2]!;
    const micros = words[word + tickField.time]!;
    const time = unit === 1 ? micros : Math.floor(micros / 1_000);
    if (unit !== 1 && time * 1_000 !== micros) return 0;
    const id = words[word + tickField.id]!;
    const price = words[word + tickField.price]!;
    const merged = words[word + tickField.lastId]! - words[word + tickField.firstId]!;
    let flags = (head & tickFlag.takerSold) !== 0 ? tradeFlag.takerSold : 0;
    if ((late[slot]! & 1) !== 0) flags |= tradeFlag.late;
    if ((late[slot]! & 2) !== 0) flags |= tradeFlag.quarantined;
    if (merged > 0) flags |= tradeFlag.aggregate;
    if (index === 0) {
      end = putVaruint(out, end, id);
      end = putVaruint(out, end, time - baseOf(micros, unit));
      flags |= tradeFlag.sameTime;
      out[end++] = flags;
      out[end++] = 0;
      end = putVarint(out, end, price);
    } else {
      if (time === previousTime) flags |= tradeFlag.sameTime;
      if (id === previousId + 1) flags |= tradeFlag.nextId;
      if (price === previousPrice) flags |= tradeFlag.samePrice;
      out[end++] = flags;
      if ((flags & tradeFlag.nextId) === 0) end = putVarint(out, end, id - previousId);
      if ((flags & tradeFlag.sameTime) === 0) end = putVarint(out, end, time - previousTime);
      if ((flags & tradeFlag.samePrice) === 0) end = putVarint(out, end, price - previousPrice);
    }
    end = putVaruint(out, end, words[word + tickField.size]!);
    if (merged > 0) end = putVaruint(out, end, merged);
    previousId = id;
    previousTime = time;
    previousPrice = price;
    slot = next[slot]!;
  }
  return endBlock(out, body, end, count);
}

/** Writes a block of `count` quotes from slot `first` on; returns the index after it. */
export function encodeQuotes(
  out: Uint8Array,
  at: number,
  chain: TickChain,
  instrument: number,
  first: number,
  count: number,
): number {
  const end = quoteBlock(out, at, chain, instrument, first, count, 1_000);
  return end > 0 ? end : quoteBlock(out, at, chain, instrument, first, count, 1);
}

function quoteBlock(
  out: Uint8Array,
  at: number,
  chain: TickChain,
  instrument: number,
  first: number,
  count: number,
  unit: number,
): number {
  const { ringSlots, next } = chain;
  const kind = unit === 1 ? blockKind.quote | kindBits.micros : blockKind.quote;
  const body = beginBlock(out, at, kind, instrument, count);
  let end = putVaruint(out, body, count);
  let slot = first;
  let previousVersion = 0;
  let previousTime = 0;
  let previousBid = -1;
  let previousBidSize = -1;
  let previousAsk = -1;
  let previousAskSize = -1;
  for (let index = 0; index < count; index++) {
    const inRing = slot < ringSlots;
    const words = inRing ? chain.ring.words : chain.extra.words;
    const word = (inRing ? slot : slot - ringSlots) * tickWords;
    const micros = words[word + tickField.time]!;
    const time = unit === 1 ? micros : Math.floor(micros / 1_000);
    if (unit !== 1 && time * 1_000 !== micros) return 0;
    const version = words[word + tickField.id]!;
    const bid = words[word + tickField.bid]!;
    const bidSize = words[word + tickField.bidSize]!;
    const ask = words[word + tickField.ask]!;
    const askSize = words[word + tickField.askSize]!;
    if (index === 0) {
      end = putVaruint(out, end, version);
      end = putVaruint(out, end, time - baseOf(micros, unit));
      out[end++] = quoteFlag.sameTime;
      out[end++] = 0;
      end = putVarint(out, end, bid);
      end = putVaruint(out, end, bidSize);
      end = putVarint(out, end, ask - bid);
      end = putVaruint(out, end, askSize);
    } else {
      const flagsAt = end++;
      let flags = 0;
      end = putVarint(out, end, version - previousVersion);
      if (time === previousTime) flags |= quoteFlag.sameTime;
      else end = putVarint(out, end, time - previousTime);
      if (bid === previousBid) flags |= quoteFlag.sameBid;
      else end = putVarint(out, end, bid - previousBid);
      if (bidSize === previousBidSize) flags |= quoteFlag.sameBidSize;
      else end = putVaruint(out, end, bidSize);
      if (ask === previousAsk) flags |= quoteFlag.sameAsk;
      else end = putVarint(out, end, ask - bid);
      if (askSize === previousAskSize) flags |= quoteFlag.sameAskSize;
      else end = putVaruint(out, end, askSize);
      out[flagsAt] = flags;
    }
    previousVersion = version;
    previousTime = time;
    previousBid = bid;
    previousBidSize = bidSize;
    previousAsk = ask;
    previousAskSize = askSize;
    slot = next[slot]!;
  }
  return endBlock(out, body, end, count);
}
