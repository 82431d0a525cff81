/** The golden vectors as values: what is in `proto/golden`, before it becomes hex and text. */

import type { Block, BlockHead } from '../../src/wire/decode-frame.ts';
import { badFrames } from './golden-bad-frames.ts';
import { block, type GoldenFrame, oneTrade, sound, timeBase } from './golden-block.ts';
import { bookFrames } from './golden-book-frames.ts';
import { encodeFrame } from './obvious-encoder.ts';

const most = Number.MAX_SAFE_INTEGER;
const baseMicros = timeBase * 2 ** 20 * 1_000;
const time = baseMicros + 123_000;
const head: BlockHead = { instrument: 1, cursor: 0, time, snapshot: false, micros: false, received: 0 };

const trade = {
  instrument: 1,
  id: 3_735_683_259,
  time,
  price: 6_183_763,
  size: 2_000,
  takerSold: true,
  merged: 1,
  late: false,
};
const quote = {
  instrument: 1,
  version: 50_093_239_212,
  time,
  bid: 6_183_763,
  bidSize: 378_826,
  ask: 6_183_764,
  askSize: 154_698,
};
const ticker = { instrument: 1, time, last: 6_183_763, open: 5_500_000, high: 6_270_000, low: 5_476_800 };
const bar = {
  instrument: 1,
  resolution: 2,
  openTime: 1_723_161_240_000_000,
  open: 6_183_763,
  high: 6_184_000,
  low: 6_180_001,
};
const barSums = {
  volume: 1_234_567n,
  quoteVolume: 7_634_233_000_000n,
  takerBuyVolume: 600_000n,
  takerBuyQuoteVolume: 3_710_000_000_000n,
};
const barRest = {
  count: 321,
  firstId: 3_735_683_000,
  lastId: 3_735_683_320,
  revision: 0,
  closed: true,
  corrected: false,
  incomplete: false,
};
const wholeBar = { ...bar, close: 6_182_500, ...barSums, ...barRest, lastTime: time };
const enigma = {
  instrument: 1,
  time,
  price: 6_183_763,
  level: 836_500,
  ath: 7_377_700,
  athTime: 1_710_374_400_000_000,
  atl: 28_175,
  atlTime: 1_502_928_000_000_000,
};
const entry = {
  id: 1,
  active: true,
  priceDecimals: 2,
  sizeDecimals: 5,
  symbol: 'BINANCE:BTCUSDT',
  base: 'BTC',
  quote: 'USDT',
};
/** The largest sum that two limbs hold. */
const amountMost = (2n ** 53n - 1n) * 2n ** 48n + 2n ** 48n - 1n;

const tradesOf = (records: readonly (typeof trade)[], rest: Partial<BlockHead> = {}): Block => {
  const first = records[0]!;
  return {
    ...head,
    instrument: first.instrument,
    cursor: first.id,
    time: first.time,
    ...rest,
    kind: 'trade',
    records,
  };
};
const quotesOf = (records: readonly (typeof quote)[], rest: Partial<BlockHead> = {}): Block => {
  const first = records[0]!;
  return { ...head, cursor: first.version, time: first.time, ...rest, kind: 'quote', records };
};
const barOf = (record: typeof wholeBar, rest: Partial<BlockHead> = {}): Block => {
  return {
    ...head,
    cursor: record.openTime / 1_000_000,
    ...rest,
    kind: 'bar',
    records: [{ ...record, lastTime: rest.time ?? time }],
  };
};
const gapOf = (state: 'gap' | 'repaired' | 'lost', from: number, to: number): Block => {
  return { ...head, cursor: from, kind: 'gap', records: [{ instrument: 1, state, from, to, time }] };
};

const trades = [
  sound('one trade', tradesOf([trade])),
  sound(
    'same time, next id, same price, each alone and together',
    tradesOf([
      trade,
      { ...trade, id: trade.id + 1 },
      { ...trade, id: trade.id + 2, price: trade.price + 1, takerSold: false },
      { ...trade, id: trade.id + 3, price: trade.price - 99, time: time + 1_000 },
      { ...trade, id: trade.id + 7, price: trade.price - 99, time: time + 1_000, size: 1 },
    ]),
  ),
  sound(
    'negative differences: late trades with older id, time and price',
    tradesOf([trade, { ...trade, id: trade.id - 5, time: time - 9_000, price: 1, late: true }]),
  ),
  sound(
    'aggregate trades',
    tradesOf([
      { ...trade, merged: 2 },
      { ...trade, id: trade.id + 1, merged: 300 },
    ]),
  ),
  sound(
    'size zero, and the largest size and merged count',
    tradesOf([
      { ...trade, size: 0 },
      { ...trade, id: trade.id + 1, size: most, merged: most },
    ]),
  ),
  sound(
    'ids up to 2^53 - 1',
    tradesOf([
      { ...trade, id: most - 1 },
      { ...trade, id: most },
      { ...trade, id: most - 2 ** 52 },
    ]),
  ),
  sound(
    'prices from 0 to 2^52 - 1',
    tradesOf([
      { ...trade, price: 2 ** 52 - 1 },
      { ...trade, id: trade.id + 1, price: 0 },
    ]),
  ),
  sound(
    'times in µs',
    tradesOf(
      [
        { ...trade, time: time + 1 },
        { ...trade, id: trade.id + 1, time: time + 2_345 },
      ],
      { micros: true },
    ),
  ),
  sound(
    'snapshot, with a receive time after and before the exchange time',
    tradesOf([trade], { snapshot: true, received: time + 250 }),
    tradesOf([trade], { received: time - 1_270_000 }),
  ),
  sound('the largest instrument', tradesOf([{ ...trade, instrument: 2 ** 32 - 1 }])),
];

const quotes = [
  sound('one quote', quotesOf([quote])),
  sound(
    'each field kept and each changed',
    quotesOf([
      quote,
      { ...quote, version: quote.version + 7 },
      { ...quote, version: quote.version + 8, bid: quote.bid - 1, time: time + 1_000 },
      { ...quote, version: quote.version + 9, bid: quote.bid - 1, bidSize: 5, time: time + 1_000 },
      {
        ...quote,
        version: quote.version + 10,
        bid: quote.bid - 1,
        bidSize: 5,
        ask: quote.ask + 20,
        askSize: 0,
        time,
      },
    ]),
  ),
  sound(
    'times in µs, snapshot, sizes zero',
    quotesOf([{ ...quote, time: time + 1, bidSize: 0, askSize: 0 }], { micros: true, snapshot: true }),
  ),
  sound(
    'a crossed book and the largest numbers',
    quotesOf([{ ...quote, version: most, bid: 2 ** 52 - 1, ask: 0, bidSize: most, askSize: most }]),
  ),
];

const states = [
  sound('ticker', {
    ...head,
    cursor: trade.id,
    kind: 'ticker',
    records: [{ ...ticker, volume: 3_000_000_000n, quoteVolume: 18_000_000_000_000_000n, count: 4_000_000 }],
  }),
  sound('ticker with sums far above 2^53', {
    ...head,
    cursor: most,
    micros: true,
    kind: 'ticker',
    records: [{ ...ticker, volume: 2n ** 60n + 1n, quoteVolume: amountMost, count: most }],
  }),
  sound('closed bar', barOf(wholeBar)),
  sound(
    'forming, corrected and incomplete bars of every resolution',
    ...Array.from({ length: 10 }, (_, i) =>
      barOf(
        {
          ...wholeBar,
          resolution: i,
          revision: i,
          closed: i % 2 === 0,
          corrected: i % 3 === 1,
          incomplete: i % 3 === 2,
        },
        { snapshot: i === 9 },
      ),
    ),
  ),
  sound(
    'bar of the largest numbers',
    barOf(
      {
        ...wholeBar,
        openTime: 9_007_199_254_000_000,
        open: 2 ** 52 - 1,
        high: most,
        low: 0,
        close: 0,
        volume: amountMost,
        quoteVolume: amountMost,
        firstId: 0,
        lastId: most,
        count: most,
        revision: most,
      },
      { micros: true, time: time + 7 },
    ),
  ),
  sound('enigma', { ...head, cursor: trade.id, kind: 'enigma', records: [enigma] }),
  sound('enigma at its top, extremes of unknown date', {
    ...head,
    cursor: trade.id,
    snapshot: true,
    kind: 'enigma',
    records: [{ ...enigma, level: 1_000_000, price: most, ath: most, atl: 0, athTime: 0, atlTime: 0 }],
  }),
];

const connection = [
  sound('gap, repaired, lost', gapOf('gap', 5, 9), gapOf('repaired', 5, 5), gapOf('lost', 6, most)),
  sound('heartbeat without streams', { ...head, instrument: 0, cursor: 12, kind: 'heartbeat', records: [] }),
  sound('heartbeat of two trade streams and one of 1m bars', {
    ...head,
    instrument: 0,
    cursor: 13,
    micros: true,
    time: time + 9,
    kind: 'heartbeat' as const,
    records: [
      { kind: 1, instrument: 1, cursor: trade.id },
      { kind: 1, instrument: 2 ** 32 - 1, cursor: most },
      { kind: 4 + 32 * 2, instrument: 1, cursor: 1_723_161_240 },
    ],
  }),
  sound('dictionary', {
    ...head,
    instrument: 0,
    cursor: 1_723_161_000,
    time: baseMicros,
    kind: 'dictionary' as const,
    records: [
      entry,
      {
        ...entry,
        id: 70_000,
        active: false,
        priceDecimals: 0,
        sizeDecimals: 18,
        symbol: 'MÜNZE:₿-🙂',
        base: '',
        quote: '₿',
      },
    ],
  }),
  sound('dictionary with a symbol that is not valid UTF-8', {
    raw: [12, 0, 13, 1, 1, 0, 1, 1, 2, 5, 3, 65, 0xff, 66, 0, 0],
  }),
  sound('error', {
    ...head,
    instrument: 0,
    cursor: 123,
    time: baseMicros,
    kind: 'error',
    records: ['rate limited: 50 messages a second'],
  }),
];

const frames = [
  sound('no block at all'),
  sound(
    'several kinds, several instruments',
    tradesOf([trade]),
    quotesOf([quote], { micros: true }),
    tradesOf([{ ...trade, instrument: 2, id: 1 }]),
    barOf(wholeBar),
  ),
  {
    name: 'header flags unknown: ignored',
    bytes: encodeFrame({ dictionary: 2 ** 32 - 1, timeBase, flags: 0xff, blocks: [tradesOf([trade])] }),
  },
  sound(
    'unknown kinds are skipped',
    block(0, 1, [0xff, 0xff]),
    tradesOf([trade]),
    block(0x1f, 1, []),
    block(13, 1, [1, 2, 3]),
  ),
  sound(
    'a trade with an unknown flag: its block is skipped',
    block(1, 1, [1, 5, 0, 0x82, 0, 0, 0]),
    tradesOf([trade]),
  ),
  sound(
    'a quote with an unknown flag: its block is skipped',
    block(2, 1, [1, 5, 0, 0x22, 0]),
    quotesOf([quote]),
  ),
  sound(
    'a bar with an unknown resolution or flag: its block is skipped',
    block(4, 1, [1, 60, 0, 10, 0]),
    block(4, 1, [1, 60, 0, 2, 8]),
    barOf(wholeBar),
  ),
  sound(
    'a dictionary entry with an unknown flag: its block is skipped',
    block(12, 0, [1, 1, 0, 1, 2]),
    tradesOf([trade]),
  ),
  sound(
    'lengths and numbers padded with zeros',
    { raw: [1, 0x81, 0, 0x87, 0x80, 0x80, 0, ...oneTrade] },
    block(9, 1, [1, 0x85, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0, 0]),
  ),
];

/** By the file under `proto/golden`. */
export const goldenV2: Readonly<Record<string, readonly GoldenFrame[]>> = {
  'v2-trade': trades,
  'v2-quote': quotes,
  'v2-state': states,
  'v2-book': bookFrames,
  'v2-connection': connection,
  'v2-frame': frames,
  'v2-bad': badFrames,
};
