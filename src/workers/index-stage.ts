/**
 * Indexes of a shard: prices made from the quotes of instruments that live in any shard, which the hub sends here as
 * `part` records. An index is told of at most once a turn, as a quote (its best bid and ask) and, when its middle has
 * moved, as a trade of size 0, from which its bars, its levels and its latest price come as from any other.
 *
 * An index has no ids of a venue: it counts by itself, from `epoch` × 2^20 on, so that its stream rises over restarts.
 * Its state lies where other instruments keep trades that they hold back, of which an index has none.
 */
import {
  type IndexRules,
  indexWord,
  indexWords,
  makeIndex,
  partAt,
  partState,
  partWord,
  takePart,
} from '../compute/index-price.ts';
import { coldWords, counter, heldMax, heldWords } from '../compute/shard-memory.ts';
import { blockKind, timeBaseOf } from '../wire/block.ts';
import { blockClass, channel } from '../wire/block-message.ts';
import { encodeStatus } from '../wire/encode-state.ts';
import { rowKind, rowWords, streamState } from '../wire/row.ts';
import { tickField, tickKind, tickWords } from '../wire/tick-record.ts';
import type { QuoteStage } from './quote-stage.ts';
import type { ShardTurn } from './shard-turn.ts';
import type { TradeStage } from './trade-stage.ts';

if (indexWords > heldMax * heldWords)
  throw new Error('the state of an index must fit in place of held trades');

export interface ShardIndex extends IndexRules {
  readonly instrument: number;
  /** By part: what makes its prices as fine as the index's; a power of ten. */
  readonly scales: readonly number[];
  /** s since 1970. */
  readonly epoch: number;
}

const counterUnit = 2 ** 20;
/** How often the hub is told how its parts do (µs of market time). */
const tellMicros = 1_000_000;
/** A trade and a quote, and ten bars that end, ten that form: as blocks, or as rows. */
const bytesPerIndex = 16_384;

interface OwnIndex {
  readonly rules: ShardIndex;
  readonly row: number;
  told: number;
}

export class IndexStage {
  readonly #turn: ShardTurn;
  readonly #trades: TradeStage;
  readonly #quotes: QuoteStage;
  readonly #own: readonly OwnIndex[];
  readonly #byRow: readonly (OwnIndex | undefined)[];

  constructor(turn: ShardTurn, trades: TradeStage, quotes: QuoteStage) {
    this.#turn = turn;
    this.#trades = trades;
    this.#quotes = quotes;
    this.#own = turn.rules.indexes
      .filter(({ instrument }) => turn.owns(instrument))
      .map((rules) => ({ rules, row: turn.rowOf(rules.instrument), told: 0 }));
    const byRow: (OwnIndex | undefined)[] = [];
    for (const own of this.#own) byRow[own.row] = own;
    this.#byRow = byRow;
  }

  /** What the indexes may add to a turn when it is finished: each a tick, its bars and its row. */
  get bytesNeeded(): number {
    return this.#own.length * bytesPerIndex;
  }

  /** A quote of a part, in `slot` of the input ring. */
  take(row: number, slot: number): void {
    const own = this.#byRow[row];
    this.#turn.memory.counters[counter.parts]!++;
    if (own === undefined) throw new Error(`broken invariant: row ${row} is no index`);
    const { memory, now, input } = this.#turn;
    const word = slot * tickWords;
    const part = input.halves[word * 2]! >>> 16;
    const scale = own.rules.scales[part];
    if (scale === undefined) throw new Error(`broken invariant: part ${part} of an index`);
    const at = row * coldWords;
    const version = input.words[word + tickField.id]!;
    const bid = input.words[word + tickField.bid]! * scale;
    const ask = input.words[word + tickField.ask]! * scale;
    memory.coldTouched[row] = 1;
    if (!takePart(memory.cold, at, part, version, bid, ask, now)) memory.counters[counter.partsStale]!++;
  }

  /** Market time has gone on: a part may have become stale. */
  clock(): void {
    const { memory, now } = this.#turn;
    for (const own of this.#own) {
      const at = own.row * coldWords;
      if (memory.cold[at + indexWord.time] === 0) continue;
      memory.coldTouched[own.row] = 1;
      memory.cold[at + indexWord.changed] = 1;
      if (now - own.told < tellMicros) continue;
      own.told = now;
      this.#tell(own);
    }
  }

  /** Makes the indexes whose parts have changed in this turn. */
  finishTurn(): void {
    const { memory, now } = this.#turn;
    for (const { rules, row } of this.#own) {
      const at = row * coldWords;
      const words = memory.cold;
      if (words[at + indexWord.changed] === 0) continue;
      const wasStale = words[at + indexWord.stale];
      const price = words[at + indexWord.price]!;
      const made = makeIndex(words, at, rules, now);
      memory.coldTouched[row] = 1;
      const isStale = words[at + indexWord.stale]!;
      if (isStale !== wasStale)
        this.#announce(rules.instrument, words[at + indexWord.counter]!, isStale === 1);
      if (made) this.#emit(row, rules, at, price !== words[at + indexWord.price]);
    }
  }

  /** The index is stale, since all its parts are; or live again. */
  #announce(instrument: number, cursor: number, stale: boolean): void {
    const { blocks, requests, now } = this.#turn;
    const state = stale ? streamState.stale : streamState.live;
    const end = encodeStatus(
      blocks.bytes,
      blocks.blockAt,
      instrument,
      cursor,
      now,
      channel.quotes,
      state,
      now,
    );
    blocks.add(end, timeBaseOf(now), instrument, blockKind.status, channel.quotes, blockClass.log, 1, cursor);
    if (!this.#turn.hasRequestRoom(rowWords.status * 8)) return;
    const to = requests.row(rowKind.status, instrument, rowWords.status);
    requests.words.set([channel.quotes, state, now, 0, 0], to);
  }

  #emit(row: number, { instrument, epoch }: ShardIndex, at: number, moved: boolean): void {
    const { memory } = this.#turn;
    const words = memory.cold;
    const version = next(words, at + indexWord.version, epoch);
    memory.counters[counter.indexTicks]!++;
    const quote = this.#record(instrument, tickKind.quote, version);
    const records = this.#turn.chains.extra.words;
    records[quote * tickWords + tickField.bid] = words[at + indexWord.bid]!;
    records[quote * tickWords + tickField.bidSize] = 0;
    records[quote * tickWords + tickField.ask] = words[at + indexWord.ask]!;
    records[quote * tickWords + tickField.askSize] = 0;
    this.#quotes.passOwn(row, quote);
    if (!moved) return;
    memory.counters[counter.indexTrades]!++;
    const id = next(words, at + indexWord.counter, epoch);
    const trade = this.#record(instrument, tickKind.trade, id);
    records[trade * tickWords + tickField.price] = words[at + indexWord.price]!;
    records[trade * tickWords + tickField.size] = 0;
    records[trade * tickWords + tickField.firstId] = id;
    records[trade * tickWords + tickField.lastId] = id;
    this.#trades.passOwn(row, trade);
  }

  /** A record of our own among those of the turn; returns its slot in `chains.extra`. */
  #record(instrument: number, kind: number, id: number): number {
    const { chains, now } = this.#turn;
    const slot = chains.release();
    const word = slot * tickWords;
    chains.extra.halves[word * 2 + tickField.head] = kind;
    chains.extra.halves[word * 2 + tickField.instrument] = instrument;
    chains.extra.words[word + tickField.time] = now;
    chains.extra.words[word + tickField.received] = now;
    chains.extra.words[word + tickField.id] = id;
    return slot;
  }

  /** How the parts do, for the hub: state, price and how often they were used. */
  #tell({ rules, row }: OwnIndex): void {
    const { memory, requests } = this.#turn;
    const words = memory.cold;
    for (let part = 0; part < rules.weights.length; part++) {
      if (!this.#turn.hasRequestRoom(rowWords.source * 8)) return;
      const place = partAt(row * coldWords, part);
      const to = requests.row(rowKind.source, rules.instrument, rowWords.source);
      requests.words[to] = part;
      requests.words[to + 1] =
        words[place + partWord.version] === 0 ? partState.absent : words[place + partWord.state]!;
      requests.words[to + 2] = words[place + partWord.used]!;
      requests.words[to + 3] = words[place + partWord.asked]!;
      requests.words[to + 4] = words[place + partWord.quotes]!;
      requests.words[to + 5] = words[place + partWord.time]!;
    }
  }
}

/** The next number of a stream: counted on, and above all of earlier epochs. */
function next(words: Float64Array, at: number, epoch: number): number {
  const number = Math.max(words[at]!, epoch * counterUnit) + 1;
  words[at] = number;
  return number;
}
