/** The fast encoders against the obvious one: the same bytes but for a padded length, and the same values back. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limbsOf } from '../../src/market/amount.ts';
import { barBit, barWord, barWords } from '../../src/market/bar-words.ts';
import { blockKind, timeBaseMillis, timeBaseOf } from '../../src/wire/block.ts';
import { FrameReader } from '../../src/wire/decode.ts';
import { type Block, restOfBlocks } from '../../src/wire/decode-frame.ts';
import {
  dictionaryBlocks,
  encodeHeartbeat,
  errorBlock,
  heartbeatBytesMax,
  heartbeatWords,
} from '../../src/wire/encode-connection.ts';
import {
  encodeBar,
  encodeEnigma,
  encodeGap,
  encodeTicker,
  tickerWord,
  tickerWords,
} from '../../src/wire/encode-state.ts';
import {
  encodeQuotes,
  encodeTrades,
  type TickChain,
  tickBlockBytesMax,
} from '../../src/wire/encode-ticks.ts';
import { tickField, tickFlag, tickKind, tickRecords, tickWords } from '../../src/wire/tick-record.ts';
import { arbitraryFrame } from './arbitrary-frame.ts';
import { encodeBlock } from './obvious-encoder.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
/** Kind 1, instrument 5, length 2, count 1, cursor 8, time 8, and a bar's record of 130. */
const stateBytesMax = 155;
/** Slots of the ring; records beyond go to the chain's extra slots. */
const ringSlots = 16;

function chainOf(count: number): TickChain {
  const next = new Int32Array(count + 1);
  for (let slot = 0; slot < count; slot++) next[slot] = slot + 1;
  const late = new Uint8Array(count);
  return { ring: tickRecords(ringSlots), ringSlots, extra: tickRecords(count), next, late };
}

function put(chain: TickChain, slot: number, head: number, fields: Record<number, number>): void {
  const inRing = slot < ringSlots;
  const { words, halves } = inRing ? chain.ring : chain.extra;
  const word = (inRing ? slot : slot - ringSlots) * tickWords;
  halves[word * 2] = head;
  for (const [field, value] of Object.entries(fields)) words[word + Number(field)] = value;
}

/** Encodes a block as shards and gateways do. */
function fastBlock(out: Uint8Array, at: number, block: Block): number {
  const { instrument, cursor, time } = block;
  switch (block.kind) {
    case 'trade': {
      const chain = chainOf(block.records.length);
      block.records.forEach((trade, slot) => {
        const head = tickKind.trade | (trade.takerSold ? tickFlag.takerSold : 0);
        const span = { [tickField.firstId]: 1, [tickField.lastId]: trade.merged };
        const { id, price, size } = tickField;
        put(chain, slot, head, {
          [id]: trade.id,
          [tickField.time]: trade.time,
          [price]: trade.price,
          [size]: trade.size,
          ...span,
        });
        chain.late[slot] = trade.late ? 1 : 0;
      });
      return encodeTrades(out, at, chain, instrument, 0, block.records.length);
    }
    case 'quote': {
      const chain = chainOf(block.records.length);
      block.records.forEach((quote, slot) => {
        const prices = {
          [tickField.bid]: quote.bid,
          [tickField.bidSize]: quote.bidSize,
          [tickField.ask]: quote.ask,
        };
        const rest = {
          [tickField.askSize]: quote.askSize,
          [tickField.id]: quote.version,
          [tickField.time]: quote.time,
        };
        put(chain, slot, tickKind.quote, { ...prices, ...rest });
      });
      return encodeQuotes(out, at, chain, instrument, 0, block.records.length);
    }
    case 'ticker': {
      const ticker = block.records[0]!;
      const words = new Float64Array(tickerWords);
      for (const field of ['last', 'open', 'high', 'low'] as const) words[tickerWord[field]] = ticker[field];
      words.set(limbsOf(ticker.volume), tickerWord.volume);
      words.set(limbsOf(ticker.quoteVolume), tickerWord.quoteVolume);
      words[tickerWord.trades] = ticker.count;
      return encodeTicker(out, at, instrument, cursor, time, words);
    }
    case 'bar': {
      const bar = block.records[0]!;
      const words = new Float64Array(barWords);
      const plain = [
        'openTime',
        'open',
        'high',
        'low',
        'close',
        'count',
        'firstId',
        'lastId',
        'revision',
        'lastTime',
      ] as const;
      for (const field of plain) words[barWord[field]] = bar[field];
      const sums = ['volume', 'quoteVolume', 'takerBuyVolume', 'takerBuyQuoteVolume'] as const;
      for (const field of sums) words.set(limbsOf(bar[field]), barWord[field]);
      for (const field of ['closed', 'corrected', 'incomplete'] as const)
        words[barWord.flags]! |= bar[field] ? barBit[field] : 0;
      return encodeBar(out, at, instrument, bar.resolution, words, 0);
    }
    case 'enigma': {
      const { level, price, ath, athTime, atl, atlTime } = block.records[0]!;
      return encodeEnigma(out, at, instrument, cursor, time, level, price, ath, athTime, atl, atlTime);
    }
    case 'gap': {
      const { state, from, to } = block.records[0]!;
      return encodeGap(out, at, blockKind[state], instrument, from, to, time);
    }
    case 'heartbeat': {
      const words = Float64Array.from(
        block.records.flatMap(({ kind, instrument: of, cursor: last }) => [kind, of, last]),
      );
      return encodeHeartbeat(out, at, cursor, time, words, words.length / heartbeatWords);
    }
    case 'dictionary': {
      const instruments = block.records.map((entry) => ({ ...entry, venue: '', native: '' }));
      const blocks = dictionaryBlocks(cursor, instruments) as [Uint8Array];
      out.set(blocks[0], at);
      return at + blocks[0].length;
    }
    case 'error':
    default: {
      const bytes = errorBlock(cursor, block.records[0]!);
      out.set(bytes, at);
      return at + bytes.length;
    }
  }
}

/** What our encoders make of a block: live, without receive time, in µs only when ms do not do, from its own time base. */
function asWeSend(block: Block): Block {
  const whole = { ...block, snapshot: false, received: 0 };
  if (whole.kind === 'heartbeat') return { ...whole, instrument: 0, micros: true };
  if (whole.kind === 'dictionary' || whole.kind === 'error') {
    return { ...whole, instrument: 0, micros: false, time: timeBaseOf(block.time) * timeBaseMillis * 1_000 };
  }
  const times =
    block.kind === 'trade' || block.kind === 'quote'
      ? block.records.map((record) => record.time)
      : [block.time];
  return { ...whole, micros: times.some((time) => time % 1_000 !== 0) };
}

/** A block with its length as short as can be: kind, instrument, length, body. */
function withShortLength(bytes: readonly number[]): number[] {
  const head = bytes.findIndex((byte, i) => i > 0 && byte < 128) + 1;
  const body = bytes.findIndex((byte, i) => i >= head && byte < 128) + 1;
  let length = bytes.length - body;
  const short: number[] = [];
  for (; length >= 128; length = Math.floor(length / 128)) short.push((length % 128) + 128);
  return [...bytes.slice(0, head), ...short, length, ...bytes.slice(body)];
}

/** What whoever encodes makes room for. */
function bytesMaxOf(block: Block): number {
  if (block.kind === 'trade' || block.kind === 'quote') return tickBlockBytesMax(block.records.length);
  if (block.kind === 'dictionary' || block.kind === 'error') return Number.POSITIVE_INFINITY;
  return block.kind === 'heartbeat' ? heartbeatBytesMax : stateBytesMax;
}

describe(`fast encoders (SEED=${seed})`, () => {
  test('make the bytes of the obvious encoder, but for a length padded to two bytes, and never too many', () => {
    const seen = new Set<string>();
    const out = new Uint8Array(4_096);
    const property = fc.property(arbitraryFrame, ({ blocks }) => {
      for (const block of blocks.map(asWeSend)) {
        out.fill(0xee);
        const end = fastBlock(out, 3, block);
        seen.add(block.kind);
        const fast = [...out.subarray(3, end)];
        expect(withShortLength(fast)).toEqual(encodeBlock(block, timeBaseOf(block.time)));
        expect(fast.length).toBeLessThanOrEqual(bytesMaxOf(block));
        expect([out[0], out[1], out[2], out[end]]).toEqual([0xee, 0xee, 0xee, 0xee]);
        const reader = new FrameReader();
        reader.openBlocks(out, 3, end, timeBaseOf(block.time));
        expect(restOfBlocks(reader)).toEqual([block]);
        expect(reader.skipped).toBe(0);
      }
    });
    fc.assert(property, { seed, numRuns: 1_000 });
    expect([...seen].toSorted()).toEqual([
      'bar',
      'dictionary',
      'enigma',
      'error',
      'gap',
      'heartbeat',
      'quote',
      'ticker',
      'trade',
    ]);
  });
});
