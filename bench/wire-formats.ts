/** The formats that the wire bench compares. Each encodes a frame of updates, and decodes it while reading every field. */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { Packr } from 'msgpackr';
import { frameCrc32 } from '../src/gateway/frame-crc.ts';
import { doubleOf } from '../src/market/mantissa.ts';
import { blockKind, frameBytesMax, frameHeader, timeBaseOf } from '../src/wire/block.ts';
import { FrameReader } from '../src/wire/decode.ts';
import { quoteBatch, tradeBatch } from '../src/wire/decode-batch.ts';
import { encodeQuotes, encodeTrades, type TickChain } from '../src/wire/encode-ticks.ts';
import { decodeV1, putV1, sealV1, v1Batch, v1HeaderBytes } from '../src/wire/frame-v1.ts';
import { beginFrame, sealFrame } from '../src/wire/frame-v2.ts';
import { tickField, tickFlag, tickKind, tickRecords, tickWords } from '../src/wire/tick-record.ts';
import type { MarketUpdate } from './wire-input.ts';

export type Encoded = Uint8Array | string;

export interface Format {
  readonly name: string;
  /** What is handed to `encode`, made outside of the measured time. */
  prepare(updates: readonly MarketUpdate[]): unknown;
  encode(prepared: unknown): Encoded;
  /** Reads every field that the format has, adding them to the sums. */
  decode(encoded: Encoded, sums: Sums): void;
}

/** Sums of all fields read, in numbers as a human has them: proof that every format did the same work. */
export class Sums {
  ids = 0;
  prices = 0;
  sizes = 0;
  times = 0;
  sells = 0;
}

export function bytesOf(encoded: Encoded): number {
  return typeof encoded === 'string' ? Buffer.byteLength(encoded) : encoded.length;
}

const double = doubleOf;

/** The objects that JSON and MessagePack carry: prices and sizes as numbers, trades in ms, quotes in µs. */
function objects(updates: readonly MarketUpdate[]): unknown {
  const list = updates.map((update) => {
    const { symbol, id, priceDecimals, sizeDecimals, time } = update;
    if (update.kind === 'trade') {
      const side = update.takerSold ? 'sell' : 'buy';
      const terms = { price: double(update.price, priceDecimals), size: double(update.size, sizeDecimals) };
      return { symbol, id, ...terms, side, time: time / 1_000 };
    }
    const bid = { bid: double(update.bid, priceDecimals), bidSize: double(update.bidSize, sizeDecimals) };
    const ask = { ask: double(update.ask, priceDecimals), askSize: double(update.askSize, sizeDecimals) };
    return { symbol, version: id, ...bid, ...ask, time };
  });
  return list.length === 1 ? list[0] : list;
}

interface AnyUpdate {
  readonly id?: number;
  readonly version: number;
  readonly price: number;
  readonly size: number;
  readonly side: string;
  readonly time: number;
  readonly bid: number;
  readonly bidSize: number;
  readonly ask: number;
  readonly askSize: number;
}

function readObject(update: AnyUpdate, sums: Sums): void {
  if (update.id === undefined) {
    sums.ids += update.version;
    sums.prices += update.bid + update.ask;
    sums.sizes += update.bidSize + update.askSize;
    sums.times += update.time;
  } else {
    sums.ids += update.id;
    sums.prices += update.price;
    sums.sizes += update.size;
    sums.times += update.time * 1_000;
    if (update.side === 'sell') sums.sells++;
  }
}

function readObjects(value: unknown, sums: Sums): void {
  if (Array.isArray(value)) for (const update of value) readObject(update as AnyUpdate, sums);
  else readObject(value as AnyUpdate, sums);
}

export const json: Format = {
  name: 'json',
  prepare: objects,
  encode: (prepared) => JSON.stringify(prepared),
  decode: (text, sums) => readObjects(JSON.parse(text as string), sums),
};

const flushTail = 4;
const flushBytes = Uint8Array.of(0, 0, 0xff, 0xff);

/** As permessage-deflate without context takeover: raw deflate, flushed, its last four bytes left out. */
export const jsonDeflate: Format = {
  name: 'json_deflate',
  prepare: objects,
  encode: (prepared) => {
    const whole = deflateRawSync(JSON.stringify(prepared), { finishFlush: constants.Z_SYNC_FLUSH });
    return whole.subarray(0, whole.length - flushTail);
  },
  decode: (bytes, sums) => {
    const whole = Buffer.concat([bytes as Uint8Array, flushBytes]);
    const text = inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
    readObjects(JSON.parse(text), sums);
  },
};

const packr = new Packr({ useRecords: false });
export const messagePack: Format = {
  name: 'msgpack',
  prepare: objects,
  encode: (prepared) => Uint8Array.from(packr.pack(prepared)),
  decode: (bytes, sums) => readObjects(packr.unpack(bytes as Uint8Array), sums),
};

const out = new Uint8Array(frameBytesMax);

/** Trades only, and of them only symbol, price and size. */
export const v1: Format = {
  name: 'v1',
  prepare: (updates) => updates.filter((update) => update.kind === 'trade'),
  encode: (prepared) => {
    const trades = prepared as Extract<MarketUpdate, { kind: 'trade' }>[];
    let at = v1HeaderBytes;
    for (const { instrument, price, size, priceDecimals, sizeDecimals } of trades) {
      at = putV1(out, at, instrument, double(price, priceDecimals), double(size, sizeDecimals));
    }
    return out.slice(0, sealV1(out, trades.length, frameCrc32));
  },
  decode: (bytes, sums) => {
    decodeV1(bytes as Uint8Array, v1Trades, frameCrc32);
    const { count, symbolId, price, volume } = v1Trades;
    let symbols = 0;
    let prices = 0;
    let sizes = 0;
    for (let i = 0; i < count; i++) {
      symbols += symbolId[i]!;
      prices += price[i]!;
      sizes += volume[i]!;
    }
    sums.ids += symbols;
    sums.prices += prices;
    sums.sizes += sizes;
  },
};
const v1Trades = v1Batch();

/** Tick records as a shard has them, chained by instrument and kind. */
interface Chains {
  readonly chain: TickChain;
  readonly timeBase: number;
  readonly groups: readonly {
    readonly kind: MarketUpdate['kind'];
    readonly instrument: number;
    readonly first: number;
    readonly count: number;
  }[];
}

function chains(updates: readonly MarketUpdate[]): Chains {
  const ring = tickRecords(updates.length);
  const next = new Int32Array(updates.length);
  const groups = new Map<
    string,
    { kind: MarketUpdate['kind']; instrument: number; first: number; last: number; count: number }
  >();
  updates.forEach((update, slot) => {
    putRecord(ring, slot, update);
    const { kind, instrument } = update;
    const key = `${kind} ${instrument}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { kind, instrument, first: slot, last: slot, count: 1 });
    else {
      next[group.last] = slot;
      group.last = slot;
      group.count++;
    }
  });
  const chain = {
    ring,
    ringSlots: updates.length,
    extra: tickRecords(0),
    next,
    late: new Uint8Array(updates.length),
  };
  return { chain, timeBase: timeBaseOf(updates[0]!.time), groups: [...groups.values()] };
}

function putRecord({ words, halves }: TickChain['ring'], slot: number, update: MarketUpdate): void {
  const word = slot * tickWords;
  words[word + tickField.time] = update.time;
  words[word + tickField.id] = update.id;
  if (update.kind === 'trade') {
    halves[word * 2] = tickKind.trade | (update.takerSold ? tickFlag.takerSold : 0);
    words[word + tickField.price] = update.price;
    words[word + tickField.size] = update.size;
    words[word + tickField.firstId] = words[word + tickField.lastId] = update.id;
  } else {
    halves[word * 2] = tickKind.quote;
    words[word + tickField.bid] = update.bid;
    words[word + tickField.bidSize] = update.bidSize;
    words[word + tickField.ask] = update.ask;
    words[word + tickField.askSize] = update.askSize;
  }
}

const reader = new FrameReader();
const trades = tradeBatch();
const quotes = quoteBatch();

/** The product's own encoder, decoder and choice of CRC. `units` are 10^decimals by instrument: price, then size. */
export function v2(units: readonly (readonly [price: number, size: number])[]): Format {
  return {
    name: 'v2',
    prepare: chains,
    encode: (prepared) => {
      const { chain, timeBase, groups } = prepared as Chains;
      beginFrame(out, 1, timeBase);
      let end: number = frameHeader.blocks;
      for (const { kind, instrument, first, count } of groups) {
        const encode = kind === 'trade' ? encodeTrades : encodeQuotes;
        end = encode(out, end, chain, instrument, first, count);
      }
      sealFrame(out, end, frameCrc32);
      return out.slice(0, end);
    },
    decode: (bytes, sums) => {
      reader.open(bytes as Uint8Array, frameCrc32);
      while (reader.next()) {
        const [priceUnit, sizeUnit] = units[reader.instrument]!;
        if (reader.kind === blockKind.trade) readTrades(sums, priceUnit, sizeUnit);
        else readQuotes(sums, priceUnit, sizeUnit);
      }
    },
  };
}

function readTrades(sums: Sums, priceUnit: number, sizeUnit: number): void {
  if (!reader.trades(trades)) throw new Error('a block was skipped');
  const { count, id, price, size, time, flags } = trades;
  let ids = 0;
  let prices = 0;
  let sizes = 0;
  let times = 0;
  let sells = 0;
  for (let i = 0; i < count; i++) {
    ids += id[i]!;
    prices += price[i]!;
    sizes += size[i]!;
    times += time[i]!;
    sells += flags[i]! & 1;
  }
  sums.ids += ids;
  sums.prices += prices / priceUnit;
  sums.sizes += sizes / sizeUnit;
  sums.times += times;
  sums.sells += sells;
}

function readQuotes(sums: Sums, priceUnit: number, sizeUnit: number): void {
  if (!reader.quotes(quotes)) throw new Error('a block was skipped');
  const { count, version, bid, bidSize, ask, askSize, time } = quotes;
  let ids = 0;
  let prices = 0;
  let sizes = 0;
  let times = 0;
  for (let i = 0; i < count; i++) {
    ids += version[i]!;
    prices += bid[i]! + ask[i]!;
    sizes += bidSize[i]! + askSize[i]!;
    times += time[i]!;
  }
  sums.ids += ids;
  sums.prices += prices / priceUnit;
  sums.sizes += sizes / sizeUnit;
  sums.times += times;
}
