/** A client of the SDK that keeps all it gets, by instrument, and notices what a client must never see. */
import { connect, type TickwireClient } from '../../src/client/client.ts';
import { resolutions } from '../../src/market/resolution.ts';
import type { GapNotice } from '../../src/market/tick.ts';
import { tradeFlag } from '../../src/wire/block.ts';
import { channelNames } from '../../src/wire/block-message.ts';
import type { BarUpdate, StreamStatus } from '../../src/wire/decode-records.ts';

export interface SeenTrade {
  readonly id: number;
  readonly time: number;
  readonly price: number;
  readonly size: number;
  readonly late: boolean;
  readonly quarantined: boolean;
}

export interface SeenQuote {
  readonly version: number;
  readonly time: number;
  readonly bid: number;
  readonly ask: number;
}

export class Watcher {
  readonly client: TickwireClient;
  readonly notices: GapNotice[] = [];
  readonly statuses: StreamStatus[] = [];
  /** Books seen with a bid at or above the ask. */
  crossed = 0;
  readonly #trades = new Map<number, SeenTrade[]>();
  readonly #quotes = new Map<number, SeenQuote[]>();
  readonly #bars = new Map<string, BarUpdate[]>();

  constructor(url: string) {
    this.client = connect(url);
    this.client.on('gap', (notice) => this.notices.push({ ...notice }));
    this.client.on('status', (status) => this.statuses.push(status));
    this.client.on('book', (book) => {
      if (book.bestBid && book.bestAsk && book.bestBid[0] >= book.bestAsk[0]) this.crossed++;
    });
    this.client.on('bar', (bar) =>
      listOf(this.#bars, `${bar.instrument} ${bar.resolution}`).push({ ...bar }),
    );
    this.client.on('trades', (batch) => {
      const seen = listOf(this.#trades, batch.instrument);
      for (let i = 0; i < batch.count; i++) {
        const flags = batch.flags[i]!;
        seen.push({
          id: batch.id[i]!,
          time: batch.time[i]!,
          price: batch.price[i]!,
          size: batch.size[i]!,
          late: (flags & tradeFlag.late) !== 0,
          quarantined: (flags & tradeFlag.quarantined) !== 0,
        });
      }
    });
    this.client.on('quotes', (batch) => {
      const seen = listOf(this.#quotes, batch.instrument);
      for (let i = 0; i < batch.count; i++)
        seen.push({
          version: batch.version[i]!,
          time: batch.time[i]!,
          bid: batch.bid[i]!,
          ask: batch.ask[i]!,
        });
    });
  }

  trades(symbol: string): readonly SeenTrade[] {
    return this.#trades.get(this.idOf(symbol)) ?? [];
  }

  quotes(symbol: string): readonly SeenQuote[] {
    return this.#quotes.get(this.idOf(symbol)) ?? [];
  }

  /** Every bar update of the resolution, in the order in which they came. */
  barUpdates(symbol: string, resolution: (typeof resolutions)[number]): readonly BarUpdate[] {
    return this.#bars.get(`${this.idOf(symbol)} ${resolutions.indexOf(resolution)}`) ?? [];
  }

  /** The last word on each bar, rising in time. */
  bars(symbol: string, resolution: (typeof resolutions)[number]): readonly BarUpdate[] {
    const last = new Map(this.barUpdates(symbol, resolution).map((bar) => [bar.openTime, bar]));
    return [...last.values()].toSorted((left, right) => left.openTime - right.openTime);
  }

  gapNotices(symbol: string): readonly GapNotice[] {
    return this.notices.filter(({ instrument }) => instrument === this.idOf(symbol));
  }

  /** What was said of a channel of the symbol, in order. */
  states(symbol: string, channel: string): readonly StreamStatus['state'][] {
    return this.statuses
      .filter((status) => status.instrument === this.idOf(symbol) && channelNames[status.channel] === channel)
      .map(({ state }) => state);
  }

  idOf(symbol: string): number {
    const found = this.client.dictionary.find(symbol)?.id;
    if (found === undefined) throw new Error(`${symbol} is not in the client's dictionary`);
    return found;
  }

  /** What the client must never have seen; empty when all is well. */
  get wrongs(): string[] {
    const { faults, jumps, repeated } = this.client.counts;
    const wrongs: string[] = [];
    if (Object.keys(faults).length > 0) wrongs.push(`faults ${JSON.stringify(faults)}`);
    if (jumps > 0) wrongs.push(`${jumps} jumps that nobody told of`);
    if (repeated > 0) wrongs.push(`${repeated} trades twice`);
    if (this.crossed > 0) wrongs.push(`${this.crossed} crossed books`);
    return wrongs;
  }

  close(): void {
    this.client.close();
  }
}

function listOf<K, V>(map: Map<K, V[]>, key: K): V[] {
  let list = map.get(key);
  if (list === undefined) map.set(key, (list = []));
  return list;
}
