/** What a recording holds of one symbol: its digits, its streams, and its trades by line. */
import { Column } from './column.ts';
import { type Decimal, parseDecimal, rescaled } from './decimal.ts';
import type { Instrument } from './instrument.ts';
import { Tape } from './tape.ts';

/** Known quote assets, longest first where one ends another. */
const quoteAssets = [
  'FDUSD',
  'USDT',
  'USDC',
  'BUSD',
  'TUSD',
  'USDP',
  'USD1',
  'BIDR',
  'IDRT',
  'BKRW',
  'DAI',
  'PAX',
  'VAI',
  'UST',
  'BTC',
  'ETH',
  'BNB',
  'XRP',
  'TRX',
  'DOGE',
  'DOT',
  'SOL',
  'EUR',
  'GBP',
  'AUD',
  'TRY',
  'BRL',
  'RUB',
  'UAH',
  'NGN',
  'ZAR',
  'PLN',
  'RON',
  'ARS',
  'JPY',
  'MXN',
  'CZK',
  'COP',
  'USD',
] as const;

/** Trades in the order of their lines, before it is known how many digits the symbol has. */
export class RecordedTrades {
  readonly line = new Column(Uint32Array);
  readonly id = new Column(Float64Array);
  readonly firstId = new Column(Float64Array);
  readonly lastId = new Column(Float64Array);
  readonly price = new Column(Float64Array);
  readonly priceDecimals = new Column(Uint8Array);
  readonly size = new Column(Float64Array);
  readonly sizeDecimals = new Column(Uint8Array);
  readonly timeUs = new Column(Float64Array);
  readonly maker = new Column(Uint8Array);

  get length(): number {
    return this.line.length;
  }

  push(line: number, ids: readonly [id: number, first: number, last: number], terms: RecordedTerms): void {
    this.line.push(line);
    this.id.push(ids[0]);
    this.firstId.push(ids[1]);
    this.lastId.push(ids[2]);
    this.price.push(terms.price.mantissa);
    this.priceDecimals.push(terms.price.decimals);
    this.size.push(terms.size.mantissa);
    this.sizeDecimals.push(terms.size.decimals);
    this.timeUs.push(terms.timeUs);
    this.maker.push(terms.buyerIsMaker ? 1 : 0);
  }
}

export interface RecordedTerms {
  readonly price: Decimal;
  readonly size: Decimal;
  readonly timeUs: number;
  readonly buyerIsMaker: boolean;
}

export class RecordedSymbol {
  readonly symbol: string;
  readonly streams = new Set<string>();
  readonly trades = new RecordedTrades();
  readonly aggregates = new RecordedTrades();
  priceDecimals = 0;
  sizeDecimals = 0;
  /** Smallest and largest update id of its depth messages. */
  firstUpdateId = Infinity;
  lastUpdateId = -Infinity;

  constructor(symbol: string) {
    this.symbol = symbol;
  }

  /** Takes the digits of prices and sizes into account. */
  see(prices: readonly unknown[], sizes: readonly unknown[]): void {
    for (const price of prices) this.priceDecimals = Math.max(this.priceDecimals, decimalsOf(price));
    for (const size of sizes) this.sizeDecimals = Math.max(this.sizeDecimals, decimalsOf(size));
  }

  instrument(): Instrument {
    const { symbol, priceDecimals, sizeDecimals } = this;
    return {
      symbol,
      ...assetsOf(symbol),
      priceDecimals,
      sizeDecimals,
      tickSize: stepText(priceDecimals),
      stepSize: stepText(sizeDecimals),
    };
  }

  /** Moves the trades of lines before `linesPlayed` onto a tape, from row `from` on; answers the next row. */
  reel(trades: RecordedTrades, from: number, linesPlayed: number, tape: Tape): number {
    let i = from;
    for (; i < trades.length && trades.line.at(i) < linesPlayed; i++) {
      const price = { mantissa: trades.price.at(i), decimals: trades.priceDecimals.at(i) };
      const size = { mantissa: trades.size.at(i), decimals: trades.sizeDecimals.at(i) };
      tape.append(
        trades.firstId.at(i),
        trades.lastId.at(i),
        trades.id.at(i),
        rescaled(price, this.priceDecimals),
        rescaled(size, this.sizeDecimals),
        trades.timeUs.at(i),
        trades.maker.at(i) === 1,
      );
    }
    return i;
  }
}

/** Of BTCUSDT, of BTC-USD, and of BTC_USDC_PERP. */
function assetsOf(symbol: string): { base: string; quote: string } {
  const [base, quote] = symbol.split(/[-_]/);
  if (base !== undefined && quote !== undefined) return { base, quote };
  const end =
    quoteAssets.find((asset) => symbol.endsWith(asset) && symbol.length > asset.length) ?? symbol.slice(-3);
  return { base: symbol.slice(0, -end.length), quote: end };
}

export function endlessTape(): Tape {
  return new Tape(Infinity, Infinity);
}

/** Milliseconds or microseconds since 1970, as microseconds; undefined when it is neither. */
export function toMicroseconds(time: unknown): number | undefined {
  if (typeof time !== 'number' || !Number.isSafeInteger(time) || time <= 0) return undefined;
  return time > 1e14 ? time : time * 1_000;
}

export function readTerms(data: Readonly<Record<string, unknown>>): RecordedTerms | undefined {
  const price = parseDecimal(data['p']);
  const size = parseDecimal(data['q']);
  const timeUs = toMicroseconds(data['T']);
  if (price === undefined || size === undefined || timeUs === undefined) return undefined;
  if (price.mantissa === 0 || size.mantissa === 0) return undefined;
  return { price, size, timeUs, buyerIsMaker: data['m'] === true };
}

/** Digits behind the point that are not trailing zeros; 0 for what is no decimal. */
function decimalsOf(text: unknown): number {
  if (typeof text !== 'string') return 0;
  const dot = text.indexOf('.');
  if (dot < 0 || text.length - dot > 20) return 0;
  let end = text.length;
  while (text.charCodeAt(end - 1) === 48) end--;
  return Math.max(0, end - dot - 1);
}

function stepText(decimals: number): string {
  return decimals === 0 ? '1.00000000' : `0.${'1'.padStart(decimals, '0')}`.padEnd(10, '0');
}
