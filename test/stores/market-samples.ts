/** Instruments, trades and bars for the stores' tests, and the obvious way from trades to bars. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MarketBatch } from '../../src/market/history.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { barOpen } from '../../src/market/resolution.ts';
import type { Bar, TradeRow } from '../../src/market/tick.ts';

export const sampleTime = 1_723_161_600_000_000;

export function instrumentOf(id: number, native: string, priceDecimals = 2, sizeDecimals = 5): Instrument {
  const symbol = `BINANCE:${native}`;
  const base = native.replace(/USDT$/, '');
  return {
    id,
    venue: 'BINANCE',
    native,
    symbol,
    base,
    quote: 'USDT',
    priceDecimals,
    sizeDecimals,
    active: true,
  };
}

export function tradeOf(id: number, changes: Partial<TradeRow> = {}): TradeRow {
  return {
    instrument: 1,
    id,
    time: sampleTime + id * 1_000,
    received: sampleTime + id * 1_000 + 77,
    price: 6_183_763,
    size: 1_234,
    takerSold: id % 2 === 0,
    merged: 1,
    bid: 6_183_762,
    ask: 6_183_764,
    firstId: id,
    lastId: id,
    ...changes,
  };
}

export function barOf(openTime: number, changes: Partial<Bar> = {}): Bar {
  return {
    instrument: 1,
    resolution: 2,
    openTime,
    open: 100,
    high: 140,
    low: 90,
    close: 120,
    volume: 5n,
    quoteVolume: 500n,
    takerBuyVolume: 2n,
    takerBuyQuoteVolume: 200n,
    count: 3,
    firstId: 1,
    lastId: 3,
    revision: 0,
    closed: true,
    incomplete: false,
    ...changes,
  };
}

export function batchOf(parts: Partial<MarketBatch>): MarketBatch {
  return { trades: [], bars: [], quotes: [], enigma: [], ...parts };
}

/** The same seed gives the same throws: 0 ≤ x < 1. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The bar with one more trade, younger than all in it. */
export function withTrade(bar: Bar | undefined, trade: TradeRow, resolution: number): Bar {
  const size = BigInt(trade.size);
  const quote = BigInt(trade.price) * size;
  const bought = trade.takerSold ? 0n : 1n;
  return {
    instrument: trade.instrument,
    resolution,
    openTime: barOpen(resolution, trade.time),
    open: bar?.open ?? trade.price,
    high: Math.max(bar?.high ?? 0, trade.price),
    low: Math.min(bar?.low ?? Number.POSITIVE_INFINITY, trade.price),
    close: trade.price,
    volume: (bar?.volume ?? 0n) + size,
    quoteVolume: (bar?.quoteVolume ?? 0n) + quote,
    takerBuyVolume: (bar?.takerBuyVolume ?? 0n) + bought * size,
    takerBuyQuoteVolume: (bar?.takerBuyQuoteVolume ?? 0n) + bought * quote,
    count: (bar?.count ?? 0) + 1,
    firstId: bar?.firstId ?? trade.id,
    lastId: trade.id,
    revision: 0,
    closed: false,
    incomplete: false,
  };
}

/** All bars of one resolution from trades that rise in time; all but the newest are closed. */
export function barsFrom(trades: readonly TradeRow[], resolution: number): Bar[] {
  const bars = new Map<number, Bar>();
  for (const trade of trades) {
    const open = barOpen(resolution, trade.time);
    bars.set(open, withTrade(bars.get(open), trade, resolution));
  }
  return [...bars.values()].map((bar, index) => ({ ...bar, closed: index < bars.size - 1 }));
}

/** A folder for one test file, and what removes it. */
export function scratchFolder(): { file: (name: string) => string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'tickwire-stores-'));
  return {
    file: (name) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
