/** The streams there are, and who listens to each. */
import type { StreamTraits } from './dialect.ts';
import type { Script } from './script.ts';
import type { Session } from './session.ts';
import type { StreamKind } from './tally.ts';

/** One stream. `head` and the closing brace wrap a payload into combined form. */
export class Channel {
  readonly name: string;
  readonly kind: StreamKind;
  /** The venue's own name; '' for a stream of all symbols. */
  readonly symbol: string;
  readonly head: Buffer;
  /** Messages that came to be so far. */
  count = 0;
  /** What has been ordered for messages to come, where something has. */
  script: Script | undefined;
  /** Listeners, by the unit of time that they asked for. */
  readonly milli: Session[] = [];
  readonly micro: Session[] = [];

  constructor(name: string, { kind, symbol, head }: StreamTraits) {
    this.name = name;
    this.kind = kind;
    this.symbol = symbol;
    this.head = Buffer.from(head);
  }

  get watched(): boolean {
    return this.milli.length > 0 || this.micro.length > 0;
  }

  add(session: Session): void {
    (session.micro ? this.micro : this.milli).push(session);
  }

  remove(session: Session): void {
    const list = session.micro ? this.micro : this.milli;
    const place = list.indexOf(session);
    if (place >= 0) list.splice(place, 1);
  }
}

/** All streams by name, and all open connections, oldest first. */
export class Switchboard {
  readonly channels = new Map<string, Channel>();
  readonly sessions = new Set<Session>();
  readonly #traits: (name: string) => StreamTraits;

  constructor(traits: (name: string) => StreamTraits) {
    this.#traits = traits;
  }

  channel(name: string): Channel {
    const known = this.channels.get(name);
    if (known !== undefined) return known;
    const channel = new Channel(name, this.#traits(name));
    this.channels.set(name, channel);
    for (const session of this.sessions) if (session.streams.has(name)) channel.add(session);
    return channel;
  }

  /** The stream is no more; who has its name among his keeps it, and hears nothing. */
  remove(channel: Channel): void {
    if (this.channels.get(channel.name) === channel) this.channels.delete(channel.name);
  }

  flush(): void {
    for (const session of this.sessions) session.flush();
  }

  get congested(): boolean {
    for (const session of this.sessions) if (session.congested) return true;
    return false;
  }

  /** Resolves when no connection has more in hand than its socket takes at once. */
  async room(): Promise<void> {
    for (const session of this.sessions) if (session.congested) await session.drained();
  }

  /** Resolves when all that was handed to the sockets has left this process. */
  async emptied(): Promise<void> {
    for (const session of this.sessions) {
      session.release();
      session.flush();
      while (!session.closed && session.pendingBytes > 0) {
        await session.drained();
        session.flush();
      }
    }
  }
}
