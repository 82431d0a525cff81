/**
 * Tells stale streams from quiet ones, while an instrument's streams are taken (`subscribed` records):
 *
 *   quotes, book   stale when silent for more than twice the learned quiet time (compute/watch.ts); a book whose changes
 *                  come again may still have to wait for its snapshot, and is then syncing, not live
 *   trades         stale when a heartbeat told of trades that did not come, or when all of the instrument is silent: few
 *                  trades are no fault
 *
 * Told to clients as status blocks and to the hub as status rows; to the hub again as long as it lasts, and once more
 * when it is over, since a request may find no room.
 */
import { counter, hot, hotWords } from '../compute/shard-memory.ts';
import {
  expectedQuiet,
  isSilent,
  isStale,
  noteArrival,
  watched,
  watchState,
  watchWord,
  watchWords,
} from '../compute/watch.ts';
import { type BookMemory, bookState, bookStride, bookWord } from '../market/book.ts';
import { blockKind, timeBaseOf } from '../wire/block.ts';
import { blockClass, channel } from '../wire/block-message.ts';
import { encodeStatus } from '../wire/encode-state.ts';
import { rowKind, rowWords, streamState } from '../wire/row.ts';
import { tickField, tickWords } from '../wire/tick-record.ts';
import type { ShardTurn } from './shard-turn.ts';

/** Where in a hot row the state of a stream lies, and where its arrivals. */
const streams = [
  { on: [channel.trades], state: hot.tradesState, watch: watched.all, cursor: hot.tradeId },
  {
    on: [channel.quotes],
    state: watched.quotes + watchWord.state,
    watch: watched.quotes,
    cursor: hot.quoteVersion,
  },
  {
    on: [channel.book, channel.bookTop],
    state: watched.book + watchWord.state,
    watch: watched.book,
    cursor: -1,
  },
] as const;
type Stream = (typeof streams)[number];
const [trades, quotes, book] = streams;

/** The most bytes of requests that one instrument's streams take. */
export const statusBytes = streams.length * rowWords.status * 8;

export class WatchStage {
  readonly #turn: ShardTurn;
  readonly #state: Float64Array;
  readonly #books: BookMemory;

  constructor(turn: ShardTurn, books: BookMemory) {
    this.#turn = turn;
    this.#state = turn.memory.hot;
    this.#books = books;
  }

  /** The streams of the instrument are taken (id 1), or not any more. What was known of their silence is forgotten. */
  subscribed(row: number, slot: number): void {
    const { memory, input, now } = this.#turn;
    const at = row * hotWords;
    const words = memory.hot;
    const taken = input.words[slot * tickWords + tickField.id] !== 0;
    if (taken === words[at + hot.subscribedAt]! > 0) return;
    if (!taken) this.#leave(row);
    words.fill(0, at + hot.watch, at + hot.watch + 3 * watchWords);
    words[at + hot.tradesState] = watchState.live;
    // At a start it comes before the first clock: its own time then tells since when.
    const since = Math.max(1, now, input.words[slot * tickWords + tickField.time]!);
    words[at + hot.subscribedAt] = taken ? since : 0;
  }

  /** Streams that nobody takes any more are not stale: the hub need not list them. */
  #leave(row: number): void {
    const { memory } = this.#turn;
    for (const stream of streams) {
      if (!isStale(memory.hot[row * hotWords + stream.state]!)) continue;
      memory.counters[counter.streamsLeft]!++;
      this.#request(row, stream, streamState.live, this.#turn.now);
    }
  }

  /** Something of the instrument came over a line: a heartbeat, or a trade. */
  alive(row: number): void {
    const words = this.#state;
    const at = row * hotWords;
    const since = words[at + hot.subscribedAt]!;
    const { now } = this.#turn;
    // What is no news costs nothing: many arrive between two clocks.
    if (since === 0 || words[at + watched.all] === now) return;
    noteArrival(words, at + watched.all, now, since);
    if (words[at + trades.state] === watchState.stale) this.#live(row, trades);
  }

  trade(row: number): void {
    this.alive(row);
    if (this.#state[row * hotWords + trades.state] === watchState.missing) this.#live(row, trades);
  }

  quote(row: number): void {
    this.#arrived(row, quotes);
  }

  book(row: number): void {
    this.#arrived(row, book);
  }

  #arrived(row: number, stream: Stream): void {
    const words = this.#state;
    const at = row * hotWords;
    const since = words[at + hot.subscribedAt]!;
    const { now } = this.#turn;
    if (since === 0 || words[at + stream.watch] === now) return;
    this.alive(row);
    noteArrival(words, at + stream.watch, now, since);
    if (words[at + stream.state] === watchState.stale) this.#live(row, stream);
  }

  /** A heartbeat told of trades that have not come. */
  tradesMissing(row: number): void {
    const words = this.#turn.memory.hot;
    const at = row * hotWords;
    if (words[at + hot.subscribedAt] === 0) return;
    if (isStale(words[at + trades.state]!)) words[at + trades.state] = watchState.missing;
    else this.#stale(row, trades, watchState.missing, words[at + hot.tradeTime]!);
  }

  /** Market time has gone on: who has been silent for too long? `tellAgain`: the hub is told of the stale ones again. */
  clock(row: number, tellAgain: boolean): void {
    const { memory, now, rules } = this.#turn;
    const words = memory.hot;
    const at = row * hotWords;
    const since = words[at + hot.subscribedAt]!;
    if (since === 0) return;
    // Nothing has come yet: silence counts from when the streams were taken, or from the first clock.
    if (words[at + watched.all] === 0) noteArrival(words, at + watched.all, now, since);
    // What finds no room now is told by a later clock.
    if (!this.#turn.hasRequestRoom(statusBytes)) return;
    for (const stream of streams) {
      const state = words[at + stream.state]!;
      if (!isStale(state) && isSilent(words, at + stream.watch, now, rules))
        this.#stale(row, stream, watchState.stale, words[at + stream.watch]!);
      else if (tellAgain && isStale(state))
        this.#request(row, stream, streamState.stale, words[at + stream.watch]!);
      else if (tellAgain && state === watchState.again) {
        this.#request(row, stream, this.#stateOf(row, stream), now);
        words[at + stream.state] = watchState.live;
      }
    }
  }

  /** True when the hub must hear of this instrument's streams again. */
  isToTell(row: number): boolean {
    const words = this.#turn.memory.hot;
    const at = row * hotWords;
    return words[at + trades.state]! + words[at + quotes.state]! + words[at + book.state]! > 0;
  }

  #stale(row: number, stream: Stream, state: number, since: number): void {
    const { memory } = this.#turn;
    memory.hot[row * hotWords + stream.state] = state;
    memory.counters[counter.streamsStale]!++;
    this.#tell(row, stream, streamState.stale, since);
  }

  #live(row: number, stream: Stream): void {
    const { memory, now } = this.#turn;
    memory.hot[row * hotWords + stream.state] = watchState.again;
    memory.counters[counter.streamsLive]!++;
    this.#tell(row, stream, this.#stateOf(row, stream), now);
  }

  /** The state of a stream that is not silent. */
  #stateOf(row: number, stream: Stream): number {
    if (stream !== book) return streamState.live;
    const { words, levels } = this.#books;
    const live = words[row * bookStride(levels) + bookWord.state] === bookState.live;
    return live ? streamState.live : streamState.syncing;
  }

  #tell(row: number, stream: Stream, state: number, since: number): void {
    const { blocks, memory, now, instrumentOf } = this.#turn;
    const instrument = instrumentOf(row);
    const cursor = stream.cursor < 0 ? 0 : memory.hot[row * hotWords + stream.cursor]!;
    for (const on of stream.on) {
      const end = encodeStatus(blocks.bytes, blocks.blockAt, instrument, cursor, now, on, state, since);
      blocks.add(end, timeBaseOf(now), instrument, blockKind.status, on, blockClass.log, 1, cursor);
    }
    this.#request(row, stream, state, since);
  }

  #request(row: number, stream: Stream, state: number, since: number): void {
    const { requests, memory, rules, instrumentOf } = this.#turn;
    const to = requests.row(rowKind.status, instrumentOf(row), rowWords.status);
    const { words } = requests;
    words[to] = stream.on[0];
    words[to + 1] = state;
    words[to + 2] = since;
    words[to + 3] = expectedQuiet(memory.hot, row * hotWords + stream.watch, rules);
    words[to + 4] = 0;
  }
}
