/** What a store makes of a shard's rows, in the most obvious way: maps, and a look at everything. Judges the rows. */
import assert from 'node:assert/strict';
import { nextBarOpen } from '../../src/market/resolution.ts';
import type { Bar, TradeRow } from '../../src/market/tick.ts';
import { barRowAt, gapState, tradeRowAt } from '../../src/wire/row.ts';
import { barKey, type PlainRow } from './shard-bench.ts';

export class ObviousStore {
  readonly trades = new Map<number, TradeRow>();
  readonly bars = new Map<string, Bar>();
  /** Ids that are missing: false while they may still come, true when lost. */
  readonly missing = new Map<number, boolean>();
  readonly quarantined: { id: number; time: number; price: number; reference: number }[] = [];
  /** The first trade ever: what was before it is unknown. */
  first = 0;
  amendments = 0;

  take(row: PlainRow): void {
    const { words } = row;
    switch (row.kind) {
      case 'trade': {
        const trade = tradeRowAt(words, 0);
        assert.ok(!this.trades.has(trade.id), `trade ${trade.id} came twice`);
        this.trades.set(trade.id, trade);
        break;
      }
      case 'bar': {
        const bar = barRowAt(words, 0);
        this.bars.set(barKey(bar), bar);
        break;
      }
      case 'amend':
        this.#amend(row);
        break;
      case 'gap':
        this.#gap(words[1]!, words[2]!, words[3]!);
        break;
      case 'complete':
        this.#complete(words[1]!, words[2]!);
        break;
      case 'quarantine':
        this.quarantined.push({ id: words[1]!, time: words[2]!, price: words[4]!, reference: words[6]! });
        break;
      case 'quote':
      case 'enigma':
      case 'rescale':
        break;
      case 'bookRequest':
      case 'status':
      case 'source':
      case 'decimals':
        assert.fail(`a store gets no ${row.kind} rows`);
    }
  }

  #gap(state: number, from: number, to: number): void {
    if (from === 0) {
      assert.deepEqual([state, this.first], [gapState.lost, 0]);
      this.first = to + 1;
      return;
    }
    for (let id = from; id <= to; id++) {
      if (state === gapState.gap) {
        assert.ok(!this.missing.has(id) && !this.trades.has(id), `${id} is not missing`);
        this.missing.set(id, false);
      } else if (state === gapState.lost) this.missing.set(id, true);
      else {
        assert.ok(this.missing.has(id), `${id} was not missing`);
        assert.ok(this.trades.has(id) || this.quarantined.some((one) => one.id === id));
        this.missing.delete(id);
      }
    }
  }

  #amend({ instrument, words }: PlainRow): void {
    const [, resolution, openTime, id, time, price, size, firstId, lastId, sold] = words as unknown as [
      ...number[],
    ] as [number, number, number, number, number, number, number, number, number, number];
    assert.equal(this.trades.get(id)?.time, time);
    this.amendments++;
    const key = barKey({ instrument, resolution, openTime });
    const quote = BigInt(price) * BigInt(size);
    const bought = sold === 1 ? 0n : 1n;
    const nothing = { volume: 0n, quoteVolume: 0n, takerBuyVolume: 0n, takerBuyQuoteVolume: 0n, count: 0 };
    const ends = { open: price, high: price, low: price, close: price, firstId, lastId };
    const made = { instrument, resolution, openTime, revision: 0, closed: true, incomplete: true };
    const old: Bar = this.bars.get(key) ?? { ...made, ...ends, ...nothing };
    this.bars.set(key, {
      ...old,
      open: firstId < old.firstId ? price : old.open,
      close: lastId > old.lastId ? price : old.close,
      high: Math.max(old.high, price),
      low: Math.min(old.low, price),
      volume: old.volume + BigInt(size),
      quoteVolume: old.quoteVolume + quote,
      takerBuyVolume: old.takerBuyVolume + bought * BigInt(size),
      takerBuyQuoteVolume: old.takerBuyQuoteVolume + bought * quote,
      count: old.count + lastId - firstId + 1,
      firstId: Math.min(firstId, old.firstId),
      lastId: Math.max(lastId, old.lastId),
    });
  }

  /** Bars that touch from ≤ t ≤ to are whole, unless ids are still missing between trades beside their time. */
  #complete(from: number, to: number): void {
    const holes = this.#holes();
    for (const [key, bar] of this.bars) {
      const end = nextBarOpen(bar.resolution, bar.openTime);
      if (!bar.incomplete || bar.openTime > to || end <= from) continue;
      if (holes.some((hole) => hole.from < end && hole.to >= bar.openTime)) continue;
      this.bars.set(key, { ...bar, incomplete: false });
    }
  }

  /** Times (µs) between which ids are missing: those of the stored trades beside them. */
  #holes(): { from: number; to: number }[] {
    const ids = [...this.trades.keys()].toSorted((a, b) => a - b);
    const holes = [...this.missing.keys()].map((id) => ({
      from: this.trades.get(ids.findLast((one) => one < id) ?? -1)?.time ?? 0,
      to: this.trades.get(ids.find((one) => one > id) ?? -1)?.time ?? Number.POSITIVE_INFINITY,
    }));
    const begun = this.trades.get(this.first)?.time ?? 0;
    return [...holes, { from: begun, to: begun }];
  }
}
