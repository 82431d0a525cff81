/**
 * The latest price of each instrument in shared memory, for all threads.
 *
 *   one slot of 24 words (192 bytes) per instrument
 *   +---------+------------------------------+------------------------------+-----------+
 *   | version | copy A: price bid ask bidSize| copy B: the same             | to 3 cache|
 *   |  i32    |  askSize size tradeId time   |                              | lines     |
 *   |         |  scale                       |                              |           |
 *   +---------+------------------------------+------------------------------+-----------+
 *
 * The version's lowest bit says which copy holds; a put fills the other one and then raises the version. So a put
 * waits for nobody, and a writer that dies half-way leaves the last whole price to be read. A reader that finds
 * another version after it has read than before reads again. Version 0: nothing was ever put.
 *
 * Each instrument has exactly one writing thread.
 */
import type { LatestPrice, LatestPrices } from '../market/latest.ts';

const slotWords = 24;
const copyWords = 9;
const slotBytes = slotWords * 8;

/** Zeroed memory for instruments 1 to `instruments` (slot 0 stays empty). */
export function latestPricesMemory(instruments: number): SharedArrayBuffer {
  return new SharedArrayBuffer((instruments + 1) * slotBytes);
}

export class SharedLatestPrices implements LatestPrices {
  readonly #words: Float64Array;
  readonly #halves: Int32Array;
  /** Where a reader gathers a copy: read as halves through Atomics, in order, then seen as words. */
  readonly #gathered = new Float64Array(copyWords);
  readonly #gatheredHalves = new Int32Array(this.#gathered.buffer);

  /** @param memory From `latestPricesMemory`, the same on all threads. */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Float64Array(memory);
    this.#halves = new Int32Array(memory);
  }

  put(latest: LatestPrice): void {
    const { instrument, price, bid, ask, bidSize, askSize, size, tradeId, time, scale } = latest;
    this.putWords(instrument, price, bid, ask, bidSize, askSize, size, tradeId, time, scale);
  }

  /** As `put`, without an object. An instrument past the table is a RangeError. */
  putWords(
    instrument: number,
    price: number,
    bid: number,
    ask: number,
    bidSize: number,
    askSize: number,
    size: number,
    tradeId: number,
    time: number,
    scale = 0,
  ): void {
    const words = this.#words;
    if (!this.#holds(instrument)) throw new RangeError(`instrument ${instrument} is unknown`);
    const slot = instrument * slotWords;
    const version = Atomics.load(this.#halves, slot * 2);
    let at = slot + 1 + ((version + 1) & 1) * copyWords;
    words[at] = price;
    words[++at] = bid;
    words[++at] = ask;
    words[++at] = bidSize;
    words[++at] = askSize;
    words[++at] = size;
    words[++at] = tradeId;
    words[++at] = time;
    words[++at] = scale;
    // After 2^32 puts the version comes by 0, which means "none": 2 points at the same copy.
    Atomics.exchange(this.#halves, slot * 2, (version + 1) | 0 || 2);
  }

  /** As `get`, at once. */
  read(instrument: number): LatestPrice | undefined {
    if (!this.#gather(instrument)) return undefined;
    const words = this.#gathered;
    return {
      instrument,
      price: words[0]!,
      bid: words[1]!,
      ask: words[2]!,
      bidSize: words[3]!,
      askSize: words[4]!,
      size: words[5]!,
      tradeId: words[6]!,
      time: words[7]!,
      ...(words[8] === 0 ? {} : { scale: words[8]! }),
    };
  }

  get(instrument: number): Promise<LatestPrice | undefined> {
    return Promise.resolve(this.read(instrument));
  }

  /** Another try is needed only when a whole put came in between, so this ends. */
  #gather(instrument: number): boolean {
    const halves = this.#halves;
    if (!this.#holds(instrument)) return false;
    const slot = instrument * slotWords * 2;
    for (;;) {
      const version = Atomics.load(halves, slot);
      if (version === 0) return false;
      const from = slot + 2 + (version & 1) * copyWords * 2;
      for (let i = 0; i < copyWords * 2; i++) this.#gatheredHalves[i] = Atomics.load(halves, from + i);
      if (Atomics.load(halves, slot) === version) return true;
    }
  }

  #holds(instrument: number): boolean {
    return instrument > 0 && instrument * slotWords < this.#words.length;
  }
}
