/** The voice of the market at this venue: writes its messages for the channels that someone listens to. */
import type { Channel, Switchboard } from '../channel.ts';
import { HourWindow } from '../hour-window.ts';
import { dayMs } from '../interval.ts';
import type { Pit } from '../pit.ts';
import type { SatelliteVoice } from '../satellite-pit.ts';
import type { SatelliteParts } from '../satellites.ts';
import type { Series } from '../series.ts';
import { allLevels, GatheredChanges, ShadowBook } from '../shadow-book.ts';
import type { Tally } from '../tally.ts';
import type { VenueFaults } from '../venue-faults.ts';
import { type ChannelName, streamOf } from './control.ts';
import {
  type Digits,
  heartbeatText,
  l2updateText,
  type Match,
  matchText,
  snapshotText,
  type TickerDay,
  type Top,
  tickerText,
} from './messages.ts';
import { isoTime } from './notation.ts';

const batchUs = 50_000;
const tickerBatchMs = 5_000;
const monthDays = 30;
const monthHeldMs = 3_600_000;

/** The channels of one product, and what is to be told of it next. */
interface Desk {
  readonly pit: Pit;
  readonly series: Series;
  readonly window: HourWindow;
  readonly digits: Digits;
  readonly ticker: Channel;
  readonly tickerBatch: Channel;
  readonly matches: Channel;
  readonly heartbeat: Channel;
  readonly level2: Channel;
  readonly level2Batch: Channel;
  readonly shadow: ShadowBook;
  readonly batch: GatheredChanges;
  last: Match | undefined;
  /** Traded since the last ticker, and since the last ticker of the batch. */
  untold: boolean;
  untoldBatch: boolean;
  month: { readonly untilMs: number; readonly volume: bigint } | undefined;
}

export class CoinbaseVoice implements SatelliteVoice {
  readonly #desks: Desk[];
  readonly #byProduct = new Map<string, Desk>();
  readonly #switchboard: Switchboard;
  readonly #tally: Tally;
  readonly #faults: VenueFaults;
  /** Desks whose book has changed since the last batch. */
  readonly #stirred = new Set<Desk>();
  #batch = 0;

  constructor({ pits, series, floor }: SatelliteParts) {
    this.#switchboard = floor.switchboard;
    this.#tally = floor.tally;
    this.#faults = floor.faults;
    this.#desks = pits.map((pit) => this.#open(pit, series[pit.index]!));
  }

  trade(pit: Pit, price: number, size: number, timeUs: number, buyerIsMaker: boolean): void {
    const desk = this.#desk(pit);
    const match = { id: pit.tradeId, price, size, timeUs, buyerIsMaker, sequence: sequenceOf(pit) };
    desk.last = match;
    desk.untold = true;
    desk.untoldBatch = true;
    if (this.#due(desk.matches)) this.#hand(desk.matches, matchText('match', desk.digits, match));
  }

  /** A ticker comes with trades only: several of one order are merged into one. */
  quote(pit: Pit): void {
    const desk = this.#desk(pit);
    this.#turn(Math.floor(pit.lastUs / batchUs));
    this.#stir(desk);
    if (!desk.untold || desk.last === undefined) return;
    desk.untold = false;
    if (this.#due(desk.ticker)) this.#hand(desk.ticker, this.#ticker(desk, desk.last));
  }

  pass(timeUs: number): void {
    this.#turn(Math.floor(timeUs / batchUs));
  }

  second(ms: number): void {
    this.#turn(Math.floor((ms * 1_000) / batchUs));
    for (const desk of this.#desks) {
      if (desk.pit.status === 'GONE') continue;
      this.#heartbeat(desk, ms);
      if (ms % tickerBatchMs !== 0 || !desk.untoldBatch || desk.last === undefined) continue;
      desk.untoldBatch = false;
      if (this.#due(desk.tickerBatch)) this.#hand(desk.tickerBatch, this.#ticker(desk, desk.last));
    }
  }

  relisted(pit: Pit): void {
    const old = this.#desk(pit);
    this.#voidBook(old);
    this.#byProduct.delete(old.digits.symbol);
    if (pit.status !== 'GONE') this.#desks[pit.index] = this.#open(pit, old.series);
  }

  /** What a new subscriber is told at once: the book, the last ticker, the last match. */
  welcome(name: ChannelName, product: string): string | undefined {
    const desk = this.#byProduct.get(product);
    if (desk === undefined) return undefined;
    switch (name) {
      case 'level2':
      case 'level2_batch':
        return this.#snapshot(desk);
      case 'ticker':
      case 'ticker_batch':
        return this.#withLast(desk, (last) => this.#ticker(desk, last));
      case 'matches':
        return this.#withLast(desk, (last) => matchText('last_match', desk.digits, last));
      case 'heartbeat':
        return undefined;
      default:
        return name satisfies never;
    }
  }

  #withLast(desk: Desk, write: (last: Match) => string): string | undefined {
    const last = desk.last ?? lastOnTape(desk);
    return last === undefined ? undefined : write(last);
  }

  /** The others are brought to the moment of the snapshot first, so that the updates go on from it for all. */
  #snapshot(desk: Desk): string {
    if (desk.level2.watched || desk.level2Batch.watched) this.#flush(desk, desk.pit.lastUs);
    else restart(desk);
    return snapshotText(desk.digits, allLevels(desk.pit.bids), allLevels(desk.pit.asks));
  }

  #stir(desk: Desk): void {
    const { level2, level2Batch, shadow, batch, pit, digits } = desk;
    if (!level2.watched && !level2Batch.watched) return;
    const changes = shadow.changes(pit);
    const { bids, asks } = changes;
    if (bids.length + asks.length === 0) return;
    batch.gather(changes);
    this.#stirred.add(desk);
    if (this.#due(level2)) this.#hand(level2, l2updateText(digits, bids, asks, isoTime(pit.lastUs)));
  }

  /** The digits of the prices change: the levels go under their old names, and come back under the new ones. */
  #voidBook(desk: Desk): void {
    const { level2, shadow, batch, digits, pit } = desk;
    const changes = shadow.clear();
    if (changes.bids.length + changes.asks.length === 0) return;
    batch.gather(changes);
    this.#flush(desk, pit.lastUs);
    if (this.#due(level2))
      this.#hand(level2, l2updateText(digits, changes.bids, changes.asks, isoTime(pit.lastUs)));
  }

  /** The batches of an interval go out when the next one begins. */
  #turn(batch: number): void {
    if (batch <= this.#batch) return;
    const endUs = (this.#batch + 1) * batchUs;
    for (const desk of this.#stirred) this.#flush(desk, endUs);
    this.#batch = batch;
  }

  #flush(desk: Desk, timeUs: number): void {
    this.#stirred.delete(desk);
    const { bids, asks } = desk.batch.flush();
    if (bids.length + asks.length === 0) return;
    if (!this.#due(desk.level2Batch)) return;
    this.#hand(desk.level2Batch, l2updateText(desk.digits, bids, asks, isoTime(timeUs)));
  }

  #heartbeat({ heartbeat, pit, digits }: Desk, ms: number): void {
    if (!this.#due(heartbeat)) return;
    const ahead = this.#faults.ahead(digits.symbol);
    this.#hand(
      heartbeat,
      heartbeatText(digits.symbol, sequenceOf(pit) + ahead, pit.tradeId + ahead, ms * 1_000),
    );
  }

  #ticker(desk: Desk, match: Match): string {
    return tickerText(desk.digits, match, this.#day(desk, match.timeUs), topOf(desk.pit));
  }

  #day(desk: Desk, timeUs: number): TickerDay {
    const ms = Math.ceil(timeUs / 1_000);
    const { open, high, low, volume } = desk.window.day(ms);
    if (desk.month === undefined || desk.month.untilMs <= ms) {
      const bars = desk.series.bars('1d', ms - monthDays * dayMs, ms, monthDays + 1);
      const total = bars.reduce((sum, bar) => sum + bar.volume, 0n);
      desk.month = { untilMs: ms + monthHeldMs, volume: total };
    }
    return { open, high, low, volume, volume30d: desk.month.volume };
  }

  /** Counts a message that came to be; true when someone listens to it. */
  #due(channel: Channel): boolean {
    this.#tally.produced[channel.kind]++;
    channel.count++;
    return channel.watched;
  }

  #hand(channel: Channel, text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    const { milli } = channel;
    for (let i = milli.length - 1; i >= 0; i--) milli[i]?.deliver(channel, bytes, 0, bytes.length, 0);
  }

  #desk(pit: Pit): Desk {
    return this.#desks[pit.index]!;
  }

  #open(pit: Pit, series: Series): Desk {
    const { symbol, priceDecimals, sizeDecimals } = pit.instrument;
    const channel = (name: ChannelName): Channel => this.#switchboard.channel(streamOf(name, symbol));
    const desk: Desk = {
      pit,
      series,
      window: new HourWindow(series),
      digits: { symbol, priceDecimals, sizeDecimals },
      ticker: channel('ticker'),
      tickerBatch: channel('ticker_batch'),
      matches: channel('matches'),
      heartbeat: channel('heartbeat'),
      level2: channel('level2'),
      level2Batch: channel('level2_batch'),
      shadow: new ShadowBook(),
      batch: new GatheredChanges(),
      last: undefined,
      untold: false,
      untoldBatch: false,
      month: undefined,
    };
    this.#byProduct.set(symbol, desk);
    return desk;
  }
}

/**
 * The number of a product's events: each change of the book takes one, each trade three (received, match, done), so
 * that on the channels of trades it jumps, as the real one does.
 */
export function sequenceOf({ updateId, tradeId }: Pick<Pit, 'updateId' | 'tradeId'>): number {
  return updateId + 3 * tradeId;
}

/** Nobody listened so far: the updates go on from the book as it is. */
function restart({ shadow, batch, pit }: Desk): void {
  shadow.changes(pit);
  batch.clear();
}

function topOf({ bids, asks }: Pit): Top {
  return { bid: bids.best, bidSize: bids.bestSize, ask: asks.best, askSize: asks.bestSize };
}

function lastOnTape({ pit }: Desk): Match | undefined {
  const { tape } = pit;
  if (tape.length === 0) return undefined;
  const { id, price, size, timeUs, buyerIsMaker } = tape.row(tape.length - 1);
  return { id, price, size, timeUs, buyerIsMaker, sequence: sequenceOf(pit) };
}
