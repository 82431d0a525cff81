/** A flood for benches: a prepared block played as fast as the sockets take it, or evenly paced. */
import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { Switchboard } from './channel.ts';
import { FloodBlock, floodKind, Rendition } from './flood-block.ts';
import { History } from './history.ts';
import type { FloodOptions } from './options.ts';
import { Series } from './series.ts';
import type { Session } from './session.ts';
import type { ListedSymbol, Source, SymbolView } from './source.ts';
import type { Lateness, Tally } from './tally.ts';
import { Tape } from './tape.ts';

const blockMessagesMax = 200_000;
const quotesPerTradeUsual = 3.5;
const messagesPerWrite = 1_024;
const writesPerTurn = 16;
const latenessUsMax = 100_000;
const tapeRows = 256;

export class Flood implements Source {
  readonly listing: readonly ListedSymbol[];
  readonly finished: Promise<void>;
  readonly #options: FloodOptions;
  readonly #switchboard: Switchboard;
  readonly #tally: Tally;
  readonly #block: FloodBlock;
  readonly #views: ReadonlyMap<string, SymbolView>;
  readonly #renditions = new Map<Session, Rendition>();
  /** Messages by lateness in whole microseconds; the last place holds all that were later. */
  readonly #late = new Uint32Array(latenessUsMax + 1);
  #latest = 0;
  #played = 0;
  #running = false;
  #closed = false;
  #finish: () => void = () => {};
  #fail: (error: unknown) => void = () => {};

  constructor(options: FloodOptions, seed: number, switchboard: Switchboard, tally: Tally) {
    this.#options = options;
    this.#switchboard = switchboard;
    this.#tally = tally;
    const length = Math.max(1, Math.min(options.messages, blockMessagesMax));
    const quotesPerTrade = options.quotesPerTrade ?? quotesPerTradeUsual;
    this.#block = new FloodBlock(length, options.symbols, quotesPerTrade, seed, switchboard);
    this.#views = views(this.#block, seed);
    this.finished = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    const streams = quotesPerTrade > 0 ? ['trade', 'bookTicker'] : ['trade'];
    this.listing = this.#block.symbols.map(({ instrument: { symbol, base, quote, tickSize, stepSize } }) => {
      return { symbol, base, quote, tickSize, stepSize, streams };
    });
  }

  nowMs(): number {
    return Date.now();
  }

  view(symbol: string): SymbolView | undefined {
    return this.#views.get(symbol);
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    const { pace } = this.#options;
    const play = pace === undefined ? this.#rush() : this.#stroll(pace.perSecond);
    play.then(() => this.#ended()).catch(this.#fail);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  lateness(): Lateness {
    return {
      messages: this.#late.reduce((sum, count) => sum + count, 0),
      p50Us: this.#quantile(0.5),
      p99Us: this.#quantile(0.99),
      maxUs: this.#latest,
    };
  }

  /** Whole pieces of the block go to the sockets as they lie; a slow reader slows all down. */
  async #rush(): Promise<void> {
    const { messages } = this.#options;
    for (let writes = 1; this.#played < messages && !this.#closed; writes++) {
      const from = this.#played % this.#block.length;
      const count = Math.min(messagesPerWrite, this.#block.length - from, messages - this.#played);
      for (const session of this.#switchboard.sessions) await this.#write(session, from, from + count);
      this.#count(from, from + count);
      this.#played += count;
      if (writes % writesPerTurn === 0) await turn();
      if (this.#switchboard.congested) await this.#switchboard.room();
    }
  }

  async #write(session: Session, from: number, to: number): Promise<void> {
    const rendition = this.#rendition(session);
    const [start, end] = [rendition.starts[from]!, rendition.starts[to]!];
    if (start === end) return;
    // What still waits in the socket's queue points into the same buffer: it must have left before it is written over.
    while (!session.closed && session.queuedBytes > rendition.bytes.length - (end - start))
      await session.drained();
    const round = Math.floor(this.#played / this.#block.length);
    this.#owe(rendition.patch(from, to, round, wallUs()), session);
    session.sendFramed(rendition.bytes.subarray(start, end));
  }

  /** Message by message at its own moment, which its times tell. */
  async #stroll(perSecond: number): Promise<void> {
    const { messages } = this.#options;
    for (const session of this.#switchboard.sessions) this.#rendition(session); // prepared before the clock starts
    const startUs = wallUs();
    while (this.#played < messages && !this.#closed) {
      const due = Math.min(messages, Math.floor(((wallUs() - startUs) * perSecond) / 1e6) + 1);
      for (; this.#played < due; this.#played++) this.#sendOne(startUs + (this.#played * 1e6) / perSecond);
      this.#switchboard.flush();
      await turn();
    }
  }

  async #ended(): Promise<void> {
    if (this.#closed) return; // closed before its end: it never finishes
    await this.#switchboard.emptied();
    this.#finish();
  }

  #sendOne(intendedUs: number): void {
    const at = this.#played % this.#block.length;
    const round = Math.floor(this.#played / this.#block.length);
    for (const session of this.#switchboard.sessions) {
      const rendition = this.#rendition(session);
      const [start, end] = [rendition.starts[at]!, rendition.starts[at + 1]!];
      if (start === end) continue;
      this.#owe(rendition.patch(at, at + 1, round, Math.floor(intendedUs)), session);
      session.gatherFramed(rendition.bytes, start, end);
    }
    this.#count(at, at + 1);
    const late = Math.max(0, Math.round(wallUs() - intendedUs));
    this.#late[Math.min(late, latenessUsMax)]!++;
    this.#latest = Math.max(this.#latest, late);
  }

  #rendition(session: Session): Rendition {
    const held = this.#renditions.get(session);
    if (held?.revision === session.revision) return held;
    for (const gone of this.#renditions.keys()) if (gone.closed) this.#renditions.delete(gone);
    const made = new Rendition(this.#block, session);
    this.#renditions.set(session, made);
    return made;
  }

  #owe([trades, quotes]: [number, number], session: Session): void {
    const { due, sent, dropped } = this.#tally;
    due.trade += trades;
    due.bookTicker += quotes;
    if (session.closed) dropped.closed += trades + quotes;
    else {
      sent.trade += trades;
      sent.bookTicker += quotes;
    }
  }

  #count(from: number, to: number): void {
    let trades = 0;
    for (let i = from; i < to; i++) if (this.#block.kind[i] === floodKind.trade) trades++;
    this.#tally.produced.trade += trades;
    this.#tally.produced.bookTicker += to - from - trades;
  }

  #quantile(share: number): number {
    const all = this.#late.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (let us = 0; us <= latenessUsMax; us++) {
      seen += this.#late[us]!;
      if (seen > 0 && seen >= all * share) return us;
    }
    return 0;
  }
}

/** Microseconds since 1970, finer than a millisecond. */
function wallUs(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1_000);
}

/** REST knows the instruments and their history; what the flood plays is not kept. */
function views(block: FloodBlock, seed: number): Map<string, SymbolView> {
  const nowMs = Date.now();
  return new Map(
    block.symbols.map(({ instrument }) => {
      const tape = new Tape(tapeRows, 1);
      const series = new Series(tape, new History(instrument, seed, nowMs));
      const view: SymbolView = {
        instrument,
        trades: tape,
        aggregates: tape,
        bars: (...question) => series.bars(...question),
        depth: () => ({ lastUpdateId: 0, bids: [], asks: [] }),
        quote: () => undefined,
      };
      return [instrument.symbol, view];
    }),
  );
}
