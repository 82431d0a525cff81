/** History in memory, bounded: the twin of the stores on disk, for tests and for runs that keep nothing. */
import type {
  BarAmendment,
  BarsCompletion,
  BarsQuery,
  GapRange,
  HistoryReader,
  HistoryWriter,
  MarketBatch,
  QuarantinedTrade,
  TradesQuery,
} from '../market/history.ts';
import type { Instrument } from '../market/instrument.ts';
import { barOpen, nextBarOpen } from '../market/resolution.ts';
import type { Bar, Enigma, GapNotice, TradeRow } from '../market/tick.ts';
import { amendedBar, backfillFate, isOlderState } from './bar-rules.ts';
import { isLacking, judgedTimes, rangesAfter } from './gap-ranges.ts';

export interface MemoryHistoryLimits {
  /** Trades per instrument. The oldest ids go first. */
  readonly trades: number;
  /** Bars per instrument and resolution. The oldest go first. */
  readonly bars: number;
  /** Gap ranges per instrument, and trades in quarantine. The oldest ids go first. */
  readonly faults?: number;
}

interface Held {
  readonly trades: Map<number, TradeRow>;
  /** By resolution, then by open time. */
  readonly bars: Map<number, Map<number, Bar>>;
  enigma: Enigma | undefined;
  gaps: GapRange[];
  readonly quarantine: Map<number, QuarantinedTrade>;
}

const faultsMax = 10_000;

export class MemoryHistory implements HistoryWriter, HistoryReader {
  readonly #limits: MemoryHistoryLimits;
  readonly #symbols: ReadonlyMap<number, string>;
  readonly #held = new Map<string, Held>();

  constructor(
    dictionary: readonly Instrument[],
    limits: MemoryHistoryLimits = { trades: 100_000, bars: 10_000 },
  ) {
    this.#symbols = new Map(dictionary.map(({ id, symbol }) => [id, symbol]));
    this.#limits = limits;
  }

  async write(batch: MarketBatch): Promise<void> {
    const amendments = batch.amendments ?? [];
    const faults = [...(batch.gaps ?? []), ...(batch.completions ?? []), ...(batch.quarantined ?? [])];
    const candles = batch.backfill ?? [];
    const market = [...batch.trades, ...batch.bars, ...batch.quotes, ...batch.enigma];
    for (const row of [...market, ...candles, ...amendments, ...faults]) {
      if (!this.#symbols.has(row.instrument)) throw new RangeError(`instrument ${row.instrument} is unknown`);
    }
    const isAwaited = (trade: TradeRow): boolean =>
      amendments.some(({ instrument, id }) => instrument === trade.instrument && id === trade.id);
    const news = batch.trades.filter((trade) => this.#putTrade(trade) && isAwaited(trade));
    for (const bar of batch.bars) this.#putBar(bar);
    for (const candle of candles) this.#putCandle(candle, batch.replaceIncomplete === true);
    for (const enigma of batch.enigma) {
      const held = this.#of(enigma.instrument);
      if (held.enigma === undefined || enigma.time >= held.enigma.time) held.enigma = enigma;
    }
    this.#amend(amendments, news);
    for (const gap of batch.gaps ?? []) this.#putGap(gap);
    for (const times of batch.completions ?? []) this.#complete(times);
    for (const trade of batch.quarantined ?? []) {
      const { quarantine } = this.#of(trade.instrument);
      if (!quarantine.has(trade.id)) quarantine.set(trade.id, trade);
      dropOldest(quarantine, this.#limits.faults ?? faultsMax);
    }
  }

  async bars({ symbol, resolution, from, to, limit }: BarsQuery): Promise<Bar[]> {
    const bars = this.#held.get(symbol)?.bars.get(resolution)?.values() ?? [];
    const found = [...bars].filter(({ openTime }) => from <= openTime && openTime < to);
    return found.toSorted((a, b) => a.openTime - b.openTime).slice(Math.max(0, found.length - limit));
  }

  async trades({ symbol, fromId, toId, limit, newest = false }: TradesQuery): Promise<TradeRow[]> {
    const found = [...(this.#held.get(symbol)?.trades.values() ?? [])].filter(
      ({ id }) => fromId <= id && id <= toId,
    );
    const from = newest ? Math.max(0, found.length - limit) : 0;
    return found.toSorted((a, b) => a.id - b.id).slice(from, from + limit);
  }

  async enigma(symbol: string): Promise<Enigma | undefined> {
    return this.#held.get(symbol)?.enigma;
  }

  async gaps(symbol: string, limit: number): Promise<GapRange[]> {
    return this.#held.get(symbol)?.gaps.slice(-limit) ?? [];
  }

  async quarantined(symbol: string, limit: number): Promise<QuarantinedTrade[]> {
    const found = [...(this.#held.get(symbol)?.quarantine.values() ?? [])];
    return found.toSorted((a, b) => a.id - b.id).slice(-limit);
  }

  async close(): Promise<void> {}

  #of(instrument: number): Held {
    const symbol = this.#symbols.get(instrument)!;
    let held = this.#held.get(symbol);
    if (held === undefined) {
      held = { trades: new Map(), bars: new Map(), enigma: undefined, gaps: [], quarantine: new Map() };
      this.#held.set(symbol, held);
    }
    return held;
  }

  /** @returns true when it is new */
  #putTrade(trade: TradeRow): boolean {
    const { trades } = this.#of(trade.instrument);
    if (trades.has(trade.id)) return false;
    trades.set(trade.id, trade);
    dropOldest(trades, this.#limits.trades);
    return true;
  }

  #line(instrument: number, resolution: number): Map<number, Bar> {
    const { bars } = this.#of(instrument);
    let line = bars.get(resolution);
    if (line === undefined) bars.set(resolution, (line = new Map<number, Bar>()));
    return line;
  }

  #keep(bar: Bar): void {
    const line = this.#line(bar.instrument, bar.resolution);
    line.set(bar.openTime, bar);
    dropOldest(line, this.#limits.bars);
  }

  #putBar(bar: Bar): void {
    const known = this.#line(bar.instrument, bar.resolution).get(bar.openTime);
    if (known === undefined || !isOlderState(bar, known)) this.#keep(bar);
  }

  #putCandle(candle: Bar, replace: boolean): void {
    const line = this.#line(candle.instrument, candle.resolution);
    const newerOwn = (): boolean =>
      [...line.values()].some((bar) => bar.backfilled !== true && bar.openTime > candle.openTime);
    const fate = backfillFate(line.get(candle.openTime), candle, replace, newerOwn);
    if (fate !== 'left' && fate !== 'same') this.#keep({ ...candle, backfilled: true });
  }

  #amend(amendments: readonly BarAmendment[], news: readonly TradeRow[]): void {
    const done = new Set<string>();
    for (const trade of amendments) {
      const { instrument, id, resolution, openTime } = trade;
      const key = `${instrument} ${id} ${resolution}`;
      if (done.has(key) || !news.some((row) => row.instrument === instrument && row.id === id)) continue;
      done.add(key);
      const known = this.#line(instrument, resolution).get(openTime);
      if (known?.backfilled !== true) this.#keep(amendedBar(known, trade));
    }
  }

  #putGap(notice: GapNotice): void {
    const held = this.#of(notice.instrument);
    const isNear = ({ from, to }: GapRange): boolean => to >= notice.from - 1 && from <= notice.to + 1;
    const after = rangesAfter(held.gaps.filter(isNear), notice, (from, to, usual) => {
      const trades = [...held.trades.values()].toSorted((a, b) => a.id - b.id);
      const before = trades.findLast(({ id }) => id < from)?.time ?? usual;
      const behind = trades.find(({ id }) => id > to)?.time ?? usual;
      return [Math.min(before, behind), Math.max(before, behind)];
    });
    if (after === undefined) return;
    const others = held.gaps.filter((range) => !isNear(range));
    held.gaps = [...others, ...after].toSorted((a, b) => a.from - b.from);
    held.gaps = held.gaps.slice(-(this.#limits.faults ?? faultsMax));
  }

  #complete({ instrument, from, to }: BarsCompletion): void {
    const { gaps, bars } = this.#of(instrument);
    const [first, last] = judgedTimes(from, to, gaps);
    for (const [resolution, line] of bars) {
      for (const bar of line.values()) {
        const { openTime, incomplete, backfilled } = bar;
        if (!incomplete || backfilled === true) continue;
        if (openTime < barOpen(resolution, first) || openTime > last) continue;
        const next = nextBarOpen(resolution, openTime);
        if (gaps.some((range) => isLacking(range, openTime, next))) continue;
        line.set(openTime, { ...bar, incomplete: false });
      }
    }
  }
}

function dropOldest(map: Map<number, unknown>, max: number): void {
  if (map.size > max) map.delete([...map.keys()].reduce((least, key) => Math.min(least, key)));
}
