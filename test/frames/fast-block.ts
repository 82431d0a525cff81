/** Blocks through the fast encoders, as shards and gateways use them. */
import { limbsOf } from '../../src/market/amount.ts';
import { barBit, barWord, barWords } from '../../src/market/bar-words.ts';
import { bookChange, bookCopy } from '../../src/market/book.ts';
import { blockKind, timeBaseMillis, timeBaseOf } from '../../src/wire/block.ts';
import { channelCount } from '../../src/wire/block-message.ts';
import type { Block, WireBook } from '../../src/wire/decode-frame.ts';
import { encodeBook, encodeBookDelta } from '../../src/wire/encode-book.ts';
import {
  dictionaryBlocks,
  encodeHeartbeat,
  errorBlock,
  heartbeatWords,
} from '../../src/wire/encode-connection.ts';
import {
  encodeBar,
  encodeEnigma,
  encodeGap,
  encodeStatus,
  encodeTicker,
  tickerWord,
  tickerWords,
} from '../../src/wire/encode-state.ts';
import { encodeQuotes, encodeTrades, type TickChain } from '../../src/wire/encode-ticks.ts';
import { streamState } from '../../src/wire/row.ts';
import { tickField, tickFlag, tickKind, tickRecords, tickWords } from '../../src/wire/tick-record.ts';

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
export function fastBlock(out: Uint8Array, at: number, block: Block): number {
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
        chain.late[slot] = (trade.late ? 1 : 0) | (trade.quarantined === true ? 2 : 0);
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
    case 'bookSnapshot':
    case 'bookTop': {
      const book = block.records[0]!;
      const copy = { ...bookCopy(0), ...sidesOf(book), lastId: cursor, time };
      return encodeBook(out, at, blockKind[block.kind], instrument, copy);
    }
    case 'bookDelta': {
      const { previous: previousId, firstUpdate: firstId, ...book } = block.records[0]!;
      const change = { ...bookChange(0), ...sidesOf(book), lastId: cursor, time, previousId, firstId };
      return encodeBookDelta(out, at, instrument, change);
    }
    case 'status': {
      const { channel, state, since } = block.records[0]!;
      if (channel >= channelCount) throw new RangeError(`channel ${channel}`);
      return encodeStatus(out, at, instrument, cursor, time, channel, streamState[state], since);
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

/** The levels of a book as columns. */
function sidesOf({ bids, asks, bidsWhole, asksWhole }: WireBook): {
  bids: Float64Array;
  asks: Float64Array;
  bidCount: number;
  askCount: number;
  bidsWhole: boolean;
  asksWhole: boolean;
} {
  const counts = { bidCount: bids.length, askCount: asks.length };
  const sides = { bids: Float64Array.from(bids.flat()), asks: Float64Array.from(asks.flat()) };
  return { ...sides, ...counts, bidsWhole, asksWhole };
}

/** What our encoders make of a block: live, without receive time, in µs only when ms do not do, from its own time base. */
export function asWeSend(block: Block): Block {
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
