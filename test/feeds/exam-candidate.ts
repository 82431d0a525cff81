/** What a venue brings to the exam of venue-exam.ts. */
import type { Answer, Venue } from '../../src/feeds/venue.ts';
import type { Instrument } from '../../src/market/instrument.ts';

/** Any of these may be of any JSON type: that is what the exam tries. */
export interface TradeChanges {
  readonly symbol?: unknown;
  readonly id?: unknown;
  readonly price?: unknown;
  readonly size?: unknown;
  /** In the venue's own notation, see `timeOf`. */
  readonly time?: unknown;
  readonly takerSold?: boolean;
  /** Fields that nobody knows. */
  readonly more?: object;
}

export interface QuoteChanges {
  readonly bid?: unknown;
  readonly ask?: unknown;
  readonly bidSize?: unknown;
}

/** Its first instrument has 2 decimals of price and 5 of size. */
export interface Candidate {
  readonly venue: Venue;
  readonly instruments: readonly [Instrument, Instrument, ...Instrument[]];
  /** Market time in µs at which all messages are received. */
  readonly now: number;
  /** µs in the venue's notation. */
  readonly timeOf: (micros: number) => unknown;
  /** By default of the first instrument, at `now`: id 7, 61837.63, 0.02000, and the taker sold. */
  readonly trade: (changes?: TradeChanges) => string;
  /** 61837.63 × 3.78826 to 61837.64 × 1.54698. */
  readonly quote: (changes?: QuoteChanges) => string;
  /** Puts 61837.63 × 1.5 to the bids and takes 61837.65 from the asks. */
  readonly bookChange: string;
  /** Messages that are right and of no use. */
  readonly ignoredMessages: readonly string[];
  /** Answers to requests, and what is to be read from them. */
  readonly answers: readonly (readonly [text: string, answer: Answer])[];
  /** The bodies of REST answers by the beginning of their path. `trades` 5 to 9 are known, minute candles 0 to 3. */
  readonly restBodies: Readonly<Record<string, unknown>>;
  /** Minute that the first of the candles opens with (µs). */
  readonly firstCandle: number;
}
