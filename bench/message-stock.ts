/**
 * Binance messages for benches, side by side in one buffer: trades and book tickers of many symbols in random order, from
 * a fixed seed. `renew` writes new ids and times into the digits, so that the same bytes are a new piece of market.
 */
import type { Instrument } from '../src/market/instrument.ts';

const quotesPerTrade = 3.5;
/** Ticks in a second of market time: the load that is being asked about. */
const marketRate = 2_500_000;

export class MessageStock {
  readonly bytes: Uint8Array;
  /** Message `i` is `bytes[starts[i] … starts[i + 1])`. */
  readonly starts: Uint32Array;
  readonly length: number;
  readonly instruments: readonly Instrument[];
  receivedMicros = 0;
  /** Where each message's id and, for trades, its two times stand. */
  readonly #ids: Uint32Array;
  readonly #idDigits: Uint8Array;
  readonly #times: Uint32Array;
  readonly #symbolOf: Uint16Array;
  readonly #tradeIds: Float64Array;
  readonly #updateIds: Float64Array;
  #millis = 1_750_000_000_000;

  constructor(symbols: number, length: number) {
    this.length = length;
    this.bytes = new Uint8Array(length * 190);
    this.starts = new Uint32Array(length + 1);
    this.#ids = new Uint32Array(length);
    this.#idDigits = new Uint8Array(length);
    this.#times = new Uint32Array(length * 2);
    this.#symbolOf = new Uint16Array(length);
    this.#tradeIds = new Float64Array(symbols).map((_, index) => 1_000_000_000 + index * 1_000_003);
    this.#updateIds = new Float64Array(symbols).map((_, index) => 40_000_000_000 + index * 10_000_019);
    this.instruments = Array.from({ length: symbols }, (_, index) => instrument(index));
    this.#write(symbols);
  }

  #write(symbols: number): void {
    let seed = 42;
    const roll = (): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed / 2 ** 32;
    };
    const mids = new Float64Array(symbols).map(() => 1_000 + Math.floor(roll() * 9_000_000));
    let at = 0;
    for (let index = 0; index < this.length; index++) {
      const symbol = Math.floor(roll() * roll() * symbols);
      const native = this.instruments[symbol]!.native;
      const mid = Math.max(1_000, mids[symbol]! + Math.floor(roll() * 7) - 3);
      mids[symbol] = mid;
      this.starts[index] = at;
      this.#symbolOf[index] = symbol;
      const trade = roll() < 1 / (1 + quotesPerTrade);
      const text = trade
        ? `{"stream":"${native.toLowerCase()}@trade","data":{"e":"trade","E":#############,"s":"${native}","t":##########,"p":"${price(mid)}","q":"${size(roll())}","T":#############,"m":${roll() < 0.5},"M":true}}`
        : `{"stream":"${native.toLowerCase()}@bookTicker","data":{"u":###########,"s":"${native}","b":"${price(mid)}","B":"${size(roll())}","a":"${price(mid + 1)}","A":"${size(roll())}"}}`;
      for (let letter = 0; letter < text.length; letter++) this.bytes[at + letter] = text.charCodeAt(letter);
      const id = text.indexOf(trade ? '"t":#' : '"u":#') + 4;
      this.#ids[index] = at + id;
      this.#idDigits[index] = trade ? 10 : 11;
      if (trade) {
        this.#times[index * 2] = at + text.indexOf('"E":#') + 4;
        this.#times[index * 2 + 1] = at + text.indexOf('"T":#') + 4;
      }
      at += text.length;
    }
    this.starts[this.length] = at;
  }

  /** The next piece of market. */
  renew(): void {
    for (let index = 0; index < this.length; index++) {
      const symbol = this.#symbolOf[index]!;
      const isTrade = this.#idDigits[index] === 10;
      const ids = isTrade ? this.#tradeIds : this.#updateIds;
      this.#digits(this.#ids[index]!, this.#idDigits[index]!, ids[symbol]!);
      ids[symbol]! += isTrade ? 1 : 3;
      if (!isTrade) continue;
      const millis = this.#millis + Math.floor((index * 1_000) / marketRate);
      this.#digits(this.#times[index * 2]!, 13, millis);
      this.#digits(this.#times[index * 2 + 1]!, 13, millis);
    }
    this.#millis += Math.ceil((this.length * 1_000) / marketRate);
    this.receivedMicros = this.#millis * 1_000;
  }

  #digits(at: number, count: number, value: number): void {
    for (let place = count - 1; place >= 0; place--) {
      const rest = Math.floor(value / 10);
      this.bytes[at + place] = 48 + value - rest * 10;
      value = rest;
    }
  }
}

function instrument(index: number): Instrument {
  const base = `B${String(index).padStart(3, '0')}`;
  const native = `${base}USDT`;
  return {
    id: index + 1,
    venue: 'BINANCE',
    native,
    symbol: `BINANCE:${native}`,
    base,
    quote: 'USDT',
    priceDecimals: 2,
    sizeDecimals: 5,
    active: true,
  };
}

function price(mantissa: number): string {
  return `${Math.floor(mantissa / 100)}.${String(mantissa % 100).padStart(2, '0')}000000`;
}

function size(share: number): string {
  const mantissa = 1 + Math.floor(share * share * 1_000_000);
  return `${Math.floor(mantissa / 100_000)}.${String(mantissa % 100_000).padStart(5, '0')}000`;
}
