/**
 * Takes the feeds' records, shards them by instrument and hands each shard, once a turn of the event loop, what came
 * in it. Runs on the thread of the sockets and never waits: a shard that stands still fills its ring, then its
 * overflow; then the feeds are paused until it has caught up.
 */
import type { MarketClock } from '../market/clock.ts';
import { copyTick, type TickRecords, tickField, tickKind, tickRecords } from '../wire/tick-record.ts';
import type { TickWriter } from '../wire/tick-ring.ts';
import { type HubAccount, sumOf } from './accounting.ts';
import { Lane } from './lane.ts';
import { Overflow } from './overflow.ts';

export interface HubOptions {
  /** One ring a shard. */
  readonly writers: readonly TickWriter[];
  /** Shard of an instrument: `shardOf[id]`, from 0; index 0 is not used. */
  readonly shardOf: Uint16Array;
  readonly clock: MarketClock;
  /** How often shards are told the time, ticks or no ticks. */
  readonly clockMs: number;
  /** Publish within a turn when so many records wait for its end. */
  readonly publishAt: number;
  /** Records that a shard's overflow holds; the feeds pause when it holds `overflowHigh` and go on at `overflowLow`. */
  readonly overflowRecords: number;
  readonly overflowHigh: number;
  readonly overflowLow: number;
  /** False: a full ring conflates no quotes (default true). */
  readonly conflates?: boolean;
  /** How often a full ring is tried again. */
  readonly retryMs: number;
  /** Quotes of these go to the shard of their index as well. */
  readonly parts?: readonly IndexPart[];
}

/** `instrument` is part number `part` of the index `index`. */
export interface IndexPart {
  readonly index: number;
  readonly part: number;
  readonly instrument: number;
}

export const hubDefaults = {
  clockMs: 100,
  publishAt: 4_096,
  overflowRecords: 131_072,
  overflowHigh: 98_304,
  overflowLow: 32_768,
  retryMs: 1,
} as const satisfies Partial<HubOptions>;

/** What the hub may ask of a feed. */
export interface Pausable {
  pause(): void;
  resume(): void;
}

/** Instruments dealt out to shards in turn, by id: static for a run, so that a shard owns its instruments. */
export function dealInstruments(instruments: number, shards: number): Uint16Array {
  return Uint16Array.from({ length: instruments + 1 }, (_, id) => (id === 0 ? 0 : (id - 1) % shards));
}

export class Hub {
  readonly #options: HubOptions;
  readonly #lanes: readonly Lane[];
  readonly #shardOf: Uint16Array;
  /** By instrument: the indexes it is a part of. */
  readonly #partsOf: (readonly IndexPart[] | undefined)[];
  /** By instrument, as a part: what its prices are divided by. */
  readonly #partUnits = new Map<number, number>();
  readonly #part = tickRecords(1);
  #partRecords = 0;
  readonly #feeds: Pausable[] = [];
  readonly #flush = (): void => this.flush();
  readonly #ticking: NodeJS.Timeout;
  #flushing: NodeJS.Immediate | undefined;
  #retrying: NodeJS.Timeout | undefined;
  #paused = false;
  #pauses = 0;

  constructor(options: HubOptions) {
    const instruments = options.shardOf.length - 1;
    if (options.shardOf.some((shard) => shard >= options.writers.length)) {
      throw new RangeError('an instrument is dealt to a shard that is not there');
    }
    if (!(options.overflowLow < options.overflowHigh && options.overflowHigh < options.overflowRecords)) {
      throw new RangeError('overflow marks must rise: low < high < records');
    }
    this.#options = options;
    this.#shardOf = options.shardOf;
    this.#partsOf = Array.from({ length: options.shardOf.length }, (_, id) => {
      const parts = options.parts?.filter(({ instrument }) => instrument === id) ?? [];
      return parts.length === 0 ? undefined : parts;
    });
    this.#lanes = options.writers.map(
      (writer) =>
        new Lane(
          writer,
          new Overflow(options.overflowRecords, instruments, options.conflates),
          options.publishAt,
        ),
    );
    this.#ticking = setInterval(() => this.#tick(), options.clockMs);
  }

  /** Feeds that are paused when a shard cannot keep up. */
  attach(feed: Pausable): void {
    this.#feeds.push(feed);
  }

  /** Takes records 0 to `count` − 1, all of known instruments; they may be overwritten afterwards. */
  take(records: TickRecords, count: number): void {
    for (let i = 0; i < count; i++) {
      const instrument = records.halves[i * 16 + tickField.instrument]!;
      this.#give(this.#shardOf[instrument]!, records, i);
      const parts = this.#partsOf[instrument];
      if (parts !== undefined) this.#forward(parts, records, i, instrument);
    }
    this.#flushing ??= setImmediate(this.#flush);
  }

  #give(shard: number, records: TickRecords, index: number): void {
    const lane = this.#lanes[shard]!;
    if (!lane.take(records, index) && !this.#paused && lane.waiting >= this.#options.overflowHigh)
      this.#pause();
  }

  /** An index is made in its own shard, from the quotes of its parts, which live in any. */
  #forward(parts: readonly IndexPart[], records: TickRecords, index: number, from: number): void {
    if ((records.halves[index * 16]! & 0xff) !== tickKind.quote) return;
    const unit = this.#partUnits.get(from) ?? 1;
    for (const { index: instrument, part } of parts) {
      copyTick(records, index, this.#part, 0);
      this.#part.halves[tickField.head] = tickKind.part | (part << 16);
      this.#part.halves[tickField.instrument] = instrument;
      this.#part.words[tickField.bid]! /= unit;
      this.#part.words[tickField.ask]! /= unit;
      this.#partRecords++;
      this.#give(this.#shardOf[instrument]!, this.#part, 0);
    }
  }

  /** Prices of the instrument have so many more digits from now on; its indexes go on with those that they know. */
  rescalePart(instrument: number, digits: number): void {
    if (this.#partsOf[instrument] === undefined) return;
    this.#partUnits.set(instrument, (this.#partUnits.get(instrument) ?? 1) * 10 ** digits);
  }

  /** Ends the turn: every shard sees what came for it. Called by itself after each turn that took records. */
  flush(): void {
    if (this.#flushing !== undefined) clearImmediate(this.#flushing);
    this.#flushing = undefined;
    let waiting = 0;
    for (const lane of this.#lanes) {
      lane.flush();
      waiting = Math.max(waiting, lane.waiting);
    }
    if (this.#paused && waiting <= this.#options.overflowLow) this.#resume();
    if (waiting > 0) this.#retrying ??= setInterval(this.#flush, this.#options.retryMs);
    else if (this.#retrying !== undefined) {
      clearInterval(this.#retrying);
      this.#retrying = undefined;
    }
  }

  account(): HubAccount {
    const shards = this.#lanes.map((lane) => lane.account());
    return { ...sumOf(shards), parts: this.#partRecords, shards, pauses: this.#pauses, paused: this.#paused };
  }

  /** Hands on what it can and stops its timers. May be called twice. */
  close(): void {
    this.flush();
    clearInterval(this.#ticking);
    clearInterval(this.#retrying);
    this.#retrying = undefined;
  }

  #tick(): void {
    this.flush();
    const now = this.#options.clock.now();
    for (const lane of this.#lanes) lane.tell(now);
  }

  #pause(): void {
    this.#paused = true;
    this.#pauses++;
    for (const feed of this.#feeds) feed.pause();
  }

  #resume(): void {
    this.#paused = false;
    for (const feed of this.#feeds) feed.resume();
  }
}
