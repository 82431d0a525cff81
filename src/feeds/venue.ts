/** Contract: what a venue is. A venue is a value; connections, back-off, pool and counting are the same for all. */
import type { Instrument } from '../market/instrument.ts';
import type { Normaliser, NormaliserOptions, TradesKind } from './normaliser.ts';
import type { RestOptions, VenueRest } from './venue-rest.ts';

/** What of an instrument is wanted. */
export interface StreamWish {
  readonly trades: TradesKind;
  /** The book: every change, only the best 5, 10 or 20 levels, or none. */
  readonly book: 'changes' | 5 | 10 | 20 | 'none';
  /** Whether the venue is known to us by keys (Coinbase level2 needs them). */
  readonly signed: boolean;
}

/** One of a venue's streams of one instrument. Names are unique within a venue. */
export interface VenueStream {
  readonly name: string;
  readonly instrument: Instrument;
  /** Streams of one group share sockets with each other and with no other group (document 002: trades, quotes …). */
  readonly group: string;
  /** True when the order book of the instrument comes over it. */
  readonly book: boolean;
}

/** What the venue allows and expects; each is a key of the configuration too. From its own documents. */
export interface VenueLimits {
  readonly streamsPerConnection: number;
  /** Streams in one request. */
  readonly streamsPerRequest: number;
  /** Least ms between two messages that we send on a connection. */
  readonly requestGapMs: number;
  /** Attempts to connect: so many within so long, over all connections from this address. */
  readonly connects: { readonly most: number; readonly withinMs: number };
  /** Attempts a second at most, likewise; 0 for no such limit. */
  readonly connectsPerSecond: number;
  /** The first request must have come so soon after connecting (ms); 0 for no such rule. */
  readonly subscribeWithinMs: number;
  /** The venue cuts a connection of this age (ms); we replace it a while before. 0 for never. */
  readonly lifetimeMs: number;
}

/** A venue's answer to a request for streams. */
export interface Answer {
  /** Of the request, where the venue repeats it. */
  readonly id?: number;
  /** Why the request was refused; absent when it was granted. */
  readonly error?: string;
  /** All streams that are now granted, where the venue lists them (Coinbase). */
  readonly granted?: readonly string[];
}

/** Signs a subscription, where keys are configured (Coinbase Exchange). */
export interface VenueKeys {
  readonly key: string;
  /** base64. */
  readonly secret: string;
  readonly passphrase: string;
}

export interface Venue {
  /** As in canonical symbols. */
  readonly name: string;
  readonly wsUrl: string;
  readonly restUrl: string;
  readonly limits: VenueLimits;
  /** Address of a socket that has no streams yet. */
  socketUrl(wsUrl: string, options: { readonly micros: boolean }): string;
  streams(instrument: Instrument, wish: StreamWish): VenueStream[];
  /** The message that asks for streams. `seconds`: wall time since 1970, for the signature. */
  subscribe(streams: readonly string[], id: number, keys?: VenueKeys, seconds?: number): string;
  unsubscribe(streams: readonly string[], id: number): string;
  /**
   * How the venue confirms: `by-id` repeats the request's id, `by-list` sends all that is granted (Coinbase), `by-error`
   * speaks up only when it refuses (Backpack): granted is then what delivers, or what has not been refused for a while.
   */
  readonly acknowledges: 'by-id' | 'by-list' | 'by-error';
  /** Reads a message that the normaliser called an answer; undefined when it is none. */
  answerOf(bytes: Uint8Array): Answer | undefined;
  /** Where the first state of an order book comes from: asked for over REST, or the stream begins with it. */
  readonly bookFrom: 'rest' | 'stream';
  normaliser(options: NormaliserOptions): Normaliser;
  rest(options: RestOptions): VenueRest;
}
