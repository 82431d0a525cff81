/**
 * Binance spot's messages, as its web socket documents (2026-07) give them. Prices and sizes are decimal strings.
 * On combined streams each comes as `{"stream":"btcusdt@trade","data":…}`.
 */
import { z } from 'zod';

export interface TradeMessage {
  readonly e: 'trade';
  /** Event time. */
  readonly E: number;
  readonly s: string;
  /** Trade id. */
  readonly t: number;
  readonly p: string;
  readonly q: string;
  /** Trade time. */
  readonly T: number;
  /** The buyer was the maker: the taker sold. */
  readonly m: boolean;
}

export interface AggTradeMessage {
  readonly e: 'aggTrade';
  readonly E: number;
  readonly s: string;
  /** Id of the aggregate; of its first and last trade. */
  readonly a: number;
  readonly f: number;
  readonly l: number;
  readonly p: string;
  readonly q: string;
  readonly T: number;
  readonly m: boolean;
}

/** Has no `e` and no time of its own. */
export interface BookTickerMessage {
  /** Update id. */
  readonly u: number;
  readonly s: string;
  /** Best bid and its size, best ask and its size. */
  readonly b: string;
  readonly B: string;
  readonly a: string;
  readonly A: string;
}

export interface KlineMessage {
  readonly e: 'kline';
  readonly E: number;
  readonly s: string;
  readonly k: {
    /** Open and close time. */
    readonly t: number;
    readonly T: number;
    readonly i: string;
    /** Id of its last trade; -1 when it has none. */
    readonly L: number;
    readonly o: string;
    readonly h: string;
    readonly l: string;
    readonly c: string;
    readonly v: string;
    readonly x: boolean;
  };
}

/** Price and size; size 0 takes the level away. */
type Level = readonly [string, string];

export interface DepthMessage {
  readonly e: 'depthUpdate';
  readonly E: number;
  readonly s: string;
  /** First and last update id in it. */
  readonly U: number;
  readonly u: number;
  readonly b: readonly Level[];
  readonly a: readonly Level[];
}

/** The best 5, 10 or 20 levels. */
export interface PartialDepthMessage {
  readonly lastUpdateId: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** `24hrTicker` and `24hrMiniTicker`: taken as signs of life. */
export interface TickerMessage {
  readonly e: '24hrTicker' | '24hrMiniTicker';
  readonly E: number;
  readonly s: string;
}

/** What a connection sends. At most five messages of all kinds in a second. */
export interface Request {
  readonly method: 'SUBSCRIBE' | 'UNSUBSCRIBE';
  readonly params: readonly string[];
  readonly id: number;
}

/** What comes back: `{"result":null,"id":1}`, `{"code":2,"msg":"…","id":1}` or `{"error":{"code":2,"msg":"…"},"id":1}`. */
export const answerSchema = z.object({
  id: z.union([z.number(), z.string(), z.null()]).optional(),
  result: z.unknown().optional(),
  code: z.number().optional(),
  msg: z.string().optional(),
  error: z.object({ code: z.number(), msg: z.string() }).optional(),
});

export const exchangeInfoSchema = z.object({
  rateLimits: z
    .array(
      z.object({
        rateLimitType: z.string(),
        interval: z.string(),
        intervalNum: z.number(),
        limit: z.number(),
      }),
    )
    .default([]),
  symbols: z.array(
    z.object({
      symbol: z.string().min(1),
      status: z.string(),
      baseAsset: z.string(),
      quoteAsset: z.string(),
      filters: z.array(z.looseObject({ filterType: z.string() })),
    }),
  ),
});

const decimal = z.string().regex(/^\d{1,25}(\.\d{1,20})?$/);

/** `[openTime, o, h, l, c, volume, closeTime, quoteVolume, trades, takerVolume, takerQuoteVolume, "0"]`. */
export const klinesSchema = z.array(
  z
    .tuple([
      z.int(),
      decimal,
      decimal,
      decimal,
      decimal,
      decimal,
      z.int(),
      decimal,
      z.int(),
      decimal,
      decimal,
    ])
    .rest(z.unknown()),
);

export const timeSchema = z.object({ serverTime: z.int() });

/** Answers of `historicalTrades`, of `aggTrades` and of `depth`. */
export const historicalTradesSchema = z.array(
  z.object({
    id: z.int().min(0),
    price: decimal,
    qty: decimal,
    time: z.int(),
    isBuyerMaker: z.boolean(),
  }),
);

export const aggTradesSchema = z.array(
  z.object({
    a: z.int().min(0),
    p: decimal,
    q: decimal,
    f: z.int(),
    l: z.int(),
    T: z.int(),
    m: z.boolean(),
  }),
);

const levels = z.array(z.tuple([decimal, decimal]).rest(z.unknown()));

export const depthSchema = z.object({ lastUpdateId: z.int().min(0), bids: levels, asks: levels });
