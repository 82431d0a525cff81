/** What the wire bench encodes: trades and quotes of a recording, or of the simulator's market; and a mix of 20 instruments. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { mantissaOf } from '../src/market/mantissa.ts';
import { SimulatedMarket } from '../src/simulator/market.ts';

const recording = '../shared/data/binance-spot-btcusdt-2024-08-08.tsv.gz';
const seed = 20_240_808;
const startUs = 1_723_161_600_000_000;

/** What a trade and a quote are alike in. `symbol` is the venue's own, times are µs, the rest mantissas. */
interface Update {
  readonly symbol: string;
  readonly instrument: number;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
  readonly id: number;
  readonly time: number;
}
export interface TradeUpdate extends Update {
  readonly kind: 'trade';
  readonly price: number;
  readonly size: number;
  readonly takerSold: boolean;
}
export interface QuoteUpdate extends Update {
  readonly kind: 'quote';
  readonly bid: number;
  readonly bidSize: number;
  readonly ask: number;
  readonly askSize: number;
}
export type MarketUpdate = TradeUpdate | QuoteUpdate;

export interface WireInput {
  readonly words: string;
  readonly trades: TradeUpdate[];
  readonly quotes: QuoteUpdate[];
}

/** Up to `count` trades and quotes of one instrument. Quotes have their receive time in µs, as Binance sends none. */
export function oneInstrument(count: number): WireInput {
  if (!existsSync(recording)) {
    const updates = simulated(1, count * 6);
    return {
      words: `${count} trades and quotes of BTCUSDT as simulated (no recording here)`,
      ...parted(updates, count),
    };
  }
  const updates: MarketUpdate[] = [];
  for (const line of gunzipSync(readFileSync(recording)).toString().split('\n')) {
    const update = recorded(line);
    if (update !== undefined) updates.push(update);
  }
  const input = parted(updates, count);
  return {
    words: `${input.trades.length} trades and ${input.quotes.length} quotes of BTCUSDT recorded 2024-08-08`,
    ...input,
  };
}

/** Trades and quotes of 20 instruments in the order of their arrival. */
export function twentyInstruments(count: number): MarketUpdate[] {
  return simulated(20, count);
}

export const mixWords =
  "20 instruments of the simulator's market (Zipf activity, bursts, 3.5 quotes a trade, 10,000 ticks/s) in arrival order";

function parted(updates: readonly MarketUpdate[], count: number): Omit<WireInput, 'words'> {
  const trades = updates.filter((update) => update.kind === 'trade').slice(0, count);
  return { trades, quotes: updates.filter((update) => update.kind === 'quote').slice(0, count) };
}

interface Message {
  readonly stream?: string;
  readonly data: {
    t: number;
    T: number;
    p: string;
    q: string;
    m: boolean;
    u: number;
    b: string;
    B: string;
    a: string;
    A: string;
  };
}

const btcusdt = { symbol: 'BTCUSDT', instrument: 1, priceDecimals: 2, sizeDecimals: 5 };

function recorded(line: string): MarketUpdate | undefined {
  const [receivedNs = '', text = ''] = line.split('\t');
  const kind = text.startsWith('{"stream":"btcusdt@trade"')
    ? 'trade'
    : text.startsWith('{"stream":"btcusdt@bookTicker"')
      ? 'quote'
      : undefined;
  if (kind === undefined) return undefined;
  const { data } = JSON.parse(text) as Message;
  if (kind === 'trade') {
    return {
      kind,
      ...btcusdt,
      id: data.t,
      time: data.T * 1_000,
      price: priceOf(data.p),
      size: sizeOf(data.q),
      takerSold: data.m,
    };
  }
  const time = Math.floor(Number(receivedNs) / 1_000);
  const prices = {
    bid: priceOf(data.b),
    bidSize: sizeOf(data.B),
    ask: priceOf(data.a),
    askSize: sizeOf(data.A),
  };
  return { kind, ...btcusdt, id: data.u, time, ...prices };
}

function priceOf(text: string): number {
  return mantissaOf(text, btcusdt.priceDecimals);
}

function sizeOf(text: string): number {
  return mantissaOf(text, btcusdt.sizeDecimals);
}

function simulated(symbols: number, count: number): MarketUpdate[] {
  const market = new SimulatedMarket({ seed, symbols, ticksPerSecond: 10_000, startUs });
  const updates: MarketUpdate[] = [];
  market.voice = {
    trade: ({ index, instrument, tradeId }, price, size, timeUs, takerSold) => {
      const time = timeUs - (timeUs % 1_000);
      updates.push({
        kind: 'trade',
        ...termsOf(index, instrument),
        id: tradeId,
        time,
        price,
        size,
        takerSold,
      });
    },
    quote: ({ index, instrument, updateId, bids, asks }) => {
      const prices = { bid: bids.best, bidSize: bids.bestSize, ask: asks.best, askSize: asks.bestSize };
      updates.push({
        kind: 'quote',
        ...termsOf(index, instrument),
        id: updateId,
        time: Math.floor(market.timeUs),
        ...prices,
      });
    },
    aggregate: () => {},
    depth: () => {},
    second: () => {},
  };
  while (updates.length < count) market.advance(market.timeUs + 100_000, Number.MAX_SAFE_INTEGER);
  return updates.slice(0, count);
}

interface Terms {
  readonly symbol: string;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
}

function termsOf(
  index: number,
  { symbol, priceDecimals, sizeDecimals }: Terms,
): Terms & { instrument: number } {
  return { symbol, priceDecimals, sizeDecimals, instrument: index + 1 };
}
