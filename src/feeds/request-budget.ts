/**
 * One venue's limit on requests: weight (or plain requests) in a sliding window, so that no minute of the venue's own
 * can hold more. Who must wait waits in line: the least priority first, within one the first to come; nobody is
 * overtaken for longer than `patienceMs`. Where the venue says stop, everybody is told at once how long.
 *
 *   asked = answered (whatever the answer) + under way + waiting + refused here
 */
import type { Timers } from './timers.ts';
import { type RestBudget, RestFault, type RestOptions, type RestPriority } from './venue-rest.ts';

export interface RequestBudgetOptions extends Pick<RestOptions, 'budget' | 'budgetMs' | 'signal'> {
  readonly timers: Timers;
  /** Requests that wait at most; beyond, the least urgent one is refused. */
  readonly waitingMax?: number;
  /** Requests under way at most. */
  readonly underWayMax?: number;
  /** Who has waited so long goes first, whatever its priority. */
  readonly patienceMs?: number;
}

/** 5 windows of a minute. */
export const budgetDefaults = { waitingMax: 4_096, underWayMax: 16, patienceMs: 300_000 } as const;

export type StopReason = 'limited' | 'banned';

interface Waiter {
  readonly weight: number;
  readonly priority: RestPriority;
  readonly since: number;
  readonly order: number;
  go(): void;
  refuse(fault: RestFault): void;
}

interface Spent {
  readonly at: number;
  readonly weight: number;
}

export class RequestBudget {
  readonly #options: Required<Omit<RequestBudgetOptions, 'signal'>>;
  readonly #signal: AbortSignal | undefined;
  /** What left within the window, the oldest first. */
  #spent: Spent[] = [];
  #used = 0;
  /** What the venue says was used, and when it said so; what left since then comes on top. */
  #told: Spent | undefined;
  #sinceTold = 0;
  #underWay = 0;
  #weightUnderWay = 0;
  readonly #waiting: Waiter[] = [];
  #order = 0;
  #stoppedUntil = Number.NEGATIVE_INFINITY;
  #stopped: StopReason = 'limited';
  #callOff: (() => void) | undefined;
  readonly #counts = { asked: 0, limited: 0, banned: 0 };

  constructor(options: RequestBudgetOptions) {
    const { signal, ...rest } = options;
    this.#options = { ...budgetDefaults, ...rest };
    this.#signal = signal;
    signal?.addEventListener('abort', () => this.#refuseAll(calledOff()), { once: true });
  }

  /**
   * Runs `ask` as soon as `weight` fits. Rejects with a `RestFault` when the venue has said stop (kind and ms), when too
   * many wait, or when all is called off; else with whatever `ask` does.
   */
  async run<T>(weight: number, priority: RestPriority, ask: () => Promise<T>): Promise<T> {
    this.#counts.asked++;
    await this.#turn(weight, priority);
    try {
      return await ask();
    } finally {
      this.#underWay--;
      this.#weightUnderWay -= weight;
      this.#letGo();
    }
  }

  /**
   * The venue's own count of what was used in its window, as the answer to a request of `weight` told it. It may know of
   * others who ask from our address.
   */
  told(used: number, weight: number): void {
    this.#told = { at: this.#options.timers.now(), weight: used };
    // What else is under way may not be in the venue's number yet.
    this.#sinceTold = this.#weightUnderWay - weight;
  }

  /** The venue refuses: nothing leaves for `ms`, and all who wait are told so. */
  stop(why: StopReason, ms: number): void {
    this.#counts[why]++;
    const now = this.#options.timers.now();
    const until = now + ms;
    // A ban is never shortened by a milder refusal that was still under way.
    if (until > this.#stoppedUntil) {
      this.#stoppedUntil = until;
      this.#stopped = why;
    }
    this.#refuseAll(this.#stopFault(now));
  }

  account(): RestBudget {
    const now = this.#options.timers.now();
    this.#forget(now);
    return {
      used: this.#usedAt(now),
      most: this.#options.budget,
      waiting: this.#waiting.length,
      ...this.#counts,
      pausedMs: Math.max(0, this.#stoppedUntil - now, this.#fitsIn(this.#waiting[0]?.weight ?? 1, now)),
    };
  }

  #turn(weight: number, priority: RestPriority): Promise<void> {
    const now = this.#options.timers.now();
    if (this.#signal?.aborted === true) return Promise.reject(calledOff());
    if (this.#stoppedUntil > now) return Promise.reject(this.#stopFault(now));
    if (weight > this.#options.budget) {
      const text = `a request of weight ${weight} never fits a budget of ${this.#options.budget}`;
      return Promise.reject(new RestFault('refused', text));
    }
    return new Promise((resolve, reject) => {
      const waiter = { weight, priority, since: now, order: this.#order++, go: resolve, refuse: reject };
      const behind = this.#waiting.findIndex((other) => other.priority > priority);
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, waiter);
      this.#letGo();
      if (this.#waiting.length > this.#options.waitingMax) this.#refuseLast(now);
    });
  }

  /** Lets all go who fit; sets the clock for the next one. */
  #letGo(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    const now = this.#options.timers.now();
    while (this.#underWay < this.#options.underWayMax) {
      const index = this.#nextIndex(now);
      const next = this.#waiting[index];
      if (next === undefined) return;
      const waitMs = this.#fitsIn(next.weight, now);
      if (waitMs > 0) {
        this.#callOff = this.#options.timers.after(waitMs, () => this.#letGo());
        return;
      }
      this.#waiting.splice(index, 1);
      this.#take(next.weight, now);
      next.go();
    }
  }

  /** The front of the line, unless somebody has lost patience. */
  #nextIndex(now: number): number {
    let oldest = 0;
    for (const [i, one] of this.#waiting.entries()) if (one.order < this.#waiting[oldest]!.order) oldest = i;
    const since = this.#waiting[oldest]?.since ?? now;
    return now - since > this.#options.patienceMs ? oldest : 0;
  }

  #take(weight: number, now: number): void {
    this.#spent.push({ at: now, weight });
    this.#used += weight;
    this.#sinceTold += weight;
    this.#underWay++;
    this.#weightUnderWay += weight;
  }

  #usedAt(now: number): number {
    const told =
      this.#told !== undefined && now - this.#told.at < this.#options.budgetMs
        ? this.#told.weight + this.#sinceTold
        : 0;
    return Math.max(this.#used, told);
  }

  /** ms until `weight` fits, by what is known now; 0 when it does. */
  #fitsIn(weight: number, now: number): number {
    this.#forget(now);
    const { budget, budgetMs } = this.#options;
    if (this.#usedAt(now) + weight <= budget) return 0;
    let over = this.#used + weight - budget;
    let own = 0;
    for (const { at, weight: gone } of this.#spent) {
      if (over <= 0) break;
      over -= gone;
      own = at + budgetMs - now;
    }
    const told = this.#told;
    const isTold = told !== undefined && told.weight + this.#sinceTold + weight > budget;
    return Math.max(own, isTold ? told.at + budgetMs - now : 0);
  }

  /** Takes out what has left the window. */
  #forget(now: number): void {
    const edge = now - this.#options.budgetMs;
    let gone = 0;
    while (gone < this.#spent.length && this.#spent[gone]!.at <= edge)
      this.#used -= this.#spent[gone++]!.weight;
    if (gone > 0) this.#spent = this.#spent.slice(gone);
    if (this.#told !== undefined && this.#told.at <= edge) this.#told = undefined;
  }

  /** The line is full: the last of the least urgent must go, and is told when its turn would have come. */
  #refuseLast(now: number): void {
    const waitMs = Math.max(1, this.#fitsIn(this.#options.budget, now));
    this.#waiting.pop()?.refuse(new RestFault('limited', `${this.#waiting.length} requests wait`, waitMs));
  }

  #stopFault(now: number): RestFault {
    const ms = this.#stoppedUntil - now;
    return new RestFault(
      this.#stopped,
      `nothing is asked for ${Math.ceil(ms / 1_000)} s: ${this.#stopped}`,
      ms,
    );
  }

  #refuseAll(fault: RestFault): void {
    this.#callOff?.();
    this.#callOff = undefined;
    for (const waiter of this.#waiting.splice(0)) waiter.refuse(fault);
  }
}

function calledOff(): RestFault {
  return new RestFault('unreachable', 'called off');
}
