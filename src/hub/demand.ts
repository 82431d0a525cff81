/**
 * Who wants which instrument: clients through their gateways, watch lists, the configured core. Wishes are counted by
 * source; an instrument is taken with its first wish, at once, and let go a while after the last one has ended, so that
 * a client that comes back (or a chart that is switched to and fro) costs no subscription.
 */

export interface DemandOptions {
  /** Always taken. */
  readonly core: Iterable<number>;
  /** How long an instrument stays that nobody wants any more (ms). */
  readonly lingerMs: number;
  /** Calls `run` once after `ms`; the returned function calls it off. */
  readonly after: (ms: number, run: () => void) => () => void;
  readonly onWant: (instrument: number) => void;
  readonly onLetGo: (instrument: number) => void;
  /** Somebody watches it now, or nobody does: told at once, without linger, and never of the core alone. */
  readonly onWatched?: (instrument: number, watched: boolean) => void;
}

export interface DemandHealth {
  readonly core: number;
  /** Wanted by somebody beside the core. */
  readonly watched: number;
  /** Taken and wanted by nobody: they go when their linger ends. */
  readonly lingering: number;
  readonly taken: number;
  readonly sources: number;
}

export class Demand {
  readonly #options: DemandOptions;
  readonly #core: Set<number>;
  /** Instruments each source wants. */
  readonly #sources = new Map<string, Set<number>>();
  readonly #count = new Map<number, number>();
  readonly #lingering = new Map<number, () => void>();
  readonly #taken = new Set<number>();
  #closed = false;

  constructor(options: DemandOptions) {
    this.#options = options;
    this.#core = new Set(options.core);
  }

  /** Takes the core. */
  start(): void {
    for (const instrument of this.#core) this.#take(instrument);
  }

  /** Another instrument is always taken. */
  addCore(instrument: number): void {
    this.#core.add(instrument);
    this.#take(instrument);
  }

  isTaken(instrument: number): boolean {
    return this.#taken.has(instrument);
  }

  /** `source` wants the instrument: asking twice is the same as once. */
  wish(source: string, instrument: number): void {
    let wishes = this.#sources.get(source);
    if (wishes === undefined) this.#sources.set(source, (wishes = new Set()));
    if (wishes.has(instrument)) return;
    wishes.add(instrument);
    const count = (this.#count.get(instrument) ?? 0) + 1;
    this.#count.set(instrument, count);
    if (count > 1) return;
    this.#options.onWatched?.(instrument, true);
    this.#take(instrument);
  }

  /** `source` no longer wants it. */
  unwish(source: string, instrument: number): void {
    const wishes = this.#sources.get(source);
    if (wishes === undefined || !wishes.delete(instrument)) return;
    if (wishes.size === 0) this.#sources.delete(source);
    const count = this.#count.get(instrument)! - 1;
    if (count > 0) {
      this.#count.set(instrument, count);
      return;
    }
    this.#count.delete(instrument);
    this.#options.onWatched?.(instrument, false);
    if (!this.#core.has(instrument)) this.#linger(instrument);
  }

  /** What `source` wants is exactly this from now on: a watch list that was read again. */
  replace(source: string, instruments: ReadonlySet<number>): void {
    for (const instrument of instruments) this.wish(source, instrument);
    for (const instrument of this.#sources.get(source) ?? [])
      if (!instruments.has(instrument)) this.unwish(source, instrument);
  }

  health(): DemandHealth {
    return {
      core: this.#core.size,
      watched: this.#count.size,
      lingering: this.#lingering.size,
      taken: this.#taken.size,
      sources: this.#sources.size,
    };
  }

  /** Calls off what lingers; nothing is let go. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#lingering.values()) cancel();
    this.#lingering.clear();
  }

  #take(instrument: number): void {
    this.#lingering.get(instrument)?.();
    this.#lingering.delete(instrument);
    if (this.#closed || this.#taken.has(instrument)) return;
    this.#taken.add(instrument);
    this.#options.onWant(instrument);
  }

  #linger(instrument: number): void {
    if (this.#closed) return;
    const { after, lingerMs, onLetGo } = this.#options;
    const cancel = after(lingerMs, () => {
      this.#lingering.delete(instrument);
      this.#taken.delete(instrument);
      onLetGo(instrument);
    });
    this.#lingering.set(instrument, cancel);
  }
}
