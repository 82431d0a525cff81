/** Faults on demand: what a test may order the simulator to do, in process or over IPC. */
import type { VenueName } from './dialect.ts';
import type { StreamKind } from './tally.ts';

/** By its place among the open connections of the venue, oldest first, from 0; or one by the dice. */
export type WhichConnection = number | 'random' | 'all';

/** Which messages: of this symbol (the venue's own name), and of this kind; default `trade`. */
interface Messages {
  readonly symbol: string;
  readonly of?: StreamKind;
  /** The next so many messages of each stream; default 1. */
  readonly count?: number;
  /** Only on this connection; default on all. */
  readonly connection?: number;
}

export type FaultCommand =
  /** `cut`: no close frame; `close`: code 1001; `midframe`: in the middle of a frame. Default `cut`. */
  | {
      readonly kind: 'kill';
      readonly connection: WhichConnection;
      readonly how?: 'cut' | 'close' | 'midframe';
    }
  /** Says that the connection will be closed, and closes it after so long. */
  | { readonly kind: 'shutdown'; readonly connection: WhichConnection; readonly afterMs: number }
  /** The connection stays open, and nothing comes any more, not even a pong; default for ever. */
  | { readonly kind: 'silence'; readonly connection: WhichConnection; readonly forMs?: number }
  /** Streams of a symbol carry nothing any more: all kinds, or one; default for ever. */
  | {
      readonly kind: 'mute';
      readonly symbol: string;
      readonly of?: StreamKind;
      readonly connection?: number;
      readonly forMs?: number;
    }
  /** With `of: 'depth'`, the next update does not follow on the one before. */
  | ({ readonly kind: 'drop' } & Messages)
  | ({ readonly kind: 'duplicate' } & Messages)
  /** `count` times: three messages arrive as third, first, second. */
  | ({ readonly kind: 'reorder' } & Messages)
  /** The next updates of the book have a bid above the best ask. */
  | ({ readonly kind: 'crossed' } & Omit<Messages, 'of'>)
  /** The next updates of the book have no time but that of the year 1, where the venue does that. */
  | ({ readonly kind: 'zeroTime' } & Omit<Messages, 'of'>)
  /** Prices times `factor`, in what is sent and not in what REST tells. */
  | ({ readonly kind: 'price'; readonly factor: number } & Messages)
  /** Garbage goes before each of the next messages. */
  | ({ readonly kind: 'garbage' } & Messages)
  /** The next attempts to connect are refused with this HTTP status. */
  | {
      readonly kind: 'refuseConnect';
      readonly status: 429 | 418 | 451 | 500 | 503;
      readonly count: number;
      readonly retryAfterSeconds?: number;
    }
  /**
   * What becomes of the next requests to subscribe. `ignored`: neither granted nor answered; `unanswered`: granted, not
   * answered; `refused`: answered with an error; `partly`: the first half of the streams is granted, and all confirmed.
   */
  | { readonly kind: 'subscribe'; readonly fate: Exclude<SubscribeFate, 'granted'>; readonly count: number }
  /** The next requests of REST fail, of all paths or of those that end so. `timeout`: no answer ever comes. */
  | {
      readonly kind: 'rest';
      readonly fate: 429 | 418 | 451 | 500 | 503 | 'timeout' | 'cut';
      readonly count: number;
      readonly path?: string;
      readonly retryAfterSeconds?: number;
    }
  /** Every answer of REST takes so much longer from now on; 0 ends it. */
  | { readonly kind: 'restDelay'; readonly ms: number }
  /** Heartbeats of the symbol tell a last trade id so much higher than the true one, from now on; 0 ends it. */
  | { readonly kind: 'heartbeatAhead'; readonly symbol: string; readonly by: number }
  /** No longer traded. `gone`: and no longer listed. At all venues: they share the market. */
  | { readonly kind: 'delist'; readonly symbol: string; readonly gone?: boolean }
  /** Another base asset for the same market: BTCUSDT becomes XBTUSDT with `base: 'XBT'`. At all venues. */
  | { readonly kind: 'rename'; readonly symbol: string; readonly base: string }
  /** A power of ten, as `0.001`. At all venues. */
  | { readonly kind: 'tickSize'; readonly symbol: string; readonly tickSize: string };

/** Default: the first venue. */
export type Command = FaultCommand & { readonly venue?: VenueName };
export type CommandKind = FaultCommand['kind'];

export const commandKinds = [
  'kill',
  'shutdown',
  'silence',
  'mute',
  'drop',
  'duplicate',
  'reorder',
  'crossed',
  'zeroTime',
  'price',
  'garbage',
  'refuseConnect',
  'subscribe',
  'rest',
  'restDelay',
  'heartbeatAhead',
  'delist',
  'rename',
  'tickSize',
] as const satisfies readonly CommandKind[];

export type SubscribeFate = 'granted' | 'ignored' | 'unanswered' | 'refused' | 'partly';

/** A command at a moment of the market's own time: the same in every run. */
export interface ScriptedCommand {
  /** Since the start of the session. */
  readonly afterMs: number;
  readonly command: Command;
}
