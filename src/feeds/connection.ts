/**
 * One socket to a venue, kept alive: it connects, subscribes, watches for silence and garbage, and comes back after
 * any end with growing pauses. It knows no prices: messages go to `receive`, which says what they were.
 *
 *   connecting ──► open ──► backing-off ──► connecting …          any ──► closed
 */
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { Backoff, type BackoffOptions, backoffDefaults } from './backoff.ts';
import { control, isControl, isRefusal, refusal } from './refusal.ts';
import { RefusalWatch } from './refusal-watch.ts';
import { Subscription } from './subscription.ts';
import type { Timers } from './timers.ts';
import type { Venue } from './venue.ts';

export type ConnectionState = 'connecting' | 'open' | 'backing-off' | 'closed';

/** Why a connection ended, closed list. */
export const endings = [
  'cannot-connect',
  'refused-upgrade',
  'silent',
  'garbage',
  'unanswered',
  'venue-shutdown',
  'too-large',
  'cut',
] as const;
export type Ending = (typeof endings)[number];

export interface ConnectionLimits {
  /** No message and no ping for so long: the connection is dead. Binance pings every 20 s. */
  readonly quietMs: number;
  readonly connectMs: number;
  readonly messageBytesMax: number;
  /** So many refused messages within so long end the connection. */
  readonly refusalsMax: number;
  readonly refusalsWithinMs: number;
  readonly subscribeBatch: number;
  readonly subscribeGapMs: number;
  readonly answerMs: number;
  readonly backoff: BackoffOptions;
}

export const connectionDefaults: ConnectionLimits = {
  quietMs: 30_000,
  connectMs: 10_000,
  messageBytesMax: 1_048_576,
  refusalsMax: 100,
  refusalsWithinMs: 10_000,
  subscribeBatch: 200,
  subscribeGapMs: 250,
  answerMs: 10_000,
  backoff: backoffDefaults,
};

export interface ConnectionOptions {
  readonly name: string;
  readonly venue: Venue;
  readonly wsUrl: string;
  readonly streams: readonly string[];
  readonly limits: ConnectionLimits;
  readonly timers: Timers;
  /** A die from 0 up to 1, for the jitter. */
  readonly roll: () => number;
  /** Reads and counts one message; answers as a normaliser does. */
  readonly receive: (bytes: Uint8Array) => number;
  /** Counts a message that never came whole. */
  readonly refuse: (code: number) => void;
  readonly onState?: (connection: Connection) => void;
}

/** Least pause after the venue's refusal to upgrade: 418 is a ban, and asking again makes it longer. */
const refusedUpgradeMs: Readonly<Record<number, number>> = {
  418: 120_000,
  429: 60_000,
  451: 300_000,
  403: 60_000,
};
const tooLargeCode = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
const politeCloseMs = 500;

export interface ConnectionHealth {
  readonly name: string;
  readonly state: ConnectionState;
  readonly streams: number;
  readonly granted: number;
  /** Streams that were asked for and are not delivered: not yet, or refused. */
  readonly missing: number;
  readonly refusedStreams: Readonly<Record<string, string>>;
  readonly connects: number;
  readonly pings: number;
  readonly paused: boolean;
  readonly ended: Readonly<Record<Ending, number>>;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #backoff: Backoff;
  readonly #watch: RefusalWatch;
  readonly #ended = Object.fromEntries(endings.map((ending) => [ending, 0])) as Record<Ending, number>;
  #state: ConnectionState = 'closed';
  #socket: WebSocket | undefined;
  #subscription: Subscription | undefined;
  #cancelTimer: (() => void) | undefined;
  #openedAt: number | undefined;
  #connects = 0;
  #pings = 0;
  /** Counts every sign of life, so that the silence watch needs no clock per message. */
  #heard = 0;
  #paused = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.limits.backoff, options.roll);
    this.#watch = new RefusalWatch(options.limits.refusalsMax, options.limits.refusalsWithinMs);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  start(): void {
    if (this.#state === 'closed') this.#connect();
  }

  /** Stops reading, so that the exchange's own buffers fill; what it then cuts is a gap to repair. */
  pause(): void {
    this.#paused = true;
    if (this.#state === 'open') this.#socket?.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#state === 'open') this.#socket?.resume();
  }

  /** Ends for good; resolves when the socket is gone. May be called twice. */
  async close(): Promise<void> {
    const socket = this.#socket;
    this.#leave('closed');
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    const gone = new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
    });
    socket.resume();
    socket.close(1000);
    const cancel = this.#options.timers.after(politeCloseMs, () => socket.terminate());
    await gone;
    cancel();
  }

  health(): ConnectionHealth {
    const granted = this.#subscription?.granted ?? 0;
    return {
      name: this.#options.name,
      state: this.#state,
      streams: this.#options.streams.length,
      granted,
      missing: this.#options.streams.length - granted,
      refusedStreams: Object.fromEntries(this.#subscription?.refused ?? []),
      connects: this.#connects,
      pings: this.#pings,
      paused: this.#paused,
      ended: { ...this.#ended },
    };
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    this.#options.onState?.(this);
  }

  /** Lets go of the socket and of all timers. */
  #leave(state: ConnectionState): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#subscription?.stop();
    this.#subscription = undefined;
    this.#socket = undefined;
    this.#watch.clear();
    if (this.#state !== state) this.#enter(state);
  }

  #connect(): void {
    const { venue, wsUrl, limits, timers } = this.#options;
    this.#connects++;
    this.#openedAt = undefined;
    const socket = new WebSocket(venue.socketUrl(wsUrl), {
      perMessageDeflate: false,
      maxPayload: limits.messageBytesMax,
      // The scanner compares bytes, and what it declines is decoded strictly: no need to check twice.
      skipUTF8Validation: true,
      followRedirects: false,
    });
    this.#socket = socket;
    this.#enter('connecting');
    this.#cancelTimer = timers.after(limits.connectMs, () => this.#end(socket, 'cannot-connect'));
    socket.on('open', () => this.#opened(socket));
    socket.on('message', (data: Buffer) => this.#message(socket, data));
    socket.on('ping', () => {
      this.#heard++;
      this.#pings++;
    });
    socket.on('pong', () => this.#heard++);
    socket.on('unexpected-response', (_request, response: IncomingMessage) => {
      const status = response.statusCode ?? 0;
      const asked = Number(response.headers['retry-after']) * 1_000;
      this.#end(socket, 'refused-upgrade', Math.max(refusedUpgradeMs[status] ?? 0, asked > 0 ? asked : 0));
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === tooLargeCode) {
        this.#options.refuse(refusal.tooLarge);
        this.#end(socket, 'too-large');
      } else this.#end(socket, this.#state === 'open' ? 'cut' : 'cannot-connect');
    });
    socket.on('close', () => this.#end(socket, this.#state === 'open' ? 'cut' : 'cannot-connect'));
  }

  #opened(socket: WebSocket): void {
    if (socket !== this.#socket) return;
    const { venue, streams, limits, timers } = this.#options;
    this.#cancelTimer?.();
    this.#openedAt = timers.now();
    this.#enter('open');
    this.#watchSilence(socket, this.#heard, timers.now());
    this.#subscription = new Subscription({
      streams,
      batch: limits.subscribeBatch,
      gapMs: limits.subscribeGapMs,
      answerMs: limits.answerMs,
      timers,
      send: (batch, id) => socket.send(venue.subscribe(batch, id)),
      // Nothing is read while we are paused, answers neither.
      patient: () => this.#paused,
      onUnanswered: () => this.#end(socket, 'unanswered'),
    });
    this.#subscription.start();
    if (this.#paused) socket.pause();
  }

  /** Looks four times in `quietMs` whether anything was heard; a paused connection is not expected to speak. */
  #watchSilence(socket: WebSocket, heard: number, since: number): void {
    const { limits, timers } = this.#options;
    this.#cancelTimer = timers.after(limits.quietMs / 4, () => {
      const now = timers.now();
      if (this.#heard !== heard || this.#paused) this.#watchSilence(socket, this.#heard, now);
      else if (now - since >= limits.quietMs) this.#end(socket, 'silent');
      else this.#watchSilence(socket, heard, since);
    });
  }

  #message(socket: WebSocket, data: Buffer): void {
    // A connection that was given up may still deliver what it had buffered: that counts as cut off.
    if (socket !== this.#socket) return;
    this.#heard++;
    const answer = this.#options.receive(data);
    if (answer >= 0) return;
    if (isRefusal(answer)) {
      if (this.#watch.refused(this.#options.timers.now())) this.#end(socket, 'garbage');
    } else if (isControl(answer)) this.#control(socket, answer, data);
  }

  #control(socket: WebSocket, answer: number, data: Buffer): void {
    if (answer === control.shutdown) {
      this.#end(socket, 'venue-shutdown');
      return;
    }
    const told = this.#options.venue.answerOf(data);
    if (told !== undefined) this.#subscription?.answered(told.id, told.error);
  }

  /** The socket is of no use any more; the next attempt comes after `leastMs` and the back-off. */
  #end(socket: WebSocket, ending: Ending, leastMs = 0): void {
    if (socket !== this.#socket) return;
    const { timers, limits } = this.#options;
    const openMs = this.#openedAt === undefined ? 0 : timers.now() - this.#openedAt;
    this.#ended[ending]++;
    this.#leave('backing-off');
    socket.terminate();
    // A venue that shuts down wants us on another of its servers at once, unless that is how it greets us.
    const atOnce = ending === 'venue-shutdown' && openMs >= limits.backoff.firstMs;
    const wait = atOnce ? 0 : this.#backoff.next(openMs, leastMs);
    this.#cancelTimer = timers.after(wait, () => this.#connect());
  }
}
