/**
 * Backpack's messages, as recorded and as its documents of 2025-09 give them. Each comes as
 * `{"data":{"e":"trade",…},"stream":"trade.SOL_USDC"}`. Prices and sizes are decimal strings, times are µs.
 */
import { z } from 'zod';

/** A number in what was recorded, a text in a copy of the documents. */
type Id = number | string;

export interface TradeMessage {
  readonly e: 'trade';
  /** Time of the event, and of the matching engine. */
  readonly E: number;
  readonly T: number;
  readonly s: string;
  /** Rises by one from trade to trade of a symbol. */
  readonly t: Id;
  readonly p: string;
  readonly q: string;
  /** The buyer was the maker: the taker sold. */
  readonly m: boolean;
}

export interface BookTickerMessage {
  readonly e: 'bookTicker';
  readonly E: number;
  readonly T: number;
  readonly s: string;
  readonly u: Id;
  readonly b: string;
  readonly B: string;
  readonly a: string;
  readonly A: string;
}

type Level = readonly [string, string];

export interface DepthMessage {
  readonly e: 'depth';
  readonly E: number;
  readonly T: number;
  readonly s: string;
  /** `U` is the `u` of the message before it, plus one. */
  readonly U: Id;
  readonly u: Id;
  /** Sizes are absolute; zero takes the level away. */
  readonly b: readonly Level[];
  readonly a: readonly Level[];
}

export interface KlineMessage {
  readonly e: 'kline';
  readonly E: number;
  readonly s: string;
  /** Open and close: ISO without a zone in the documents, seconds in the official client. */
  readonly t: string | number;
  readonly T: string | number;
  /** Null in a bar without trades. */
  readonly o: string | null;
  readonly h: string | null;
  readonly l: string | null;
  readonly c: string | null;
  readonly v: string;
}

/** Once a second. Its prices are of no use here: bars and quotes have them. */
export interface TickerMessage {
  readonly e: 'ticker';
  readonly E: number;
  readonly s: string;
}

export interface Request {
  readonly method: 'SUBSCRIBE' | 'UNSUBSCRIBE';
  readonly params: readonly string[];
}

/** Only errors are known: `{"id":null,"error":{"code":4006,"message":"Invalid stream"}}`. */
export const answerSchema = z.object({
  id: z.union([z.number(), z.string(), z.null()]).optional(),
  error: z.object({ code: z.union([z.number(), z.string()]), message: z.string() }),
});

const decimal = z.string().regex(/^\d{1,25}(\.\d{1,20})?$/);
const id = z.union([z.int().min(0), z.string().regex(/^\d{1,20}$/)]);

export const marketsSchema = z.array(
  z.object({
    symbol: z.string().min(1),
    baseSymbol: z.string(),
    quoteSymbol: z.string(),
    /** SPOT and PERP have order books; the others are left out. */
    marketType: z.string(),
    orderBookState: z.string(),
    filters: z.object({
      price: z.object({ tickSize: decimal }),
      quantity: z.object({ stepSize: decimal }),
    }),
  }),
);

export const klinesSchema = z.array(
  z.object({
    start: z.union([z.string(), z.number()]),
    open: decimal.nullish(),
    high: decimal.nullish(),
    low: decimal.nullish(),
    close: decimal.nullish(),
    volume: decimal.nullish(),
    quoteVolume: decimal.nullish(),
    /** A text in the documents. */
    trades: id.nullish(),
  }),
);

/** The newest first. `timestamp` is in ms. */
export const tradesSchema = z.array(
  z.object({
    id: id.nullish(),
    price: decimal,
    quantity: decimal,
    timestamp: z.int(),
    isBuyerMaker: z.boolean(),
  }),
);

const levels = z.array(z.tuple([decimal, decimal]).rest(z.unknown()));

/** `timestamp` is in µs. */
export const depthSchema = z.object({
  lastUpdateId: id,
  bids: levels,
  asks: levels,
  timestamp: z.int().optional(),
});

/** ms, as plain text. */
export const timeSchema = z.union([z.int(), z.string().regex(/^\d{13,16}$/)]);
