/**
 * How a shard goes on where an earlier run ended: stored bars and trades become its first state.
 * Bars of different lengths are written at different moments; trades tell what each of them still lacks.
 */
import { limbsOf } from '../market/amount.ts';
import { barBit, barWord, barWords } from '../market/bar-words.ts';
import type { InstrumentSeed } from '../market/history.ts';
import { barOpen, nextBarOpen, resolutions } from '../market/resolution.ts';
import type { Bar, TradeRow } from '../market/tick.ts';
import { closedSlot } from './bars.ts';
import { incompleteBits, keepGap } from './gaps.ts';
import { keepMinute } from './minute-ring.ts';
import {
  closedBars,
  closedFrom,
  coldWords,
  counter,
  gapRangesMax,
  hot,
  hotWords,
  type ShardMemory,
  seedsFrom,
} from './shard-memory.ts';

/** Puts a seed into `row`. @returns bars of the earlier run that it completed: the store should have them. */
export function seedInstrument(memory: ShardMemory, row: number, seed: InstrumentSeed): Bar[] {
  const words = memory.hot;
  const at = row * hotWords;
  const last = newestTime(seed);
  const completed: Bar[] = [];
  if (seed.enigma !== undefined) {
    words[at + hot.ath] = seed.enigma.ath;
    words[at + hot.athTime] = seed.enigma.athTime;
    words[at + hot.atl] = seed.enigma.atl;
    words[at + hot.atlTime] = seed.enigma.atlTime;
  }
  for (const bar of seed.bars) seedExtremes(memory, row, bar.high, bar.openTime, bar.low, bar.openTime);
  for (const trade of seed.trades)
    seedExtremes(memory, row, trade.price, trade.time, trade.price, trade.time);
  seedGaps(memory, row, seed);
  if (last === 0) return completed;
  for (let resolution = 0; resolution < resolutions.length; resolution++) {
    const open = barOpen(resolution, last);
    const forming = at + hot.bars + resolution * barWords;
    words[forming + barWord.openTime] = open;
    words[forming + barWord.flags] = incompleteBits(memory, row, open, nextBarOpen(resolution, open));
    forgetBefore(memory, row, resolution, open);
    const stored = seed.bars.find((bar) => bar.resolution === resolution);
    if (stored?.closed === true) writeClosed(memory, row, stored);
    for (const bar of completeBars(seed, resolution)) {
      if (bar.openTime === open && !bar.closed) {
        const to = row * coldWords + seedsFrom + resolution * barWords;
        writeBar(memory.cold, to, bar);
        memory.cold[to + barWord.flags] = seedFlags(memory, row, bar);
        continue;
      }
      const incomplete = seedFlags(memory, row, bar) !== 0;
      completed.push({ ...bar, closed: true, incomplete });
      writeClosed(memory, row, bar);
    }
  }
  memory.coldTouched[row] = 1;
  // The first clock ends what has ended meanwhile, even if no trade comes.
  words[at + hot.dueAt] = last;
  seedPrices(memory, row, seed, completed);
  return completed;
}

/**
 * Bars from before `open` were kept by the earlier run alone: a late trade must not make them anew from itself. So each
 * place among the closed ones is given to `open`, as if that had been the last to close there.
 */
function forgetBefore(memory: ShardMemory, row: number, resolution: number, open: number): void {
  const from = row * coldWords + closedFrom[resolution]!;
  for (let place = 0; place < closedBars[resolution]!; place++) {
    memory.cold[from + place * barWords + barWord.openTime] = open;
    memory.cold[from + place * barWords + barWord.flags] = barBit.closed;
  }
}

/** Puts an ended bar where late trades find it. */
function writeClosed(memory: ShardMemory, row: number, bar: Bar): void {
  const at = closedSlot(row, bar.resolution, bar.openTime);
  writeBar(memory.cold, at, bar);
  memory.cold[at + barWord.flags] = seedFlags(memory, row, bar) | barBit.closed;
}

/** Gaps of earlier runs are open gaps. Of too many, the oldest are left to the store as they are. */
function seedGaps(memory: ShardMemory, row: number, { openGaps = [] }: InstrumentSeed): void {
  for (const gap of openGaps.slice(0, Math.max(0, openGaps.length - gapRangesMax)))
    memory.counters[counter.idsLost]! += gap.to - gap.from + 1;
  for (const { from, to, fromTime, toTime } of openGaps.slice(-gapRangesMax))
    keepGap(memory, row, from, to, Math.min(fromTime, toTime), Math.max(fromTime, toTime));
}

/**
 * The flags of a stored bar for what it lacks. One that no open gap touches lacks it for good; of one that a gap touches,
 * the gap is taken for the reason.
 */
function seedFlags(memory: ShardMemory, row: number, bar: Bar): number {
  const bits = incompleteBits(memory, row, bar.openTime, nextBarOpen(bar.resolution, bar.openTime));
  return bar.incomplete && bits === 0 ? barBit.incomplete | barBit.lost : bits;
}

/** How far the earlier run had come: past the end of what it closed. */
function newestTime(seed: InstrumentSeed): number {
  const times = seed.trades.map((trade) => trade.time);
  for (const bar of seed.bars)
    times.push(bar.closed ? nextBarOpen(bar.resolution, bar.openTime) : bar.openTime);
  return times.reduce((newest, time) => Math.max(newest, time), 0);
}

function seedPrices(memory: ShardMemory, row: number, seed: InstrumentSeed, completed: readonly Bar[]): void {
  const words = memory.hot;
  const at = row * hotWords;
  const newest = seed.bars.reduce(
    (best, bar) => (bar.lastId > best.lastId ? bar : best),
    seed.bars[0] ?? emptyLast,
  );
  const last = seed.trades.at(-1) ?? seed.lastTrade;
  const id = last?.id ?? newest.lastId;
  words[at + hot.tradeId] = id;
  words[at + hot.nextId] = id + 1;
  words[at + hot.price] = last?.price ?? newest.close;
  words[at + hot.size] = last?.size ?? 0;
  words[at + hot.tradeTime] = last?.time ?? newest.openTime;
  const scratch = new Float64Array(barWords);
  const ended = [...seed.bars.filter((bar) => bar.closed), ...completed].filter(
    (bar) => bar.resolution === 2,
  );
  for (const minute of [...seed.minutes, ...ended]) {
    writeBar(scratch, 0, minute);
    keepMinute(memory, row, scratch, 0);
  }
}

const emptyLast = { lastId: 0, close: 0, openTime: 0 };

/** The bars of one resolution from the newest stored one on, with the trades that it lacks; only what changed or is open. */
function completeBars(seed: InstrumentSeed, resolution: number): Bar[] {
  const stored = seed.bars.find((bar) => bar.resolution === resolution);
  const bars = new Map<number, Bar>();
  if (stored !== undefined && !stored.closed) bars.set(stored.openTime, stored);
  for (const trade of seed.trades) {
    if (stored !== undefined && trade.lastId <= stored.lastId) continue;
    const open = barOpen(resolution, trade.time);
    const base = bars.get(open) ?? (stored?.openTime === open ? stored : undefined);
    bars.set(open, withTrade(base, trade, resolution, open));
  }
  return [...bars.values()];
}

/** The bar with one more trade, younger than all in it. */
function withTrade(bar: Bar | undefined, trade: TradeRow, resolution: number, openTime: number): Bar {
  const quote = BigInt(trade.price) * BigInt(trade.size);
  const size = BigInt(trade.size);
  const bought = trade.takerSold ? 0n : 1n;
  return {
    instrument: trade.instrument,
    resolution,
    openTime,
    open: bar?.open ?? trade.price,
    high: Math.max(bar?.high ?? trade.price, trade.price),
    low: Math.min(bar?.low ?? trade.price, trade.price),
    close: trade.price,
    volume: (bar?.volume ?? 0n) + size,
    quoteVolume: (bar?.quoteVolume ?? 0n) + quote,
    takerBuyVolume: (bar?.takerBuyVolume ?? 0n) + bought * size,
    takerBuyQuoteVolume: (bar?.takerBuyQuoteVolume ?? 0n) + bought * quote,
    count: (bar?.count ?? 0) + trade.lastId - trade.firstId + 1,
    firstId: bar?.firstId ?? trade.firstId,
    lastId: trade.lastId,
    revision: bar === undefined ? 0 : bar.closed ? bar.revision + 1 : bar.revision,
    closed: bar?.closed ?? false,
    incomplete: bar?.incomplete ?? false,
  };
}

function writeBar(words: Float64Array, at: number, bar: Bar): void {
  words.fill(0, at, at + barWords);
  words[at + barWord.openTime] = bar.openTime;
  words[at + barWord.open] = bar.open;
  words[at + barWord.high] = bar.high;
  words[at + barWord.low] = bar.low;
  words[at + barWord.close] = bar.close;
  for (const [word, sum] of [
    [barWord.volume, bar.volume],
    [barWord.quoteVolume, bar.quoteVolume],
    [barWord.takerBuyVolume, bar.takerBuyVolume],
    [barWord.takerBuyQuoteVolume, bar.takerBuyQuoteVolume],
  ] as const) {
    const [low, high] = limbsOf(sum);
    words[at + word] = low;
    words[at + word + 1] = high;
  }
  words[at + barWord.count] = bar.count;
  words[at + barWord.firstId] = bar.firstId;
  words[at + barWord.lastId] = bar.lastId;
  words[at + barWord.revision] = bar.revision;
  words[at + barWord.lastTime] = bar.openTime;
}

/** Raises or lowers the all-time extremes. */
export function seedExtremes(
  memory: ShardMemory,
  row: number,
  ath: number,
  athTime: number,
  atl: number,
  atlTime: number,
): void {
  const words = memory.hot;
  const at = row * hotWords;
  if (ath > words[at + hot.ath]!) {
    words[at + hot.ath] = ath;
    words[at + hot.athTime] = athTime;
  }
  if (words[at + hot.atl] === 0 || atl < words[at + hot.atl]!) {
    words[at + hot.atl] = atl;
    words[at + hot.atlTime] = atlTime;
  }
}
