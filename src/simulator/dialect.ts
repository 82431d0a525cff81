/**
 * Contract: what makes a venue. A dialect is a value; sockets, faults, counting and the market are the same for all.
 * A new venue is one folder with its dialect, and one line in venues.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Switchboard } from './channel.ts';
import type { Instrument } from './instrument.ts';
import type { MarketVoice } from './market.ts';
import type { Pit } from './pit.ts';
import type { RecordedMessage } from './recorded-message.ts';
import type { SatellitePit } from './satellite-pit.ts';
import type { Series } from './series.ts';
import type { Session } from './session.ts';
import type { ListedSymbol, QuoteAnswer, SymbolView } from './source.ts';
import type { StreamKind, Tally } from './tally.ts';
import type { VenueFaults } from './venue-faults.ts';

export const venueNames = ['binance', 'coinbase', 'backpack'] as const;
export type VenueName = (typeof venueNames)[number];

/** What a connection asks for in its address. */
export interface Wish {
  /** Messages go out with their `head` and closing brace; without them otherwise. */
  readonly combined: boolean;
  /** Times in microseconds. */
  readonly micro: boolean;
  readonly streams: readonly string[];
}

/** What the name of a stream says. */
export interface StreamTraits {
  readonly kind: StreamKind;
  /** The venue's own name of the symbol; '' for a stream of all symbols. */
  readonly symbol: string;
  /** Stands before the payload in combined form, as `{"stream":"x","data":` does; '' where messages come bare. */
  readonly head: string;
}

/** What a venue allows. 0 means: no such rule. */
export interface VenueLimits {
  /** Messages a second that one connection may send, pings and pongs among them; more closes it. */
  readonly incomingPerSecond: number;
  readonly controlBytesMax: number;
  readonly streamsPerConnection: number;
  readonly pingIntervalMs: number;
  readonly pongTimeoutMs: number;
  /** A connection is cut at this age. */
  readonly lifetimeMs: number;
  /** A connection without any stream is closed after so long. */
  readonly subscribeWithinMs: number;
  /** Attempts to connect from one address; more are refused, and the address is banned. */
  readonly connects: {
    readonly most: number;
    readonly withinMs: number;
    /** Of the refusal; default 418. */
    readonly status?: number;
  };
  /** Weight of REST requests (Binance), or their number, in each window of the wall clock. */
  readonly restBudget: number;
  readonly restWindowMs: number;
  /** How long a ban lasts, of the address or of REST. */
  readonly banMs: number;
  /** What was under way when REST was refused with 429 is not yet punished with a ban. */
  readonly graceMs: number;
}

/** A venue at work: who is connected, what was counted, and which faults are armed. */
export interface Floor {
  readonly dialect: Dialect;
  readonly limits: VenueLimits;
  readonly switchboard: Switchboard;
  readonly tally: Tally;
  readonly faults: VenueFaults;
}

/** What REST may know: symbols by the venue's own names, and the market's own time. */
export interface VenueSource {
  readonly listing: readonly ListedSymbol[];
  nowMs(): number;
  view(symbol: string): SymbolView | undefined;
}

export interface PitParts {
  readonly pits: readonly Pit[];
  readonly floor: Floor;
  readonly seed: number;
  /** When the very first session began, before which there is only history. */
  readonly genesisMs: number;
}

export interface VoiceParts extends PitParts {
  /** By the pit's index. */
  readonly series: readonly Series[];
}

/** Hears of the market and writes the venue's messages. */
export interface VenueVoice extends MarketVoice {
  /** The pit has another name, other digits, or is no longer traded: what was made of the old ones is void. */
  relisted(pit: Pit): void;
}

export interface Dialect {
  readonly name: VenueName;
  readonly limits: VenueLimits;
  /** The venue's own name: BTCUSDT, BTC-USD, BTC_USDC. */
  symbolOf(instrument: Instrument): string;
  /** Which streams there are of one symbol, as their types: `trade`, `kline_1m`. */
  readonly streamTypes: readonly string[];
  /** What a stream's name says; of a name that does not exist as well. */
  traits(stream: string): StreamTraits;
  /** Reads the address of an upgrade; answers an HTTP status such as `404 Not Found` where it makes no sense. */
  wish(url: string): Wish | string;
  /** Answers a control message and does what it asks for; undefined: no answer. Ask `session.nextFate()` once for each
   * request to subscribe. */
  control(session: Session, text: string): string | undefined;
  /** What a new connection is told first, where the venue says something. */
  greeting?(session: Session): string | undefined;
  /** Makes the pits of a venue that has some of its own (own trade ids, own books) beside the first venue's; asked before `voice`. */
  satellites?(parts: PitParts): readonly SatellitePit[];
  voice(parts: VoiceParts): VenueVoice;
  /**
   * What the venue itself lists, where it has pits of its own: for its listing and its REST, in place of `source`. Asked
   * after `voice`; answers `source` for a recording.
   */
  source?(source: VenueSource): VenueSource;
  rest(source: VenueSource, floor: Floor): (request: IncomingMessage, response: ServerResponse) => void;
  /** Says that the venue will close the connection soon; undefined where it has no message for that. */
  shutdownNotice(session: Session, timeMs: number): string | undefined;
  /** The message with all its prices (not its sizes) times `factor`. */
  priced(message: string, factor: number): string;
  /** A book update with one more bid above the best ask. */
  crossed(message: string, quote: QuoteAnswer): string;
  /** The message with the time that stands for none, where the venue has such a thing. */
  readonly timeless?: (message: string) => string;
  /** For the refusal of a file that is no recording of this venue: what it should hold, and how that looks. */
  readonly recordings: { readonly of: string; readonly form: string };
  /** Of a recording: what a message is; undefined for one that is not played. */
  recorded(message: Readonly<Record<string, unknown>>): RecordedMessage | undefined;
}
