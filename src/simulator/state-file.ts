/**
 * Where a simulated market keeps its place between two runs. Three files:
 *   FILE             last ids and prices of all venues, every 250 ms, by rename: small
 *   FILE.checkpoint  the whole market and what follows it at the other venues, at the start of a minute, from which it
 *                    can be run again to the same trades
 *   FILE.bars        finished minute bars, appended
 */
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { type Bar, flatBar } from './bar.ts';
import type { MarketState } from './market.ts';
import type { Pit } from './pit.ts';
import type { SatelliteState } from './satellite-pit.ts';
import { SimulatorFault } from './simulator-fault.ts';

const barsBytesMax = 32 * 1024 * 1024;
const version = 1;

const whole = z.number().int().nonnegative();
const stateSchema = z.object({
  version: z.literal(version),
  seed: z.number(),
  ticksPerSecond: z.number(),
  symbols: whole,
  genesisMs: z.number(),
  timeUs: z.number(),
  /** By symbol, of all venues: last trade, aggregate and update id, and the price in ticks. */
  last: z.record(z.string(), z.tuple([whole, whole, whole, z.number().positive()])),
});
const sideSchema = z.object({ prices: z.array(z.number()).min(1), sizes: z.array(z.number()).min(1) });
const diceSchema = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const pitSchema = z.object({
  bids: sideSchema,
  asks: sideSchema,
  tradeId: whole,
  aggregateId: whole,
  updateId: whole,
  fair: z.number(),
  heat: z.number(),
  lastUs: z.number(),
});
const checkpointSchema = z.object({
  timeUs: z.number(),
  dice: diceSchema,
  excitement: z.number(),
  nextArrivalUs: z.number(),
  pits: z.array(pitSchema),
  /** Symbols of the other venues; a file older than these has none. */
  satellites: z
    .record(z.string(), z.object({ pit: pitSchema, dice: diceSchema, stray: z.number() }))
    .default({}),
});

export type SavedState = z.infer<typeof stateSchema>;

/** The market at one moment, from which it can be run again. */
export interface Checkpoint extends MarketState {
  readonly satellites: Readonly<Record<string, SatelliteState>>;
}

export class StateFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** What was saved last; undefined when there is nothing yet, and then leftovers of an older market go too. */
  read(): SavedState | undefined {
    const text = this.#readText(this.path);
    if (text === undefined) {
      this.#write(this.path, () => {
        for (const part of ['checkpoint', 'bars']) rmSync(`${this.path}.${part}`, { force: true });
      });
      return undefined;
    }
    try {
      return stateSchema.parse(JSON.parse(text));
    } catch (error) {
      throw new SimulatorFault(`${this.path} is no saved simulator state; delete it to begin a new market.`, {
        cause: error,
      });
    }
  }

  /** The newest checkpoint; undefined when there is none or it cannot be used. */
  readCheckpoint(): Checkpoint | undefined {
    try {
      return checkpointSchema.parse(JSON.parse(readFileSync(`${this.path}.checkpoint`, 'utf8')));
    } catch {
      return undefined; // a checkpoint only saves ids from being skipped: without one the market goes on all the same
    }
  }

  /** Gives every finished minute of earlier runs, up to `untilMs`, to the tapes. */
  readBars(pits: readonly Pit[], untilMs: number): void {
    const path = `${this.path}.bars`;
    const text = this.#readText(path);
    if (text === undefined) return;
    const tapes = new Map(pits.map((pit) => [pit.instrument.symbol, pit.tape]));
    for (const line of text.slice(Math.max(0, text.length - barsBytesMax)).split('\n')) {
      const [symbol, bar] = parseBar(line);
      if (bar !== undefined && bar.openMs < untilMs) tapes.get(symbol)?.adopt(bar);
    }
    if (text.length > 2 * barsBytesMax) this.#replace(path, text.slice(-barsBytesMax));
  }

  write(state: Omit<SavedState, 'version'>): void {
    this.#replace(this.path, JSON.stringify({ version, ...state }));
  }

  writeCheckpoint(state: string): void {
    this.#replace(`${this.path}.checkpoint`, state);
  }

  /** All lines or none: what failed can be appended again. */
  appendBars(lines: string): void {
    if (lines !== '') this.#write(`${this.path}.bars`, (path) => appendWhole(path, lines));
  }

  #replace(path: string, text: string): void {
    this.#write(path, () => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    });
  }

  #write(path: string, change: (path: string) => void): void {
    try {
      change(path);
    } catch (error) {
      throw new SimulatorFault(
        `The simulator state cannot be written to ${path}; choose a folder that can be written.`,
        { cause: error },
      );
    }
  }

  /** Undefined when there is no such file. What is written here has one byte a character. */
  #readText(path: string): string | undefined {
    try {
      return readFileSync(path, 'latin1');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new SimulatorFault(`The simulator state cannot be read from ${path}; choose another folder.`, {
        cause: error,
      });
    }
  }
}

function appendWhole(path: string, text: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  try {
    appendFileSync(path, text);
  } catch (error) {
    try {
      truncateSync(path, size); // a full disk may have taken part of it
    } catch {
      // nothing was written, or a torn line stays, which no reader takes for a bar
    }
    throw error;
  }
}

export function barLine(symbol: string, bar: Bar): string {
  const { openMs, open, high, low, close, volume, quote, trades, takerVolume, takerQuote, firstId, lastId } =
    bar;
  return `${[symbol, openMs, open, high, low, close, volume, quote, trades, takerVolume, takerQuote, firstId, lastId].join(' ')}\n`;
}

function parseBar(line: string): [string, Bar | undefined] {
  const words = line.split(' ');
  if (words.length !== 13 || !words.slice(1).every((word) => /^-?\d+$/.test(word))) return ['', undefined];
  const number = (index: number): number => Number(words[index]);
  const bar = flatBar(number(1), number(5));
  bar.open = number(2);
  bar.high = number(3);
  bar.low = number(4);
  bar.volume = BigInt(words[6]!);
  bar.quote = BigInt(words[7]!);
  bar.trades = number(8);
  bar.takerVolume = BigInt(words[9]!);
  bar.takerQuote = BigInt(words[10]!);
  bar.firstId = number(11);
  bar.lastId = number(12);
  return [words[0]!, bar];
}
