/**
 * Trades and quotes out of their blocks into columns, the fast part of the decoder: no objects, no growth.
 * A batch holds one block and is reused for the next.
 */
import type { Quote, Trade } from '../market/tick.ts';
import { blockRecordsMax, quoteFlag, quoteFlagsKnown, tradeFlag, tradeFlagsKnown } from './block.ts';
import type { FrameReader } from './decode.ts';
import { checked } from './decode-bytes.ts';

/** The trades of one block, column by column: `id[i]`, `time[i]` … for 0 ≤ i < `count`. */
export interface TradeBatch {
  instrument: number;
  count: number;
  /** Receive time of the last trade, µs since 1970; 0 when unknown. */
  received: number;
  snapshot: boolean;
  readonly id: Float64Array;
  /** µs since 1970. */
  readonly time: Float64Array;
  /** Mantissas. */
  readonly price: Float64Array;
  readonly size: Float64Array;
  /** How many trades of the venue each stands for. */
  readonly merged: Float64Array;
  /** Bits of `tradeFlag`: of use are `takerSold`, `late`, `aggregate` and `quarantined`. */
  readonly flags: Uint8Array;
}

/** The quotes of one block, column by column. */
export interface QuoteBatch {
  instrument: number;
  count: number;
  received: number;
  snapshot: boolean;
  readonly version: Float64Array;
  readonly time: Float64Array;
  readonly bid: Float64Array;
  readonly bidSize: Float64Array;
  readonly ask: Float64Array;
  readonly askSize: Float64Array;
}

const column = (): Float64Array => new Float64Array(blockRecordsMax);

export function tradeBatch(): TradeBatch {
  const flags = new Uint8Array(blockRecordsMax);
  const columns = { id: column(), time: column(), price: column(), size: column(), merged: column(), flags };
  return { instrument: 0, count: 0, received: 0, snapshot: false, ...columns };
}

export function quoteBatch(): QuoteBatch {
  const prices = { bid: column(), bidSize: column(), ask: column(), askSize: column() };
  return {
    instrument: 0,
    count: 0,
    received: 0,
    snapshot: false,
    version: column(),
    time: column(),
    ...prices,
  };
}

/** False when a record has an unknown flag; the batch is then empty. */
export function readTrades(reader: FrameReader, batch: TradeBatch): boolean {
  const { unit, count } = reader;
  let { cursor: id, time } = reader;
  let price = 0;
  // Columns as locals: the loop then loads each of them once.
  const { id: ids, time: times, price: prices, size: sizes, merged, flags: bits } = batch;
  batch.count = 0;
  for (let i = 0; i < count; i++) {
    const flags = reader.u8();
    if (flags > tradeFlagsKnown) return false;
    id = checked((flags & tradeFlag.nextId) !== 0 ? id + 1 : id + reader.varint());
    if ((flags & tradeFlag.sameTime) === 0) time = checked(time + reader.varint() * unit);
    if ((flags & tradeFlag.samePrice) === 0) price = checked(price + reader.varint());
    ids[i] = id;
    times[i] = time;
    prices[i] = price;
    sizes[i] = reader.varuint();
    merged[i] = (flags & tradeFlag.aggregate) === 0 ? 1 : checked(reader.varuint() + 1);
    bits[i] = flags;
  }
  reader.finish();
  batch.instrument = reader.instrument;
  batch.received = reader.received;
  batch.snapshot = reader.snapshot;
  batch.count = count;
  return true;
}

/** False when a record has an unknown flag; the batch is then empty. */
export function readQuotes(reader: FrameReader, batch: QuoteBatch): boolean {
  const { unit, count } = reader;
  let { cursor: version, time } = reader;
  let bid = 0;
  let bidSize = 0;
  let ask = 0;
  let askSize = 0;
  const {
    version: versions,
    time: times,
    bid: bids,
    bidSize: bidSizes,
    ask: asks,
    askSize: askSizes,
  } = batch;
  batch.count = 0;
  for (let i = 0; i < count; i++) {
    const flags = reader.u8();
    if (flags > quoteFlagsKnown) return false;
    version = checked(version + reader.varint());
    if ((flags & quoteFlag.sameTime) === 0) time = checked(time + reader.varint() * unit);
    if ((flags & quoteFlag.sameBid) === 0) bid = checked(bid + reader.varint());
    if ((flags & quoteFlag.sameBidSize) === 0) bidSize = reader.varuint();
    if ((flags & quoteFlag.sameAsk) === 0) ask = checked(bid + reader.varint());
    if ((flags & quoteFlag.sameAskSize) === 0) askSize = reader.varuint();
    versions[i] = version;
    times[i] = time;
    bids[i] = bid;
    bidSizes[i] = bidSize;
    asks[i] = ask;
    askSizes[i] = askSize;
  }
  reader.finish();
  batch.instrument = reader.instrument;
  batch.received = reader.received;
  batch.snapshot = reader.snapshot;
  batch.count = count;
  return true;
}

/** Trade `index` of a batch as an object of its own. */
export function tradeAt(batch: TradeBatch, index: number): Trade {
  return {
    instrument: batch.instrument,
    id: batch.id[index]!,
    time: batch.time[index]!,
    price: batch.price[index]!,
    size: batch.size[index]!,
    takerSold: (batch.flags[index]! & tradeFlag.takerSold) !== 0,
    merged: batch.merged[index]!,
  };
}

/** Quote `index` of a batch as an object of its own. */
export function quoteAt(batch: QuoteBatch, index: number): Quote {
  return {
    instrument: batch.instrument,
    version: batch.version[index]!,
    time: batch.time[index]!,
    bid: batch.bid[index]!,
    bidSize: batch.bidSize[index]!,
    ask: batch.ask[index]!,
    askSize: batch.askSize[index]!,
  };
}
