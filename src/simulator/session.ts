/**
 * One WebSocket connection of a client: its subscriptions, and the messages on their way out to it.
 *
 * Stream messages do not go through ws: they are framed here into one large buffer and written to the socket many at
 * a time. That is sound because ws writes each of its own frames (pong, ping, close) whole and synchronously, and we
 * write only whole frames, so the two never interleave.
 */

import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Channel, Switchboard } from './channel.ts';
import type { SubscribeFate } from './commands.ts';
import type { Floor, Wish } from './dialect.ts';
import { headerBytes, headerBytesMax, writeHeader } from './frame.ts';
import type { Mischief } from './mischief.ts';
import type { Tally } from './tally.ts';

const batchBytes = 256 * 1024;
const batchesIdle = 4;
/** Above this the socket has enough in hand: small batches wait, and a playback at full speed pauses. */
const comfortBytes = 1024 * 1024;
/** A reader this far behind is cut, as the venue does. */
export const backlogBytesMax = 64 * 1024 * 1024;

interface HeldMessage {
  readonly channel: Channel;
  readonly payload: Buffer;
}

export interface SessionParts {
  readonly webSocket: WebSocket;
  readonly socket: Duplex;
  readonly floor: Floor;
  readonly wish: Wish;
}

export class Session {
  /** The venue that it is connected to. */
  readonly floor: Floor;
  readonly micro: boolean;
  readonly streamsMax: number;
  closed = false;
  /** Grows with every change of what is to be sent here, and how. */
  revision = 0;
  readonly streams = new Set<string>();
  mischief: Mischief | undefined;
  /** For the dialect: what it must know of this connection. */
  notes: unknown;
  #silentUntilMs: number | undefined;
  #held: HeldMessage[] = [];
  #combined: boolean;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  readonly #switchboard: Switchboard;
  readonly #tally: Tally;
  readonly #faults: Floor['faults'];
  readonly #idle: Buffer[] = [];
  #batch: Buffer = Buffer.allocUnsafe(batchBytes);
  #at = 0;
  #waiting: (() => void)[] = [];

  constructor(parts: SessionParts) {
    this.floor = parts.floor;
    this.#webSocket = parts.webSocket;
    this.#socket = parts.socket;
    this.#switchboard = parts.floor.switchboard;
    this.#tally = parts.floor.tally;
    this.#faults = parts.floor.faults;
    this.streamsMax = parts.floor.limits.streamsPerConnection;
    this.#combined = parts.wish.combined;
    this.micro = parts.wish.micro;
    this.#socket.on('drain', () => {
      this.flush();
      this.#wake();
    });
    this.#tally.opened++;
    this.#switchboard.sessions.add(this);
  }

  get combined(): boolean {
    return this.#combined;
  }

  set combined(combined: boolean) {
    this.#combined = combined;
    this.revision++;
  }

  get congested(): boolean {
    return !this.closed && this.#socket.writableLength + this.#at > comfortBytes;
  }

  /** Bytes that the operating system has not taken yet. */
  get pendingBytes(): number {
    return this.#socket.writableLength + this.#at;
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  get silent(): boolean {
    return this.#silentUntilMs !== undefined && this.#silentUntilMs > performance.now();
  }

  /** Stays open and says nothing for so long. */
  silence(forMs: number): void {
    this.#silentUntilMs = performance.now() + forMs;
  }

  /** What becomes of a request to subscribe: to be asked once for each. */
  nextFate(): SubscribeFate {
    return this.#faults.nextFate();
  }

  subscribe(name: string): void {
    if (this.streams.has(name)) return;
    this.streams.add(name);
    this.revision++;
    this.#switchboard.channels.get(name)?.add(this);
  }

  unsubscribe(name: string): void {
    if (!this.streams.delete(name)) return;
    this.revision++;
    this.#switchboard.channels.get(name)?.remove(this);
  }

  /** A stream message: combined form in [start, end), its bare payload from `dataStart` to the last brace. */
  deliver(channel: Channel, bytes: Buffer, start: number, end: number, dataStart: number): void {
    this.#tally.due[channel.kind]++;
    const from = this.combined ? start : dataStart;
    const to = this.combined ? end : end - 1;
    if (this.mischief === undefined && this.#silentUntilMs === undefined && channel.script === undefined)
      this.send(channel, bytes, from, to);
    else if (channel.script === undefined) this.pass(channel, bytes.subarray(from, to));
    else channel.script.deliver(this, bytes.subarray(from, to));
  }

  /** A message on its way through silence and mischief. */
  pass(channel: Channel, payload: Buffer): void {
    if (this.closed) this.#tally.dropped.closed++;
    else if (this.silent) this.#tally.dropped.silence++;
    else if (this.mischief === undefined) this.send(channel, payload, 0, payload.length);
    else this.mischief.deliver(channel, payload);
  }

  /** Keeps a message back until `letGo`. */
  hold(channel: Channel, payload: Buffer): void {
    this.#held.push({ channel, payload });
    this.#tally.held++;
  }

  /** Sends on what is held back of one stream, or of all, in order. */
  letGo(only?: Channel): void {
    const held = this.#held;
    this.#held = [];
    for (const { channel, payload } of held) {
      this.#tally.held--;
      if (only === undefined || only === channel) this.pass(channel, payload);
      else this.hold(channel, payload);
    }
  }

  /** Puts one message of a stream on its way, past all mischief. */
  send(channel: Channel, bytes: Buffer, start: number, end: number): void {
    if (this.closed) {
      this.#tally.dropped.closed++;
      return;
    }
    this.#tally.sent[channel.kind]++;
    this.#append(bytes, start, end);
  }

  /** An answer to a control message, or garbage: a frame that is no message of a stream. */
  sendText(text: string | Buffer): void {
    if (this.closed) return;
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    this.#append(bytes, 0, bytes.length);
  }

  /** Frames that are already headed, as a flood prepares them. The caller leaves the bytes alone until they left. */
  sendFramed(bytes: Buffer): void {
    if (this.closed) return;
    this.flush();
    this.#tally.bytesSent += bytes.length;
    this.#socket.write(bytes);
  }

  /** One frame that is already headed, copied: the caller may change the bytes at once. */
  gatherFramed(bytes: Buffer, start: number, end: number): void {
    if (this.closed) return;
    if (this.#at + end - start > this.#batch.length) this.#write();
    this.#at += bytes.copy(this.#batch, this.#at, start, end);
  }

  #append(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.#at + length + headerBytesMax > this.#batch.length) {
      this.#write();
      if (length + headerBytesMax > this.#batch.length) return this.#writeLarge(bytes.subarray(start, end));
    }
    const at = writeHeader(this.#batch, this.#at, length);
    bytes.copy(this.#batch, at, start, end);
    this.#at = at + length;
  }

  #writeLarge(payload: Buffer): void {
    const frame = Buffer.allocUnsafe(headerBytes(payload.length) + payload.length);
    payload.copy(frame, writeHeader(frame, 0, payload.length));
    this.#tally.bytesSent += frame.length;
    this.#socket.write(frame);
  }

  /** Hands on what has gathered; a socket that is busy gets it later, when there is more of it. */
  flush(): void {
    if (this.#at === 0 || this.closed) return;
    if (this.#socket.writableLength > comfortBytes) return;
    this.#write();
  }

  #write(): void {
    const bytes = this.#at;
    if (bytes === 0 || this.closed) return;
    const batch = this.#batch;
    this.#at = 0;
    this.#tally.bytesSent += bytes;
    if (bytes * 8 < batch.length) {
      this.#socket.write(Buffer.from(batch.subarray(0, bytes))); // a copy, so that little data holds little memory
    } else {
      this.#batch = this.#idle.pop() ?? Buffer.allocUnsafe(batchBytes);
      this.#socket.write(batch.subarray(0, bytes), () => {
        if (this.#idle.length < batchesIdle) this.#idle.push(batch);
      });
    }
    if (this.#socket.writableLength > backlogBytesMax) this.cut('backlog');
  }

  drained(): Promise<void> {
    if (this.closed || this.#socket.writableLength === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Sends on all that is held back. */
  release(): void {
    this.letGo();
    this.mischief?.release();
  }

  ping(payload: string): void {
    if (this.closed || this.silent) return;
    this.#webSocket.ping(payload);
  }

  /** Says goodbye with a close code. */
  close(code: number, reason: string): void {
    if (this.closed) return;
    this.#count(`${code}`);
    this.#write();
    this.#webSocket.close(code, reason);
    setTimeout(() => this.#webSocket.terminate(), 1_000).unref();
    this.ended();
  }

  /** Ends the connection without a word. */
  cut(reason: string): void {
    if (this.closed) return;
    this.#count(reason);
    this.ended();
    this.#webSocket.terminate();
  }

  /** Breaks the connection in the middle of a frame of this payload. */
  breakOff(payload: Buffer, reason = 'mischief'): void {
    if (this.closed) return;
    this.#write();
    const frame = Buffer.allocUnsafe(headerBytes(payload.length) + payload.length);
    payload.copy(frame, writeHeader(frame, 0, payload.length));
    this.#socket.write(frame.subarray(0, Math.ceil(frame.length / 2)), () => this.#socket.destroy());
    this.#count(reason);
    this.ended();
  }

  /** The socket is gone: nothing is owed to it any more. */
  ended(): void {
    if (this.closed) return;
    for (const name of this.streams) this.#switchboard.channels.get(name)?.remove(this);
    this.mischief?.discard();
    this.#tally.held -= this.#held.length;
    this.#tally.dropped.closed += this.#held.length;
    this.#held = [];
    this.closed = true;
    this.#switchboard.sessions.delete(this);
    this.#tally.closed++;
    this.#wake();
  }

  #count(reason: string): void {
    this.#tally.cut[reason] = (this.#tally.cut[reason] ?? 0) + 1;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
