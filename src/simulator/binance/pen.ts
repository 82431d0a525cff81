/** Writes one message at a time and hands it to everyone who listens to its stream. */
import type { Channel } from '../channel.ts';
import { Scribe } from '../scribe.ts';
import type { Session } from '../session.ts';
import type { Tally } from '../tally.ts';

const scribeBytes = 256 * 1024;

export class Pen {
  readonly scribe = new Scribe(scribeBytes);
  readonly #tally: Tally;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** Counts a message that came to be; true when someone listens to it. */
  due(channel: Channel): boolean {
    this.#tally.produced[channel.kind]++;
    channel.count++;
    return channel.watched;
  }

  /** Writes a message that carries times, with its last brace, once for each unit that someone asked for. */
  say(channel: Channel, write: (scribe: Scribe, micro: boolean) => void): void {
    const { scribe } = this;
    for (const micro of [false, true]) {
      const listeners = micro ? channel.micro : channel.milli;
      if (listeners.length === 0) continue;
      scribe.at = 0;
      scribe.put(channel.head);
      write(scribe, micro);
      this.hand(channel, listeners);
    }
  }

  /** A payload as text; `text` is told the unit of time. */
  tell(channel: Channel, text: (micro: boolean) => string): void {
    this.say(channel, (scribe, micro) => scribe.text(`${text(micro)}}`));
  }

  /** What stands in the scribe goes to each of the listeners. */
  hand(channel: Channel, listeners: readonly Session[]): void {
    const { bytes, at } = this.scribe;
    for (let i = listeners.length - 1; i >= 0; i--) {
      listeners[i]?.deliver(channel, bytes, 0, at, channel.head.length); // backwards: a listener may leave meanwhile
    }
  }
}
