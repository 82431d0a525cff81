/**
 * A place for one socket to a venue, kept alive: it comes back after any end with growing pauses, and is replaced before
 * a planned end, by a second socket that takes over once it is granted what the first one delivers.
 *
 *   connecting ──► open ──► backing-off ──► connecting …          any ──► closed
 */
import { Backoff, type BackoffOptions, backoffDefaults } from './backoff.ts';
import type { ConnectBudget } from './connect-budget.ts';
import { type Ending, type EndingRule, endings } from './ending.ts';
import { Link, type LinkLimits, type LinkSetting } from './link.ts';
import { MessageRates } from './message-rates.ts';

export type ConnectionState = 'connecting' | 'open' | 'backing-off' | 'closed';

export interface ConnectionLimits extends LinkLimits {
  /** How long the old socket is read on after its replacement is granted everything: the venue's servers are not level. */
  readonly overlapMs: number;
  readonly backoff: BackoffOptions;
}

export const connectionDefaults: ConnectionLimits = {
  quietMs: 30_000,
  connectMs: 10_000,
  messageBytesMax: 1_048_576,
  refusalsMax: 100,
  refusalsWithinMs: 10_000,
  answerMs: 10_000,
  consentMs: 2_000,
  retry: { firstMs: 1_000, mostMs: 60_000 },
  refusedRetry: { firstMs: 60_000, mostMs: 600_000 },
  overlapMs: 2_000,
  backoff: backoffDefaults,
};

export interface ConnectionOptions extends LinkSetting {
  readonly name: string;
  readonly limits: ConnectionLimits;
  /** Of all connections of the venue in this process. */
  readonly budget: ConnectBudget;
  /** Reads and counts one message; answers as a normaliser does. `link` tells sockets apart. */
  readonly receive: (bytes: Uint8Array, link: number, connection: Connection) => number;
  /** Counts a message that never came whole. */
  readonly refuse: (code: number) => void;
  readonly onState?: (connection: Connection) => void;
  /** The venue has answered a request. */
  readonly onSettled?: (connection: Connection) => void;
  /** A socket that was open is gone. */
  readonly onLinkEnd?: (link: number) => void;
  /** A socket ended, or did not come to be. */
  readonly onEnd?: (ending: Ending) => void;
}

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
  /** A second socket is about to take over. */
  readonly replacing: boolean;
  /** ms since the socket was open; 0 when none is. */
  readonly ageMs: number;
  /** Messages a second. */
  readonly rate: number;
  readonly ended: Readonly<Record<Ending, number>>;
}

const namedMax = 100;
/** Part of a venue's lifetime after which a socket is replaced, at random in between. */
const lifetimeParts = [0.8, 0.95] as const;
/** The most that silence is borne, in `quietMs`, where pings are answered and replacements hear no more. */
const patienceMax = 8;

export class Connection {
  readonly rates = new MessageRates();
  readonly #options: ConnectionOptions;
  readonly #backoff: Backoff;
  readonly #ended = Object.fromEntries(endings.map((ending) => [ending, 0])) as Record<Ending, number>;
  readonly #streams = new Set<string>();
  /** Sockets that were replaced and are closing. */
  readonly #old = new Set<Link>();
  #state: ConnectionState = 'closed';
  #link: Link | undefined;
  #next: Link | undefined;
  /** Why the socket is being replaced. */
  #reason: Ending = 'lifetime';
  #cancelAttempt: (() => void) | undefined;
  #cancelLifetime: (() => void) | undefined;
  #cancelTakeover: (() => void) | undefined;
  #patience = 1;
  #connects = 0;
  #pings = 0;
  #paused = false;
  #onGone: (() => void) | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.limits.backoff, options.roll);
  }

  get name(): string {
    return this.#options.name;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  start(): void {
    if (this.#state !== 'closed') return;
    this.#enter('connecting');
    this.#attempt(0);
  }

  want(stream: string): void {
    this.#streams.add(stream);
    this.#link?.subscription.want(stream);
    this.#next?.subscription.want(stream);
  }

  unwant(stream: string): void {
    this.#streams.delete(stream);
    this.#link?.subscription.unwant(stream);
    this.#next?.subscription.unwant(stream);
  }

  /** Lets go of a granted stream and asks for it anew; false when it is not granted here. */
  again(stream: string): boolean {
    return this.#link?.subscription.again(stream) ?? false;
  }

  isGranted(stream: string): boolean {
    return this.#link?.subscription.isGranted(stream) ?? false;
  }

  /** Streams that the venue may count on the socket. */
  get load(): number {
    return this.#streams.size + (this.#link?.subscription.leaving ?? 0);
  }

  /** Stops reading, so that the exchange's own buffers fill; what it then cuts is a gap to repair. */
  pause(): void {
    this.#paused = true;
    this.#link?.pause();
    this.#next?.pause();
    for (const link of this.#old) link.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#link?.resume();
    this.#next?.resume();
    for (const link of this.#old) link.resume();
  }

  /** Ends for good; resolves when all its sockets are gone. May be called twice. */
  async close(): Promise<void> {
    if (this.#state !== 'closed') {
      const links = [this.#link, this.#next].filter((link) => link !== undefined);
      this.#link = undefined;
      this.#next = undefined;
      this.#cancelTimers();
      this.#enter('closed');
      for (const link of links) this.#old.add(link);
      for (const link of links) link.close('closed');
    }
    if (this.#old.size === 0) return;
    await new Promise<void>((resolve) => {
      const before = this.#onGone;
      this.#onGone = () => {
        before?.();
        resolve();
      };
    });
  }

  health(): ConnectionHealth {
    const { name, timers } = this.#options;
    const granted = this.#link?.subscription.granted ?? 0;
    const refused: Record<string, string> = {};
    let named = 0;
    for (const { stream, reason, refused: isRefused } of this.#link?.subscription.missing() ?? []) {
      if (!isRefused || named++ >= namedMax) continue;
      refused[stream] = reason;
    }
    const openedAt = this.#link?.openedAt;
    return {
      name,
      state: this.#state,
      streams: this.#streams.size,
      granted,
      missing: this.#streams.size - granted,
      refusedStreams: refused,
      connects: this.#connects,
      pings: this.#pings,
      paused: this.#paused,
      replacing: this.#next !== undefined,
      ageMs: openedAt === undefined ? 0 : timers.now() - openedAt,
      rate: this.rates.total,
      ended: { ...this.#ended },
    };
  }

  /** Streams that are wanted and not delivered, each with the reason. */
  *missing(): Generator<{ readonly stream: string; readonly reason: string }> {
    if (this.#link?.open === true) yield* this.#link.subscription.missing();
    else for (const stream of this.#streams) yield { stream, reason: `the connection is ${this.#state}` };
  }

  #enter(state: ConnectionState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onState?.(this);
  }

  #cancelTimers(): void {
    this.#cancelAttempt?.();
    this.#cancelAttempt = undefined;
    this.#cancelLifetime?.();
    this.#cancelTakeover?.();
    this.#cancelTakeover = undefined;
  }

  /** After `waitMs`, and when the venue's budget allows: a socket for this place, or one to replace that. */
  #attempt(waitMs: number): void {
    const { budget, timers } = this.#options;
    const ask = (): void => {
      let done = false;
      const cancel = budget.ask(() => {
        done = true;
        this.#cancelAttempt = undefined;
        this.#connect();
      });
      if (!done) this.#cancelAttempt = cancel;
    };
    this.#cancelAttempt?.();
    if (waitMs <= 0) ask();
    else this.#cancelAttempt = timers.after(waitMs, ask);
  }

  #connect(): void {
    const { receive, refuse, limits, budget, timers } = this.#options;
    this.#connects++;
    const link: Link = new Link(
      {
        ...this.#options,
        limits,
        patience: this.#patience,
        receive: (bytes, from) => receive(bytes, from.id, this),
        refuse,
        onOpen: () => {
          budget.opened();
          if (link === this.#link) this.#settleIn(link);
        },
        onSettled: () => {
          this.#options.onSettled?.(this);
          this.#considerTakeover();
        },
        onShutdown: () => this.#announced(link),
        onMute: () => {
          if (link !== this.#link || this.#next !== undefined || this.#cancelAttempt !== undefined) return;
          this.#patience = Math.min(patienceMax, this.#patience * 2);
          this.#replace('silent', 0);
        },
        onPing: () => void this.#pings++,
        onEnd: (gone, rule) => this.#gone(gone, rule, timers.now()),
      },
      this.#streams,
      this.#paused,
    );
    if (this.#link === undefined) {
      this.#link = link;
      this.#enter('connecting');
    } else this.#next = link;
  }

  /** The place has an open socket: it is replaced a random while before the venue would cut it. */
  #settleIn(link: Link): void {
    const { venueLimits, timers, roll } = this.#options;
    this.#enter('open');
    this.#cancelLifetime?.();
    if (venueLimits.lifetimeMs === 0) return;
    const [from, to] = lifetimeParts;
    const ageMs = timers.now() - (link.openedAt ?? timers.now());
    const inMs = venueLimits.lifetimeMs * (from + (to - from) * roll()) - ageMs;
    this.#cancelLifetime = timers.after(Math.max(0, inMs), () => this.#replace('lifetime', 0));
  }

  #announced(link: Link): void {
    const { timers, limits } = this.#options;
    if (link === this.#next) link.end('venue-shutdown');
    if (link !== this.#link) return;
    const ageMs = timers.now() - (link.openedAt ?? 0);
    // A venue that shuts down wants us on another of its servers at once, unless that is how it greets us.
    this.#replace('venue-shutdown', ageMs >= limits.backoff.firstMs ? 0 : this.#backoff.next(ageMs));
  }

  #replace(reason: Ending, waitMs: number): void {
    if (this.#next !== undefined || this.#cancelAttempt !== undefined) return;
    this.#reason = reason;
    this.#attempt(waitMs);
  }

  /** Once the replacement is granted all that the old socket is, the old one is read on for a while and closed. */
  #considerTakeover(): void {
    const { timers, limits } = this.#options;
    if (this.#cancelTakeover !== undefined || !this.#isReady()) return;
    this.#cancelTakeover = timers.after(limits.overlapMs, () => {
      this.#cancelTakeover = undefined;
      if (!this.#isReady()) return;
      // What the old socket still holds would come at once, in the middle of a pause.
      if (this.#paused) {
        this.#considerTakeover();
        return;
      }
      const old = this.#link!;
      this.#old.add(old);
      this.#promote();
      old.close(this.#reason);
    });
  }

  #isReady(): boolean {
    const next = this.#next;
    if (next === undefined || !next.open) return false;
    for (const stream of this.#streams) {
      if (this.isGranted(stream) && !next.subscription.isGranted(stream)) return false;
    }
    return true;
  }

  #promote(): void {
    this.#link = this.#next;
    this.#next = undefined;
    if (this.#link!.open) this.#settleIn(this.#link!);
    else this.#enter('connecting');
    this.#options.onSettled?.(this);
  }

  #gone(link: Link, { ending, leastMs, hold }: EndingRule, now: number): void {
    this.#ended[ending]++;
    this.#options.onEnd?.(ending);
    if (hold !== undefined) this.#options.budget.hold(hold, leastMs);
    if (link.openedAt !== undefined) this.#options.onLinkEnd?.(link.id);
    if (this.#old.delete(link)) {
      if (this.#old.size === 0) this.#onGone?.();
      return;
    }
    const openMs = link.openedAt === undefined ? 0 : now - link.openedAt;
    if (link === this.#next) {
      this.#next = undefined;
      this.#cancelTakeover?.();
      this.#cancelTakeover = undefined;
      this.#attempt(this.#backoff.next(openMs, leastMs));
      return;
    }
    if (link !== this.#link) return;
    this.#cancelTakeover?.();
    this.#cancelTakeover = undefined;
    this.#cancelLifetime?.();
    if (this.#next !== undefined) {
      this.#promote();
      return;
    }
    this.#link = undefined;
    this.#enter('backing-off');
    this.#attempt(this.#backoff.next(openMs, leastMs));
  }
}
