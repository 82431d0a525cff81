/** What the stages of a shard work on together: its memory, its market time, and the outputs of the turn under way. */
import type { ShardBooks } from '../compute/book-memory.ts';
import { redoMinute } from '../compute/minute-ring.ts';
import { type ShardMemory, shardWord } from '../compute/shard-memory.ts';
import { rowWords } from '../wire/row.ts';
import type { TickRecords } from '../wire/tick-record.ts';
import { BlockBuffer, RowBuffer } from './output-buffer.ts';
import { ruleDefaults, type ShardRules } from './shard-options.ts';
import { StateOutput } from './state-output.ts';
import { TurnChains } from './turn-chains.ts';

export interface ShardParts {
  /** It owns the instruments with (id − 1) mod shards = index. */
  readonly index: number;
  readonly shards: number;
  readonly memory: ShardMemory;
  readonly books: ShardBooks;
  readonly input: TickRecords;
  readonly inputSlots: number;
  /** Bytes that a turn may make for one consumer; at least `outputBytesMin(instruments)`. */
  readonly outputBytes: number;
  /** Bytes that a turn may ask of the hub; at least `requestBytesMin`. */
  readonly requestBytes: number;
  readonly rules: ShardRules;
}

/** The most bytes of requests that one record makes, but for what the clock tells of all instruments. */
const recordRequestBytes = 8_192;
/** What a turn must have room for. */
export const requestBytesMin = 2 * recordRequestBytes;

export class ShardTurn {
  readonly memory: ShardMemory;
  readonly input: TickRecords;
  readonly rules: Required<ShardRules>;
  readonly blocks: BlockBuffer;
  /** Rows for the stores. */
  readonly rows: RowBuffer;
  /** Rows for the hub: what has to be repaired, or told in health. */
  readonly requests: RowBuffer;
  readonly chains: TurnChains;
  readonly output: StateOutput;
  readonly instrumentOf: (row: number) => number;
  /** Instruments whose late trades are still to be told of at the end of the turn. */
  repairsToTell = 0;
  readonly #index: number;
  readonly #shards: number;
  readonly #requestBytes: number;

  constructor(parts: ShardParts) {
    const { index, shards, memory, input, inputSlots, outputBytes, requestBytes } = parts;
    const rules = { ...ruleDefaults, ...parts.rules };
    this.memory = memory;
    this.input = input;
    this.rules = rules;
    this.#index = index;
    this.#shards = shards;
    // Whatever the last life left half done of the minutes.
    redoMinute(memory.minutes);
    this.instrumentOf = (row) => row * shards + index + 1;
    this.chains = new TurnChains(input, inputSlots, memory.instruments);
    this.blocks = new BlockBuffer(outputBytes);
    this.rows = new RowBuffer(outputBytes);
    this.requests = new RowBuffer(requestBytes);
    this.#requestBytes = requestBytes - (requestBytes % 8);
    this.output = new StateOutput(memory, this.blocks, this.rows, rules);
  }

  /** Highest market time seen (µs). */
  get now(): number {
    return this.memory.counters[shardWord.now]!;
  }

  set now(time: number) {
    this.memory.counters[shardWord.now] = time;
  }

  /** True when one more record's requests find room, and `bytes` besides. */
  hasRequestRoom(bytes = 0): boolean {
    const owed = recordRequestBytes + this.repairsToTell * rowWords.gap * 8;
    return this.requests.length * 8 + owed + bytes <= this.#requestBytes;
  }

  owns(instrument: number): boolean {
    return (instrument - 1) % this.#shards === this.#index;
  }

  rowOf(instrument: number): number {
    return ((instrument - 1 - this.#index) / this.#shards) | 0;
  }

  /** Forgets this turn's outputs. */
  begin(): void {
    this.chains.clear();
    this.blocks.length = 0;
    this.rows.clear();
    this.requests.clear();
  }
}
