/** The streams there are, and who listens to each. */
import type { Session } from './session.ts';
import type { StreamKind } from './tally.ts';

/** One stream. `head` and the closing brace wrap a payload into combined form. */
export class Channel {
  readonly name: string;
  readonly kind: StreamKind;
  readonly head: Buffer;
  /** Listeners, by the unit of time that they asked for. */
  readonly milli: Session[] = [];
  readonly micro: Session[] = [];

  constructor(name: string) {
    this.name = name;
    this.kind = kindOf(name);
    this.head = Buffer.from(`{"stream":${JSON.stringify(name)},"data":`);
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

/** All streams by name, and all open connections. */
export class Switchboard {
  readonly channels = new Map<string, Channel>();
  readonly sessions = new Set<Session>();

  channel(name: string): Channel {
    const known = this.channels.get(name);
    if (known !== undefined) return known;
    const channel = new Channel(name);
    this.channels.set(name, channel);
    return channel;
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

function kindOf(name: string): StreamKind {
  const type = name.slice(name.indexOf('@') + 1);
  if (type === 'trade' || type === 'aggTrade' || type === 'bookTicker' || type === 'miniTicker') return type;
  if (type.startsWith('kline_')) return 'kline';
  return type.startsWith('depth') ? 'depth' : 'other';
}
