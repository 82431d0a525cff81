import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { extend, flatBar } from '../../src/simulator/bar.ts';
import { History } from '../../src/simulator/history.ts';
import { simulatedInstruments } from '../../src/simulator/instrument.ts';
import { intervals, nextOpen } from '../../src/simulator/interval.ts';
import { type MarketVoice, SimulatedMarket } from '../../src/simulator/market.ts';
import { Series } from '../../src/simulator/series.ts';

const startMs = Date.UTC(2026, 0, 31, 23, 59, 50);
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

class Ear implements MarketVoice {
  readonly heard: string[] = [];
  trade: MarketVoice['trade'] = (pit, price, size, timeUs, maker) =>
    this.heard.push(`trade ${pit.index} ${pit.tradeId} ${price} ${size} ${timeUs} ${maker}`);
  aggregate: MarketVoice['aggregate'] = (pit, price, size, firstId, timeUs, maker) =>
    this.heard.push(
      `aggregate ${pit.index} ${pit.aggregateId} ${firstId} ${pit.tradeId} ${price} ${size} ${timeUs} ${maker}`,
    );
  quote: MarketVoice['quote'] = (pit) =>
    this.heard.push(
      `quote ${pit.index} ${pit.updateId} ${pit.bids.best} ${pit.bids.bestSize} ${pit.asks.best} ${pit.asks.bestSize}`,
    );
  depth: MarketVoice['depth'] = (pit, timeUs, firstId, bids, asks) =>
    this.heard.push(`depth ${pit.index} ${timeUs} ${firstId} ${pit.updateId} ${bids.join()} ${asks.join()}`);
  second: MarketVoice['second'] = (ms) => this.heard.push(`second ${ms}`);
}

function run(
  marketSeed: number,
  seconds: number,
  arrivalsPerStep: number,
  symbols = 24,
  ticksPerSecond = 400,
): { ear: Ear; market: SimulatedMarket } {
  const market = new SimulatedMarket({ seed: marketSeed, symbols, ticksPerSecond, startUs: startMs * 1_000 });
  const ear = new Ear();
  market.voice = ear;
  while (!market.advance((startMs + seconds * 1_000) * 1_000, arrivalsPerStep));
  return { ear, market };
}

const digestOf = (lines: readonly string[]): string =>
  createHash('sha256').update(lines.join('\n')).digest('hex');

describe('the simulated market', () => {
  test(`is the same for the same seed, however it is cut into turns (SEED=${seed})`, () => {
    const whole = run(seed, 20, Infinity).ear.heard;
    expect(whole.length).toBeGreaterThan(3_000);
    expect(digestOf(run(seed, 20, 1).ear.heard)).toBe(digestOf(whole));
    expect(digestOf(run(seed + 1, 20, Infinity).ear.heard)).not.toBe(digestOf(whole));
  });

  test(`goes on from a saved state to the same session (SEED=${seed})`, () => {
    const { market } = run(seed, 10, Infinity);
    const copy = new SimulatedMarket({ seed, symbols: 24, ticksPerSecond: 400, startUs: 0 });
    copy.restore(JSON.parse(JSON.stringify(market.state())));
    const ears = [market, copy].map((each) => {
      const ear = new Ear();
      each.voice = ear;
      each.advance((startMs + 20_000) * 1_000, Infinity);
      return ear.heard;
    });
    expect(ears[1]).toEqual(ears[0]);
  });

  test(`never quotes a crossed or empty book, and trades at the bid or ask last quoted (SEED=${seed})`, () => {
    const { ear } = run(seed, 30, Infinity, 24, 2_000);
    const quoted = new Map<number, { bid: number; ask: number }>();
    const wrong: string[] = [];
    for (const line of ear.heard) {
      const [word, ...rest] = line.split(' ');
      const [index = 0, , third = 0, fourth = 0, fifth = 0, sixth = 0] = rest.map(Number);
      if (word === 'quote') {
        const [bid, bidSize, ask, askSize] = [third, fourth, fifth, sixth];
        if (!(bid < ask && bid > 0 && bidSize > 0 && askSize > 0)) wrong.push(line);
        quoted.set(index, { bid, ask });
      } else if (word === 'trade') {
        const top = quoted.get(index);
        if (top !== undefined && third !== (rest[5] === 'true' ? top.bid : top.ask)) wrong.push(line);
      }
    }
    expect(quoted.size).toBe(24);
    expect(wrong).toEqual([]);
  });

  test(`numbers trades without a hole, and aggregates cover them without overlap (SEED=${seed})`, () => {
    const { ear } = run(seed, 60, Infinity);
    const last = new Map<string, number>();
    const wrong: string[] = [];
    const follows = (key: string, first: number, until: number): boolean => {
      const before = last.get(key);
      last.set(key, until);
      return before === undefined || first === before + 1;
    };
    for (const line of ear.heard) {
      const [word, index, ...rest] = line.split(' ');
      const [id = 0, firstId = 0, lastId = 0] = rest.map(Number);
      if (word === 'trade' && !follows(`trade ${index}`, id, id)) wrong.push(line);
      if (word !== 'aggregate') continue;
      const joined = follows(`aggregate ${index}`, id, id) && follows(`range ${index}`, firstId, lastId);
      if (!joined || lastId !== last.get(`trade ${index}`)) wrong.push(line);
    }
    expect(last.size).toBe(72);
    expect(wrong).toEqual([]);
  });

  test(`its depth messages join without a hole and lead to the quoted top (SEED=${seed})`, () => {
    const fresh = new SimulatedMarket({ seed, symbols: 24, ticksPerSecond: 400, startUs: startMs * 1_000 });
    const books = fresh.pits.map(({ bids, asks }) =>
      [bids, asks].map(({ prices, sizes }) => new Map(prices.map((price, i) => [price, sizes[i]!]))),
    );
    const reached = new Map<number, number>();
    const tops = new Map<number, string>();
    let compared = 0;
    for (const line of run(seed, 60, Infinity).ear.heard) {
      const words = line.split(' ');
      const index = Number(words[1]);
      if (words[0] === 'quote') tops.set(index, [words[3], words[4], words[5], words[6]].join());
      if (words[0] !== 'depth') continue;
      expect(Number(words[3])).toBe((reached.get(index) ?? fresh.pits[index]!.updateId) + 1);
      reached.set(index, Number(words[4]));
      for (const side of [0, 1]) apply(books[index]![side]!, words[5 + side]!);
      const [bids, asks] = books[index]!.map((side) => [...side.keys()]);
      const [bid, ask] = [Math.max(...bids!), Math.min(...asks!)];
      const top = [bid, books[index]![0]!.get(bid), ask, books[index]![1]!.get(ask)].join();
      expect(top).toBe(tops.get(index) ?? top);
      compared++;
    }
    expect(compared).toBeGreaterThan(1_000);
  });

  test('has three and a half quotes for each trade, about the rate asked for, and bursts', () => {
    const { ear } = run(3, 120, Infinity);
    const count = (word: string): number => ear.heard.filter((line) => line.startsWith(word)).length;
    const [trades, quotes] = [count('trade'), count('quote')];
    expect(quotes / trades).toBeGreaterThan(3);
    expect(quotes / trades).toBeLessThan(4);
    expect((trades + quotes) / 120 / 400).toBeGreaterThan(0.85);
    expect((trades + quotes) / 120 / 400).toBeLessThan(1.15);
  });

  test('lists up to 600 symbols with distinct names, tick and step fitting eight digits', () => {
    const all = simulatedInstruments(600);
    expect(new Set(all.map(({ symbol }) => symbol)).size).toBe(600);
    for (const each of all) {
      expect(each.priceDecimals + each.sizeDecimals).toBeLessThanOrEqual(8);
      expect(each.openingPrice).toBeGreaterThan(100);
      expect(each.symbol).toMatch(/^[A-Z]{2,5}USDT$/);
    }
  });
});

function apply(side: Map<number, number>, changes: string): void {
  const numbers = changes === '' ? [] : changes.split(',').map(Number);
  for (let i = 0; i < numbers.length; i += 2) {
    if (numbers[i + 1] === 0) side.delete(numbers[i]!);
    else side.set(numbers[i]!, numbers[i + 1]!);
  }
}

describe('bars of the simulated market', () => {
  test(`at every interval add up, history and session together, without a hole (SEED=${seed})`, () => {
    const { market } = run(seed, 90, Infinity);
    const pit = market.pits[0]!;
    const series = new Series(pit.tape, new History(pit.instrument, seed, startMs));
    const nowMs = startMs + 90_000;
    const minutes = series.bars('1m', nowMs - 3 * 86_400_000, nowMs, Infinity);
    for (const interval of intervals) {
      if (interval === '1s') continue;
      const bars = series.bars(interval, nowMs - 2 * 86_400_000, nowMs, Infinity);
      for (const [i, bar] of bars.entries()) {
        const place = i === 0 ? bar.openMs : nextOpen(interval, bars[i - 1]!.openMs);
        expect(bar.openMs).toBe(place);
        const sum = flatBar(bar.openMs, bar.open);
        for (const minute of minutes) {
          if (minute.openMs >= bar.openMs && minute.openMs < nextOpen(interval, bar.openMs))
            extend(sum, minute);
        }
        expect({ ...sum, firstId: 0, lastId: 0 }).toEqual({ ...bar, firstId: 0, lastId: 0 });
      }
    }
  });

  test('of one second add up to the minute, in the session and in the history', () => {
    const { market } = run(5, 90, Infinity);
    const pit = market.pits[0]!;
    const series = new Series(pit.tape, new History(pit.instrument, 5, startMs));
    for (const from of [startMs + 10_000, startMs - 86_400_000 - (startMs % 60_000)]) {
      const [minute] = series.bars('1m', from, from, 1);
      const seconds = series.bars('1s', from, from + 59_999, 60);
      expect(seconds.length).toBe(60);
      const sum = flatBar(from, minute!.open);
      for (const second of seconds) extend(sum, second);
      expect({ ...sum, firstId: 0, lastId: 0 }).toEqual({ ...minute, firstId: 0, lastId: 0 });
    }
  });

  test('have at least 400 days of history that ends at the opening price', () => {
    for (const instrument of simulatedInstruments(60).filter((_, rank) => rank % 8 === 0)) {
      const tape = new SimulatedMarket({ seed: 1, symbols: 1, ticksPerSecond: 1, startUs: 0 }).pits[0]!.tape;
      const series = new Series(tape, new History(instrument, 1, startMs));
      const days = series.bars('1d', undefined, startMs, 1_000);
      expect(days.length).toBeGreaterThan(400);
      expect(days.at(-1)!.close).toBe(instrument.openingPrice);
      for (const bar of days) {
        expect(
          bar.low <= Math.min(bar.open, bar.close) &&
            bar.high >= Math.max(bar.open, bar.close) &&
            bar.low > 0,
        ).toBe(true);
      }
    }
  });
});
