/** The last block of each stream: what a new subscriber gets as its snapshot, and a slow one when it has drained. */
import { Arena } from './arena.ts';

/** Streams are numbered instrument × channels + channel. */
export class LatestBlocks {
  readonly #arena: Arena;
  readonly #at: Int32Array;
  readonly #room: Int32Array;
  readonly #length: Int32Array;
  readonly #timeBase: Uint32Array;
  readonly #cursor: Float64Array;
  readonly #logCursor: Float64Array;

  constructor(arena: Arena, streams: number) {
    this.#arena = arena;
    this.#at = new Int32Array(streams);
    this.#room = new Int32Array(streams);
    this.#length = new Int32Array(streams);
    this.#timeBase = new Uint32Array(streams);
    this.#cursor = new Float64Array(streams);
    this.#logCursor = new Float64Array(streams).fill(-1);
  }

  /** Whether a block with this cursor is of something older than the latest block: a late trade, a corrected bar. */
  isOlder(stream: number, cursor: number): boolean {
    return cursor < this.#cursor[stream]!;
  }

  /** Keeps the `length` bytes at arena address `from`. */
  keep(stream: number, from: number, length: number, timeBase: number, cursor: number): void {
    if (length > this.#room[stream]!) this.#enlarge(stream, length);
    const at = this.#at[stream]!;
    this.#arena.bytes.copyWithin(at, from, from + length);
    this.#length[stream] = length;
    this.#timeBase[stream] = timeBase;
    this.#cursor[stream] = cursor;
  }

  /** The block is of no use any more; how far the stream has come is still known. */
  drop(stream: number): void {
    this.#length[stream] = 0;
  }

  /** Notes how far a log stream has come. */
  logged(stream: number, cursor: number): void {
    if (cursor > this.#logCursor[stream]!) this.#logCursor[stream] = cursor;
  }

  /** How far a log stream has come; −1 when nothing was ever seen of it. */
  logCursor(stream: number): number {
    return this.#logCursor[stream]!;
  }

  /** 0 when there is none yet. */
  length(stream: number): number {
    return this.#length[stream]!;
  }

  at(stream: number): number {
    return this.#at[stream]!;
  }

  timeBase(stream: number): number {
    return this.#timeBase[stream]!;
  }

  #enlarge(stream: number, length: number): void {
    const room = this.#room[stream]!;
    if (room > 0) this.#arena.give(this.#at[stream]!, room);
    const larger = Arena.room(length);
    this.#room[stream] = larger;
    this.#at[stream] = this.#arena.take(larger);
  }
}
