/**
 * Coinbase Exchange's messages, as its web socket feed and REST documents give them. Prices and sizes are decimal
 * strings, except in candles; times are ISO 8601 with a `Z`.
 */
import { z } from 'zod';

export interface TickerMessage {
  readonly type: 'ticker';
  readonly product_id: string;
  /** Of the product's whole stream: it rises, and jumps wherever other events had a number. */
  readonly sequence: number;
  readonly best_bid: string;
  readonly best_ask: string;
  /** Absent before 2022. */
  readonly best_bid_size?: string;
  readonly best_ask_size?: string;
  /** Of the last match. */
  readonly time: string;
}

export interface MatchMessage {
  /** `last_match` comes once, after subscribing, and may be old. */
  readonly type: 'match' | 'last_match';
  readonly product_id: string;
  readonly trade_id: number;
  readonly price: string;
  readonly size: string;
  /** Of the maker: the taker did the opposite. */
  readonly side: 'buy' | 'sell';
  readonly time: string;
}

/** Once a second and product. */
export interface HeartbeatMessage {
  readonly type: 'heartbeat';
  readonly product_id: string;
  readonly sequence: number;
  readonly last_trade_id: number;
  readonly time: string;
}

/** `[price, size]`, best first. */
type Level = readonly [string, string];

export interface SnapshotMessage {
  readonly type: 'snapshot';
  readonly product_id: string;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly time?: string;
}

export interface UpdateMessage {
  readonly type: 'l2update';
  readonly product_id: string;
  /** Sizes are absolute; zero takes the level away. */
  readonly changes: readonly (readonly ['buy' | 'sell', string, string])[];
  readonly time: string;
}

export interface ChannelRequest {
  readonly name: string;
  readonly product_ids: readonly string[];
}

/** What a connection sends, within five seconds of opening. The last four only with keys. */
export interface Request {
  readonly type: 'subscribe' | 'unsubscribe';
  readonly channels: readonly ChannelRequest[];
  readonly signature?: string;
  readonly key?: string;
  readonly passphrase?: string;
  readonly timestamp?: string;
}

/** What comes back: all that is granted now, or an error. */
export const answerSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('subscriptions'),
    channels: z.array(z.object({ name: z.string(), product_ids: z.array(z.string()).nullish() })),
  }),
  z.object({ type: z.literal('error'), message: z.string(), reason: z.string().optional() }),
]);

const decimal = z.string().regex(/^\d{1,25}(\.\d{1,20})?$/);

export const productsSchema = z.array(
  z.object({
    id: z.string().min(1),
    base_currency: z.string(),
    quote_currency: z.string(),
    quote_increment: decimal,
    base_increment: decimal,
    status: z.string(),
    trading_disabled: z.boolean().default(false),
  }),
);

const amount = z.number().nonnegative();

/** `[time in s, low, high, open, close, volume]`, the newest first. */
export const candlesSchema = z.array(
  z.tuple([z.int(), amount, amount, amount, amount, amount]).rest(z.unknown()),
);

/** The newest first. */
export const tradesSchema = z.array(
  z.object({
    trade_id: z.int().min(0),
    price: decimal,
    size: decimal,
    time: z.string(),
    /** Of the maker, as on the feed. */
    side: z.enum(['buy', 'sell']),
  }),
);

const levels = z.array(z.tuple([decimal, decimal]).rest(z.unknown()));

export const bookSchema = z.object({
  sequence: z.int().min(0),
  bids: levels,
  asks: levels,
  time: z.string().optional(),
});

export const timeSchema = z.object({ iso: z.string() });
