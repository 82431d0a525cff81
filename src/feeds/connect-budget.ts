/**
 * Attempts to connect to one venue, of all its connections in this process together: so many within a window and within
 * a second, first come, first served. A ban stops them all: an attempt in the middle of it makes it longer.
 */
import type { Timers } from './timers.ts';
import type { VenueLimits } from './venue.ts';

export interface ConnectBudgetOptions {
  readonly limits: Pick<VenueLimits, 'connects' | 'connectsPerSecond'>;
  readonly timers: Timers;
}

/** Why no attempt is made: 418, 429, 451. */
export type Hold = 'banned' | 'limited' | 'blocked';

export interface ConnectBudgetHealth {
  /** Attempts in the window that ends now, and how many it may have. */
  readonly used: number;
  readonly most: number;
  readonly withinMs: number;
  readonly waiting: number;
  readonly attempts: number;
  /** Why nobody connects now, and for how many ms more. */
  readonly held?: Hold;
  readonly heldMs: number;
}

/** Least pause of all connections, in ms. A ban is told by no header; each one in a row doubles it. */
const holdMs: Readonly<Record<Hold, number>> = { banned: 120_000, limited: 60_000, blocked: 300_000 };
const banMostMs = 3_600_000;
/** After a pause one goes ahead; the others follow when it is through, or after so long. */
const probeMs = 10_000;

/** Times of the last `most` attempts, round and round. */
class Window {
  readonly #times: Float64Array;
  readonly #withinMs: number;
  #next = 0;

  constructor(most: number, withinMs: number) {
    this.#times = new Float64Array(Math.max(1, most)).fill(Number.NEGATIVE_INFINITY);
    this.#withinMs = withinMs;
  }

  /** ms until one more fits. */
  waitMs(now: number): number {
    return Math.max(0, this.#times[this.#next]! + this.#withinMs - now);
  }

  note(now: number): void {
    this.#times[this.#next] = now;
    this.#next = (this.#next + 1) % this.#times.length;
  }

  used(now: number): number {
    return this.#times.reduce((sum, time) => sum + (time + this.#withinMs > now ? 1 : 0), 0);
  }
}

export class ConnectBudget {
  readonly #options: ConnectBudgetOptions;
  readonly #windows: readonly Window[];
  readonly #queue = new Set<() => void>();
  #cancelNext: (() => void) | undefined;
  #attempts = 0;
  #held: Hold | undefined;
  #heldUntil = Number.NEGATIVE_INFINITY;
  #bans = 0;
  #probe: 'none' | 'due' | 'out' = 'none';

  constructor(options: ConnectBudgetOptions) {
    this.#options = options;
    const { connects, connectsPerSecond } = options.limits;
    this.#windows = [
      new Window(connects.most, connects.withinMs),
      ...(connectsPerSecond > 0 ? [new Window(connectsPerSecond, 1_000)] : []),
    ];
  }

  /** Calls `run`, which connects, as soon as the venue allows it: perhaps at once. The answer calls it off. */
  ask(run: () => void): () => void {
    // A wrapper, so that the same `run` may wait twice.
    const entry = (): void => run();
    this.#queue.add(entry);
    this.#serve();
    return () => void this.#queue.delete(entry);
  }

  /** The venue refused us by status: nobody connects for `leastMs`, or as long as that status asks. */
  hold(reason: Hold, leastMs = 0): void {
    const now = this.#options.timers.now();
    // Attempts that were under way together are refused together: that is one ban.
    const isSame = this.#probe === 'due' && this.#held === reason && this.#heldUntil > now;
    if (reason === 'banned' && !isSame) this.#bans++;
    const own =
      reason === 'banned' ? Math.min(banMostMs, holdMs.banned * 2 ** (this.#bans - 1)) : holdMs[reason];
    const until = now + (reason === 'limited' && leastMs > 0 ? leastMs : Math.max(own, leastMs));
    this.#probe = 'due';
    if (until <= this.#heldUntil) return;
    this.#held = reason;
    this.#waitUntil(until);
  }

  /** An attempt came through: a later ban is a first one again. */
  opened(): void {
    this.#bans = 0;
    if (this.#probe !== 'out') return;
    this.#probe = 'none';
    this.#held = undefined;
    this.#waitUntil(Number.NEGATIVE_INFINITY);
  }

  health(): ConnectBudgetHealth {
    const now = this.#options.timers.now();
    const { most, withinMs } = this.#options.limits.connects;
    const heldMs = Math.max(0, this.#heldUntil - now);
    return {
      used: this.#windows[0]!.used(now),
      most,
      withinMs,
      waiting: this.#queue.size,
      attempts: this.#attempts,
      heldMs,
      ...(heldMs > 0 && this.#held !== undefined ? { held: this.#held } : {}),
    };
  }

  #waitUntil(time: number): void {
    this.#heldUntil = time;
    this.#cancelNext?.();
    this.#cancelNext = undefined;
    this.#serve();
  }

  #serve(): void {
    if (this.#cancelNext !== undefined) return;
    const { timers } = this.#options;
    for (const run of this.#queue) {
      const now = timers.now();
      const waitMs = Math.max(this.#heldUntil - now, ...this.#windows.map((window) => window.waitMs(now)));
      if (waitMs > 0) {
        this.#cancelNext = timers.after(waitMs, () => {
          this.#cancelNext = undefined;
          this.#serve();
        });
        return;
      }
      this.#queue.delete(run);
      this.#attempts++;
      for (const window of this.#windows) window.note(now);
      if (this.#probe !== 'none') {
        this.#probe = 'out';
        this.#heldUntil = now + probeMs;
      }
      run();
    }
  }
}
