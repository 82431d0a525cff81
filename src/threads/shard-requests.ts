/** What the shards ask of the hub's thread: repairs, snapshots of books; and which of their streams are stale. */
import { partStateNames } from '../compute/index-price.ts';
import { channel } from '../wire/block-message.ts';
import { onRing } from '../wire/doorbell.ts';
import { gapState, rowInstrumentOf, rowKind, rowKindOf, rowWords, streamState } from '../wire/row.ts';
import { SegmentReader } from '../wire/segment-ring.ts';
import type { ShardOptions } from '../workers/shard-options.ts';

export interface RequestListener {
  /** Trade ids from ≤ id ≤ to are missing. Asked again from time to time while they are. */
  readonly onGap: (instrument: number, from: number, to: number) => void;
  /** A book needs a snapshot; `reason` as in `bookReason` (wire/row.ts). */
  readonly onBook: (instrument: number, reason: number) => void;
  /** Whether the instrument's streams are taken now: of others nothing is stale. */
  readonly isTaken: (instrument: number) => boolean;
  /** How a part of the index `instrument` does. */
  readonly onSource: (instrument: number, source: IndexSource) => void;
}

/** A part of an index; times in µs. */
export interface IndexSource {
  readonly part: number;
  readonly state: (typeof partStateNames)[number];
  /** Share of the index's ticks in which it counted: 1 is always. */
  readonly reliability: number;
  readonly quotes: number;
  readonly time: number;
}

function sourceAt(words: Float64Array, at: number): IndexSource {
  const used = words[at + 2]!;
  const asked = words[at + 3]!;
  return {
    part: words[at]!,
    state: partStateNames[words[at + 1]!] ?? 'absent',
    reliability: asked === 0 ? 0 : used / asked,
    quotes: words[at + 4]!,
    time: words[at + 5]!,
  };
}

export interface StreamsHealth {
  readonly staleTrades: number;
  readonly staleQuotes: number;
  readonly staleBooks: number;
  /** Books that wait for their snapshot. */
  readonly syncingBooks: number;
  readonly asked: { readonly gaps: number; readonly books: number };
}

const wordsOf = new Map<number, number>([
  [rowKind.gap, rowWords.gap],
  [rowKind.bookRequest, rowWords.bookRequest],
  [rowKind.status, rowWords.status],
  [rowKind.source, rowWords.source],
]);

export class ShardRequests {
  readonly #listener: RequestListener;
  readonly #rings: readonly SegmentReader[];
  readonly #takes: readonly ((bytes: Uint8Array, from: number, to: number) => void)[];
  readonly #stop: () => void;
  /** By channel: instruments whose stream is not live, and its state. */
  readonly #states = new Map<number, Map<number, number>>();
  #gaps = 0;
  #books = 0;

  constructor(shards: readonly ShardOptions[], bell: SharedArrayBuffer, listener: RequestListener) {
    this.#listener = listener;
    this.#rings = shards.map(({ requests }) => new SegmentReader(requests.memory));
    this.#takes = this.#rings.map(({ bytes }) => {
      const words = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3);
      return (_, from, to) => this.#take(words, from >> 3, to >> 3);
    });
    this.#stop = onRing(new Int32Array(bell), () => this.#drain());
  }

  get staleStreams(): number {
    let stale = 0;
    for (const on of this.#states.keys()) stale += this.#count(on, streamState.stale);
    return stale;
  }

  health(): StreamsHealth {
    const count = (on: number, state: number): number => this.#count(on, state);
    return {
      staleTrades: count(channel.trades, streamState.stale),
      staleQuotes: count(channel.quotes, streamState.stale),
      staleBooks: count(channel.book, streamState.stale),
      syncingBooks: count(channel.book, streamState.syncing),
      asked: { gaps: this.#gaps, books: this.#books },
    };
  }

  close(): void {
    this.#stop();
  }

  #count(on: number, wanted: number): number {
    let count = 0;
    for (const [instrument, state] of this.#states.get(on) ?? [])
      if (state === wanted && this.#listener.isTaken(instrument)) count++;
    return count;
  }

  #drain(): void {
    for (const [index, ring] of this.#rings.entries()) ring.read(this.#takes[index]!);
  }

  #take(words: Float64Array, from: number, to: number): void {
    for (let at = from; at < to; ) {
      const kind = rowKindOf(words[at]!);
      const instrument = rowInstrumentOf(words[at]!);
      const length = wordsOf.get(kind);
      if (length === undefined) throw new Error(`broken invariant: a request row of kind ${kind}`);
      if (kind === rowKind.gap) this.#gap(instrument, words[at + 1]!, words[at + 2]!, words[at + 3]!);
      else if (kind === rowKind.source) this.#listener.onSource(instrument, sourceAt(words, at + 1));
      else if (kind === rowKind.status) this.#status(instrument, words[at + 1]!, words[at + 2]!);
      else {
        this.#books++;
        this.#listener.onBook(instrument, words[at + 1]!);
      }
      at += length;
    }
  }

  #gap(instrument: number, state: number, from: number, to: number): void {
    if (state !== gapState.gap) return;
    this.#gaps++;
    this.#listener.onGap(instrument, from, to);
  }

  #status(instrument: number, on: number, state: number): void {
    let states = this.#states.get(on);
    if (states === undefined) this.#states.set(on, (states = new Map()));
    if (state === streamState.live) states.delete(instrument);
    else states.set(instrument, state);
  }
}
