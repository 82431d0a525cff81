/** How often one address may try to connect, and its ban when it tries more often. */
interface Visitor {
  /** Moments of the attempts within the window, in ms. */
  attempts: number[];
  bannedUntilMs: number;
}

const visitorsMax = 1_024;

export class ConnectBudget {
  readonly #most: number;
  readonly #withinMs: number;
  readonly #banMs: number;
  readonly #visitors = new Map<string, Visitor>();

  constructor(connects: { readonly most: number; readonly withinMs: number }, banMs: number) {
    this.#most = connects.most;
    this.#withinMs = connects.withinMs;
    this.#banMs = banMs;
  }

  /** Counts an attempt; answers 0 when it is allowed, else for how many ms the address is banned. */
  take(address: string, nowMs: number): number {
    if (this.#most === 0) return 0;
    const visitor = this.#visitor(address);
    const { attempts } = visitor;
    while (attempts.length > 0 && nowMs - attempts[0]! >= this.#withinMs) attempts.shift();
    if (nowMs < visitor.bannedUntilMs) return visitor.bannedUntilMs - nowMs;
    attempts.push(nowMs);
    if (attempts.length <= this.#most) return 0;
    visitor.bannedUntilMs = nowMs + this.#banMs;
    return this.#banMs;
  }

  #visitor(address: string): Visitor {
    const known = this.#visitors.get(address);
    if (known !== undefined) return known;
    if (this.#visitors.size >= visitorsMax) this.#visitors.delete(this.#visitors.keys().next().value!);
    const visitor = { attempts: [], bannedUntilMs: 0 };
    this.#visitors.set(address, visitor);
    return visitor;
  }
}
