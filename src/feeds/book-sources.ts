/**
 * Which socket each order book follows, where changes have no ids (Coinbase): the one whose snapshot came last. While a
 * stream comes over two sockets, changes of the other one would set levels back.
 */
import { tickFlag, tickKind } from '../wire/tick-record.ts';

const numberless = tickKind.book | tickFlag.noIds;
const kindAndIds = 0xff | tickFlag.noIds;

export class BookSources {
  /** By instrument; 0 is none. */
  #links = new Uint32Array(64);

  /** Whether a message whose first record has this head is to be taken from this socket. */
  follows(head: number, instrument: number, link: number): boolean {
    if ((head & kindAndIds) !== numberless) return true;
    if ((head & tickFlag.snapshot) === 0) return this.#links[instrument] === link;
    if (instrument >= this.#links.length) this.#grow(instrument);
    this.#links[instrument] = link;
    return true;
  }

  /** The instruments whose books followed a socket that is gone; they follow none now. */
  ended(link: number): number[] {
    const instruments: number[] = [];
    for (const [instrument, followed] of this.#links.entries()) {
      if (followed !== link) continue;
      this.#links[instrument] = 0;
      instruments.push(instrument);
    }
    return instruments;
  }

  #grow(instrument: number): void {
    const links = new Uint32Array(2 ** Math.ceil(Math.log2(instrument + 1)));
    links.set(this.#links);
    this.#links = links;
  }
}
