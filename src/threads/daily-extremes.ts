/** All-time highs and lows from the venue's daily candles; the candles go to the stores as well. */
import { Backoff, backoffDefaults } from '../feeds/backoff.ts';
import { RestFault, restPriority, type VenueCandle, type VenueRest } from '../feeds/venue-rest.ts';
import type { Instrument } from '../market/instrument.ts';
import { resolutions } from '../market/resolution.ts';
import type { Log } from '../telemetry/log.ts';
import { type TickRecords, tickField, tickKind, tickRecords, tickWords } from '../wire/tick-record.ts';
import { barOfCandle } from './backfill-runner.ts';
import type { RingCandles } from './candle-store.ts';
import { reasonOf } from './listing.ts';

export interface DailyExtremesParts {
  readonly rest: VenueRest;
  readonly give: (records: TickRecords, count: number) => void;
  readonly candles: RingCandles;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly pause: (ms: number) => Promise<void>;
  /** As it is now: decimals may change while the venue is asked. */
  readonly instrumentOf: (id: number) => Instrument | undefined;
}

const day = resolutions.indexOf('1d');
const retryMsMin = 2_000;
/** 20 years at the venue with the shortest answers. */
const pagesMax = 25;

export class DailyExtremes {
  readonly #parts: DailyExtremesParts;

  constructor(parts: DailyExtremesParts) {
    this.#parts = parts;
  }

  /** One instrument after the other; one that cannot be had now is tried again, later ones wait. */
  async take(ids: readonly number[]): Promise<void> {
    for (const id of ids) {
      if (this.#parts.signal.aborted) return;
      await this.#takeOne(id);
    }
  }

  /** Page by page, the newest first, until the venue has no older candles. */
  async #takeOne(id: number): Promise<void> {
    const { log, signal, pause, instrumentOf } = this.#parts;
    const backoff = new Backoff(backoffDefaults, Math.random);
    let before = Number.POSITIVE_INFINITY;
    for (let page = 0; page < pagesMax && !signal.aborted; ) {
      const instrument = instrumentOf(id);
      if (instrument === undefined) return;
      try {
        const oldest = await this.#takePage(instrument, before);
        if (oldest === undefined) return;
        if (oldest === 'again') continue;
        before = oldest;
        page++;
      } catch (error) {
        if (signal.aborted) return;
        log.incident('extremes', 'daily candles cannot be had; the Enigma level counts from our own trades', {
          symbol: instrument.symbol,
          error: reasonOf(error),
        });
        if (!(error instanceof RestFault) || error.kind === 'refused' || error.kind === 'malformed') return;
        await pause(backoff.next(0, Math.max(retryMsMin, error.retryAfterMs)));
      }
    }
  }

  /**
   * Candles that opened before `before` (µs). @returns open time of the oldest, undefined when there are none, `again` when
   * the decimals have changed meanwhile
   */
  async #takePage(instrument: Instrument, before: number): Promise<number | 'again' | undefined> {
    const { rest, candles: stored, instrumentOf } = this.#parts;
    const isFirst = before === Number.POSITIVE_INFINITY;
    const candles = await rest.candles(instrument, {
      resolution: day,
      ...(isFirst ? {} : { to: before - 1 }),
      limit: rest.candlesMax,
      priority: restPriority.listing,
    });
    const now = instrumentOf(instrument.id);
    if (now?.priceDecimals !== instrument.priceDecimals || now.sizeDecimals !== instrument.sizeDecimals)
      return 'again';
    const oldest = candles[0]?.openTime;
    if (oldest === undefined || oldest >= before) return undefined;
    this.#give(instrument, candles);
    // The day under way is our own: its candle still changes.
    const over = (isFirst ? candles.slice(0, -1) : candles).map((candle) =>
      barOfCandle(candle, instrument.id, day),
    );
    if (over.length > 0) await stored.store(over, false, instrument);
    return oldest;
  }

  /** One record a candle: the shard judges each, so that one bad print does not stand for all time. */
  #give(instrument: Instrument, candles: readonly VenueCandle[]): void {
    if (candles.length === 0 || this.#parts.signal.aborted) return;
    const records = tickRecords(candles.length);
    for (const [index, { openTime, open, high, low, close }] of candles.entries()) {
      const word = index * tickWords;
      records.halves[word * 2 + tickField.head] = tickKind.extreme;
      records.halves[word * 2 + tickField.instrument] = instrument.id;
      records.words[word + tickField.received] = open;
      records.words[word + tickField.id] = close;
      records.words[word + tickField.price] = high;
      records.words[word + tickField.size] = openTime;
      records.words[word + tickField.firstId] = low;
      records.words[word + tickField.lastId] = openTime;
    }
    this.#parts.give(records, candles.length);
  }
}
