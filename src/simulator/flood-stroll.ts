/**
 * A flood at an even pace: message by message at its own moment, which its times tell. Every connection hears of a
 * message at the same time, with the same id; who comes later joins in where it is. Its trades are kept for REST.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { Pen } from './binance/pen.ts';
import type { Floor } from './dialect.ts';
import { type FloodBlock, floodKind } from './flood-block.ts';
import { wallUs } from './flood-rush.ts';
import { Lateness } from './lateness.ts';
import type { Tape } from './tape.ts';

/** Messages between two looks at the sockets when the pace is behind. */
const messagesPerTurn = 4_096;

export interface StrollParts {
  readonly block: FloodBlock;
  readonly messages: number;
  readonly perSecond: number;
  /** In the first message, in µs; undefined: the moment at which it is sent. */
  readonly firstUs: number | undefined;
  readonly floor: Floor;
  /** By symbol of the block. */
  readonly tapes: readonly Tape[];
}

interface Appointment {
  /** Before this message. */
  readonly at: number;
  readonly act: () => void;
}

export class FloodStroll {
  closed = false;
  readonly lateness = new Lateness();
  readonly #parts: StrollParts;
  readonly #pen: Pen;
  #appointments: readonly Appointment[] = [];
  #played = 0;

  constructor(parts: StrollParts) {
    this.#parts = parts;
    this.#pen = new Pen(parts.floor.tally);
  }

  schedule(afterMs: number, act: () => void): void {
    const made = { at: Math.floor((afterMs * this.#parts.perSecond) / 1_000), act };
    this.#appointments = [...this.#appointments, made].toSorted((left, right) => left.at - right.at);
  }

  async play(): Promise<void> {
    const { messages, perSecond, firstUs, floor } = this.#parts;
    const startUs = wallUs();
    while (this.#played < messages && !this.closed) {
      const due = Math.floor(((wallUs() - startUs) * perSecond) / 1e6) + 1;
      const until = Math.min(messages, due, this.#played + messagesPerTurn);
      for (; this.#played < until; this.#played++) {
        const offsetUs = (this.#played * 1e6) / perSecond;
        this.#keepAppointments();
        this.#send(Math.floor((firstUs ?? startUs) + offsetUs));
        this.lateness.note(wallUs() - startUs - offsetUs);
      }
      floor.switchboard.flush();
      await turn();
    }
  }

  #keepAppointments(): void {
    let next = this.#appointments[0];
    while (next !== undefined && next.at <= this.#played) {
      this.#appointments = this.#appointments.slice(1);
      next.act();
      next = this.#appointments[0];
    }
  }

  #send(timeUs: number): void {
    const { block, tapes } = this.#parts;
    const at = this.#played % block.length;
    const id = block.id(at, Math.floor(this.#played / block.length));
    if (block.kind[at] === floodKind.trade) {
      const { price, size, buyerIsMaker } = block.terms(at);
      tapes[block.symbol[at]!]!.append(id, id, id, price, size, timeUs, buyerIsMaker);
    }
    const channel = block.channel(at);
    if (!this.#pen.due(channel)) return;
    this.#pen.say(channel, (scribe, micro) => {
      block.write(scribe, at, micro, id, timeUs);
      scribe.text('}');
    });
  }
}
