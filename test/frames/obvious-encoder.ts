/**
 * The obvious encoder of frame v2: `proto/frames.md` line by line, in BigInt, with no thought for speed.
 * It judges the fast encoders and makes the golden vectors. It shares no code with `src/wire` but the types.
 */
import type { Enigma, GapNotice, Quote, Ticker } from '../../src/market/tick.ts';
import type { DictionaryEntry, StreamCursor } from '../../src/wire/decode-connection.ts';
import type { Block, WireBook, WireBookDelta, WireTrade } from '../../src/wire/decode-frame.ts';
import type { BarUpdate, StreamStatus } from '../../src/wire/decode-records.ts';

/** A block as values, or as bytes that are put in as they are (for kinds and flags that nobody knows yet). */
export type ObviousBlock = Block | { readonly raw: readonly number[] };

export interface ObviousFrame {
  readonly dictionary: number;
  readonly timeBase: number;
  readonly flags?: number;
  readonly blocks: readonly ObviousBlock[];
}

const kinds = {
  trade: 1,
  quote: 2,
  ticker: 3,
  bar: 4,
  enigma: 5,
  bookSnapshot: 6,
  bookDelta: 7,
  heartbeat: 8,
  dictionary: 12,
  error: 16,
  bookTop: 17,
  status: 18,
} as const;
const gapKinds = { gap: 9, repaired: 10, lost: 11 } as const;

export function varuint(value: number | bigint): number[] {
  let rest = BigInt(value);
  if (rest < 0n || rest > 2n ** 53n - 1n) throw new RangeError(`no varuint: ${rest}`);
  const bytes: number[] = [];
  for (; rest >= 128n; rest /= 128n) bytes.push(Number(rest % 128n) + 128);
  return [...bytes, Number(rest)];
}

export function varint(value: number | bigint): number[] {
  const whole = BigInt(value);
  return varuint(whole >= 0n ? whole * 2n : -whole * 2n - 1n);
}

function minus(a: number, b: number): bigint {
  return BigInt(a) - BigInt(b);
}

function amount(value: bigint): number[] {
  return [...varuint(value % 2n ** 48n), ...varuint(value / 2n ** 48n)];
}

function text(value: string): number[] {
  const bytes = [...new TextEncoder().encode(value)];
  return [bytes.length, ...bytes];
}

function uint32(value: number): number[] {
  return [0n, 8n, 16n, 24n].map((shift) => Number((BigInt(value) >> shift) & 255n));
}

/** Bit by bit, as the polynomial says. */
export function obviousCrc32(bytes: readonly number[] | Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0xedb88320n : crc >> 1n;
  }
  return Number(crc ^ 0xffffffffn);
}

export function encodeFrame(frame: ObviousFrame): Uint8Array {
  const afterCrc = [
    0x54,
    0x57,
    2,
    frame.flags ?? 0,
    ...uint32(frame.dictionary),
    ...uint32(frame.timeBase),
    ...frame.blocks.flatMap((block) => encodeBlock(block, frame.timeBase)),
  ];
  return Uint8Array.from([...uint32(obviousCrc32(afterCrc)), ...afterCrc]);
}

/** The same frame with a CRC that fits whatever was done to its other bytes. */
export function resealed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...uint32(obviousCrc32(bytes.subarray(4))), ...bytes.subarray(4)]);
}

export function encodeBlock(block: ObviousBlock, timeBase: number): number[] {
  if ('raw' in block) return [...block.raw];
  const unit = block.micros ? 1n : 1_000n;
  const sinceBase = BigInt(block.time) - BigInt(timeBase) * 2n ** 20n * 1_000n;
  if (sinceBase % unit !== 0n) throw new RangeError(`${block.time} is no whole ms`);
  const body = [
    ...varuint(block.records.length),
    ...varuint(block.cursor),
    ...varuint(sinceBase / unit),
    ...(block.received === 0 ? [] : varint(minus(block.received, block.time))),
    ...recordsOf(block, unit),
  ];
  const bits = (block.received === 0 ? 0 : 0x20) | (block.micros ? 0x40 : 0) | (block.snapshot ? 0x80 : 0);
  return [kindOf(block) | bits, ...varuint(block.instrument), ...varuint(body.length), ...body];
}

function kindOf(block: Block): number {
  return block.kind === 'gap' ? gapKinds[block.records[0]!.state] : kinds[block.kind];
}

function recordsOf(block: Block, unit: bigint): number[] {
  switch (block.kind) {
    case 'trade':
      return block.records.flatMap((record, i) => trade(record, block.records[i - 1], unit));
    case 'quote':
      return block.records.flatMap((record, i) => quote(record, block.records[i - 1], unit));
    case 'ticker':
      return block.records.flatMap(ticker);
    case 'bar':
      return block.records.flatMap(bar);
    case 'enigma':
      return block.records.flatMap(enigma);
    case 'gap':
      return block.records.flatMap((record: GapNotice) => varuint(minus(record.to, record.from)));
    case 'bookSnapshot':
    case 'bookTop':
      return block.records.flatMap(book);
    case 'bookDelta':
      return block.records.flatMap((record) => bookDelta(record, block.cursor));
    case 'status':
      return block.records.flatMap(status);
    case 'heartbeat':
      return block.records.flatMap((record: StreamCursor) => [
        ...varuint(record.kind),
        ...varuint(record.instrument),
        ...varuint(record.cursor),
      ]);
    case 'dictionary':
      return block.records.flatMap(entry);
    case 'error':
    default: {
      const bytes = [...new TextEncoder().encode(block.records[0])];
      return [...varuint(bytes.length), ...bytes];
    }
  }
}

function trade(record: WireTrade, previous: WireTrade | undefined, unit: bigint): number[] {
  const sameTime = previous === undefined || record.time === previous.time;
  const nextId = previous !== undefined && minus(record.id, previous.id) === 1n;
  const samePrice = previous !== undefined && record.price === previous.price;
  const flags = [
    record.takerSold,
    sameTime,
    nextId,
    samePrice,
    record.late,
    record.merged > 1,
    record.quarantined === true,
  ];
  return [
    flags.reduce((byte, set, bit) => byte + (set ? 2 ** bit : 0), 0),
    ...(nextId ? [] : varint(previous === undefined ? 0 : minus(record.id, previous.id))),
    ...(sameTime ? [] : varint(minus(record.time, previous.time) / unit)),
    ...(samePrice ? [] : varint(minus(record.price, previous?.price ?? 0))),
    ...varuint(record.size),
    ...(record.merged > 1 ? varuint(record.merged - 1) : []),
  ];
}

function quote(record: Quote, previous: Quote | undefined, unit: bigint): number[] {
  const same = (field: 'bid' | 'bidSize' | 'ask' | 'askSize'): boolean =>
    previous !== undefined && record[field] === previous[field];
  const sameTime = previous === undefined || record.time === previous.time;
  const flags = [same('bid'), sameTime, same('bidSize'), same('ask'), same('askSize')];
  return [
    flags.reduce((byte, set, bit) => byte + (set ? 2 ** bit : 0), 0),
    ...varint(previous === undefined ? 0 : minus(record.version, previous.version)),
    ...(sameTime ? [] : varint(minus(record.time, previous.time) / unit)),
    ...(same('bid') ? [] : varint(minus(record.bid, previous?.bid ?? 0))),
    ...(same('bidSize') ? [] : varuint(record.bidSize)),
    ...(same('ask') ? [] : varint(minus(record.ask, record.bid))),
    ...(same('askSize') ? [] : varuint(record.askSize)),
  ];
}

function ticker(record: Ticker): number[] {
  return [
    ...varuint(record.last),
    ...varint(minus(record.open, record.last)),
    ...varint(minus(record.high, record.last)),
    ...varuint(minus(record.last, record.low)),
    ...amount(record.volume),
    ...amount(record.quoteVolume),
    ...varuint(record.count),
  ];
}

function bar(record: BarUpdate): number[] {
  return [
    record.resolution,
    (record.closed ? 1 : 0) + (record.corrected ? 2 : 0) + (record.incomplete ? 4 : 0),
    ...varuint(record.revision),
    ...varuint(record.open),
    ...varuint(minus(record.high, record.open)),
    ...varuint(minus(record.open, record.low)),
    ...varint(minus(record.close, record.open)),
    ...amount(record.volume),
    ...amount(record.quoteVolume),
    ...varuint(record.count),
    ...amount(record.takerBuyVolume),
    ...amount(record.takerBuyQuoteVolume),
    ...varuint(record.firstId),
    ...varuint(minus(record.lastId, record.firstId)),
  ];
}

function seconds(micros: number): bigint {
  return BigInt(micros) / 1_000_000n;
}

function enigma(record: Enigma): number[] {
  return [
    ...varuint(record.level),
    ...varuint(record.price),
    ...varuint(record.ath),
    ...varuint(record.atl),
    ...varuint(seconds(record.athTime)),
    ...varuint(seconds(record.atlTime)),
  ];
}

function book(record: WireBook): number[] {
  const { bids, asks } = record;
  return [
    (record.bidsWhole ? 0 : 1) + (record.asksWhole ? 0 : 2),
    ...varuint(bids.length),
    ...varuint(asks.length),
    ...bids.flatMap(([price, size], i) => [
      ...varuint(i === 0 ? price : minus(bids[i - 1]![0], price)),
      ...varuint(size),
    ]),
    ...asks.flatMap(([price, size], i) => [
      ...(i === 0 ? varint(minus(price, bids[0]?.[0] ?? 0)) : varuint(minus(price, asks[i - 1]![0]))),
      ...varuint(size),
    ]),
  ];
}

function bookDelta(record: WireBookDelta, cursor: number): number[] {
  const levels = [...record.bids, ...record.asks];
  return [
    (record.bidsWhole ? 0 : 1) + (record.asksWhole ? 0 : 2),
    ...varuint(minus(cursor, record.previous)),
    ...varuint(minus(cursor, record.firstUpdate)),
    ...varuint(record.bids.length),
    ...varuint(record.asks.length),
    ...levels.flatMap(([price, size], i) => [
      ...varint(minus(price, levels[i - 1]?.[0] ?? 0)),
      ...varuint(size),
    ]),
  ];
}

function status(record: StreamStatus): number[] {
  const state = ['live', 'stale', 'syncing'].indexOf(record.state);
  return [record.channel, state, ...varint(minus(record.time, record.since))];
}

function entry(record: DictionaryEntry): number[] {
  return [
    ...varuint(record.id),
    record.active ? 1 : 0,
    record.priceDecimals,
    record.sizeDecimals,
    ...text(record.symbol),
    ...text(record.base),
    ...text(record.quote),
  ];
}
