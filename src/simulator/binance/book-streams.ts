/** The streams of order books: changes every 100 ms and every second, and the best levels. */
import type { Channel, Switchboard } from '../channel.ts';
import { formatDecimal } from '../decimal.ts';
import type { Pit } from '../pit.ts';
import type { Pen } from './pen.ts';

const partialLevels = [5, 10, 20] as const;

/** Changes since the last second: the last one of each price. */
interface Gathered {
  readonly firstId: number;
  lastId: number;
  readonly bids: Map<number, number>;
  readonly asks: Map<number, number>;
}

export class BookStreams {
  readonly #pen: Pen;
  readonly #pit: Pit;
  readonly #fast: Channel;
  readonly #slow: Channel;
  readonly #partFast: readonly Channel[];
  readonly #partSlow: readonly Channel[];
  /** Undefined until a second begins with someone listening: a message must not tell of half a second. */
  #gathered: Gathered | undefined;
  #listening = false;
  #toldId = 0;

  constructor(pit: Pit, switchboard: Switchboard, pen: Pen) {
    const name = pit.instrument.symbol.toLowerCase();
    this.#pit = pit;
    this.#pen = pen;
    this.#fast = switchboard.channel(`${name}@depth@100ms`);
    this.#slow = switchboard.channel(`${name}@depth`);
    this.#partFast = partialLevels.map((levels) => switchboard.channel(`${name}@depth${levels}@100ms`));
    this.#partSlow = partialLevels.map((levels) => switchboard.channel(`${name}@depth${levels}`));
  }

  /** Levels as price, size, price, size … in ticks and steps. */
  changed(timeUs: number, firstId: number, bids: readonly number[], asks: readonly number[]): void {
    if (this.#pen.due(this.#fast)) {
      const [b, a] = [this.#levels(pairs(bids)), this.#levels(pairs(asks))];
      this.#update(this.#fast, timeUs, [firstId, this.#pit.updateId], b, a);
    }
    if (this.#listening) this.#gather(firstId, bids, asks);
    this.#partial(this.#partFast);
  }

  /** A second of market time is over. */
  second(ms: number): void {
    const gathered = this.#gathered;
    this.#gathered = undefined;
    if (gathered !== undefined && this.#pen.due(this.#slow)) {
      const { firstId, lastId, bids, asks } = gathered;
      this.#update(this.#slow, ms * 1_000, [firstId, lastId], this.#levels(bids), this.#levels(asks));
    }
    this.#listening = this.#slow.watched;
    if (this.#toldId === this.#pit.updateId) return;
    this.#toldId = this.#pit.updateId;
    this.#partial(this.#partSlow);
  }

  #gather(firstId: number, bids: readonly number[], asks: readonly number[]): void {
    const lastId = this.#pit.updateId;
    const gathered = (this.#gathered ??= { firstId, lastId, bids: new Map(), asks: new Map() });
    gathered.lastId = lastId;
    for (const [price, size] of pairs(bids)) gathered.bids.set(price, size);
    for (const [price, size] of pairs(asks)) gathered.asks.set(price, size);
  }

  #update(
    channel: Channel,
    timeUs: number,
    [first, last]: readonly [number, number],
    bids: string,
    asks: string,
  ): void {
    const { symbol } = this.#pit.instrument;
    this.#pen.tell(channel, (micro) => {
      const time = micro ? timeUs : Math.floor(timeUs / 1_000);
      return `{"e":"depthUpdate","E":${time},"s":"${symbol}","U":${first},"u":${last},"b":${bids},"a":${asks}}`;
    });
  }

  #partial(channels: readonly Channel[]): void {
    for (const [index, channel] of channels.entries()) {
      if (!this.#pen.due(channel)) continue;
      const { bids, asks, updateId } = this.#pit;
      const best = ({ prices, sizes }: Pit['bids']): string =>
        this.#levels(prices.slice(0, partialLevels[index]).map((price, i) => [price, sizes[i]!] as const));
      this.#pen.tell(channel, () => `{"lastUpdateId":${updateId},"bids":${best(bids)},"asks":${best(asks)}}`);
    }
  }

  #levels(rows: Iterable<readonly [price: number, size: number]>): string {
    const { priceDecimals, sizeDecimals } = this.#pit.instrument;
    const texts = Array.from(
      rows,
      ([price, size]) => `["${formatDecimal(price, priceDecimals)}","${formatDecimal(size, sizeDecimals)}"]`,
    );
    return `[${texts.join(',')}]`;
  }
}

function* pairs(flat: readonly number[]): Generator<readonly [number, number]> {
  for (let i = 0; i < flat.length; i += 2) yield [flat[i]!, flat[i + 1]!];
}
