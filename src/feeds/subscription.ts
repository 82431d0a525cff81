/**
 * Asks for a connection's streams in batches, at the pace the venue allows, and checks each answer. A refused batch is
 * cut in half and asked for again, until the streams that are refused are known by name.
 */
import type { Timers } from './timers.ts';

export interface SubscriptionOptions {
  readonly streams: readonly string[];
  /** Streams in one request. */
  readonly batch: number;
  /** Least time between two requests: faster pacing has been banned in practice. */
  readonly gapMs: number;
  /** How long an answer may take. */
  readonly answerMs: number;
  readonly timers: Timers;
  readonly send: (streams: readonly string[], id: number) => void;
  /** Whether a late answer is our own doing. */
  readonly patient: () => boolean;
  /** A request was not answered: the connection is of no use. */
  readonly onUnanswered: () => void;
}

interface Asked {
  readonly streams: readonly string[];
  giveUp: () => void;
}

export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #queue: (readonly string[])[] = [];
  readonly #asked = new Map<number, Asked>();
  readonly #refused = new Map<string, string>();
  #granted = 0;
  #lastId = 0;
  #cancelNext: (() => void) | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    const { streams, batch } = options;
    for (let i = 0; i < streams.length; i += batch) this.#queue.push(streams.slice(i, i + batch));
  }

  start(): void {
    this.#ask();
  }

  stop(): void {
    this.#cancelNext?.();
    this.#cancelNext = undefined;
    this.#queue.length = 0;
    for (const asked of this.#asked.values()) asked.giveUp();
    this.#asked.clear();
  }

  /** The venue answered request `id`. False when nothing like it is open. */
  answered(id: number, error: string | undefined): boolean {
    const asked = this.#asked.get(id);
    if (asked === undefined) return false;
    this.#asked.delete(id);
    asked.giveUp();
    const { streams } = asked;
    if (error === undefined) this.#granted += streams.length;
    else if (streams.length === 1) this.#refused.set(streams[0]!, error);
    else {
      const half = Math.ceil(streams.length / 2);
      this.#queue.push(streams.slice(0, half), streams.slice(half));
    }
    if (this.#cancelNext === undefined) this.#ask();
    return true;
  }

  /** Streams that the venue grants. */
  get granted(): number {
    return this.#granted;
  }

  /** Streams that the venue refused, each with its reason. */
  get refused(): ReadonlyMap<string, string> {
    return this.#refused;
  }

  #ask(): void {
    const streams = this.#queue.shift();
    if (streams === undefined) return;
    const { timers, gapMs, send } = this.#options;
    const id = ++this.#lastId;
    const asked: Asked = { streams, giveUp: () => undefined };
    this.#asked.set(id, asked);
    this.#wait(asked);
    this.#cancelNext = timers.after(gapMs, () => {
      this.#cancelNext = undefined;
      this.#ask();
    });
    send(streams, id);
  }

  #wait(asked: Asked): void {
    const { timers, answerMs, patient, onUnanswered } = this.#options;
    asked.giveUp = timers.after(answerMs, () => {
      if (patient()) this.#wait(asked);
      else onUnanswered();
    });
  }
}
