/** Instruments, options and messages that the tests of feeds and hub share. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { NormaliserOptions } from '../../src/feeds/normaliser.ts';
import type { Timers } from '../../src/feeds/timers.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { type TickRecords, tickField } from '../../src/wire/tick-record.ts';

export function instrument(id: number, native: string, priceDecimals = 2, sizeDecimals = 5): Instrument {
  const quote = ['USDT', 'BTC', 'ETH', 'EUR'].find((one) => native.endsWith(one)) ?? 'USDT';
  return {
    id,
    venue: 'BINANCE',
    native,
    symbol: `BINANCE:${native}`,
    base: native.slice(0, native.length - quote.length),
    quote,
    priceDecimals,
    sizeDecimals,
    active: true,
  };
}

/** Of every length that the symbol table treats apart, and of all the recordings. */
export const instruments: readonly Instrument[] = [
  instrument(1, 'BTCUSDT'),
  instrument(2, 'ETHUSDT', 2, 4),
  instrument(3, 'NKNUSDT', 4, 0),
  instrument(4, 'BLZETH', 8, 0),
  instrument(5, 'LRCBTC', 8, 0),
  instrument(6, 'RUNEEUR', 3, 1),
  instrument(7, 'BNBBTC', 6, 3),
  instrument(8, 'ABC', 2, 2),
  instrument(9, '1000SATSUSDT', 7, 0),
  instrument(10, 'LONGSYMBOLNAMEUSDT', 1, 1),
  instrument(11, '币安人生USDT', 4, 1),
  instrument(12, 'BNBUSDT', 4, 3),
];

/** A Thursday in 2024, in µs. */
export const now = 1_723_161_255_000_000;

export function options(changes: Partial<NormaliserOptions> = {}): NormaliserOptions {
  return {
    instruments,
    tradesOf: (one) => (one.native === 'ETHUSDT' ? 'aggTrade' : 'trade'),
    plausible: { around: 'receipt', pastMicros: 43_200e6, futureMicros: 60e6 },
    messageBytesMax: 1_048_576,
    ...changes,
  };
}

export function tradeText(changes: Record<string, unknown> = {}, stream = 'btcusdt@trade'): string {
  const data = {
    e: 'trade',
    E: now / 1_000,
    s: 'BTCUSDT',
    t: 3_735_683_259,
    p: '61837.63000000',
    q: '0.02000000',
    T: now / 1_000 - 1,
    m: true,
    M: true,
    ...changes,
  };
  return JSON.stringify({ stream, data });
}

export function quoteText(changes: Record<string, unknown> = {}, stream = 'btcusdt@bookTicker'): string {
  const data = {
    u: 50_093_239_212,
    s: 'BTCUSDT',
    b: '61837.63000000',
    B: '3.78826000',
    a: '61837.64000000',
    A: '1.54698000',
    ...changes,
  };
  return JSON.stringify({ stream, data });
}

/** One record as plain numbers: head, instrument and the seven words. */
export function recordAt(records: TickRecords, slot: number): number[] {
  const { halves, words } = records;
  return [
    halves[slot * 16 + tickField.head]!,
    halves[slot * 16 + tickField.instrument]!,
    ...words.subarray(slot * 8 + 1, slot * 8 + 8),
  ];
}

const dataFolder = join(import.meta.dirname, '../../../shared/data');

export function hasData(...names: string[]): boolean {
  return names.every((name) => existsSync(join(dataFolder, name)));
}

/** The messages of a recording, with their receive times in µs. */
export function recorded(name: string): { received: number; text: string }[] {
  const lines = gunzipSync(readFileSync(join(dataFolder, name)))
    .toString('utf8')
    .trim()
    .split('\n');
  return lines.map((line) => {
    const tab = line.indexOf('\t');
    return { received: Number(BigInt(line.slice(0, tab)) / 1_000n), text: line.slice(tab + 1) };
  });
}

export function dataText(name: string): string {
  return readFileSync(join(dataFolder, name), 'utf8');
}

/** The same seed gives the same throws (a linear congruential generator). */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

/** Timers that move only when told to. */
export class HandTimers implements Timers {
  #now = 0;
  readonly #waiting: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const entry = { at: this.#now + ms, run };
    this.#waiting.push(entry);
    return () => {
      const i = this.#waiting.indexOf(entry);
      if (i >= 0) this.#waiting.splice(i, 1);
    };
  }

  /** How long until the next timer rings; infinite when none is set. */
  get nextIn(): number {
    return Math.min(...this.#waiting.map(({ at }) => at)) - this.#now;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#waiting.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#waiting.splice(this.#waiting.indexOf(due), 1);
      this.#now = due.at;
      due.run();
    }
    this.#now = end;
  }
}

/** Waits until `holds` does; fails after five seconds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
