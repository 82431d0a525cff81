/**
 * Tells stale streams from quiet ones, while an instrument's streams are taken (`subscribed` records):
 *
 *   quotes, book   stale when silent for more than two expected intervals (compute/watch.ts), or eight while heartbeats
 *                  say that the market may just be quiet: one came in the last ten seconds, all trades that they told of
 *                  are there, and none came since the stream fell silent; a book whose changes come again may still have
 *                  to wait for its snapshot, and is then syncing, not live
 *   trades         stale when a heartbeat told of trades that did not come, or when all of the instrument is silent for
 *                  two expected intervals: few trades are no fault
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
  setState,
  setTime,
  staleAfter,
  stateAt,
  timeAt,
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

/**
 * Where in a hot row the state of a stream lies, and where its arrivals. Above the state of the trades lies the time of
 * the last heartbeat (ms).
 */
const streams = [
  { on: [channel.trades], state: hot.tradesState, watch: watched.all, cursor: hot.tradeId },
  {
    on: [channel.quotes],
    state: watched.quotes + watchWord.kept,
    watch: watched.quotes,
    cursor: hot.quoteVersion,
  },
  {
    on: [channel.book, channel.bookTop],
    state: watched.book + watchWord.kept,
    watch: watched.book,
    cursor: -1,
  },
] as const;
type Stream = (typeof streams)[number];
const [trades, quotes, book] = streams;

/** A heartbeat counts for so long (ms); venues send one each second or two. */
const beatCounts = 10_000;
/** A quote or change of the book may come so much before the trade that caused it (µs): they are streams of their own. */
const tradeSlack = 1_000_000;

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
      if (!isStale(stateAt(memory.hot, row * hotWords + stream.state))) continue;
      memory.counters[counter.streamsLeft]!++;
      this.#request(row, stream, streamState.live, this.#turn.now);
    }
  }

  /** A heartbeat of the instrument came over a line. */
  alive(row: number): void {
    const words = this.#state;
    const at = row * hotWords;
    if (words[at + hot.subscribedAt] === 0) return;
    setTime(words, at + trades.state, Math.floor(this.#turn.now / 1_000));
    this.#heard(row);
  }

  trade(row: number): void {
    this.#heard(row);
    const at = row * hotWords + trades.state;
    if (stateAt(this.#state, at) === watchState.missing) this.#live(row, trades);
  }

  /** Anything of the instrument came over a line. */
  #heard(row: number): void {
    const words = this.#state;
    const at = row * hotWords;
    const { now, rules } = this.#turn;
    // What is no news costs nothing: many arrive between two clocks.
    if (words[at + hot.subscribedAt] === 0 || words[at + watched.all] === now) return;
    noteArrival(words, at + watched.all, now, rules);
    if (stateAt(words, at + trades.state) === watchState.stale) this.#live(row, trades);
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
    const { now, rules } = this.#turn;
    if (words[at + hot.subscribedAt] === 0 || words[at + stream.watch] === now) return;
    this.#heard(row);
    noteArrival(words, at + stream.watch, now, rules);
    if (stateAt(words, at + stream.state) === watchState.stale) this.#live(row, stream);
  }

  /** A heartbeat told of trades that have not come. */
  tradesMissing(row: number): void {
    const words = this.#turn.memory.hot;
    const at = row * hotWords;
    if (words[at + hot.subscribedAt] === 0) return;
    if (isStale(stateAt(words, at + trades.state))) setState(words, at + trades.state, watchState.missing);
    else this.#stale(row, trades, watchState.missing, words[at + hot.tradeTime]!);
  }

  /** Market time has gone on: who has been silent for too long? `tellAgain`: the hub is told of the stale ones again. */
  clock(row: number, tellAgain: boolean): void {
    const { memory, now, rules } = this.#turn;
    const words = memory.hot;
    const at = row * hotWords;
    if (words[at + hot.subscribedAt] === 0) return;
    // Nothing has come yet: silence counts from when the streams were taken, or from the first clock.
    if (words[at + watched.all] === 0) noteArrival(words, at + watched.all, now, rules);
    // What finds no room now is told by a later clock.
    if (!this.#turn.hasRequestRoom(statusBytes)) return;
    for (const stream of streams) {
      const state = stateAt(words, at + stream.state);
      if (!isStale(state) && this.#isSilent(row, stream))
        this.#stale(row, stream, watchState.stale, words[at + stream.watch]!);
      else if (tellAgain && isStale(state))
        this.#request(row, stream, streamState.stale, words[at + stream.watch]!);
      else if (tellAgain && state === watchState.again) {
        this.#request(row, stream, this.#stateOf(row, stream), now);
        setState(words, at + stream.state, watchState.live);
      }
    }
  }

  #isSilent(row: number, stream: Stream): boolean {
    const { now, rules } = this.#turn;
    const words = this.#state;
    const at = row * hotWords + stream.watch;
    if (!isSilent(words, at, now, rules)) return false;
    return (
      stream === trades ||
      !this.#mayBeQuiet(row, stream) ||
      isSilent(words, at, now, rules, staleAfter.beating)
    );
  }

  /** Heartbeats go on, and by their ids no trade should have moved the quotes or the book since they fell silent. */
  #mayBeQuiet(row: number, stream: Stream): boolean {
    const words = this.#state;
    const at = row * hotWords;
    if (this.#turn.now / 1_000 - timeAt(words, at + trades.state) > beatCounts) return false;
    if (isStale(stateAt(words, at + trades.state))) return false;
    // A heartbeat told of a trade that has not come.
    if (words[at + hot.tailId]! >= words[at + hot.nextId]! && words[at + hot.tailId]! > 0) return false;
    return words[at + hot.tradeTime]! <= words[at + stream.watch]! + tradeSlack;
  }

  /** True when the hub must hear of this instrument's streams again. */
  isToTell(row: number): boolean {
    const words = this.#turn.memory.hot;
    const at = row * hotWords;
    for (const stream of streams) if (stateAt(words, at + stream.state) !== watchState.live) return true;
    return false;
  }

  #stale(row: number, stream: Stream, state: number, since: number): void {
    const { memory } = this.#turn;
    setState(memory.hot, row * hotWords + stream.state, state);
    memory.counters[counter.streamsStale]!++;
    this.#tell(row, stream, streamState.stale, since);
  }

  #live(row: number, stream: Stream): void {
    const { memory, now } = this.#turn;
    setState(memory.hot, row * hotWords + stream.state, watchState.again);
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
