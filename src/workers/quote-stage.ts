/**
 * Quotes of a shard. One passes when its version is newer than the last one's; a jump in versions is no gap (scenario
 * 15). Older ones are stale: the slower of two lines sends them, between newer ones of the faster. When nothing but lower
 * versions has come for `belowMicros` of market time, and at least `belowQuotes` of them, the venue numbers anew, and they
 * pass. (A slow line that is left alone has caught up with the last version by then.)
 */
import { isOutlierQuote } from '../compute/outliers.ts';
import { counter, hot, hotWords } from '../compute/shard-memory.ts';
import { tickField, tickWords } from '../wire/tick-record.ts';
import type { ShardTurn } from './shard-turn.ts';

const belowQuotes = 16;
const belowMicros = 15_000_000;

export class QuoteStage {
  readonly #turn: ShardTurn;
  readonly #rules: ShardTurn['rules'];
  readonly #chains: ShardTurn['chains'];
  readonly #state: Float64Array;
  readonly #counters: Float64Array;
  readonly #words: Float64Array;

  constructor(turn: ShardTurn) {
    this.#turn = turn;
    this.#rules = turn.rules;
    this.#chains = turn.chains;
    this.#state = turn.memory.hot;
    this.#counters = turn.memory.counters;
    this.#words = turn.input.words;
  }

  /** Takes the quote in `slot` of the input ring; true when it passes. */
  take(row: number, slot: number): boolean {
    const word = slot * tickWords;
    const words = this.#words;
    const state = this.#state;
    const at = row * hotWords;
    const version = words[word + tickField.id]!;
    if (version <= state[at + hot.quoteVersion]! && !this.#isNumberedAnew(at, version)) {
      this.#counters[counter.quotesStale]!++;
      return false;
    }
    if (state[at + hot.quotesBelow] !== 0) state[at + hot.quotesBelow] = 0;
    const bid = words[word + tickField.bid]!;
    if (isOutlierQuote(this.#turn.memory, row, bid, words[word + tickField.ask]!)) {
      // Its copy on the other line is not looked at again.
      state[at + hot.quoteVersion] = version;
      this.#counters[counter.quotesQuarantined]!++;
      return false;
    }
    this.#pass(row, slot, words, word);
    return true;
  }

  /** A quote of our own making, in `slot` of the turn's extra records. */
  passOwn(row: number, slot: number): void {
    const { ringSlots, extra } = this.#chains;
    this.#pass(row, ringSlots + slot, extra.words, slot * tickWords);
  }

  #pass(row: number, slot: number, words: Float64Array, word: number): void {
    const state = this.#state;
    const at = row * hotWords;
    this.#chains.quote(row, slot);
    this.#counters[counter.quotesPassed]!++;
    state[at + hot.quoteVersion] = words[word + tickField.id]!;
    state[at + hot.bid] = words[word + tickField.bid]!;
    state[at + hot.bidSize] = words[word + tickField.bidSize]!;
    state[at + hot.ask] = words[word + tickField.ask]!;
    state[at + hot.askSize] = words[word + tickField.askSize]!;
    state[at + hot.quoteTime] = words[word + tickField.time]!;
    if (this.#rules.quotes !== 'none') this.#quoteRow(row);
  }

  /** Whether the quotes that came last are those of a new numbering; `at`: the hot row. */
  #isNumberedAnew(at: number, version: number): boolean {
    const { now } = this.#turn;
    const state = this.#state;
    if (version === state[at + hot.quoteVersion]) return false;
    if (state[at + hot.quotesBelow] === 0) state[at + hot.quotesBelowSince] = now;
    const count = ++state[at + hot.quotesBelow]!;
    if (count < belowQuotes || now - state[at + hot.quotesBelowSince]! <= belowMicros) return false;
    this.#counters[counter.quotesRenumbered]!++;
    return true;
  }

  #quoteRow(row: number): void {
    const state = this.#state;
    const at = row * hotWords;
    const time = state[at + hot.quoteTime]!;
    if (this.#rules.quotes === '1s') {
      const second = Math.floor(time / 1_000_000);
      if (second === state[at + hot.quoteSecond]) return;
      state[at + hot.quoteSecond] = second;
    }
    this.#counters[counter.quoteRows]!++;
    this.#turn.rows.quote(this.#turn.instrumentOf(row), state, at);
  }
}
