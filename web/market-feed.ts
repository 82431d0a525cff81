/** Keeps the client's subscriptions equal to what the page shows, and its history loaded. */
import type { TickwireClient } from '../src/client/client.ts';
import { RequestFault } from '../src/client/control.ts';
import { BarSeries, type ChartBar } from './bar-series.ts';
import { type Bar, type MarketState, resolutions, type Selection } from './market-state.ts';
import { fetchBars, fetchSymbols } from './rest.ts';

export interface FeedListener {
  symbols(): void;
  /** A new series begins: it is empty, or what history has of it has come. */
  series(): void;
  bar(): void;
  trouble(text: string): void;
}

const historyBars = 500;
const seriesBarsMost = 2_000;
const symbolsPerRequest = 200;
/** Symbols with live prices in the list; of others the price shows once they are chosen. */
const tickersMost = 200;
const retryMs = 1_000;
/** Between two choices that are followed: a held arrow key must not pass the server's limit of messages. */
const betweenMs = 60;
/** Bars that closed just before the subscription may reach the store after our first look at it. */
const secondLookMs = 1_500;
const secondLookBars = 10;

export class MarketFeed {
  series = new BarSeries(seriesBarsMost);
  isLoading = false;
  readonly #client: TickwireClient;
  readonly #state: MarketState;
  readonly #listener: FeedListener;
  #current: Selection | undefined;
  #isFollowing = false;
  #load: AbortController | undefined;
  /** Symbols whose tickers the list shows. */
  #listed: ReadonlySet<string> = new Set();

  constructor(client: TickwireClient, state: MarketState, listener: FeedListener) {
    this.#client = client;
    this.#state = state;
    this.#listener = listener;
    client.on('bar', (bar) => this.#takeBar(bar));
  }

  /** Loads the list and subscribes to the tickers of its first symbols; tries until it succeeds. */
  async begin(): Promise<void> {
    for (;;) {
      try {
        await this.listSymbols();
        return;
      } catch (error) {
        this.#listener.trouble(`symbols: ${textOf(error)}`);
        await pause(retryMs);
      }
    }
  }

  async listSymbols(): Promise<void> {
    const listed = (await fetchSymbols()).filter(({ is_active }) => is_active);
    this.#state.list(listed);
    this.#state.learn(this.#client.dictionary.epoch, this.#client.dictionary.all());
    this.#listener.symbols();
    // Each symbol that somebody wants is taken from its exchange: a page must not want them all.
    const symbols = listed.slice(0, tickersMost).map(({ symbol }) => symbol);
    this.#listed = new Set(symbols);
    for (let from = 0; from < symbols.length; from += symbolsPerRequest) {
      await this.#client.subscribe(symbols.slice(from, from + symbolsPerRequest), { channels: ['ticker'] });
    }
  }

  select(selection: Selection): void {
    this.#state.select(selection);
    this.#restart();
    void this.#follow();
  }

  /** After a reconnect: what closed meanwhile is in the store only. */
  reload(): void {
    void this.#fill(historyBars);
  }

  #restart(): void {
    this.#load?.abort();
    this.series = new BarSeries(seriesBarsMost);
    this.isLoading = true;
    this.#listener.series();
  }

  /** Goes from what is subscribed to what is selected; choices made meanwhile are taken up, those in between left out. */
  async #follow(): Promise<void> {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    while (this.#state.selection !== this.#current) {
      const wanted = this.#state.selection!;
      try {
        await this.#leave(wanted);
        this.#current = wanted;
        await this.#client.subscribe([wanted.symbol], { channels: channelsOf(wanted) });
        void this.#fill(historyBars);
        await pause(betweenMs);
      } catch (error) {
        this.#listener.trouble(`${wanted.symbol}: ${textOf(error)}`);
        await pause(retryMs);
        const isFinal = error instanceof RequestFault && error.code !== 0;
        if (!isFinal) this.#current = undefined;
      }
    }
    this.#isFollowing = false;
  }

  async #leave(wanted: Selection): Promise<void> {
    const left = this.#current;
    if (left === undefined) return;
    const kept = left.symbol === wanted.symbol ? channelsOf(wanted) : [];
    const channels = channelsOf(left).filter(
      (channel) => !kept.includes(channel) && !(channel === 'ticker' && this.#listed.has(left.symbol)),
    );
    if (channels.length > 0) await this.#client.unsubscribe([left.symbol], { channels });
  }

  async #fill(limit: number): Promise<void> {
    const wanted = this.#state.selection;
    if (wanted === undefined) return;
    this.#load?.abort();
    const load = new AbortController();
    this.#load = load;
    while (!load.signal.aborted) {
      try {
        this.#takeHistory(await fetchBars(wanted.symbol, wanted.resolution, limit, load.signal), load.signal);
        break;
      } catch (error) {
        if (load.signal.aborted) return;
        this.#listener.trouble(`bars of ${wanted.symbol}: ${textOf(error)}`);
        await pause(retryMs);
      }
    }
    if (limit === secondLookBars) return;
    await pause(secondLookMs);
    if (!load.signal.aborted) await this.#fill(secondLookBars);
  }

  #takeHistory(bars: readonly ChartBar[], signal: AbortSignal): void {
    if (signal.aborted) return;
    for (const bar of bars) this.series.take(bar);
    this.isLoading = false;
    this.#listener.series();
  }

  #takeBar(bar: Bar): void {
    const { selection } = this.#state;
    if (selection === undefined || !this.#state.isSelected(bar.instrument)) return;
    if (resolutions[bar.resolution] !== selection.resolution) return;
    const { dictionary } = this.#client;
    const price = (mantissa: number): number => dictionary.priceOf(bar.instrument, mantissa);
    this.series.take({
      time: bar.openTime / 1_000_000,
      open: price(bar.open),
      high: price(bar.high),
      low: price(bar.low),
      close: price(bar.close),
      volume: dictionary.sizeOf(bar.instrument, Number(bar.volume)),
      trades: bar.count,
      lastId: bar.lastId,
      closed: bar.closed,
      revision: bar.revision,
      incomplete: bar.incomplete,
    });
    this.#listener.bar();
  }
}

function channelsOf({ resolution }: Selection): string[] {
  return ['ticker', 'trades', 'quotes', 'enigma', 'bookTop', `bars:${resolution}`];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
