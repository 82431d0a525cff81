/** What the three venues bring to the exam: their messages and REST answers, as they are documented and recorded. */
import { backpack } from '../../src/feeds/backpack/venue.ts';
import { binance } from '../../src/feeds/binance/venue.ts';
import { coinbase } from '../../src/feeds/coinbase/venue.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import type { Candidate, QuoteChanges, TradeChanges } from './exam-candidate.ts';
import { now } from './market.ts';

export function listed(
  venue: string,
  id: number,
  native: string,
  base: string,
  quote: string,
  priceDecimals = 2,
  sizeDecimals = 5,
): Instrument {
  return {
    id,
    venue,
    native,
    symbol: `${venue}:${native}`,
    base,
    quote,
    priceDecimals,
    sizeDecimals,
    active: true,
  };
}

/** The second before which all is received, and the minute in which the candles begin. */
const ms = now / 1_000;
export const firstCandle = now - (now % 60e6) - 600e6;
const firstSecond = firstCandle / 1e6;

/** Changes that are given, under the venue's own names. */
function renamed(changes: object, keys: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(changes).flatMap(([key, value]) => (key in keys ? [[keys[key]!, value]] : [])),
  );
}

const prices = [
  ['61837.60', '61838.00', '61837.50', '61837.90'],
  ['61837.90', '61839.00', '61837.00', '61838.00'],
  ['61838.00', '61838.50', '61836.00', '61836.10'],
  ['61836.10', '61837.70', '61836.00', '61837.63'],
] as const;

export const binanceCandidate: Candidate = {
  venue: binance,
  instruments: [
    listed('BINANCE', 1, 'BTCUSDT', 'BTC', 'USDT'),
    listed('BINANCE', 2, 'NKNUSDT', 'NKN', 'USDT', 4, 0),
  ],
  now,
  timeOf: (micros) => micros / 1_000,
  trade({ more, takerSold = true, ...changes }: TradeChanges = {}) {
    const keys = { symbol: 's', id: 't', price: 'p', size: 'q', time: 'T' };
    const plain = { e: 'trade', E: ms, s: 'BTCUSDT', t: 7, p: '61837.63000000', q: '0.02000000', T: ms };
    return JSON.stringify({ ...plain, m: takerSold, M: true, ...renamed(changes, keys), ...more });
  },
  quote: (changes: QuoteChanges = {}) =>
    JSON.stringify({
      stream: 'btcusdt@bookTicker',
      data: {
        u: 50_093_239_212,
        s: 'BTCUSDT',
        b: '61837.63000000',
        B: '3.78826000',
        a: '61837.64000000',
        A: '1.54698000',
        ...renamed(changes, { bid: 'b', ask: 'a', bidSize: 'B' }),
      },
    }),
  bookChange: JSON.stringify({
    stream: 'btcusdt@depth@100ms',
    data: {
      e: 'depthUpdate',
      E: ms,
      s: 'BTCUSDT',
      U: 157,
      u: 160,
      b: [['61837.63000000', '1.50000000']],
      a: [['61837.65000000', '0.00000000']],
    },
  }),
  ignoredMessages: [
    '{"stream":"btcusdt@newThing","data":{"e":"newThing","s":"BTCUSDT"}}',
    '{"stream":"!miniTicker@arr","data":[{}]}',
    '[1,2]',
  ],
  answers: [
    ['{"result":null,"id":1}', { id: 1 }],
    ['{"code":2,"msg":"Invalid request","id":2}', { id: 2, error: '2: Invalid request' }],
  ],
  restBodies: {
    '/api/v3/exchangeInfo': {
      symbols: [
        ['BTCUSDT', 'BTC', '0.01000000', '0.00001000'],
        ['NKNUSDT', 'NKN', '0.00010000', '1.00000000'],
      ].map(([symbol, baseAsset, tickSize, stepSize]) => ({
        symbol,
        baseAsset,
        quoteAsset: 'USDT',
        status: 'TRADING',
        filters: [
          { filterType: 'PRICE_FILTER', tickSize },
          { filterType: 'LOT_SIZE', stepSize },
        ],
      })),
    },
    // Only what the range of the question asks for would come: the two in the middle, or the first two.
    ...Object.fromEntries(
      [0, 1].map((first) => [
        `/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=${first === 0 ? 2 : 10}`,
        prices.slice(first, first + 2).map(([open, high, low, close], i) => {
          const time = (firstSecond + (first + i) * 60) * 1_000;
          return [
            time,
            open,
            high,
            low,
            close,
            '1.00000000',
            time + 59_999,
            '61837.00',
            3,
            '0.5',
            '30918.5',
            '0',
          ];
        }),
      ]),
    ),
    '/api/v3/historicalTrades?symbol=BTCUSDT&fromId=6': [6, 7, 8].map((id) => ({
      id,
      price: '61837.63000000',
      qty: '0.02000000',
      time: ms,
      isBuyerMaker: true,
    })),
    '/api/v3/historicalTrades?symbol=BTCUSDT&fromId=1': [5, 6, 7].map((id) => ({
      id,
      price: '61837.63000000',
      qty: '0.02000000',
      time: ms,
      isBuyerMaker: true,
    })),
    '/api/v3/depth': {
      lastUpdateId: 160,
      bids: [
        ['61837.63000000', '1.50000000'],
        ['61837.60000000', '2.00000000'],
      ],
      asks: [
        ['61837.64000000', '1.00000000'],
        ['61837.65000000', '3.00000000'],
      ],
    },
    '/api/v3/time': { serverTime: ms },
  },
  firstCandle,
};

const iso = (micros: number): string => new Date(micros / 1_000).toISOString().replace('Z', '000Z');
const order = { maker_order_id: '27fff20b', taker_order_id: '1da6ce16' };

export const coinbaseCandidate: Candidate = {
  venue: coinbase,
  instruments: [
    listed('COINBASE', 1, 'BTC-USD', 'BTC', 'USD'),
    listed('COINBASE', 2, 'SKL-GBP', 'SKL', 'GBP', 4, 1),
  ],
  now,
  timeOf: iso,
  trade({ more, takerSold = true, ...changes }: TradeChanges = {}) {
    const keys = { symbol: 'product_id', id: 'trade_id', price: 'price', size: 'size', time: 'time' };
    const side = takerSold ? 'buy' : 'sell';
    const plain = { type: 'match', trade_id: 7, ...order, side, size: '0.02', price: '61837.63' };
    const where = { product_id: 'BTC-USD', sequence: 333_938_798, time: iso(now) };
    return JSON.stringify({ ...plain, ...where, ...renamed(changes, keys), ...more });
  },
  quote: (changes: QuoteChanges = {}) =>
    JSON.stringify({
      type: 'ticker',
      sequence: 333_938_798,
      product_id: 'BTC-USD',
      price: '61837.63',
      open_24h: '1',
      best_bid: '61837.63',
      best_bid_size: '3.78826',
      best_ask: '61837.64',
      best_ask_size: '1.54698',
      side: 'buy',
      time: iso(now),
      trade_id: 7,
      last_size: '0.02',
      ...renamed(changes, { bid: 'best_bid', ask: 'best_ask', bidSize: 'best_bid_size' }),
    }),
  bookChange: JSON.stringify({
    type: 'l2update',
    product_id: 'BTC-USD',
    changes: [
      ['sell', '61837.65', '0.00000000'],
      ['buy', '61837.63', '1.5'],
    ],
    time: iso(now),
  }),
  ignoredMessages: [
    '{"type":"received","order_id":"1","product_id":"BTC-USD","sequence":10}',
    '{"type":"status","products":[]}',
    '{"type":"tomorrow"}',
    '{"type":7}',
    '{"some":"thing"}',
    '[1,2]',
  ],
  answers: [
    [
      '{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD","SKL-GBP"],"account_ids":null},' +
        '{"name":"level2_50","product_ids":["BTC-USD"]},{"name":"status","product_ids":null}]}',
      { granted: ['matches:BTC-USD', 'matches:SKL-GBP', 'level2_batch:BTC-USD'] },
    ],
    ['{"type":"subscriptions","channels":[]}', { granted: [] }],
    [
      '{"type":"error","message":"Failed to subscribe","reason":"NO-USD is not a valid product"}',
      { error: 'Failed to subscribe: NO-USD is not a valid product' },
    ],
  ],
  restBodies: {
    '/products': [
      ['BTC-USD', 'BTC', 'USD', '0.01', '0.00001'],
      ['SKL-GBP', 'SKL', 'GBP', '0.0001', '0.1'],
    ].map(([id, base_currency, quote_currency, quote_increment, base_increment]) => ({
      id,
      base_currency,
      quote_currency,
      quote_increment,
      base_increment,
      status: 'online',
      trading_disabled: false,
      display_name: 'x',
    })),
    // The newest first; one more on both ends, as the venue does not promise to keep to the range.
    '/products/BTC-USD/candles': prices
      .map(([open, high, low, close], i) => [firstSecond + i * 60, +low, +high, +open, +close, 1.25])
      .toReversed(),
    '/products/BTC-USD/trades': [9, 8, 7, 6, 5].map((trade_id) => ({
      trade_id,
      price: '61837.63',
      size: '0.02000000',
      side: 'buy',
      time: iso(now),
    })),
    '/products/BTC-USD/book?level=2': {
      bids: [
        ['61837.63', '1.5', 3],
        ['61837.6', '2', 1],
      ],
      asks: [
        ['61837.64', '1', 2],
        ['61837.65', '3', 1],
      ],
      sequence: 160,
      auction_mode: false,
      auction: null,
      time: iso(now),
    },
    '/time': { iso: new Date(ms).toISOString(), epoch: ms / 1_000 },
  },
  firstCandle,
};

export const backpackCandidate: Candidate = {
  venue: backpack,
  instruments: [
    listed('BACKPACK', 1, 'BTC_USDC', 'BTC', 'USDC'),
    listed('BACKPACK', 2, 'BTC_USDC_PERP', 'BTC', 'USDC', 1, 5),
  ],
  now,
  timeOf: (micros) => micros,
  trade({ more, takerSold = true, ...changes }: TradeChanges = {}) {
    const keys = { symbol: 's', id: 't', price: 'p', size: 'q', time: 'T' };
    const plain = { E: now, T: now, a: '2', b: '1', e: 'trade', m: takerSold, p: '61837.63', q: '0.02000' };
    const data = { ...plain, s: 'BTC_USDC', t: 7, ...renamed(changes, keys), ...more };
    return JSON.stringify({ data, stream: `trade.${data.s}` });
  },
  quote: (changes: QuoteChanges = {}) =>
    JSON.stringify({
      data: {
        A: '1.54698',
        B: '3.78826',
        E: now,
        T: now,
        a: '61837.64',
        b: '61837.63',
        e: 'bookTicker',
        s: 'BTC_USDC',
        u: 1_802_083_092,
        ...renamed(changes, { bid: 'b', ask: 'a', bidSize: 'B' }),
      },
      stream: 'bookTicker.BTC_USDC',
    }),
  bookChange: JSON.stringify({
    data: {
      E: now,
      T: now,
      U: 157,
      a: [['61837.65', '0.00']],
      b: [['61837.63', '1.50000']],
      e: 'depth',
      s: 'BTC_USDC',
      u: 160,
    },
    stream: 'depth.BTC_USDC',
  }),
  ignoredMessages: [
    '{"data":{"e":"markPrice","s":"BTC_USDC"},"stream":"markPrice.BTC_USDC"}',
    '{"data":{"e":"liquidation","s":"BTC_USDC"},"stream":"liquidation"}',
    '{"data":[1],"stream":"all"}',
    '{"some":"thing"}',
    '[1,2]',
  ],
  answers: [
    ['{"id":null,"error":{"code":4006,"message":"Invalid stream"}}', { error: '4006: Invalid stream' }],
  ],
  restBodies: {
    '/api/v1/markets': [
      ['BTC_USDC', 'SPOT', '0.01'],
      ['BTC_USDC_PERP', 'PERP', '0.1'],
      ['BTC_USDC_RFQ', 'RFQ', '0.1'],
    ].map(([symbol, marketType, tickSize]) => ({
      symbol,
      baseSymbol: 'BTC',
      quoteSymbol: 'USDC',
      marketType,
      orderBookState: 'Open',
      createdAt: 'x',
      filters: {
        price: { tickSize, minPrice: '0.01' },
        quantity: { stepSize: '0.00001', minQuantity: '0.00001' },
      },
    })),
    '/api/v1/klines': prices.map(([open, high, low, close], i) => {
      const start = new Date((firstSecond + i * 60) * 1_000).toISOString().slice(0, 19);
      return {
        start,
        end: start,
        open,
        high,
        low,
        close,
        volume: '1.25',
        quoteVolume: '77296.87',
        trades: '3',
      };
    }),
    '/api/v1/trades/history': [9, 8, 7, 6, 5].map((id) => ({
      id,
      price: '61837.63',
      quantity: '0.02',
      quoteQuantity: '1236.75',
      timestamp: ms,
      isBuyerMaker: true,
    })),
    '/api/v1/depth': {
      // Worst bid first, as the venue sends them.
      bids: [
        ['61837.6', '2'],
        ['61837.63', '1.5'],
      ],
      asks: [
        ['61837.64', '1'],
        ['61837.65', '3'],
      ],
      lastUpdateId: '160',
      timestamp: now,
    },
    '/api/v1/time': ms,
  },
  firstCandle,
};
