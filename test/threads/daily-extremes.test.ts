/** All-time highs and lows with their dates, from the venue's daily candles, however few it gives at a time. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { CandlesQuery, VenueCandle, VenueRest } from '../../src/feeds/venue-rest.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { openLog } from '../../src/telemetry/log.ts';
import { DailyExtremes } from '../../src/threads/daily-extremes.ts';
import { type TickRecords, tickField, tickKind, tickWords } from '../../src/wire/tick-record.ts';

const file = join(import.meta.dirname, '../../../shared/data/binance-btcusdt-daily-2020-2025.csv.gz');
const instrument: Instrument = {
  id: 1,
  venue: 'BINANCE',
  native: 'BTCUSDT',
  symbol: 'BINANCE:BTCUSDT',
  base: 'BTC',
  quote: 'USDT',
  priceDecimals: 2,
  sizeDecimals: 5,
  active: true,
};

function recordedDays(): VenueCandle[] {
  const [head, ...lines] = gunzipSync(readFileSync(file)).toString().trim().split('\n');
  const names = head!.toLowerCase().split(',');
  const at = (row: string[], name: string): number => Number(row[names.indexOf(name)]);
  const cents = (row: string[], name: string): number => Math.round(at(row, name) * 100);
  return lines
    .map((line) => line.split(','))
    .map((row) => ({
      openTime: Date.parse(row[0]!.includes('T') ? row[0]! : `${row[0]!.slice(0, 10)}T00:00:00Z`) * 1_000,
      open: cents(row, 'open'),
      high: cents(row, 'high'),
      low: cents(row, 'low'),
      close: cents(row, 'close'),
      volume: 0n,
      quoteVolume: 0n,
      count: 0,
      takerBuyVolume: 0n,
      takerBuyQuoteVolume: 0n,
    }))
    .toSorted((a, b) => a.openTime - b.openTime);
}

function day(micros: number): string {
  return new Date(micros / 1_000).toISOString().slice(0, 10);
}

/** As a venue answers: the newest candles up to `to`, at most `candlesMax`. */
function venue(days: readonly VenueCandle[], candlesMax: number, asked: CandlesQuery[]): VenueRest {
  const candles = (_: Instrument, query: CandlesQuery): Promise<VenueCandle[]> => {
    asked.push(query);
    const { to = Number.POSITIVE_INFINITY } = query;
    return Promise.resolve(days.filter(({ openTime }) => openTime <= to).slice(-candlesMax));
  };
  return { candlesMax, candles } as Partial<VenueRest> as VenueRest;
}

describe.skipIf(!existsSync(file))('2,000 recorded days (skipped without ../shared/data)', () => {
  test.each([300, 1_000, 5_000])(
    'all are taken, %i at a time: high 111980.00, low 3782.13, each with its day',
    async (most) => {
      const days = recordedDays();
      const asked: CandlesQuery[] = [];
      const given: { high: number; highTime: number; low: number; lowTime: number }[] = [];
      let stored = 0;
      const give = ({ words, halves }: TickRecords, count: number): void => {
        for (let word = 0; word < count * tickWords; word += tickWords) {
          expect(halves[word * 2]! & 0xff).toBe(tickKind.extreme);
          const of = (field: keyof typeof tickField): number => words[word + tickField[field]]!;
          given.push({ high: of('price'), highTime: of('size'), low: of('firstId'), lowTime: of('lastId') });
        }
      };
      await new DailyExtremes({
        rest: venue(days, most, asked),
        give,
        candles: {
          store: (bars: readonly unknown[]) => {
            stored += bars.length;
            return Promise.resolve({ replaced: 0, left: 0 });
          },
        } as never,
        instrumentOf: () => instrument,
        log: openLog({ level: 'silent', format: 'json' }),
        signal: new AbortController().signal,
        pause: () => Promise.resolve(),
      }).take([1]);
      expect(given).toHaveLength(days.length);
      // The newest day may still be under way.
      expect(stored).toBe(days.length - 1);
      expect(asked).toHaveLength(Math.ceil(days.length / most) + 1);
      const high = given.reduce((best, one) => (one.high > best.high ? one : best));
      const low = given.reduce((best, one) => (one.low < best.low ? one : best));
      expect([high.high, day(high.highTime)]).toEqual([11_198_000, '2025-05-22']);
      expect([low.low, day(low.lowTime)]).toEqual([378_213, '2020-03-13']);
    },
  );
});
