/** A flood as fast as the sockets take it: whole pieces of the block go out as they lie. */
import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { Floor } from './dialect.ts';
import { type FloodBlock, floodKind, Rendition } from './flood-block.ts';
import type { Session } from './session.ts';

const messagesPerWrite = 1_024;
const writesPerTurn = 16;

export class FloodRush {
  closed = false;
  readonly #block: FloodBlock;
  readonly #messages: number;
  readonly #floor: Floor;
  readonly #renditions = new Map<Session, Rendition>();
  #played = 0;

  constructor(block: FloodBlock, messages: number, floor: Floor) {
    this.#block = block;
    this.#messages = messages;
    this.#floor = floor;
  }

  /** A slow reader slows all down. */
  async play(): Promise<void> {
    const { switchboard } = this.#floor;
    for (let writes = 1; this.#played < this.#messages && !this.closed; writes++) {
      const from = this.#played % this.#block.length;
      const count = Math.min(messagesPerWrite, this.#block.length - from, this.#messages - this.#played);
      for (const session of switchboard.sessions) await this.#write(session, from, from + count);
      this.#count(from, from + count);
      this.#played += count;
      if (writes % writesPerTurn === 0) await turn();
      if (switchboard.congested) await switchboard.room();
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

  #rendition(session: Session): Rendition {
    const held = this.#renditions.get(session);
    if (held?.revision === session.revision) return held;
    for (const gone of this.#renditions.keys()) if (gone.closed) this.#renditions.delete(gone);
    const made = new Rendition(this.#block, session);
    this.#renditions.set(session, made);
    return made;
  }

  #owe([trades, quotes]: [number, number], session: Session): void {
    const { due, sent, dropped } = this.#floor.tally;
    due.trade += trades;
    due.bookTicker += quotes;
    if (session.closed) dropped.closed += trades + quotes;
    else {
      sent.trade += trades;
      sent.bookTicker += quotes;
    }
  }

  #count(from: number, to: number): void {
    const { produced } = this.#floor.tally;
    let trades = 0;
    for (let i = from; i < to; i++) if (this.#block.kind[i] === floodKind.trade) trades++;
    produced.trade += trades;
    produced.bookTicker += to - from - trades;
  }
}

/** Microseconds since 1970, finer than a millisecond. */
export function wallUs(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1_000);
}
