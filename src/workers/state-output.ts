/** State and notices of one instrument, as blocks for gateways and rows for sinks. */
import { formingBar, graceBar } from '../compute/bars.ts';
import { dayStatistics } from '../compute/day-statistics.ts';
import { changedStatistics, counter, hot, hotWords, type ShardMemory } from '../compute/shard-memory.ts';
import { barWord, barWords } from '../market/bar-words.ts';
import { enigmaLevel } from '../market/enigma.ts';
import { resolutions } from '../market/resolution.ts';
import { blockKind, timeBaseOf } from '../wire/block.ts';
import { blockClass, channel, rescaleBlock } from '../wire/block-message.ts';
import { encodeBar, encodeEnigma, encodeGap, encodeTicker, tickerWords } from '../wire/encode-state.ts';
import { rowKind, rowWords } from '../wire/row.ts';
import type { BlockBuffer, RowBuffer } from './output-buffer.ts';
import type { ShardRules } from './shard-options.ts';

/**
 * The most bytes that a clock record makes of one instrument: ten bars in their grace, ten that end, ten forming,
 * at 184 bytes each, ticker and Enigma.
 */
export const stateBytesMax = 6_144;

export class StateOutput {
  readonly #memory: ShardMemory;
  readonly #blocks: BlockBuffer;
  readonly #rows: RowBuffer;
  readonly #rules: ShardRules;
  readonly #bar = new Float64Array(barWords);
  readonly #statistics = new Float64Array(tickerWords);

  constructor(memory: ShardMemory, blocks: BlockBuffer, rows: RowBuffer, rules: ShardRules) {
    this.#rules = rules;
    this.#memory = memory;
    this.#blocks = blocks;
    this.#rows = rows;
  }

  /** Ticker, Enigma and all forming bars at market time `now`. */
  state(row: number, instrument: number, now: number): void {
    const state = this.#memory.hot;
    const at = row * hotWords;
    const blocks = this.#blocks;
    const id = state[at + hot.tradeId]!;
    const time = state[at + hot.tradeTime]!;
    if (!dayStatistics(this.#memory, row, now, this.#statistics)) return;
    const end = encodeTicker(blocks.bytes, blocks.blockAt, instrument, id, time, this.#statistics);
    blocks.add(end, timeBaseOf(time), instrument, blockKind.ticker, channel.ticker, blockClass.state, 1, id);
    if (this.#rules.enigma) this.#enigma(row, instrument, id, time);
    if (!this.#rules.bars || (state[at + hot.changed]! & ~changedStatistics) === 0) return;
    const inGrace = state[at + hot.graceMask]!;
    for (let resolution = 0; resolution < resolutions.length; resolution++) {
      formingBar(this.#memory, row, resolution, this.#bar);
      if (this.#bar[barWord.count] === 0) continue;
      this.#barBlock(instrument, resolution, this.#bar, 0, blockClass.state);
      // A sink gets no newer bar before it has all of the older one, which is still in its grace: after a crash the
      // newest bar is where a run goes on, and nobody would complete the one before it.
      if ((inGrace & (1 << resolution)) !== 0) {
        this.#barRow(instrument, resolution, this.#memory.cold, graceBar(this.#memory, row, resolution));
      }
      this.#barRow(instrument, resolution, this.#bar, 0);
    }
  }

  #barRow(instrument: number, resolution: number, words: Float64Array, from: number): void {
    this.#memory.counters[counter.barRows]!++;
    this.#rows.bar(instrument, resolution, words, from);
  }

  #enigma(row: number, instrument: number, id: number, time: number): void {
    const state = this.#memory.hot;
    const at = row * hotWords;
    const blocks = this.#blocks;
    const price = state[at + hot.price]!;
    const ath = state[at + hot.ath]!;
    const athTime = state[at + hot.athTime]!;
    const atl = state[at + hot.atl]!;
    const atlTime = state[at + hot.atlTime]!;
    const level = enigmaLevel(price, ath, atl);
    const to = blocks.blockAt;
    const end = encodeEnigma(
      blocks.bytes,
      to,
      instrument,
      id,
      time,
      level,
      price,
      ath,
      athTime,
      atl,
      atlTime,
    );
    blocks.add(end, timeBaseOf(time), instrument, blockKind.enigma, channel.enigma, blockClass.state, 1, id);
    this.#memory.counters[counter.enigmaRows]!++;
    const word = this.#rows.row(rowKind.enigma, instrument, rowWords.enigma);
    const words = this.#rows.words;
    words[word] = time;
    words[word + 1] = price;
    words[word + 2] = level;
    words[word + 3] = ath;
    words[word + 4] = athTime;
    words[word + 5] = atl;
    words[word + 6] = atlTime;
    words[word + 7] = 0;
  }

  /** A bar at `words[from…]` that is closed or corrected. */
  bar(instrument: number, resolution: number, words: Float64Array, from: number): void {
    if (!this.#rules.bars) return;
    this.#barBlock(instrument, resolution, words, from, blockClass.log);
    this.#barRow(instrument, resolution, words, from);
  }

  #barBlock(instrument: number, resolution: number, words: Float64Array, from: number, cls: number): void {
    const blocks = this.#blocks;
    const end = encodeBar(blocks.bytes, blocks.blockAt, instrument, resolution, words, from);
    const base = timeBaseOf(words[from + barWord.lastTime]!);
    const open = words[from + barWord.openTime]! / 1_000_000;
    blocks.add(end, base, instrument, blockKind.bar, channel.bars + resolution, cls, 1, open);
  }

  /** Prices and sizes have so many more digits from here on, in version `version` of the dictionary. */
  rescaled(instrument: number, prices: number, sizes: number, version: number): void {
    const to = this.#rows.row(rowKind.rescale, instrument, rowWords.rescale);
    this.#rows.words[to] = prices;
    this.#rows.words[to + 1] = sizes;
    this.#rows.words[to + 2] = version;
    const blocks = this.#blocks;
    const at = blocks.blockAt;
    const { kind, bytes } = rescaleBlock;
    blocks.bytes[at] = prices;
    blocks.bytes[at + 1] = sizes;
    blocks.add(at + bytes, 0, instrument, kind, channel.trades, blockClass.log, 1, version);
  }

  /** Ids `from` to `to` are missing, came late, or are lost. */
  notice(
    kind: typeof blockKind.gap | typeof blockKind.repaired | typeof blockKind.lost,
    instrument: number,
    from: number,
    to: number,
    time: number,
  ): void {
    const blocks = this.#blocks;
    const end = encodeGap(blocks.bytes, blocks.blockAt, kind, instrument, from, to, time);
    blocks.add(end, timeBaseOf(time), instrument, kind, channel.trades, blockClass.log, 1, from);
  }
}
