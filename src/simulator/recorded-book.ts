/** The order book of a recording up to what has been played, made of its snapshots and depth messages. */
import type { Dialect } from './dialect.ts';
import type { BookLevels, RecordedBookMessage, RecordedMessage } from './recorded-message.ts';
import type { DepthAnswer, QuoteAnswer } from './source.ts';

/** A snapshot comes later than the changes that follow on it: so many are kept to be applied again. */
const recentMax = 200;

export class RecordedBook {
  readonly #bids = new Map<string, string>();
  readonly #asks = new Map<string, string>();
  /** Messages are only noted while they are played, and read when someone asks, or when so many have gathered. */
  readonly #notedMax: number;
  readonly #dialect: Dialect;
  #noted: Buffer[] = [];
  #recent: RecordedBookMessage[] = [];
  /** Messages with changes have come: the best levels alone say nothing new. */
  #changing = false;
  #lastUpdateId = 0;
  /** Where the newest message with the best bid and ask stands: looked up for every one, read for few. */
  #topBlock: Buffer | undefined;
  #topStart = 0;
  #topEnd = 0;

  constructor(notedMax: number, dialect: Dialect) {
    this.#notedMax = notedMax;
    this.#dialect = dialect;
  }

  /** A depth message or a snapshot, as bytes. */
  note(payload: Buffer): void {
    this.#noted.push(payload);
    if (this.#noted.length >= this.#notedMax) this.#readNoted();
  }

  /** The newest message that tells the best bid and ask. */
  noteTop(block: Buffer, start: number, end: number): void {
    this.#topBlock = block;
    this.#topStart = start;
    this.#topEnd = end;
  }

  depth(levels: number): DepthAnswer {
    this.#readNoted();
    return {
      lastUpdateId: this.#lastUpdateId,
      bids: sorted(this.#bids, -1).slice(0, levels),
      asks: sorted(this.#asks, 1).slice(0, levels),
    };
  }

  quote(): QuoteAnswer | undefined {
    if (this.#topBlock !== undefined)
      return this.#read(this.#topBlock.subarray(this.#topStart, this.#topEnd))?.top;
    const { bids, asks } = this.depth(1);
    if (bids[0] === undefined || asks[0] === undefined) return undefined;
    return { bid: bids[0][0], bidSize: bids[0][1], ask: asks[0][0], askSize: asks[0][1] };
  }

  #read(payload: Buffer): RecordedMessage | undefined {
    return this.#dialect.recorded(JSON.parse(payload.toString()) as Record<string, unknown>);
  }

  #readNoted(): void {
    const noted = this.#noted;
    this.#noted = [];
    for (const payload of noted) {
      const book = this.#read(payload)?.book;
      if (book === undefined) continue;
      if (!book.whole) this.#apply(book);
      else if (book.best !== true || !this.#changing) this.#replace(book);
    }
  }

  #replace(snapshot: RecordedBookMessage): void {
    this.#bids.clear();
    this.#asks.clear();
    this.#put(snapshot);
    this.#lastUpdateId = snapshot.lastId;
    for (const message of this.#recent) if (message.lastId > snapshot.lastId) this.#change(message);
  }

  /** Where the venue has no ids, every change follows on the one before. */
  #apply(message: RecordedBookMessage): void {
    this.#changing = true;
    if (message.lastId === 0) return this.#change(message);
    this.#recent.push(message);
    if (this.#recent.length > recentMax) this.#recent = this.#recent.slice(-recentMax / 2);
    if (message.lastId > this.#lastUpdateId) this.#change(message);
  }

  #change(message: RecordedBookMessage): void {
    this.#put(message);
    this.#lastUpdateId = message.lastId;
  }

  #put({ bids, asks }: BookLevels): void {
    for (const [price, size] of bids) put(this.#bids, price, size);
    for (const [price, size] of asks) put(this.#asks, price, size);
  }
}

function put(side: Map<string, string>, price: string, size: string): void {
  if (Number(size) === 0) side.delete(price);
  else side.set(price, size);
}

function sorted(side: ReadonlyMap<string, string>, sign: 1 | -1): (readonly [price: string, size: string])[] {
  return [...side].toSorted(([left], [right]) => sign * (Number(left) - Number(right)));
}
