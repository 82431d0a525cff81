/** Step 6 of docs/add-a-venue.md for the venue that does not exist: what it brings to the exam. */

import type { Candidate, QuoteChanges, TradeChanges } from './exam-candidate.ts';
import { firstCandle, listed } from './exam-candidates.ts';
import { madeUp } from './made-up-venue.ts';
import { now } from './market.ts';

const at = (micros: number): string =>
  new Date(micros / 1_000).toISOString().replace('T', ' ').replace('Z', '000');
const fields = (changes: object, keys: Readonly<Record<string, string>>): object =>
  Object.fromEntries(Object.entries(changes).map(([key, value]) => [keys[key], value]));

export const madeUpCandidate: Candidate = {
  venue: madeUp,
  instruments: [listed('MOON', 1, 'BTC/EUR', 'BTC', 'EUR'), listed('MOON', 2, 'ETH/EUR', 'ETH', 'EUR', 1, 3)],
  now,
  timeOf: at,
  trade({ more, takerSold = true, ...changes }: TradeChanges = {}) {
    const plain = { channel: 'fills', market: 'BTC/EUR', n: 7, price: '61837.63', amount: '0.02' };
    const keys = { symbol: 'market', id: 'n', price: 'price', size: 'amount', time: 'at' };
    const taker = takerSold ? 'sell' : 'buy';
    return JSON.stringify({ ...plain, taker, at: at(now), ...fields(changes, keys), ...more });
  },
  quote: ({ bid = '61837.63', ask = '61837.64', bidSize = '3.78826' }: QuoteChanges = {}) =>
    JSON.stringify({
      channel: 'best',
      market: 'BTC/EUR',
      version: 9,
      at: at(now),
      bid: [bid, bidSize],
      ask: [ask, '1.54698'],
    }),
  bookChange: JSON.stringify({
    channel: 'book',
    market: 'BTC/EUR',
    from: 157,
    to: 160,
    at: at(now),
    bids: [['61837.63', '1.5']],
    asks: [['61837.65', '0']],
  }),
  ignoredMessages: ['{"channel":"weather","market":"BTC/EUR"}', '{"some":"thing"}', '[1,2]'],
  answers: [
    ['{"ref":3,"ok":true}', { id: 3 }],
    ['{"ref":4,"ok":false,"why":"no such market"}', { id: 4, error: 'no such market' }],
  ],
  restBodies: {
    '/listing': [
      { market: 'BTC/EUR', tick: '0.01', lot: '0.00001', open: true },
      { market: 'ETH/EUR', tick: '0.1', lot: '0.001', open: true },
    ],
    '/bars': [0, 1, 2, 3].map((i) => ({
      at: at(firstCandle + i * 60e6),
      ohlc: ['61837.60', '61838.00', '61837.50', '61837.90'],
      v: '1.25',
    })),
    '/fills': [5, 6, 7, 8, 9].map((n) => ({
      n,
      price: '61837.63',
      amount: '0.02',
      taker: 'sell',
      at: at(now),
    })),
    '/book': {
      to: 160,
      bids: [
        ['61837.63', '1.5'],
        ['61837.60', '2'],
      ],
      asks: [
        ['61837.64', '1'],
        ['61837.65', '3'],
      ],
    },
    '/clock': { at: at(now) },
  },
  firstCandle,
};
