/** The order book of a recording up to what has been played, made of its snapshots and depth messages. */
import type { DepthAnswer, QuoteAnswer } from './source.ts';

type Level = readonly [price: string, size: string];

interface DepthMessage {
  readonly U: number;
  readonly u: number;
  readonly b: readonly Level[];
  readonly a: readonly Level[];
}
interface Snapshot {
  readonly lastUpdateId: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** A snapshot comes later than the changes that follow on it: so many are kept to be applied again. */
const recentMax = 200;

export class RecordedBook {
  readonly #bids = new Map<string, string>();
  readonly #asks = new Map<string, string>();
  /** Messages are only noted while they are played, and read when someone asks, or when so many have gathered. */
  readonly #notedMax: number;
  #noted: Buffer[] = [];
  #recent: DepthMessage[] = [];
  #lastUpdateId = 0;
  /** Where the newest bookTicker message stands: looked up for every one, read for few. */
  #topBlock: Buffer | undefined;
  #topStart = 0;
  #topEnd = 0;

  constructor(notedMax: number) {
    this.#notedMax = notedMax;
  }

  /** A depth message or a snapshot, as bytes. */
  note(payload: Buffer): void {
    this.#noted.push(payload);
    if (this.#noted.length >= this.#notedMax) this.#readNoted();
  }

  /** The newest bookTicker message. */
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
    if (this.#topBlock !== undefined) {
      const { data } = JSON.parse(this.#topBlock.toString('utf8', this.#topStart, this.#topEnd)) as {
        data: Record<'b' | 'B' | 'a' | 'A', string>;
      };
      return { bid: data.b, bidSize: data.B, ask: data.a, askSize: data.A };
    }
    const { bids, asks } = this.depth(1);
    if (bids[0] === undefined || asks[0] === undefined) return undefined;
    return { bid: bids[0][0], bidSize: bids[0][1], ask: asks[0][0], askSize: asks[0][1] };
  }

  #readNoted(): void {
    const noted = this.#noted;
    this.#noted = [];
    for (const payload of noted) {
      const message = JSON.parse(payload.toString()) as { data?: unknown };
      const body = message.data ?? message;
      if (isSnapshot(body)) this.#replace(body);
      else if (isDepthMessage(body)) this.#apply(body);
    }
  }

  #replace(snapshot: Snapshot): void {
    this.#bids.clear();
    this.#asks.clear();
    for (const [price, size] of snapshot.bids) this.#bids.set(price, size);
    for (const [price, size] of snapshot.asks) this.#asks.set(price, size);
    this.#lastUpdateId = snapshot.lastUpdateId;
    for (const message of this.#recent) if (message.u > snapshot.lastUpdateId) this.#change(message);
  }

  #apply(message: DepthMessage): void {
    this.#recent.push(message);
    if (this.#recent.length > recentMax) this.#recent = this.#recent.slice(-recentMax / 2);
    if (message.u > this.#lastUpdateId) this.#change(message);
  }

  #change({ b, a, u }: DepthMessage): void {
    for (const [price, size] of b) put(this.#bids, price, size);
    for (const [price, size] of a) put(this.#asks, price, size);
    this.#lastUpdateId = u;
  }
}

function isSnapshot(value: unknown): value is Snapshot {
  const { lastUpdateId, bids, asks } = value as Partial<Snapshot>;
  return typeof lastUpdateId === 'number' && areLevels(bids) && areLevels(asks);
}

function isDepthMessage(value: unknown): value is DepthMessage {
  const { u, b, a } = value as Partial<DepthMessage>;
  return typeof u === 'number' && areLevels(b) && areLevels(a);
}

function areLevels(side: unknown): boolean {
  return Array.isArray(side) && side.every((level) => Array.isArray(level) && typeof level[0] === 'string');
}

function put(side: Map<string, string>, price: string, size: string): void {
  if (Number(size) === 0) side.delete(price);
  else side.set(price, size);
}

function sorted(side: ReadonlyMap<string, string>, sign: 1 | -1): Level[] {
  return [...side].toSorted(([left], [right]) => sign * (Number(left) - Number(right)));
}
