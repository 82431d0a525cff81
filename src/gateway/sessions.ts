/** All WebSocket connections of this gateway: who is there, who came and went, and why. */

import { channelCount } from '../wire/block-message.ts';
import type { FanOut } from './fan-out.ts';
import { streamOf } from './fan-out.ts';
import type { GatewayLimits } from './limits.ts';
import { type Protocol, Session, type SocketData } from './session.ts';
import type { UwsSocket } from './uws.ts';
import { V1Outbox } from './v1-outbox.ts';
import { type Outbox, V2Outbox } from './v2-outbox.ts';

export class Sessions {
  readonly #fanOut: FanOut;
  readonly #limits: GatewayLimits;
  readonly #byOutbox = new Map<Outbox, Session>();
  #opened = 0;
  readonly #closed: Record<string, number> = {};

  constructor(fanOut: FanOut, limits: GatewayLimits) {
    this.#fanOut = fanOut;
    this.#limits = limits;
  }

  get count(): number {
    return this.#byOutbox.size;
  }

  all(): Session[] {
    return [...this.#byOutbox.values()];
  }

  of(outbox: Outbox): Session | undefined {
    return this.#byOutbox.get(outbox);
  }

  enter(socket: UwsSocket<SocketData>, protocol: Protocol, nowMs: number): Session {
    const outbox =
      protocol === 'v2'
        ? { protocol, v2: new V2Outbox(this.#fanOut.room, socket) }
        : { protocol, v1: new V1Outbox(this.#fanOut.v1Room, socket) };
    const session = new Session(socket, outbox, this.#limits, nowMs);
    this.#byOutbox.set(outboxOf(session), session);
    this.#opened++;
    return session;
  }

  /** The socket is closed: with `code`, 1006 when nobody said why. */
  leave(session: Session, code: number): void {
    session.isOpen = false;
    const outbox = outboxOf(session);
    outbox.discard(session.dropReason);
    for (const stream of outbox.places.keys()) unsubscribe(this.#fanOut, session, stream);
    this.#byOutbox.delete(outbox);
    // Clients choose their codes: only registered ones and ours become keys.
    const key =
      code >= 1_000 && code <= 1_015 ? String(code) : code >= 4_000 && code < 4_100 ? String(code) : 'other';
    this.#closed[key] = (this.#closed[key] ?? 0) + 1;
  }

  /** Blocks (v2) or records (v1) that wait now, per class. */
  waiting(protocol: Protocol): Float64Array {
    const waiting = new Float64Array(3);
    for (const session of this.#byOutbox.values()) {
      if (session.outbox.protocol === protocol) outboxOf(session).waiting(waiting);
    }
    return waiting;
  }

  account(): { open: number; opened: number; closed: Record<string, number> } {
    return { open: this.count, opened: this.#opened, closed: { ...this.#closed } };
  }
}

export function outboxOf(session: Session): V1Outbox | V2Outbox {
  return session.outbox.protocol === 'v1' ? session.outbox.v1 : session.outbox.v2;
}

/** False when it was subscribed already. */
export function subscribe(fanOut: FanOut, session: Session, stream: number): boolean {
  const { outbox } = session;
  const added =
    outbox.protocol === 'v1' ? fanOut.v1.add(stream, outbox.v1) : fanOut.v2.add(stream, outbox.v2);
  if (added) fanOut.interest.enter(Math.floor(stream / channelCount));
  return added;
}

export function unsubscribe(fanOut: FanOut, session: Session, stream: number): boolean {
  const { outbox } = session;
  if (outbox.protocol === 'v2') outbox.v2.forget(stream);
  const removed =
    outbox.protocol === 'v1' ? fanOut.v1.remove(stream, outbox.v1) : fanOut.v2.remove(stream, outbox.v2);
  if (removed) fanOut.interest.leave(Math.floor(stream / channelCount));
  return removed;
}

/** The streams of an instrument that a session is subscribed to, as channel numbers. */
export function channelsOf(session: Session, instrument: number): number[] {
  const { places } = outboxOf(session);
  return Array.from({ length: channelCount }, (_, index) => index).filter((index) =>
    places.has(streamOf(instrument, index)),
  );
}
