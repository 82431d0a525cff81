/** The `.ksy` files compiled to JavaScript, and what they make of a frame in the words of our own decoder. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import KaitaiStructCompiler from 'kaitai-struct-compiler';
import { parse } from 'yaml';
import { asText } from './golden-files.ts';

/** A number that a generated parser read, and records as far as they are looked at here. */
interface Value {
  readonly value: number;
}
interface Amount {
  readonly low: Value;
  readonly high: Value;
}
type Fields<
  Numbers extends string,
  Values extends string,
  Amounts extends string,
  Booleans extends string,
> = Record<Numbers, number> & Record<Values, Value> & Record<Amounts, Amount> & Record<Booleans, boolean>;

type Trade = Fields<
  'tradeId' | 'time' | 'price' | 'merged',
  'size',
  never,
  'takerSold' | 'isLate' | 'isQuarantined'
>;
type Quote = Fields<'version' | 'time' | 'bid' | 'bidSize' | 'ask' | 'askSize', never, never, never>;
type Ticker = Fields<'open' | 'high' | 'low', 'last' | 'numTrades', 'volume' | 'quoteVolume', never>;
type Bar = Fields<
  'resolution' | 'high' | 'low' | 'close' | 'lastId',
  'open' | 'revision' | 'numTrades' | 'firstId',
  'volume' | 'quoteVolume' | 'takerBuyVolume' | 'takerBuyQuoteVolume',
  'isClosed' | 'isCorrected' | 'isIncomplete'
>;
type Enigma = Fields<never, 'level' | 'price' | 'ath' | 'atl' | 'athTime' | 'atlTime', never, never>;
interface Book {
  readonly isBidsCut: boolean;
  readonly isAsksCut: boolean;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}
interface Level {
  readonly price: number;
  readonly size: Value;
}
interface Delta {
  readonly isBidsCut: boolean;
  readonly isAsksCut: boolean;
  readonly numBids: Value;
  readonly levels: readonly Level[];
  readonly previous: number;
  readonly firstUpdate: number;
}
type Entry = Fields<'priceDecimals' | 'sizeDecimals', 'instrument', never, 'isActive'> &
  Record<'symbol' | 'base' | 'quote', { value: string }>;

interface Body {
  readonly cursor: Value;
  readonly time: number;
  readonly received?: number;
  readonly records: unknown[];
}
interface ParsedBlock {
  readonly kind: number;
  readonly instrument: Value;
  readonly isSnapshot: boolean;
  readonly isMicros: boolean;
  readonly body: Body | Uint8Array;
}
interface ParsedFrame {
  readonly dictionary: number;
  readonly timeBase: number;
  readonly blocks: ParsedBlock[];
  /** v1. */
  readonly records: { symbolId: number; price: number; volume: number }[];
}
/** The stream of Kaitai's runtime: nothing of it is called here. */
type Stream = object;
type Parser = new (stream: Stream) => ParsedFrame;

const require = createRequire(import.meta.url);
const { KaitaiStream } = require('kaitai-struct') as { KaitaiStream: new (bytes: ArrayBuffer) => Stream };

/** Compiles `proto/<name>.ksy`. */
async function parserOf(name: string, className: string): Promise<Parser> {
  const ksy: unknown = parse(readFileSync(join(import.meta.dirname, `../../proto/${name}.ksy`), 'utf8'));
  const files = await KaitaiStructCompiler.compile('javascript', ksy, undefined, false);
  const exported: Record<string, Parser> = {};
  const load = compileFunction(files[`${className}.js`]!, ['exports', 'require']) as (
    exports: object,
    load: NodeJS.Require,
  ) => void;
  load(exported, require);
  return exported[className]!;
}

const v1 = await parserOf('frame-v1', 'FrameV1');
const v2 = await parserOf('frame-v2', 'FrameV2');

const streamOf = (bytes: Uint8Array): Stream => new KaitaiStream(Uint8Array.from(bytes).buffer);

export function kaitaiV1(bytes: Uint8Array): unknown {
  const { records } = new v1(streamOf(bytes));
  return asText({ records: records.map(({ symbolId, price, volume }) => ({ symbolId, price, volume })) });
}

export function kaitaiV2(bytes: Uint8Array): unknown {
  const frame = new v2(streamOf(bytes));
  const blocks = frame.blocks.flatMap((block) =>
    block.body instanceof Uint8Array ? [] : [blockOf(block, block.body)],
  );
  const { dictionary, timeBase } = frame;
  return asText({ dictionary, timeBase, blocks, skipped: frame.blocks.length - blocks.length });
}

const names: Readonly<Record<number, string>> = {
  1: 'trade',
  2: 'quote',
  3: 'ticker',
  4: 'bar',
  5: 'enigma',
  6: 'bookSnapshot',
  7: 'bookDelta',
  8: 'heartbeat',
  12: 'dictionary',
  16: 'error',
  17: 'bookTop',
  18: 'status',
};
const gapStates: Record<number, string> = { 9: 'gap', 10: 'repaired', 11: 'lost' };

function blockOf(block: ParsedBlock, body: Body): object {
  const { instrument, isSnapshot: snapshot, isMicros: micros, kind } = block;
  const head = { instrument: instrument.value, cursor: body.cursor.value, time: body.time, snapshot, micros };
  const records = body.records.map((record) => recordOf(kind, record, head));
  return { ...head, received: body.received ?? 0, kind: names[kind] ?? 'gap', records };
}

interface Head {
  readonly instrument: number;
  readonly cursor: number;
  readonly time: number;
}

const sum = ({ low, high }: Amount): bigint => BigInt(high.value) * 2n ** 48n + BigInt(low.value);

function recordOf(kind: number, record: unknown, { instrument, cursor, time }: Head): unknown {
  switch (names[kind] ?? 'gap') {
    case 'trade': {
      const { tradeId, time: at, price, size, merged, takerSold, isLate, isQuarantined } = record as Trade;
      const flags = { late: isLate, ...(isQuarantined ? { quarantined: true } : {}) };
      return { instrument, id: tradeId, time: at, price, size: size.value, takerSold, merged, ...flags };
    }
    case 'quote': {
      const { version, time: at, bid, bidSize, ask, askSize } = record as Quote;
      return { instrument, version, time: at, bid, bidSize, ask, askSize };
    }
    case 'ticker': {
      const { last, open, high, low, volume, quoteVolume, numTrades } = record as Ticker;
      const sums = { volume: sum(volume), quoteVolume: sum(quoteVolume) };
      return { instrument, time, last: last.value, open, high, low, ...sums, count: numTrades.value };
    }
    case 'bar':
      return barOf(record as Bar, { instrument, cursor, time });
    case 'enigma': {
      const { level, price, ath, atl, athTime, atlTime } = record as Enigma;
      const times = { athTime: athTime.value * 1_000_000, atlTime: atlTime.value * 1_000_000 };
      return {
        instrument,
        time,
        level: level.value,
        price: price.value,
        ath: ath.value,
        atl: atl.value,
        ...times,
      };
    }
    case 'bookSnapshot':
    case 'bookTop': {
      const { isBidsCut, isAsksCut, bids, asks } = record as Book;
      const whole = { bidsWhole: !isBidsCut, asksWhole: !isAsksCut };
      return { instrument, ...whole, bids: bids.map(levelOf), asks: asks.map(levelOf) };
    }
    case 'bookDelta': {
      const { isBidsCut, isAsksCut, numBids, levels, previous, firstUpdate } = record as Delta;
      const all = levels.map(levelOf);
      const sides = { bids: all.slice(0, numBids.value), asks: all.slice(numBids.value) };
      const whole = { bidsWhole: !isBidsCut, asksWhole: !isAsksCut };
      return { instrument, ...whole, previous, firstUpdate, ...sides };
    }
    case 'status': {
      const { channel, state, since } = record as { channel: number; state: number; since: number };
      return { instrument, channel, state: ['live', 'stale', 'syncing'][state], since, time };
    }
    case 'heartbeat': {
      const stream = record as Record<'kind' | 'instrument' | 'cursor', Value>;
      return { kind: stream.kind.value, instrument: stream.instrument.value, cursor: stream.cursor.value };
    }
    case 'dictionary': {
      const { instrument: id, isActive, priceDecimals, sizeDecimals, symbol, base, quote } = record as Entry;
      const texts = { symbol: symbol.value, base: base.value, quote: quote.value };
      return { id: id.value, active: isActive, priceDecimals, sizeDecimals, ...texts };
    }
    case 'error':
      return (record as { message: string }).message;
    default:
      return {
        instrument,
        state: gapStates[kind],
        from: cursor,
        to: (record as { last: number }).last,
        time,
      };
  }
}

function levelOf({ price, size }: Level): number[] {
  return [price, size.value];
}

function barOf(bar: Bar, { instrument, cursor, time }: Head): object {
  const { resolution, high, low, close, lastId } = bar;
  return {
    instrument,
    resolution,
    openTime: cursor * 1_000_000,
    open: bar.open.value,
    high,
    low,
    close,
    volume: sum(bar.volume),
    quoteVolume: sum(bar.quoteVolume),
    takerBuyVolume: sum(bar.takerBuyVolume),
    takerBuyQuoteVolume: sum(bar.takerBuyQuoteVolume),
    count: bar.numTrades.value,
    firstId: bar.firstId.value,
    lastId,
    revision: bar.revision.value,
    closed: bar.isClosed,
    corrected: bar.isCorrected,
    incomplete: bar.isIncomplete,
    lastTime: time,
  };
}
