/**
 * One web socket from its first packet to its end: it connects, asks for streams as soon as it is open, watches for
 * silence and garbage, and ends once. It knows no prices and never comes back: that is `Connection`'s work.
 */
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { type EndingRule, failedConnect, refusedUpgrade } from './ending.ts';
import { control, isControl, isOldMetadata, isRefusal, refusal } from './refusal.ts';
import { RefusalWatch } from './refusal-watch.ts';
import type { RetryTimes } from './retry-timers.ts';
import { Subscription } from './subscription.ts';
import type { Timers } from './timers.ts';
import type { Venue, VenueKeys, VenueLimits } from './venue.ts';

export interface LinkLimits {
  /** No message and no ping for so long: the socket is dead, or mute. Binance pings every 20 s. */
  readonly quietMs: number;
  readonly connectMs: number;
  readonly messageBytesMax: number;
  /** So many refused messages within so long end the socket. */
  readonly refusalsMax: number;
  readonly refusalsWithinMs: number;
  /** How long an answer to a request may take. */
  readonly answerMs: number;
  /** Where only refusals are told (Backpack): silence for so long is consent. */
  readonly consentMs: number;
  readonly retry: RetryTimes;
  readonly refusedRetry: RetryTimes;
}

/** What a socket needs that is the same for all of a venue. */
export interface LinkSetting {
  readonly venue: Venue;
  readonly venueLimits: VenueLimits;
  readonly wsUrl: string;
  /** Times in µs where the venue can (`timeUnit=MICROSECOND`). */
  readonly micros: boolean;
  readonly keys?: VenueKeys;
  /** Wall time in s, for signatures. */
  readonly seconds: () => number;
  readonly timers: Timers;
  /** A die from 0 up to 1, for the jitter. */
  readonly roll: () => number;
}

export interface LinkOptions extends LinkSetting {
  readonly limits: LinkLimits;
  /** Times `quietMs` that silence is borne while pings are answered, on a socket that was never talkative. */
  readonly patience: number;
  /** Reads and counts one message; answers as a normaliser does. */
  readonly receive: (bytes: Uint8Array, link: Link) => number;
  /** Counts a message that never came whole. */
  readonly refuse: (code: number) => void;
  readonly onOpen: (link: Link) => void;
  readonly onSettled: (link: Link) => void;
  /** The venue will close it; it still works. */
  readonly onShutdown: (link: Link) => void;
  /** It answers pings and says nothing: another one may hear more. */
  readonly onMute: (link: Link) => void;
  readonly onPing: () => void;
  readonly onEnd: (link: Link, rule: EndingRule) => void;
}

const tooLargeCode = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
/** Close codes by which a venue says that it goes away (Backpack closes so before it shuts down) or starts anew. */
const leavingCodes = new Set([1001, 1012]);
const politeCloseMs = 500;
let lastId = 0;

export class Link {
  /** Told apart from all others of this process. */
  readonly id = ++lastId;
  readonly subscription: Subscription;
  /** Steady ms; undefined until it is open. */
  openedAt: number | undefined;
  #delivered = 0;
  readonly #options: LinkOptions;
  readonly #socket: WebSocket;
  readonly #watch: RefusalWatch;
  #state: 'connecting' | 'open' | 'closing' | 'ended' = 'connecting';
  #cancelTimer: (() => void) | undefined;
  #closing: EndingRule | undefined;
  #paused: boolean;
  /** Counts every sign of life, so that the silence watch needs no clock per message. */
  #heard = 0;
  #ponged = false;

  constructor(options: LinkOptions, streams: Iterable<string>, paused: boolean) {
    this.#options = options;
    this.#paused = paused;
    const { venue, venueLimits, limits, timers, roll } = options;
    this.#watch = new RefusalWatch(limits.refusalsMax, limits.refusalsWithinMs);
    this.subscription = new Subscription({
      acknowledges: venue.acknowledges,
      batch: venueLimits.streamsPerRequest,
      gapMs: venueLimits.requestGapMs,
      answerMs: venue.acknowledges === 'by-error' ? limits.consentMs : limits.answerMs,
      retry: limits.retry,
      refusedRetry: limits.refusedRetry,
      timers,
      roll,
      send: (kind, asked, id) => this.#send(kind, asked, id),
      // Nothing is read while we are paused, answers neither.
      patient: () => this.#paused,
      onUnanswered: () => this.end('unanswered'),
      onSettled: () => options.onSettled(this),
    });
    for (const stream of streams) this.subscription.want(stream);
    this.#socket = this.#connect();
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  pause(): void {
    this.#paused = true;
    if (this.#state === 'open') this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#state === 'open') this.#socket.resume();
  }

  /** Ends it in peace: what is under way is still read. */
  close(ending: EndingRule['ending']): void {
    if (this.#state === 'closing' || this.#state === 'ended') return;
    if (this.#state === 'connecting') {
      this.end(ending);
      return;
    }
    this.#state = 'closing';
    this.#closing = { ending, leastMs: 0 };
    this.#cancelTimer?.();
    this.subscription.stop();
    this.#socket.resume();
    this.#socket.close(1000);
    this.#cancelTimer = this.#options.timers.after(politeCloseMs, () => this.#socket.terminate());
  }

  /** Ends it at once. */
  end(ending: EndingRule['ending']): void {
    this.#end({ ending, leastMs: 0 });
  }

  #end(rule: EndingRule): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#cancelTimer?.();
    this.subscription.stop();
    this.#socket.terminate();
    this.#options.onEnd(this, this.#closing ?? rule);
  }

  #connect(): WebSocket {
    const { venue, wsUrl, micros, limits, timers } = this.#options;
    const socket = new WebSocket(venue.socketUrl(wsUrl, { micros }), {
      perMessageDeflate: false,
      maxPayload: limits.messageBytesMax,
      // The scanner compares bytes, and what it declines is decoded strictly: no need to check twice.
      skipUTF8Validation: true,
      followRedirects: false,
    });
    this.#cancelTimer = timers.after(limits.connectMs, () => this.end('cannot-connect'));
    socket.on('open', () => this.#opened());
    socket.on('message', (data: Buffer) => this.#message(data));
    socket.on('ping', () => {
      this.#heard++;
      this.#options.onPing();
    });
    socket.on('pong', () => {
      this.#ponged = true;
    });
    socket.on('unexpected-response', (_request, response: IncomingMessage) =>
      this.#end(refusedUpgrade(response.statusCode ?? 0, response.headers['retry-after'])),
    );
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === tooLargeCode) {
        this.#options.refuse(refusal.tooLarge);
        this.end('too-large');
      } else
        this.#end(this.#state === 'connecting' ? failedConnect(error.code) : { ending: 'cut', leastMs: 0 });
    });
    socket.on('close', (code: number) => {
      if (this.#state === 'connecting') this.end('cannot-connect');
      else this.end(leavingCodes.has(code) ? 'venue-shutdown' : 'cut');
    });
    return socket;
  }

  #opened(): void {
    if (this.#state !== 'connecting') return;
    this.#cancelTimer?.();
    this.openedAt = this.#options.timers.now();
    this.#state = 'open';
    // Before all else: a venue may give us no more than a few seconds for it.
    this.subscription.start();
    this.#watchSilence(this.#heard, this.openedAt);
    if (this.#paused) this.#socket.pause();
    this.#options.onOpen(this);
  }

  #send(kind: 'subscribe' | 'unsubscribe', streams: readonly string[], id: number): void {
    const { venue, keys, seconds } = this.#options;
    this.#socket.send(
      kind === 'subscribe' ? venue.subscribe(streams, id, keys, seconds()) : venue.unsubscribe(streams, id),
    );
  }

  /** Looks four times in `quietMs` whether anything was heard; a paused socket is not expected to speak. */
  #watchSilence(heard: number, since: number): void {
    const { limits, timers, onMute } = this.#options;
    this.#cancelTimer = timers.after(limits.quietMs / 4, () => {
      const now = timers.now();
      const quiet = now - since;
      if (this.#heard !== heard || this.#paused) {
        this.#ponged = false;
        this.#watchSilence(this.#heard, now);
      } else if (quiet < limits.quietMs) {
        if (quiet >= limits.quietMs / 2 && this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
        this.#watchSilence(heard, since);
      } else if (!this.#ponged) this.end('silent');
      else {
        if (quiet >= limits.quietMs * this.#patience(since)) onMute(this);
        this.#ponged = false;
        this.#socket.ping();
        this.#watchSilence(heard, since);
      }
    });
  }

  /** A socket that used to speak several times in `quietMs` is not given more time than that. */
  #patience(lastHeardAt: number): number {
    const spokeMs = lastHeardAt - (this.openedAt ?? lastHeardAt);
    const { limits, patience } = this.#options;
    return this.#delivered * limits.quietMs >= 4 * spokeMs && this.#delivered >= 4 ? 1 : patience;
  }

  #message(data: Buffer): void {
    // A socket that was given up may still deliver what it had buffered: that counts as cut off.
    if (this.#state === 'ended') return;
    this.#heard++;
    const answer = this.#options.receive(data, this);
    if (answer >= 0) {
      this.#delivered++;
      return;
    }
    if (this.#state !== 'open') return;
    if (isRefusal(answer)) {
      if (!isOldMetadata(answer) && this.#watch.refused(this.#options.timers.now())) this.end('garbage');
    } else if (isControl(answer)) this.#control(answer, data);
  }

  #control(answer: number, data: Buffer): void {
    if (answer === control.shutdown) {
      this.#options.onShutdown(this);
      return;
    }
    const told = this.#options.venue.answerOf(data);
    if (told !== undefined) this.subscription.answered(told);
  }
}
