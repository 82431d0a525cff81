/** One WebSocket connection: its protocol, its outbox, its manners. */

import { type DropReason, dropReason } from './delivery.ts';
import { type GatewayLimits, hardBytes } from './limits.ts';
import { closeCode, closeReason } from './refusal.ts';
import { TokenBucket } from './token-bucket.ts';
import { sendStatus, type UwsSocket } from './uws.ts';
import type { V1Outbox } from './v1-outbox.ts';
import type { V2Outbox } from './v2-outbox.ts';

export type Protocol = 'v1' | 'v2';

/** What uWebSockets keeps with a socket. */
export interface SocketData {
  readonly protocol: Protocol;
  session?: Session;
}

export type SessionOutbox =
  | { readonly protocol: 'v1'; readonly v1: V1Outbox }
  | { readonly protocol: 'v2'; readonly v2: V2Outbox };

export class Session {
  readonly outbox: SessionOutbox;
  /** False once the socket must no longer be touched. */
  isOpen = true;
  readonly #socket: UwsSocket<SocketData>;
  readonly #bytesMax: number;
  readonly #polite: TokenBucket;
  readonly #patience: TokenBucket;
  #closedWith = 0;

  constructor(socket: UwsSocket<SocketData>, outbox: SessionOutbox, limits: GatewayLimits, nowMs: number) {
    this.#socket = socket;
    this.outbox = outbox;
    this.#bytesMax = hardBytes(limits);
    const perSecond = limits.messagesPerSecond;
    this.#polite = new TokenBucket(perSecond, perSecond * 2, nowMs);
    this.#patience = new TokenBucket(perSecond * 10, perSecond * 5, nowMs);
  }

  /** A message or ping came in: is it one too many? */
  judge(nowMs: number): 'welcome' | 'too many' | 'abuse' {
    if (!this.#patience.take(nowMs)) return 'abuse';
    return this.#polite.take(nowMs) ? 'welcome' : 'too many';
  }

  /** Sends a text message. A client that asks and asks but never reads is closed. */
  text(message: object): void {
    if (!this.isOpen) return;
    const status = this.#socket.send(JSON.stringify(message), false);
    if (status !== sendStatus.sent) this.checkBuffer();
  }

  checkBuffer(): void {
    if (this.isOpen && this.#socket.getBufferedAmount() > this.#bytesMax) this.close(closeCode.tooSlow);
  }

  /** Closes with a code of `refusal.ts`; uWebSockets calls the close handler before this returns. */
  close(code: number): void {
    if (!this.isOpen) return;
    this.#closedWith = code;
    this.#socket.end(code, closeReason(code));
  }

  /** Why what still waited was dropped. */
  get dropReason(): DropReason {
    if (this.#closedWith === closeCode.tooSlow) return dropReason.tooSlow;
    if (this.#closedWith === closeCode.goingAway) return dropReason.goingAway;
    return this.#closedWith === 0 ? dropReason.disconnected : dropReason.misbehaved;
  }
}
