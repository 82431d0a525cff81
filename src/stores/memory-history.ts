/** History in memory, bounded: the twin of the stores on disk, for tests and for runs that keep nothing. */
import type { BarsQuery, HistoryReader, HistoryWriter, MarketBatch, TradesQuery } from '../market/history.ts';
import type { Instrument } from '../market/instrument.ts';
import type { Bar, Enigma, TradeRow } from '../market/tick.ts';

export interface MemoryHistoryLimits {
  /** Trades per instrument. The oldest ids go first. */
  readonly trades: number;
  /** Bars per instrument and resolution. The oldest go first. */
  readonly bars: number;
}

interface Held {
  readonly trades: Map<number, TradeRow>;
  /** By resolution, then by open time. */
  readonly bars: Map<number, Map<number, Bar>>;
  enigma: Enigma | undefined;
}

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
    for (const row of [...batch.trades, ...batch.bars, ...batch.quotes, ...batch.enigma]) {
      if (!this.#symbols.has(row.instrument)) throw new RangeError(`instrument ${row.instrument} is unknown`);
    }
    for (const trade of batch.trades) this.#putTrade(trade);
    for (const bar of batch.bars) this.#putBar(bar);
    for (const enigma of batch.enigma) {
      const held = this.#of(enigma.instrument);
      if (held.enigma === undefined || enigma.time >= held.enigma.time) held.enigma = enigma;
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

  async close(): Promise<void> {}

  #of(instrument: number): Held {
    const symbol = this.#symbols.get(instrument)!;
    let held = this.#held.get(symbol);
    if (held === undefined)
      this.#held.set(symbol, (held = { trades: new Map(), bars: new Map(), enigma: undefined }));
    return held;
  }

  #putTrade(trade: TradeRow): void {
    const { trades } = this.#of(trade.instrument);
    if (trades.has(trade.id)) return;
    trades.set(trade.id, trade);
    dropOldest(trades, this.#limits.trades);
  }

  #putBar(bar: Bar): void {
    const { bars } = this.#of(bar.instrument);
    let line = bars.get(bar.resolution);
    if (line === undefined) bars.set(bar.resolution, (line = new Map<number, Bar>()));
    const known = line.get(bar.openTime);
    if (known !== undefined && isOlderState(bar, known)) return;
    line.set(bar.openTime, bar);
    dropOldest(line, this.#limits.bars);
  }
}

/** True when `bar` is an earlier state than `known`: by newest id, revision, closed after forming, then trades held. */
function isOlderState(bar: Bar, known: Bar): boolean {
  return (
    (bar.lastId - known.lastId ||
      bar.revision - known.revision ||
      Number(bar.closed) - Number(known.closed) ||
      bar.count - known.count) < 0
  );
}

function dropOldest(map: Map<number, unknown>, max: number): void {
  if (map.size > max) map.delete([...map.keys()].reduce((least, key) => Math.min(least, key)));
}
