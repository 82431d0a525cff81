/** What the player needs to know of a recorded message; each dialect reads its own. */
import type { RecordedTerms } from './recorded-symbol.ts';

export interface BookLevels {
  readonly bids: readonly (readonly [price: string, size: string])[];
  readonly asks: readonly (readonly [price: string, size: string])[];
}

/** A change of a book, or the whole of it. Ids are 0 where the venue has none. */
export interface RecordedBookMessage extends BookLevels {
  readonly whole: boolean;
  /** Whole, but only its best levels. */
  readonly best?: boolean;
  readonly firstId: number;
  readonly lastId: number;
}

export interface RecordedTrade {
  readonly kind: 'trade' | 'aggTrade';
  /** Of the trade or aggregate, and of the first and last trade in it. */
  readonly ids: readonly [id: number, first: number, last: number];
  readonly terms: RecordedTerms;
}

export interface RecordedMessage {
  /** The name under which it is subscribed to; absent for an answer of REST that lies among the messages. */
  readonly stream?: string;
  /** The venue's own name of the symbol; '' where the message does not tell. */
  readonly symbol: string;
  /** Of the stream, such as `trade` or `kline_1m`. */
  readonly type: string;
  /** Microseconds, where the message has a time. */
  readonly eventUs?: number;
  readonly trade?: RecordedTrade;
  readonly book?: RecordedBookMessage;
  readonly top?: {
    readonly bid: string;
    readonly bidSize: string;
    readonly ask: string;
    readonly askSize: string;
  };
  /** All prices and sizes in it, from which the digits of the symbol are learned. */
  readonly prices: readonly unknown[];
  readonly sizes: readonly unknown[];
}
